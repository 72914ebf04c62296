"""The source of a video."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field
from pydantic.config import JsonDict

from videoimport.api.base import Model, Ruled
from videoimport.api.field_types import (
    MOST_COUNTED,
    BucketName,
    ClaimName,
    Endpoint,
    HttpUrl,
    Origin,
    Region,
    RelativePath,
    SecretReference,
    Sha256,
)
from videoimport.api.rules.string_rules import CHECKSUM, FILE_NAME
from videoimport.api.rules.validation import Checked, needs_one

__all__ = ["Checksum", "HttpUrl", "S3Source", "UploadSource", "VideoSource", "VolumeSource"]

Checksum = Annotated[str, Field(max_length=71), Checked((CHECKSUM,))]

_ATOMIC: JsonDict = {"x-kubernetes-list-type": "atomic"}


class S3Source(Model):
    """An object in an S3-compatible object store."""

    endpoint: Endpoint | None = None
    """The address of the store, such as https://s3.example.com. Absent means AWS."""
    region: Region = "us-east-1"
    """The region for which requests are signed."""
    bucket: BucketName
    """The bucket."""
    key: Annotated[str, Field(min_length=1, max_length=1024)]
    """The object key."""
    version_id: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(default=None, alias="versionID")
    """The version of the object in a versioned bucket. Absent means the newest version at the start, which the whole
    import reads."""


class VolumeSource(Model):
    """A file in a PersistentVolumeClaim in the namespace of the import. The volume is mounted read-only."""

    claim_name: ClaimName
    """The name of the PersistentVolumeClaim."""
    path: RelativePath
    """The path of the file in the volume. Symbolic links that lead out of the volume are refused."""


class UploadSource(Model):
    """A file that a client sends to the worker through the API server. No worker runs until a client opens a
    session."""

    filename: Annotated[str, Field(min_length=1, max_length=255), Checked(FILE_NAME)]
    """The name of the file, without its folder."""
    size: Annotated[int, Field(ge=1, le=MOST_COUNTED, json_schema_extra={"format": "int64"})]
    """The number of bytes in the file. A client that announces another size is refused."""
    sha256: Sha256 | None = None
    """The SHA-256 of the file in 64 lowercase hexadecimal digits. A file with another hash fails with
    ChecksumMismatch. Absent means that the client may send the hash with the last bytes."""


class VideoSource(Ruled):
    """The source of a video. Exactly one kind of source must be set."""

    rules = (needs_one("url", "s3", "upload", "persistent_volume_claim"),)

    url: HttpUrl | None = None
    """A media file, or any web page that yt-dlp supports, by http or https."""
    s3: S3Source | None = None
    """An object in an S3-compatible object store."""
    upload: UploadSource | None = None
    """A file that a client sends, for example from a laptop."""
    persistent_volume_claim: VolumeSource | None = None
    """A file in a PersistentVolumeClaim."""
    credentials_secret_ref: SecretReference | None = None
    """Secret for the source. Keys for url: cookies.txt (Netscape format), headers (one "Name: value" on each line),
    headers.HOST, hosts and netrc. Keys for s3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed,
    AWS_SESSION_TOKEN. Ignored for volumes and uploads."""
    header_origins: Annotated[tuple[Origin, ...], Field(max_length=8, json_schema_extra=_ATOMIC)] | None = None
    """Origins to which the headers of the Secret are sent, in addition to the hosts that the Secret names. Absent
    means the origin of url. For each video of a list, the controller sets this field to the origin of the list, or
    to none."""
    checksum: Checksum | None = None
    """The expected SHA-256 of the file, such as sha256:9f86d0…. A file with another hash fails with
    ChecksumMismatch."""

    @property
    def address(self) -> str:
        """The address: the URL, ``s3://bucket/key``, ``upload://filename`` or ``pvc://claim/path``. The address may
        contain secrets."""
        if self.url is not None:
            return self.url
        if self.s3 is not None:
            return f"s3://{self.s3.bucket}/{self.s3.key}"
        if self.upload is not None:
            return f"upload://{self.upload.filename}"
        assert self.persistent_volume_claim is not None, "validated"  # noqa: S101
        return f"pvc://{self.persistent_volume_claim.claim_name}/{self.persistent_volume_claim.path}"

    @property
    def locator(self) -> str:
        """The address and the other fields that identify the source. For an S3 object, the other fields are the
        store and the version."""
        if self.s3 is None:
            return self.address
        host = urlsplit(self.s3.endpoint).netloc if self.s3.endpoint else "amazonaws.com"
        version = f"?versionId={self.s3.version_id}" if self.s3.version_id else ""
        return f"s3://{host}/{self.s3.bucket}/{self.s3.key}{version}"
