"""Reading of one version of an object by Range requests. The code accepts the different forms of stores' responses."""

import queue
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch.limits import Throttle
from videoimport.worker.fetch.s3_failures import BY_ADDRESS, ERRORS, failure, no_versions
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.proxy import Route
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.s3 import client as s3_client
from videoimport.worker.storage.s3.errors import status

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIRST_BYTES = 2**20
PIECE_BYTES = 8 * 2**20
AT_ONCE = 4
_ATTEMPTS = 4
_CHUNK = 256 * 1024
_MOST_FRUITLESS = 4
_PAUSE_SECONDS = 0.5


_RANGE = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*", re.IGNORECASE)
_CONDITION_REFUSED = (400, 412, 501)
"""HTTP status of a GET with ``If-Match`` at a store that does not support it, or that compares ETags as plain text."""


@dataclass(frozen=True, slots=True)
class Version:
    """The version of the object in the first response. The worker reads only this version."""

    size: int
    etag: str
    """ETag in quotes, in whatever form the store sent it. The value is empty if the store sent none."""
    version_id: str | None
    modified: str = ""
    """Time of the last change in UTC, to the second. The value is empty if the store does not report it."""
    is_weak: bool = False
    """True if the ETag is weak. A range request must not depend on a weak ETag (RFC 9110, 13.1.1)."""

    @classmethod
    def of(cls, answer: Mapping[str, Any], size: int) -> "Version":
        """Return the version in a response of HEAD, GET or a listing."""
        etag, version, modified = answer.get("ETag") or "", answer.get("VersionId"), answer.get("LastModified")
        bare = etag.removeprefix("W/").strip('"')
        return cls(
            size, f'"{bare}"' if bare else "", version if version != "null" else None,
            modified.strftime("%Y-%m-%dT%H:%M:%S") if modified else "", etag.startswith("W/"),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """A value that identifies this version. The value is empty if the store reports only the size."""
        if self.version_id or self.etag:
            return f"{self.version_id or ''} {self.etag}"
        return f"{self.modified} {self.size}" if self.modified else ""

    def is_same(self, other: "Version") -> bool:
        """Return whether ``other`` may describe the same bytes. The result is True if all values that both versions
        have are equal."""
        pairs = ((self.version_id, other.version_id), (self.etag, other.etag))
        known = [(mine, theirs) for mine, theirs in pairs if mine and theirs]
        if not known and self.modified and other.modified:
            known = [(self.modified, other.modified)]
        return self.size == other.size and all(mine == theirs for mine, theirs in known)


def spans(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last byte of each range.

    The first ranges are small, because ffmpeg may already read the start of the file.
    """
    size, start, number = FIRST_BYTES, first, 0
    while start < end:
        stop = min(start + size, end)
        yield start, stop - 1
        start, number = stop, number + 1
        if number % AT_ONCE == 0:
            size = min(2 * size, PIECE_BYTES)


class Piece:
    """A range that is being read. The queue has its bytes in order, and at the end None or an exception."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.arrived: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the range as they arrive. Raises the exception that ended the download of the range, if
        there is one."""
        while (news := self.arrived.get()) is not None:
            if isinstance(news, Exception):
                raise news
            yield news


class Reader:
    """Reads one object. Every method raises ImportFailure."""

    def __init__(self, client: "S3Client", wish: S3Source, throttle: Throttle) -> None:
        self._client, self._wish, self._throttle = client, wish, throttle
        self._over = threading.Event()
        self._knows_conditions = True

    def look(self) -> Version:
        """Return the current version of the object."""
        asked = {"VersionId": self._wish.version_id} if self._wish.version_id else {}
        try:
            found: Any = self._client.head_object(Bucket=self._wish.bucket, Key=self._wish.key, **asked)  # type: ignore[arg-type]
            version = Version.of(found, found["ContentLength"])
        except (ClientError, KeyError):
            version = self._look_by_get(asked)
        except ERRORS as error:
            raise failure(error, self._wish) from None
        if self._wish.version_id not in (None, "null", version.version_id):
            raise no_versions(self._wish)
        return version

    def _look_by_get(self, asked: dict[str, str]) -> Version:
        """Return the version from the response to a GET of one byte.

        Only the response to a GET explains a refusal, because a response to HEAD has no body. Some gateways do not
        answer HEAD, or leave out the size.
        """
        try:
            found: Any = self._client.get_object(
                Bucket=self._wish.bucket,
                Key=self._wish.key,
                Range="bytes=0-0",
                **asked,  # type: ignore[arg-type]
            )
        except ERRORS as error:
            raise failure(error, self._wish) from None
        found["Body"].close()
        told = _RANGE.fullmatch(found.get("ContentRange") or "")
        size = told[3] if told else found.get("ContentLength")
        if size in (None, "*"):
            message = f"The object store does not report the size of {self._wish.key!r}."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=BY_ADDRESS)
        return Version.of(found, int(size))

    def read(self, version: Version, first: int, last: int, told: Callable[[int], None] = lambda _: None) -> bytes:
        """Return all bytes of a range.

        ``told`` is called with the number of bytes that have arrived. If ``told`` raises an exception, this method
        stops reading and raises the same exception.
        """
        piece = Piece(first, last)
        self._bring(version, piece, told)
        return b"".join(piece.chunks())

    def chunks(self, pool: ThreadPoolExecutor, version: Version, first: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``first`` up to ``end`` (exclusive) in order. Several ranges are requested at once."""
        under_way: deque[Piece] = deque()
        for start, last in spans(first, end):
            piece = Piece(start, last)
            pool.submit(self._bring, version, piece)
            under_way.append(piece)
            if len(under_way) == AT_ONCE:
                yield from under_way.popleft().chunks()
        for piece in under_way:
            yield from piece.chunks()

    def stop(self) -> None:
        """Stop all pending requests."""
        self._over.set()

    def _bring(self, version: Version, piece: Piece, told: Callable[[int], None] = lambda _: None) -> None:
        fruitless, here = 0, piece.first
        while here <= piece.last and not self._over.is_set():
            before = here
            try:
                for chunk in self._range(version, here, piece.last):
                    piece.arrived.put(chunk)
                    here += len(chunk)
                    told(here - piece.first)
                    self._throttle.took(len(chunk))
            except ERRORS as error:
                fruitless = 0 if here > before else fruitless + 1
                if isinstance(error, ClientError) or fruitless > _MOST_FRUITLESS:
                    piece.arrived.put(failure(error, self._wish))
                    return
                self._over.wait(_PAUSE_SECONDS * 2**fruitless)
            except Exception as error:  # noqa: BLE001 — ``Piece.chunks`` raises the exception
                piece.arrived.put(error)
                return
        piece.arrived.put(None)

    def _range(self, version: Version, first: int, last: int) -> Iterator[bytes]:
        answer = self._answer(version, first, last)
        with answer["Body"] as body:
            left = self._length(version, answer, first, last)
            while left and not self._over.is_set():
                chunk: bytes = body.read(min(_CHUNK, self._throttle.chunk, left))
                if not chunk:
                    raise EOFError("the body ends early")
                left -= len(chunk)
                yield chunk

    def _answer(self, version: Version, first: int, last: int) -> Any:
        pinned = {"IfMatch": version.etag} if version.etag and not version.is_weak and self._knows_conditions else {}
        if version.version_id:
            pinned["VersionId"] = version.version_id
        try:
            return self._client.get_object(
                Bucket=self._wish.bucket,
                Key=self._wish.key,
                Range=f"bytes={first}-{last}",
                **pinned,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if "IfMatch" not in pinned or status(error) not in _CONDITION_REFUSED:
                raise
            if not self.look().is_same(version):
                raise
        self._knows_conditions = False  # the version of each answer is compared anyway
        return self._answer(version, first, last)

    def _length(self, version: Version, answer: Any, first: int, last: int) -> int:
        """Return the number of bytes in a response, from ``first`` on. Some stores send fewer bytes than requested."""
        told = _RANGE.fullmatch(answer.get("ContentRange") or "")
        if told is None and first == 0 and last + 1 == version.size:
            start, end, size = 0, last, answer.get("ContentLength", version.size)  # the answer has the whole object
        elif told is None:
            message = "The object store ignores ranges: it answers a request for a part with the whole object."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=BY_ADDRESS)
        else:
            start, end, size = int(told[1]), int(told[2]), version.size if told[3] == "*" else int(told[3])
        if not version.is_same(Version.of(answer, size)):
            raise ImportFailure(Reason.SOURCE_CHANGED, f"The object {self._wish.key!r} changed while it was read.")
        length = end + 1 - first
        if start != first or not first <= end <= last or answer.get("ContentLength", length) != length:
            raise ImportFailure(Reason.SOURCE_CHANGED, "The object store sent another range than the worker requested.")
        return length


def connect(wish: S3Source, keys: Keys | None, route: Route, read_seconds: float) -> "S3Client":
    """Return a client, without sending a request. Raises ImportFailure INVALID_SPEC."""
    return s3_client.client(
        wish, keys, read_seconds=read_seconds, attempts=_ATTEMPTS, connections=AT_ONCE + 1,
        proxy=route.proxy, ca_bundle=route.ca_bundle,
    )  # fmt: skip
