"""Paging through a bucket with ListObjectsV2, in the order of the object keys.

The code accepts the different responses of stores. Only ``Key`` of an object is required. If a response has no token,
the next request starts after the last key.

If a response makes no progress, the listing fails, because an incomplete list must never be accepted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.s3_ranges import Version
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.s3 import key_lists as s3_lists
from videoimport.worker.storage.s3.key_lists import Page

MOST_EMPTY = 1000
"""Maximum number of responses in a row without a key. S3 sends such a response if all keys of the response were
deleted."""
_PAGE = 1000
"""Number of keys in a full answer."""
_ADVICE = "Give a manifest of addresses instead."


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object of the bucket."""

    key: str
    version: Version
    is_known: bool
    """True if the listing contains the size and the ETag of the object."""


def pages(ask: Callable[[dict[str, Any]], Page], prefix: str, after: str) -> Iterator[list[ListedObject]]:
    """Yield the objects whose keys begin with ``prefix`` and come after ``after``, one list for each response.

    ``ask`` sends ListObjectsV2. Raises ImportFailure UNSUPPORTED_SOURCE if the keys are not in order or the list does
    not end. Also raises the exceptions of ``ask``.
    """
    here, empty = _Position(after), 0
    while here.asks is not None:
        page = ask({"Prefix": prefix, **here.asks})
        found = [*_listed(page)]
        here.move(page, [one.key for one in found])
        empty = 0 if found else empty + 1
        if empty > MOST_EMPTY:
            raise _endless()
        some = [one for one in found if one.key > after and one.key.startswith(prefix)]
        after = max(after, here.last)
        if some:
            yield some


class _Position:
    """The position in a bucket, and the parameters of the next request."""

    def __init__(self, after: str) -> None:
        self.asks: dict[str, str] | None = {"StartAfter": after} if after else {}
        self._after = after
        self.last = ""
        """The greatest object key so far."""

    def move(self, page: Page, keys: Sequence[str]) -> None:
        """Move the position behind a response. Raises ImportFailure if the response makes no progress or is not in
        order."""
        asked, token = self.asks or {}, page.get("NextContinuationToken") or ""
        is_further = bool(keys) and keys[-1] > self.last
        if any(key < before for before, key in pairwise(keys)) or (is_further and keys[0] < self.last):
            message = "The object store does not list keys in their order."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE)
        if keys and not is_further:
            raise _endless()
        self.last = max(self.last, *keys) if keys else self.last
        if not page.get("IsTruncated", bool(token) or len(keys) >= _PAGE):
            self.asks = None
        elif token and token != asked.get("ContinuationToken"):
            self.asks = {"ContinuationToken": token}
        elif is_further:
            self.asks = {"StartAfter": max(self.last, self._after)}
        else:
            raise _endless()


def _listed(page: Page) -> Iterator[ListedObject]:
    before = None
    for key, found in zip(s3_lists.keys(page), page.get("Contents", []), strict=True):
        if key and key != before:  # some stores list a key twice
            before, size = key, found.get("Size")
            yield ListedObject(key, Version.of(found, size or 0), size is not None and bool(found.get("ETag")))


def _endless() -> ImportFailure:
    message = "The object store lists the same objects again and again: it supports only a part of ListObjectsV2."
    return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE)


def unlisted(code: str) -> ImportFailure:
    """Return the failure for a store that does not support ListObjectsV2."""
    message = f"The object store does not support ListObjectsV2: {code}."
    return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=_ADVICE)
