"""Where a BulkImport's list comes from, and what one item of it is."""

from typing import Annotated

from pydantic import Field

from videoimport.api.base import Model, Ruled
from videoimport.api.field_types import BucketName, DnsName, Endpoint, HttpUrl, Region, SecretReference
from videoimport.api.metadata import Metadata
from videoimport.api.rules.string_rules import CONFIG_MAP_KEY, ITEM_NAME
from videoimport.api.rules.validation import Checked, needs_one
from videoimport.api.videoimport_source import Checksum, S3Source

MAX_ITEMS = 1000
"""Maximum of an inline list; use a manifest for a longer one."""
MAX_LISTED = 100_000
"""Of any list."""
_ATOMIC = {"x-kubernetes-list-type": "atomic"}
ItemName = Annotated[str, Field(min_length=1, max_length=128), Checked(ITEM_NAME)]


class Item(Model):
    """One video of the list."""

    url: HttpUrl
    """A media file or a page, as in a VideoImport."""
    name: ItemName | None = None
    """Its folder in the destination; absent means the template's destination.name."""
    metadata: Metadata | None = None
    """Kept with this video, in addition to the template's. If both have a key, this value counts."""
    checksum: Checksum | None = None
    """The expected SHA-256 of the file; another one fails with ChecksumMismatch."""


class PlaylistSource(Model):
    """A playlist, a channel or a feed: any page that yt-dlp takes for a list of videos."""

    url: HttpUrl
    """The list's page."""
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] | None = None
    """Maximum number of videos to import; absent means all."""
    newest: bool = False
    """True takes the latest videos first, by the list's dates, so that limit keeps the newest. A list without dates
    keeps its order, which is newest first for channels and feeds."""


class BucketSource(Model):
    """The objects of a bucket, or of a part of it."""

    endpoint: Endpoint | None = None
    """The store's address, such as https://s3.example.com; absent means AWS itself."""
    region: Region = "us-east-1"
    """The region requests are signed for."""
    bucket: BucketName
    """The bucket."""
    prefix: Annotated[str, Field(max_length=1024)] = ""
    """Only keys that begin with this text; empty means all."""
    suffixes: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=32)], ...],
            Field(min_length=1, max_length=32, json_schema_extra=_ATOMIC),
        ]
        | None
    ) = None
    """Only keys that end in one of these, whatever their case, such as [.mp4, .mkv]. Absent means every object; objects
    that are no video are rejected."""


class ConfigMapKeyReference(Model):
    """A key of a ConfigMap in the same namespace."""

    name: DnsName
    """The ConfigMap's name."""
    key: Annotated[str, Field(min_length=1, max_length=253), Checked((CONFIG_MAP_KEY,))]
    """The key in its data."""


class ManifestSource(Ruled):
    """A list in a file: a URL a line, a table (CSV, TSV, Markdown) whose header names url, or JSON Lines. The first
    lines decide. Tables and JSON may give name, checksum and metadata; other columns of a table are metadata."""

    rules = (needs_one("config_map_key_ref", "url", "s3"),)

    config_map_key_ref: ConfigMapKeyReference | None = None
    """A key of a ConfigMap; it holds up to 1 MiB."""
    url: HttpUrl | None = None
    """A file on a web server."""
    s3: S3Source | None = None
    """An object."""


class BulkSource(Ruled):
    """Exactly one kind of list."""

    rules = (needs_one("items", "playlist", "s3", "manifest"),)

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MAX_ITEMS, json_schema_extra=_ATOMIC)] | None = (
        None
    )
    """The videos themselves, at most 1,000. The same item twice is one import."""
    playlist: PlaylistSource | None = None
    """A playlist, a channel or a feed."""
    s3: BucketSource | None = None
    """The objects of a bucket."""
    manifest: ManifestSource | None = None
    """A list in a file."""
    credentials_secret_ref: SecretReference | None = None
    """Secret for listing and for every video, with the keys of a VideoImport's source.credentialsSecretRef."""

    @property
    def is_listed(self) -> bool:
        """Whether a worker must list the items; else the spec has them."""
        return self.items is None
