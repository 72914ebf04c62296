"""The source of a BulkImport's list, and the items of a list that is written in the spec."""

from typing import Annotated

from pydantic import Field

from videoimport.api.base import Model, Ruled
from videoimport.api.field_types import BucketName, DnsName, Endpoint, HttpUrl, Region, SecretReference
from videoimport.api.metadata import Metadata
from videoimport.api.rules.string_rules import CONFIG_MAP_KEY, ITEM_NAME
from videoimport.api.rules.validation import Checked, needs_one
from videoimport.api.videoimport_source import Checksum, S3Source

MAX_ITEMS = 1000
"""Maximum number of items of an inline list. A longer list needs a manifest."""
MAX_LISTED = 100_000
"""Maximum number of items of any list."""
_ATOMIC = {"x-kubernetes-list-type": "atomic"}
ItemName = Annotated[str, Field(min_length=1, max_length=128), Checked(ITEM_NAME)]


class Item(Model):
    """One video of the list."""

    url: HttpUrl
    """A media file or a web page, as in a VideoImport."""
    name: ItemName | None = None
    """The folder of the item in the destination. Absent means destination.name of the template."""
    metadata: Metadata | None = None
    """Metadata that is stored with this video, in addition to the metadata of the template. For a key in both, the
    value here is used."""
    checksum: Checksum | None = None
    """The expected SHA-256 of the file. A file with another hash fails with ChecksumMismatch."""


class PlaylistSource(Model):
    """A playlist, a channel or a feed: any web page that yt-dlp reads as a list of videos."""

    url: HttpUrl
    """The address of the list."""
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] | None = None
    """Maximum number of videos to import. Absent means all videos."""
    newest: bool = False
    """True imports the latest videos first, by the dates in the list, so that limit selects the newest. A list without
    dates keeps its order. Channels and feeds list the newest videos first."""


class BucketSource(Model):
    """The objects of a bucket, or only the objects whose keys have a prefix or a suffix."""

    endpoint: Endpoint | None = None
    """The address of the store, such as https://s3.example.com. Absent means AWS."""
    region: Region = "us-east-1"
    """The region for which requests are signed."""
    bucket: BucketName
    """The bucket."""
    prefix: Annotated[str, Field(max_length=1024)] = ""
    """Beginning of the object keys to import. An empty text means all objects."""
    suffixes: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=32)], ...],
            Field(min_length=1, max_length=32, json_schema_extra=_ATOMIC),
        ]
        | None
    ) = None
    """Endings of the object keys to import, in upper or lower case, such as [.mp4, .mkv]. Absent means all objects.
    Objects that are not videos are rejected."""


class ConfigMapKeyReference(Model):
    """A key of a ConfigMap in the same namespace."""

    name: DnsName
    """The name of the ConfigMap."""
    key: Annotated[str, Field(min_length=1, max_length=253), Checked((CONFIG_MAP_KEY,))]
    """The key in the data of the ConfigMap."""


class ManifestSource(Ruled):
    """A list in a file: one URL on each line, a table (CSV, TSV, Markdown) with a column url, or JSON Lines. The
    first lines determine the format. Tables and JSON Lines may also have the fields name, checksum and metadata. All
    other columns of a table are metadata."""

    rules = (needs_one("config_map_key_ref", "url", "s3"),)

    config_map_key_ref: ConfigMapKeyReference | None = None
    """A key of a ConfigMap. A ConfigMap holds up to 1 MiB."""
    url: HttpUrl | None = None
    """A file on a web server."""
    s3: S3Source | None = None
    """An object in an S3-compatible object store."""


class BulkSource(Ruled):
    """The source of the list. Exactly one kind of list must be set."""

    rules = (needs_one("items", "playlist", "s3", "manifest"),)

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MAX_ITEMS, json_schema_extra=_ATOMIC)] | None = (
        None
    )
    """The videos in the spec, at most 1,000. If two entries name the same item, the item is imported once."""
    playlist: PlaylistSource | None = None
    """A playlist, a channel or a feed."""
    s3: BucketSource | None = None
    """The objects of a bucket."""
    manifest: ManifestSource | None = None
    """A list in a file."""
    credentials_secret_ref: SecretReference | None = None
    """Secret for the list and for every video, with the keys of source.credentialsSecretRef in a VideoImport."""

    @property
    def is_listed(self) -> bool:
        """True if a worker must list the items. Otherwise the spec has the items."""
        return self.items is None
