"""The destination of the results."""

import re
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model, Ruled
from videoimport.api.field_types import (
    BaseUrl,
    BucketName,
    ClaimName,
    Endpoint,
    Folder,
    Prefix,
    Region,
    SecretReference,
)
from videoimport.api.rules import string_rules
from videoimport.api.rules.validation import Checked, Rule, forbids, needs_one, quoted

__all__ = ["Destination", "S3Destination", "SecretReference", "VolumeDestination"]

MOST_KEY_BYTES = 1024
"""Maximum number of bytes of an object key in S3."""
MOST_INNER_BYTES = 64
"""Maximum number of bytes of a name in the folder of a video, such as renditions/<32 letters>.mp4."""
MOST_FILE_NAME_BYTES = 255
"""Maximum number of bytes of one name in a file system."""
_TAG_SIGNS = "[^-+=._:/@ 0-9A-Za-z\x80-\U0010ffff]"
"""ASCII characters that S3 rejects in tags."""
_TagValue = Annotated[str, Field(max_length=256), Checked((forbids(
    _TAG_SIGNS, "a tag has letters, digits, spaces and + - = . _ : / @ only; remove other characters."
),))]  # fmt: skip
_TAG_KEYS = Rule(
    "self.all(key, size(key) >= 1 && size(key) <= 128 && !key.startsWith('aws:') && "
    f"!key.matches({quoted(_TAG_SIGNS)}))",
    "the key of a tag has 1 to 128 letters, digits, spaces or + - = . _ : / @ and does not begin with aws:; rename it.",
    lambda tags: all(
        1 <= len(key) <= 128 and not key.startswith("aws:") and not re.search(_TAG_SIGNS, key) for key in tags
    ),
)


class S3Destination(Model):
    """A bucket of an S3-compatible object store."""

    endpoint: Endpoint | None = None
    """The address of the store, such as https://s3.example.com. Absent means AWS."""
    region: Region = "us-east-1"
    """The region for which requests are signed."""
    bucket: BucketName
    """The bucket, which must exist."""
    prefix: Prefix | None = None
    """The path of the folder in the bucket for all objects of the importer, without slashes at its ends."""
    storage_class: Annotated[str, Field(min_length=1, max_length=64), Checked((string_rules.STORAGE_CLASS,))] | None = (
        None
    )
    """The storage class of the objects, such as STANDARD_IA. Absent means the default of the bucket."""
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    """The encryption of the objects in the store. Absent means the default of the bucket."""
    tags: Annotated[dict[str, _TagValue], Field(max_length=10), Checked((_TAG_KEYS,))] | None = None
    """Tags of every visible object."""
    cache_control: (
        Annotated[str, Field(min_length=1, max_length=256), Checked((string_rules.CACHE_CONTROL,))] | None
    ) = None
    """The Cache-Control header with which the store serves the objects, such as "public, max-age=31536000"."""


class VolumeDestination(Model):
    """A PersistentVolumeClaim in the namespace of the import."""

    claim_name: ClaimName
    """The name of the PersistentVolumeClaim."""
    path: Prefix | None = None
    """The path of the folder in the volume for all files of the importer, without slashes at its ends."""


def _bytes(text: str | None) -> int:
    return len((text or "").encode())


def _literal(name: str | None) -> str:
    """Return a template without its placeholders."""
    return re.sub(f"{{({'|'.join(string_rules.PLACEHOLDERS)})}}", "", name or "")


def most_name_bytes(destination: "Destination") -> int:
    """Return the maximum number of bytes in the name of a video's folder. The result is less than 1 if the other
    parts of the path are too long."""
    folders = sum(_bytes(f"{part}/") for part in (destination.prefix, destination.folder) if part)
    left = MOST_KEY_BYTES - MOST_INNER_BYTES - folders
    return min(left, MOST_FILE_NAME_BYTES) if destination.persistent_volume_claim else left


def _has_short_keys(destination: "Destination") -> bool:
    folders = sum(_bytes(f"{part}/") for part in (destination.prefix, destination.folder) if part)
    return folders + _bytes(_literal(destination.name)) <= MOST_KEY_BYTES - MOST_INNER_BYTES


