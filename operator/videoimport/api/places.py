"""Words for places that sources and destinations share: addresses, buckets, claims, paths, Secrets."""

from typing import Annotated

from pydantic import Field

from videoimport.api.base import Model

HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+", min_length=10, max_length=2048)]
"""An http or https URL as written by the user; it is not resolved here."""
DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)]
ClaimName = DnsName
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$", min_length=3, max_length=63)]

_NO_WAY_UP = {"x-kubernetes-validations": [{
    "rule": "!self.split('/').exists(part, part == '..' || part == '.')",
    "message": "must not contain '.' or '..' segments",
}]}  # fmt: skip
_SEGMENTS = r"^[^/\\\x00-\x1f\x7f]+(/[^/\\\x00-\x1f\x7f]+)*$"

RelativePath = Annotated[str, Field(pattern=_SEGMENTS, max_length=1024, json_schema_extra=_NO_WAY_UP)]
"""Segments joined by slashes, none of them a way up, no slash at either end."""
Prefix = Annotated[str, Field(pattern=_SEGMENTS, max_length=512, json_schema_extra=_NO_WAY_UP)]
Folder = Annotated[str, Field(pattern=_SEGMENTS, max_length=256, json_schema_extra=_NO_WAY_UP)]


class SecretReference(Model):
    """A Secret in the same namespace. Only the worker's pod reads it; the controller never does."""

    name: DnsName
    """The Secret's name."""


class ConfigMapReference(Model):
    """A ConfigMap in the same namespace."""

    name: DnsName
    """The ConfigMap's name."""
