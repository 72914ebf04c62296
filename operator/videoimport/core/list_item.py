"""Items of a list from any source. A list may have a hundred thousand items, so an item uses little memory."""

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
"""Key of a page's lines in the page's ConfigMap."""
FACTS = "page.json"
"""Key of the data about a page in the page's ConfigMap."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
EARLIER = "earlier"
"""Value of ``PageView.listing`` for a page of items that earlier BulkImports left failed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a list. Exactly one of ``url`` and ``key`` is set."""

    identity: str
    url: str | None = None
    key: str | None = None
    """Object key in the bucket of the BulkImport's source.s3."""
    name: str | None = None
    metadata: dict[str, Scalar] | None = None
    checksum: str | None = None
    known: Known | None = None
    """The result in the destination, if the listing found the item there."""
    slug: str | None = None
    """Slug of the title that the list gives the item."""


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that will not be imported. No field contains a secret."""

    identity: str | None
    """Identity of the item, or None if a line of a manifest has no address."""
    reason: Reason
    message: str = ""
    name: str | None = None
    url: str | None = None


def convert_inline_item(item: Item) -> Listed:
    """Return an item of the spec as ``Listed``."""
    return Listed(item_identity(item.url), item.url, None, item.name, item.metadata, item.checksum)


def describe_item(item: FoundItem) -> Listed:
    """Return an item of a page as ``Listed``."""
    return Listed(item.id, item.url, item.key, item.name, item.metadata, item.checksum, item.known, item.slug)


def derive_item_slug(item: Listed) -> str:
    """Return a slug for the name of the item's child. The slug is made from the item's name. If there is no name, it
    is made from the title. If there is no title, it is made from the file name."""
    return slug_of(item.name or "") or item.slug or slug_of(_find_stem(item))


def _find_stem(item: Listed) -> str:
    """Return the name of the item's file without the extension. The name is empty if a URL's path ends in a slash."""
    file = find_file_name(item.url) if item.url is not None else (item.key or "").rstrip("/").rpartition("/")[2]
    return _EXTENSION.sub("", file)


def describe_rejection(line: RejectedLine) -> RefusedItem:
    """Return a rejected line of a page as ``RefusedItem``."""
    return RefusedItem(line.id, line.reason, line.message, line.name, line.url)


def build_object_source(bucket: BucketSource, key: str) -> S3Source:
    """Return the source for one object of a bucket's listing."""
    return S3Source(endpoint=bucket.endpoint, region=bucket.region, bucket=bucket.bucket, key=key)