def _has_short_file_names(destination: "Destination") -> bool:
    if destination.persistent_volume_claim is None:
        return True
    paths = (destination.prefix or "", destination.folder or "", _literal(destination.name))
    return all(_bytes(part) <= MOST_FILE_NAME_BYTES for path in paths for part in path.split("/"))


_LITERAL = "self.name" + "".join(f".replace('{{{name}}}', '')" for name in string_rules.PLACEHOLDERS)
_SHORT_KEYS = Rule(
    "(has(self.s3) && has(self.s3.prefix) ? size(bytes(self.s3.prefix)) + 1 : 0) + "
    "(has(self.persistentVolumeClaim) && has(self.persistentVolumeClaim.path) ? "
    "size(bytes(self.persistentVolumeClaim.path)) + 1 : 0) + "
    "(has(self.folder) ? size(bytes(self.folder)) + 1 : 0) + "
    f"(has(self.name) ? size(bytes({_LITERAL})) : 0) <= {MOST_KEY_BYTES - MOST_INNER_BYTES}",
    f"prefix, folder and name have more than {MOST_KEY_BYTES - MOST_INNER_BYTES} bytes together, so that the keys "
    f"would have more than {MOST_KEY_BYTES}; shorten one of them.",
    _has_short_keys,
)
_SHORT_FILE_NAMES = Rule(
    "!has(self.persistentVolumeClaim) || ("
    f"(!has(self.persistentVolumeClaim.path) || self.persistentVolumeClaim.path.split('/').all(part, "
    f"size(bytes(part)) <= {MOST_FILE_NAME_BYTES})) && "
    f"(!has(self.folder) || self.folder.split('/').all(part, size(bytes(part)) <= {MOST_FILE_NAME_BYTES})) && "
    f"(!has(self.name) || size(bytes({_LITERAL})) <= {MOST_FILE_NAME_BYTES}))",
    f"a volume takes at most {MOST_FILE_NAME_BYTES} bytes between two slashes; shorten path, folder or name.",
    _has_short_file_names,
)


class Destination(Ruled):
    """The destination of the results. The importer writes the results to ``<prefix>/<folder>/<name>/``: video.mp4,
    the other outputs and, as the last file, result.json."""

    rules = (needs_one("s3", "persistent_volume_claim"), _SHORT_KEYS, _SHORT_FILE_NAMES)

    s3: S3Destination | None = None
    """An S3-compatible object store."""
    persistent_volume_claim: VolumeDestination | None = None
    """A PersistentVolumeClaim in the namespace of the import."""
    credentials_secret_ref: SecretReference | None = None
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed, AWS_SESSION_TOKEN. Ignored for
    volumes."""
    folder: Folder | None = None
    """A folder below the prefix, such as root/my-folder."""
    name: Annotated[str, Field(min_length=1, max_length=128), Checked(string_rules.FOLDER_NAME)] | None = None
    """The folder of the video, with optional placeholders. {name} is the name of this resource. {title} and {sourceId}
    come from the source and are made safe for a path. {hash} is eight hex digits of the source's identity. Absent means
    {name}, and in a BulkImport {title}-{hash}."""
    if_exists: Literal["Fail", "Replace", "KeepBoth"] = "Fail"
    """The action if the folder has the result of another import. Fail fails the import. Replace replaces that
    result. KeepBoth stores the video in the next free folder: the name gets the suffix -2, -3 and so on, up to
    -1000. An import never fails because of its own earlier result."""
    public_base_url: BaseUrl | None = Field(default=None, alias="publicBaseURL")
    """The address at which the bucket or volume is served, such as https://cdn.example.com. This address is the
    beginning of url in status.outputs."""

    @property
    def prefix(self) -> str | None:
        """The path of the folder that contains all files of the importer."""
        if self.s3 is not None:
            return self.s3.prefix
        return self.persistent_volume_claim.path if self.persistent_volume_claim else None
