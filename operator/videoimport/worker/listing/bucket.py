"""The objects of a bucket, in the order of their keys.

The cursor is an object key. Objects with later keys are listed even if they are new. Changes before the cursor have no
effect.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.api import folder_layout
from videoimport.api.bulkimport_source import BucketSource
from videoimport.api.reasons import Reason
from videoimport.api.rules.string_rules import OWN_FOLDER
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch import s3_failures as store_failures
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import identity
from videoimport.worker.fetch.s3_ranges import Version
from videoimport.worker.fetch.s3_source import place
from videoimport.worker.listing import bucket_pages
from videoimport.worker.listing.bucket_pages import ListedObject
from videoimport.worker.listing.object_probe import Looker
from videoimport.worker.listing.process_messages import ListEntry, ListRequest, Look, Passed
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.base import UID
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3 import client as s3_client
from videoimport.worker.storage.s3 import key_lists as s3_lists
from videoimport.worker.storage.s3.errors import error_code, status

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AT_ONCE = 8
_ATTEMPTS = 4
_ASKED_AT_ONCE = 64
_MOST_KEY = 1024


class Bucket:
    """Lists one bucket. Every method raises ImportFailure."""

    def __init__(self, around: Surroundings, request: ListRequest) -> None:
        wish = request.source.s3
        assert wish is not None  # noqa: S101
        self._wish, self._request = wish, request
        keys = secrets.read_keys(around.request.secret, around.secret_folder)
        self._client: S3Client = s3_client.client(
            _any_object(wish), keys, read_seconds=around.limits.read_seconds, attempts=_ATTEMPTS,
            connections=AT_ONCE + 2, proxy=around.route.proxy, ca_bundle=around.route.ca_bundle,
        )  # fmt: skip
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._looker = Looker(self._client, around)
        self._known: dict[str, Version] = {}
        """Versions of the objects that were listed since the last request for more entries, by object key."""
        self._has_versions: bool | None = None

    def entries(self) -> Iterator[ListEntry | Passed]:
        """Yield the objects after the request's cursor."""
        for listed in bucket_pages.pages(self._page, self._wish.prefix, key_of(self._request.cursor or "")):
            wanted = list(self._wanted(listed))
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                for found in self._theirs(wanted[start : start + _ASKED_AT_ONCE]):
                    self._known[found.key] = found.version
                    yield self._entry(found)
            yield Passed(cursor=cursor_of(listed[-1].key))

    def look(self, keys: Sequence[str]) -> Iterator[Look]:
        """Read the first bytes of objects that ``entries`` has yielded."""
        known = [(object_of(self._wish, key), self._known[key]) for key in keys]
        self._known.clear()
        yield from self._pool.map(lambda one: self._looker.look(*one), known)

    def _page(self, asks: dict[str, Any]) -> Any:
        return self._asked(partial(s3_lists.ask, self._client, self._wish.bucket, asks), is_list=True)

    def _wanted(self, listed: Sequence[ListedObject]) -> Iterator[ListedObject]:
        suffixes = tuple(suffix.lower() for suffix in self._wish.suffixes or ())
        for found in listed:
            key = found.key
            is_folder = key.endswith("/") and found.version.size == 0
            is_own = OWN_FOLDER in key.split("/")[:-1]
            if not is_folder and not is_own and (not suffixes or key.lower().endswith(suffixes)):
                yield found

    def _theirs(self, some: Sequence[ListedObject]) -> Iterator[ListedObject]:
        """Yield the objects that are not results of imports. The objects have their versions if the request needs
        versions."""
        asked = [self._needs_asking(found) for found in some]
        facts = self._pool.map(lambda pair: self._facts(pair[0]) if pair[1] else pair[0], zip(some, asked, strict=True))
        return (found for found in facts if found is not None)

    def _needs_asking(self, found: ListedObject) -> bool:
        if self._request.is_own and is_named_as_result(found.key):
            return True
        if not self._request.wants_versions:
            return not found.is_known
        if self._has_versions is None:
            first = self._facts(found)
            self._has_versions = first is not None and first.version.version_id is not None
        return self._has_versions or not found.is_known

    def _facts(self, found: ListedObject) -> ListedObject | None:
        """Return the object with its current version, or None if it no longer exists or is a result of an import."""
        try:
            head = self._asked(lambda: self._client.head_object(Bucket=self._wish.bucket, Key=found.key))
        except ImportFailure as failure:
            if failure.reason in (Reason.RATE_LIMITED, Reason.SOURCE_UNAVAILABLE):
                raise
            return None if failure.reason is Reason.SOURCE_NOT_FOUND else found
        if self._request.is_own and UID in forms.metadata(head.get("Metadata", {})):
            return None
        known = Version.of(head, head.get("ContentLength", found.version.size))
        return ListedObject(found.key, known, is_known=True)

    def _entry(self, found: ListedObject) -> ListEntry:
        size = found.version.size
        if len(found.key) > _MOST_KEY:
            message = f"Its key has more than {_MOST_KEY} characters."
            return ListEntry(cursor=cursor_of(found.key[:_MOST_KEY]), reason=Reason.INVALID_SPEC, message=message)
        cursor = cursor_of(found.key)
        if not size:
            return ListEntry(cursor=cursor, key=found.key, reason=Reason.NOT_VIDEO, message="It is empty.")
        version = found.version.name
        name = identity("s3", place(object_of(self._wish, found.key)), version) if version else None
        return ListEntry(cursor=cursor, key=found.key, identity=name, size_bytes=size)

    def _asked(self, question: Callable[[], Any], *, is_list: bool = False) -> Any:
        try:
            return question()
        except store_failures.ERRORS as error:
            if is_list and isinstance(error, ClientError) and status(error) in (405, 501):
                raise bucket_pages.unlisted(error_code(error)) from None
            failure = store_failures.failure(error, _any_object(self._wish))
            if failure.reason is Reason.SOURCE_AUTH_REQUIRED:
                message = f"The object store does not permit listing the bucket {self._wish.bucket!r}."
                advice = (
                    "Correct the keys in the Secret of source.credentialsSecretRef, or their permissions "
                    "(s3:ListBucket, s3:GetObject)."
                )
                raise ImportFailure(failure.reason, message, advice=advice) from None
            raise failure from None


