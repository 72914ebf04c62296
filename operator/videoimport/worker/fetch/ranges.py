"""Reading one version of an object by ranges; botocore's errors become ours."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError
from urllib3.exceptions import HTTPError

from videoimport.api.reasons import Reason
from videoimport.api.source import S3Source
from videoimport.worker import s3_client
from videoimport.worker.credentials import Keys
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.limits import Throttle
from videoimport.worker.fetch.routes import Route

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIRST_BYTES = 2**20
PIECE_BYTES = 8 * 2**20
AT_ONCE = 4
_ATTEMPTS = 4
_CHUNK = 256 * 1024
_MOST_FRUITLESS = 4
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Version:
    """An object as it was found; nothing else is read of it."""

    size: int
    etag: str
    version_id: str | None

    @property
    def name(self) -> str:
        """What tells it from others."""
        return f"{self.version_id or ''} {self.etag}"


def spans(first: int, end: int) -> Iterator[tuple[int, int]]:
    """First and last byte of each range. Small ones first: the file that they land in grows from its start, and
    somebody may be working on it already."""
    size, start, number = FIRST_BYTES, first, 0
    while start < end:
        stop = min(start + size, end)
        yield start, stop - 1
        start, number = stop, number + 1
        if number % AT_ONCE == 0:
            size = min(2 * size, PIECE_BYTES)


class Piece:
    """A range that arrives: its bytes in order, then None, or what went wrong."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.arrived: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def chunks(self) -> Iterator[bytes]:
        """What arrives, as it does."""
        while (news := self.arrived.get()) is not None:
            if isinstance(news, Exception):
                raise news
            yield news


class Reader:
    """Of one object. Every call raises ImportFailure."""

    def __init__(self, client: "S3Client", wish: S3Source, throttle: Throttle) -> None:
        self._client, self._wish, self._throttle = client, wish, throttle
        self._over = threading.Event()

    def look(self) -> Version:
        """What is there now."""
        asked = {"VersionId": self._wish.version_id} if self._wish.version_id else {}
        try:
            found = self._client.head_object(Bucket=self._wish.bucket, Key=self._wish.key, **asked)  # type: ignore[arg-type]
        except _ERRORS as error:
            raise failure(self._in_words(error, asked), self._wish) from None
        version = found.get("VersionId")
        return Version(found["ContentLength"], found.get("ETag", ""), version if version != "null" else None)

    def _in_words(self, error: Exception, asked: dict[str, str]) -> Exception:
        """An answer to HEAD has no body. Whether 503 means an outage or too many requests, only a GET is told."""
        if not isinstance(error, ClientError) or _status(error) != 503:
            return error
        try:
            byte = self._client.get_object(Bucket=self._wish.bucket, Key=self._wish.key, Range="bytes=0-0", **asked)  # type: ignore[arg-type]
            byte["Body"].close()
        except ClientError as worded:
            return worded
        except _ERRORS:
            pass
        return error

    def read(self, version: Version, first: int, last: int, told: Callable[[int], None] = lambda _: None) -> bytes:
        """A range, whole. ``told`` hears of the bytes so far; what it raises ends the reading and is raised."""
        piece = Piece(first, last)
        self._bring(version, piece, told)
        return b"".join(piece.chunks())

    def chunks(self, pool: ThreadPoolExecutor, version: Version, first: int, end: int) -> Iterator[bytes]:
        """Bytes ``first`` to ``end`` in order, of which several ranges are under way at once."""
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
        """Whatever is under way is of no use any more."""
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
            except _ERRORS as error:
                fruitless = 0 if here > before else fruitless + 1
                if isinstance(error, ClientError) or fruitless > _MOST_FRUITLESS:
                    piece.arrived.put(failure(error, self._wish))
                    return
                self._over.wait(_PAUSE_SECONDS * 2**fruitless)
            except Exception as error:  # noqa: BLE001 — raised again where the piece is awaited
                piece.arrived.put(error)
                return
        piece.arrived.put(None)

    def _range(self, version: Version, first: int, last: int) -> Iterator[bytes]:
        pinned = {"IfMatch": version.etag} if version.etag else {}
        if version.version_id:
            pinned["VersionId"] = version.version_id
        answer = self._client.get_object(
            Bucket=self._wish.bucket,
            Key=self._wish.key,
            Range=f"bytes={first}-{last}",
            **pinned,  # type: ignore[arg-type]
        )
        right = f"bytes {first}-{last}/{version.size}"
        if answer.get("ContentRange") != right:
            raise ImportFailure(Reason.SOURCE_CHANGED, "The object store answers with another range.")
        with answer["Body"] as body:
            while (chunk := body.read(min(_CHUNK, self._throttle.chunk))) and not self._over.is_set():
                yield chunk


