"""Where the results go."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from videoimport.api.base import Model
from videoimport.api.places import BucketName, ClaimName, Folder, HttpUrl, Prefix, SecretReference

__all__ = ["Destination", "S3Destination", "SecretReference", "VolumeDestination"]

_KINDS = ("s3", "persistentVolumeClaim")
_ONE_KIND = {"x-kubernetes-validations": [{
    "rule": "has(self.s3) != has(self.persistentVolumeClaim)",
    "message": f"give exactly one of {', '.join(_KINDS)}",
}]}  # fmt: skip
_TagValue = Annotated[str, Field(max_length=256)]


class S3Destination(Model):
    """A bucket of an S3-compatible object store."""

    endpoint: HttpUrl | None = None
    """The store's address, such as https://s3.example.com; absent means AWS itself."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=64)] = "us-east-1"
    """The region requests are signed for."""
    bucket: BucketName
    """The bucket; it must exist."""
    prefix: Prefix | None = None
    """A path in the bucket under which everything of ours lies, without slashes at its ends."""
    storage_class: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$", max_length=64)] | None = None
    """The objects' storage class, such as STANDARD_IA; absent means the bucket's default."""
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    """How the store encrypts the objects; absent means the bucket's default."""
    tags: Annotated[dict[str, _TagValue], Field(max_length=10)] | None = None
    """Tags of every visible object."""
    cache_control: Annotated[str, Field(pattern=r"^[\x20-\x7e]+$", max_length=256)] | None = None
    """The Cache-Control header that the objects are served with, such as "public, max-age=31536000"."""


class VolumeDestination(Model):
    """A volume of the import's namespace."""

    claim_name: ClaimName
    """The PersistentVolumeClaim's name."""
    path: Prefix | None = None
    """A path in the volume under which everything of ours lies, without slashes at its ends."""


class Destination(Model):
    """Results go to ``<prefix>/<folder>/<name>/``: video.mp4, what else is asked for and, last of all, result.json."""

    model_config = ConfigDict(json_schema_extra=_ONE_KIND)  # type: ignore[typeddict-item]

    s3: S3Destination | None = None
    """An S3-compatible object store."""
    persistent_volume_claim: VolumeDestination | None = None
    """A volume."""
    credentials_secret_ref: SecretReference | None = None
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed, AWS_SESSION_TOKEN. Ignored for
    volumes."""
    folder: Folder | None = None
    """A folder below the prefix, such as root/my-folder."""
    name: Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f\x7f]+$", max_length=128)] | None = None
    """The video's own folder. May hold {name} (of this resource), {title} and {sourceId} (of the source, made safe for
    a path), {hash} (eight hex digits of the source's identity). Absent means {name}; in a BulkImport {title}-{hash}."""
    if_exists: Literal["Fail", "Replace"] = "Fail"
    """What happens when another import's result already stands there. An import never refuses its own."""
    public_base_url: HttpUrl | None = Field(default=None, alias="publicBaseURL")
    """Where the bucket or volume is served from, such as https://cdn.example.com; fills outputs' url."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.s3 is None) == (self.persistent_volume_claim is None):
            raise ValueError(f"give exactly one of {', '.join(_KINDS)}")
        return self

    @property
    def prefix(self) -> str | None:
        """The path under which everything of ours lies."""
        if self.s3 is not None:
            return self.s3.prefix
        return self.persistent_volume_claim.path if self.persistent_volume_claim else None
