"""The objects of a bucket, in the order of their keys. The cursor is a key: what is new behind it is seen, whatever
happens before it."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoimport.api.bulk_source import BucketSource
from videoimport.api.reasons import Reason
from videoimport.api.source import S3Source
from videoimport.worker import record, s3_client
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import ranges, secrets
from videoimport.worker.fetch.protocol import identity
from videoimport.worker.fetch.ranges import Version
from videoimport.worker.fetch.stored import place
from videoimport.worker.fetch.surroundings import Surroundings
from videoimport.worker.listing.cursors import cursor_of, key_of
from videoimport.worker.listing.looking import Looker
from videoimport.worker.listing.protocol import Entry, ListRequest, Look, Passed
from videoimport.worker.naming import OWN_FOLDER

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AT_ONCE = 8
_ATTEMPTS = 4
_ASKED_AT_ONCE = 64
_MOST_KEY = 1024
_PERHAPS_OURS = re.compile(
    r"/(video\.mp4|result\.json|audio\.(m4a|mp3)|original(-audio)?\.[^/]+|(renditions|thumbnails|captions|hls)/[^/]+)$"
)
"""How the names of results end; whether one is ours, its mark tells."""


@dataclass(frozen=True, slots=True)
class _Object:
    key: str
    version: Version


class Bucket:
    """One bucket. Every call raises ImportFailure."""

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
        """Of what was told since the last question for more."""
        self._has_versions: bool | None = None

    def entries(self) -> Iterator[Entry | Passed]:
        """Behind the request's cursor."""
        for listed in self._listed():
            wanted = list(self._wanted(listed))
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                for found in self._theirs(wanted[start : start + _ASKED_AT_ONCE]):
                    self._known[found.key] = found.version
                    yield self._entry(found)
            if listed:
                yield Passed(cursor=cursor_of(listed[-1].key))

    def look(self, keys: Sequence[str]) -> Iterator[Look]:
        """The first bytes of objects that were told."""
        known = [(object_of(self._wish, key), self._known[key]) for key in keys]
        self._known.clear()
        yield from self._pool.map(lambda one: self._looker.look(*one), known)

    def _listed(self) -> Iterator[list[_Object]]:
        options: dict[str, Any] = {"Bucket": self._wish.bucket, "Prefix": self._wish.prefix}
        last = key_of(self._request.cursor or "")
        if last:
            options["StartAfter"] = last
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(**options))
        while page := self._asked(lambda: next(pages, None)):
            contents = page.get("Contents", [])
            if any(found["Key"] <= before for before, found in _pairs(last, contents)):
                message = "The object store does not list keys in their order; give a manifest of addresses instead."
                raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
            last = contents[-1]["Key"] if contents else last
            yield [_Object(found["Key"], Version(found["Size"], found.get("ETag", ""), None)) for found in contents]

    def _wanted(self, listed: Sequence[_Object]) -> Iterator[_Object]:
        suffixes = tuple(suffix.lower() for suffix in self._wish.suffixes or ())
        for found in listed:
            key = found.key
            is_folder = key.endswith("/") and found.version.size == 0
            is_own = OWN_FOLDER in key.split("/")[:-1]
            if not is_folder and not is_own and (not suffixes or key.lower().endswith(suffixes)):
                yield found

    def _theirs(self, some: Sequence[_Object]) -> Iterator[_Object]:
        """Without what imports brought there; with their versions, where those are wanted."""
        asked = [self._needs_asking(found) for found in some]
        facts = self._pool.map(lambda pair: self._facts(pair[0]) if pair[1] else pair[0], zip(some, asked, strict=True))
        return (found for found in facts if found is not None)

    def _needs_asking(self, found: _Object) -> bool:
        if self._request.is_own and _PERHAPS_OURS.search(f"/{found.key}"):
            return True
        if not self._request.wants_versions:
            return False
        if self._has_versions is None:
            first = self._facts(found)
            self._has_versions = first is not None and first.version.version_id is not None
        return self._has_versions

    def _facts(self, found: _Object) -> _Object | None:
        """What an object is now; None where it is gone, or ours."""
        try:
            head = self._asked(lambda: self._client.head_object(Bucket=self._wish.bucket, Key=found.key))
        except ImportFailure as failure:
            if failure.reason in (Reason.RATE_LIMITED, Reason.SOURCE_UNAVAILABLE):
                raise
            return None if failure.reason is Reason.SOURCE_NOT_FOUND else found
        if self._request.is_own and record.UID in head.get("Metadata", {}):
            return None
        version = head.get("VersionId")
        known = Version(head["ContentLength"], head.get("ETag", ""), version if version != "null" else None)
        return _Object(found.key, known)

    def _entry(self, found: _Object) -> Entry:
        size = found.version.size
        if len(found.key) > _MOST_KEY:
            message = f"Its key has more than {_MOST_KEY} letters."
            return Entry(cursor=cursor_of(found.key[:_MOST_KEY]), reason=Reason.INVALID_SPEC, message=message)
        cursor = cursor_of(found.key)
        if not size:
            return Entry(cursor=cursor, key=found.key, reason=Reason.NOT_VIDEO, message="It is empty.")
        name = identity("s3", place(object_of(self._wish, found.key)), found.version.name)
        return Entry(cursor=cursor, key=found.key, identity=name, size_bytes=size)

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (ClientError, BotoCoreError, OSError) as error:
            failure = ranges.failure(error, _any_object(self._wish))
            if failure.reason is Reason.SOURCE_AUTH_REQUIRED:
                message = (
                    f"The object store does not let us list the bucket {self._wish.bucket!r}; correct the keys in "
                    "source.credentialsSecretRef's Secret, or their permissions (s3:ListBucket, s3:GetObject)."
                )
                raise ImportFailure(failure.reason, message) from None
            raise failure from None


def _pairs(before: str, contents: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each object with the key before it: one that comes out of order would be lost between two pages."""
    for found in contents:
        yield before, found
        before = found["Key"]


def object_of(wish: BucketSource, key: str) -> S3Source:
    """One of the bucket's objects."""
    return S3Source(endpoint=wish.endpoint, region=wish.region, bucket=wish.bucket, key=key)


def _any_object(wish: BucketSource) -> S3Source:
    """For what asks for an object although it is about the whole bucket."""
    return object_of(wish, wish.prefix or "*")