_ERRORS = (BotoCoreError, ClientError, HTTPError, OSError)
_ABSENT = ("NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound")
_TOO_MANY = ("SlowDown", "RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException")
"""With any word that begins with Throttling: S3 says so with 503, and others with 400 or 429."""
_BY_STATUS = {
    404: Reason.SOURCE_NOT_FOUND,
    405: Reason.SOURCE_NOT_FOUND,  # the newest version is a deletion
    401: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    412: Reason.SOURCE_CHANGED,
    416: Reason.SOURCE_CHANGED,
    429: Reason.RATE_LIMITED,
}


def failure(error: Exception, wish: S3Source) -> ImportFailure:
    """Our failure for what boto3 raised."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        return said(code, _status(error), wish)
    if isinstance(error, ParamValidationError):
        return ImportFailure(Reason.INVALID_SPEC, "spec.source.s3 is not what S3 accepts; correct bucket and key.")
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        message = "The object store's certificate is not valid; have it mended, or give worker.caBundleConfigMapRef."
        return ImportFailure(Reason.CERTIFICATE_INVALID, message)
    message = f"The object store of the source did not answer ({type(error).__name__})."
    return ImportFailure(Reason.SOURCE_UNAVAILABLE, message)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def said(code: str, status: int, wish: S3Source) -> ImportFailure:
    """Our failure for a store's error code and HTTP status."""
    if code == "NoSuchBucket":
        message = f"There is no bucket {wish.bucket!r}; correct source.s3.bucket or endpoint."
        return ImportFailure(Reason.SOURCE_NOT_FOUND, message)
    if code == "InvalidObjectState":
        message = "The object is in an archive and cannot be read; restore it, then change retryToken."
        return ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
    if status in (301, 307) or code in ("PermanentRedirect", "AuthorizationHeaderMalformed"):
        return ImportFailure(Reason.INVALID_SPEC, f"source.s3.region is not the bucket's: {code or status}.")
    reason = _reason(code, status)
    keys = "correct the keys in source.credentialsSecretRef's Secret, or their permissions (s3:GetObject)"
    what = {
        Reason.SOURCE_NOT_FOUND: f"There is no {wish.key!r} in the bucket {wish.bucket!r}; correct source.s3.",
        Reason.SOURCE_AUTH_REQUIRED: f"The object store does not let us read {wish.key!r} ({code}); {keys}.",
        Reason.SOURCE_CHANGED: f"The object {wish.key!r} changed while it was read.",
        Reason.RATE_LIMITED: f"The object store asks for fewer requests ({code or status}); it rests for a while.",
    }.get(reason, f"The object store of the source answers {code or status}.")
    return ImportFailure(reason, what)


def _reason(code: str, status: int) -> Reason:
    if code in _ABSENT:
        return Reason.SOURCE_NOT_FOUND
    if code in _TOO_MANY or code.startswith("Throttling"):
        return Reason.RATE_LIMITED
    return _BY_STATUS.get(status, Reason.SOURCE_UNAVAILABLE)


def connect(wish: S3Source, keys: Keys | None, route: Route, read_seconds: float) -> "S3Client":
    """A client; nothing is asked yet. Raises ImportFailure INVALID_SPEC."""
    return s3_client.client(
        wish, keys, read_seconds=read_seconds, attempts=_ATTEMPTS, connections=AT_ONCE + 1,
        proxy=route.proxy, ca_bundle=route.ca_bundle,
    )  # fmt: skip
