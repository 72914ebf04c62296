"""One item of a list, wherever the list came from. There may be a hundred thousand, so it is lean."""

import re
from dataclasses import dataclass

from videoimport.api.bulkimport_source import BucketSource, Item
from videoimport.api.identity import item_identity
from videoimport.api.metadata import Scalar
from videoimport.api.reasons import Reason
from videoimport.api.short_names import slug_of
from videoimport.api.tasks.listing_task import FoundItem, Known, RejectedLine
from videoimport.api.videoimport_source import S3Source
from videoimport.core.video_status import find_file_name

LINES = "items.jsonl"
"""Key of a page's lines in its ConfigMap."""
FACTS = "page.json"
"""Key of the page's data about itself."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
EARLIER = "earlier"
"""Replaces a listing where a page holds items that earlier bulks left failed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Exactly one of url and key is set."""

    identity: str
    url: str | None = None
    key: str | None = None
    """Of an object of the bulk's source.s3."""
    name: str | None = None
    metadata: dict[str, Scalar] | None = None
    checksum: str | None = None
    known: Known | None = None
    """The listing found it in the destination."""
    slug: str | None = None
    """Of the title that the list gives it."""


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """What will not be imported. Nothing of it is secret."""

    identity: str | None
    """None where a manifest's line has no address."""
    reason: Reason
    message: str = ""
    name: str | None = None
    url: str | None = None


def convert_inline_item(item: Item) -> Listed:
    """An item of the spec."""
    return Listed(item_identity(item.url), item.url, None, item.name, item.metadata, item.checksum)


def describe_item(item: FoundItem) -> Listed:
    """An item of a page."""
    return Listed(item.id, item.url, item.key, item.name, item.metadata, item.checksum, item.known, item.slug)


def derive_item_slug(item: Listed) -> str:
    """The readable part of its child's name: of its name, else of its title, else of its file's name."""
    return slug_of(item.name or "") or item.slug or slug_of(_find_stem(item))


def _find_stem(item: Listed) -> str:
    """The name of its file without the extension; empty where its path ends in a slash."""
    file = find_file_name(item.url) if item.url is not None else (item.key or "").rstrip("/").rpartition("/")[2]
    return _EXTENSION.sub("", file)


def describe_rejection(line: RejectedLine) -> RefusedItem:
    """What a page rejects."""
    return RefusedItem(line.id, line.reason, line.message, line.name, line.url)


def build_object_source(bucket: BucketSource, key: str) -> S3Source:
    """The object of a bucket's listing."""
    return S3Source(endpoint=bucket.endpoint, region=bucket.region, bucket=bucket.bucket, key=key)
