"""Types that sources and destinations share: addresses, buckets, claims, paths and Secrets."""

from typing import Annotated

from pydantic import AfterValidator, Field

from videoimport.api.base import Model
from videoimport.api.rules import string_rules
from videoimport.api.rules.string_rules import canonical_url
from videoimport.api.rules.validation import Checked

_CANONICAL = AfterValidator(canonical_url)
HttpUrl = Annotated[str, Field(min_length=10, max_length=2048), Checked(string_rules.URL), _CANONICAL]
"""An http or https URL as the user wrote it, but with scheme and host in lower case. The host is not resolved here."""
Origin = Annotated[str, Field(min_length=8, max_length=300), Checked((string_rules.ORIGIN,)), _CANONICAL]
"""Scheme, host and port of an address, such as https://lists.example.com:8443."""
BaseUrl = Annotated[str, Field(min_length=10, max_length=2048), Checked(string_rules.BASE_URL), _CANONICAL]
"""An http or https URL to which paths are added."""
Endpoint = Annotated[str, Field(min_length=10, max_length=2048), Checked(string_rules.ENDPOINT), _CANONICAL]
"""The address of an object store."""
DnsName = Annotated[str, Field(min_length=1, max_length=253), Checked((string_rules.DNS_NAME,))]
ClaimName = DnsName
BucketName = Annotated[str, Field(min_length=3, max_length=63), Checked((string_rules.BUCKET,))]
Region = Annotated[str, Field(min_length=1, max_length=63), Checked(string_rules.REGION)]
"""The name of a region. botocore accepts at most 63 characters."""

RelativePath = Annotated[str, Field(min_length=1, max_length=1024), Checked(string_rules.PATH)]
"""Segments joined by slashes, without ``.`` and ``..`` segments and without a slash at either end."""
Prefix = Annotated[str, Field(min_length=1, max_length=512), Checked(string_rules.DESTINATION_PATH)]
Folder = Annotated[str, Field(min_length=1, max_length=256), Checked(string_rules.DESTINATION_PATH)]


class SecretReference(Model):
    """A Secret in the same namespace. Only the worker pod reads the Secret. The controller never reads the Secret."""

    name: DnsName
    """The name of the Secret."""


class ConfigMapReference(Model):
    """A ConfigMap in the same namespace."""

    name: DnsName
    """The name of the ConfigMap."""
