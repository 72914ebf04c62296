"""Types of fields that several models share: times, sizes, hashes, addresses, buckets, claims, paths and Secrets."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

from videoimport.api.base import Model
from videoimport.api.redaction import ShownText
from videoimport.api.rules import string_rules
from videoimport.api.rules.string_rules import canonical_url
from videoimport.api.rules.validation import Checked, requires

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


def _in_utc(moment: datetime) -> datetime:
    """Return the time in UTC with whole seconds, the precision of metav1.Time. A time without a zone is treated as
    UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).replace(microsecond=0)
    except OverflowError as beyond:
        raise ValueError(f"{moment} has no time in UTC") from beyond


def _write_moment(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339. Statuses have many times, and strftime takes several times as long."""
    return f"{moment.isoformat()[:19]}Z"


Timestamp = Annotated[
    datetime,
    AfterValidator(_in_utc),
    PlainSerializer(_write_moment, return_type=str, when_used="json"),
    Field(json_schema_extra={"type": "string", "format": "date-time"}),
]
"""A time as metav1.Time writes it: RFC 3339, UTC, whole seconds."""

Percent = Annotated[int, Field(ge=0, le=100)]
MOST_COUNTED = 2**53 - 1
"""The largest integer that every JSON reader stores exactly: 9 petabytes, as a number of bytes."""


def _counted(number: int) -> int:
    return min(number, MOST_COUNTED)


Sha256 = Annotated[str, Field(max_length=64), Checked((requires(
    "[0-9a-f]{64}", "it must be a SHA-256 in 64 lowercase hexadecimal digits."
),))]  # fmt: skip
ByteCount = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"}), AfterValidator(_counted)]
"""A number of bytes. A value above the maximum is reduced to the maximum and not rejected.

A site may claim any length, and sums of such lengths may be even larger. The API server stores at most an int64 and
rejects a whole status with a larger number.
"""
Message = Annotated[ShownText, Field(max_length=1024)]
"""One or two sentences. Secrets and control characters are removed on writing and on reading."""


class SecretReference(Model):
    """A Secret in the same namespace. Only the worker pod reads the Secret. The controller never reads the Secret."""

    name: DnsName
    """The name of the Secret."""


class ConfigMapReference(Model):
    """A ConfigMap in the same namespace."""

    name: DnsName
    """The name of the ConfigMap."""
