"""Where the results go."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.source import HttpUrl

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)]

_NO_WAY_UP = {"x-kubernetes-validations": [{
    "rule": "!self.split('/').exists(part, part == '..' || part == '.')",
    "message": "must not contain '.' or '..' segments",
}]}  # fmt: skip
_PATH = r"^[^/\\\x00-\x1f\x7f]+(/[^/\\\x00-\x1f\x7f]+)*$"


class S3Destination(Model):
    """A bucket of an S3-compatible object store."""

    endpoint: HttpUrl | None = None
    """The store's address, such as https://s3.example.com; absent means AWS itself."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=64)] = "us-east-1"
    """The region requests are signed for."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$", min_length=3, max_length=63)]
    """The bucket; it must exist."""
    prefix: Annotated[str, Field(pattern=_PATH, max_length=512, json_schema_extra=_NO_WAY_UP)] | None = None
    """A path in the bucket under which everything of ours lies, without slashes at its ends."""


class SecretReference(Model):
    """A Secret in the same namespace. Only the worker's pod reads it; the controller never does."""

    name: DnsName
    """The Secret's name."""


class Destination(Model):
    """Results go to ``<prefix>/<folder>/<name>/``: video.mp4 and, last of all, result.json."""

    s3: S3Destination
    """An S3-compatible object store."""
    credentials_secret_ref: SecretReference | None = None
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed, AWS_SESSION_TOKEN."""
    folder: Annotated[str, Field(pattern=_PATH, max_length=256, json_schema_extra=_NO_WAY_UP)] | None = None
    """A folder below the prefix, such as root/my-folder."""
    name: Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f\x7f]+$", max_length=128)] | None = None
    """The video's own folder. May hold {name} (of this resource), {title} and {sourceId} (of the source, made safe for
    a path), {hash} (eight hex digits of the source's identity). Absent means {name}; in a BulkImport {title}-{hash}."""
    if_exists: Literal["Fail", "Replace"] = "Fail"
    """What happens when another import's result already stands there. An import never refuses its own."""
