"""Reading of thumbnails for the results page, from the destination or from its public address.

A picture that cannot be read is missing on the page. An unreadable picture never stops the command.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import urllib3
from urllib3.exceptions import HTTPError

from videoimport.api import folder_layout as layout
from videoimport.api.destination import Destination
from videoimport.cli.results.html_page import MOST_PICTURE_BYTES
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.base import DestinationStore, NotAFileError

MOST_PICTURES = 500
"""Maximum number of pictures that are read for a page."""
_AT_ONCE = 8
_SECONDS = 10.0
"""Timeout in seconds of each step of a request."""
ReadPicture = Callable[[str], bytes | None]
"""Function that returns the content of an object key, or None."""


def read_pictures(uris: Sequence[str], destination: Destination, read: ReadPicture) -> list[bytes | None]:
    """Return the picture at each address of the destination. The picture is None for an address outside of the
    destination, for an unreadable picture, and after the first ``MOST_PICTURES``."""
    keys = [key_of(uri, destination) for uri in uris]
    wanted = [key for key in keys if key][:MOST_PICTURES]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(wanted, pool.map(read, wanted), strict=True))
    return [found.get(key) if key else None for key in keys]


def key_of(uri: str, destination: Destination) -> str | None:
    """Return the object key of an address. Return None if the address is not in the destination's bucket or volume."""
    if destination.s3 is not None:
        start = f"s3://{destination.s3.bucket}/"
    elif destination.persistent_volume_claim is not None:
        start = f"pvc://{destination.persistent_volume_claim.claim_name}/"
    else:
        return None
    return uri.removeprefix(start) or None if uri.startswith(start) else None


def store_reader(store: DestinationStore) -> ReadPicture:
    """Return a function that reads pictures from the destination itself."""

    def read(key: str) -> bytes | None:
        with suppress(ImportFailure, NotAFileError):
            content = store.read(key)
            return content.body if content and len(content.body) <= MOST_PICTURE_BYTES else None
        return None

    return read


def public_reader(public_base_url: str | None) -> ReadPicture:
    """Return a function that reads pictures at the destination's public address, without credentials. A redirect is
    not followed, because it could lead to another host."""
    http = urllib3.PoolManager(retries=False, timeout=_SECONDS, maxsize=_AT_ONCE)

    def read(key: str) -> bytes | None:
        url = layout.url(public_base_url, key)
        return _read_url(http, url) if url else None

    return read


def _read_url(http: urllib3.PoolManager, url: str) -> bytes | None:
    try:
        answer = http.request("GET", url, redirect=False, preload_content=False)
    except (HTTPError, OSError, ValueError):
        return None
    try:
        body = answer.read(MOST_PICTURE_BYTES + 1) if answer.status == 200 else b""
    except (HTTPError, OSError):
        return None
    finally:
        answer.close()
    return body if 0 < len(body) <= MOST_PICTURE_BYTES else None