def is_named_as_result(key: str) -> bool:
    """Return whether an object key has the form of an import's result, in any folder.

    The result is only a hint. The metadata of the object shows whether the object is the result of an import.
    """
    path = f"/{key}"
    return any(folder_layout.is_of(path.rsplit("/", depth)[0], path) for depth in (1, 2))


def object_of(wish: BucketSource, key: str) -> S3Source:
    """Return the spec of one object in the bucket."""
    return S3Source(endpoint=wish.endpoint, region=wish.region, bucket=wish.bucket, key=key)


def _any_object(wish: BucketSource) -> S3Source:
    """Return the spec of any object of the bucket. It is for functions that need an object but concern the whole
    bucket."""
    return object_of(wish, wish.prefix or "*")


_PACKED = "base64:"
"""Prefix of a cursor that is encoded in base64, so that a report with it fits a termination message.

JSON writes some characters of an object key as six characters.
"""


def cursor_of(key: str) -> str:
    """Return a cursor for an object key. The cursor has a fixed prefix and the encoded key. The encoded key is at
    most a third longer than the key."""
    if key.isprintable() and not key.startswith(_PACKED):
        return key
    return _PACKED + base64.b64encode(key.encode()).decode()


def key_of(cursor: str) -> str:
    """Return the object key of a cursor. Raises ValueError for an invalid cursor."""
    packed = cursor.removeprefix(_PACKED)
    return cursor if packed == cursor else base64.b64decode(packed, validate=True).decode()
