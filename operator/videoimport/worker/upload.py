"""One file to one key by multipart upload: nothing is visible until all of it is there and verified."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.destination import Store, error_code
from videoimport.worker.errors import ImportFailure
from videoimport.worker.logs import log

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

LEAST_PART = 8 * 2**20
"""Bytes; S3 wants at least 5 MiB."""
MOST_PARTS = 10_000
AT_ONCE = 4
_UNKNOWN_CHECKSUM = ("NotImplemented", "InvalidRequest", "InvalidArgument", "MalformedXML")
_STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file, with the hashes that go with it."""

    number: int
    offset: int
    size: int
    sha256: bytes
    md5: bytes


@dataclass(frozen=True, slots=True)
class Digest:
    """A file as it is to arrive."""

    size: int
    sha256: str
    """Of the whole, hex."""
    parts: tuple[Part, ...]

    @property
    def composite(self) -> str:
        """What S3 calls the SHA-256 of a multipart object: that of its parts' hashes, and their number."""
        joined = hashlib.sha256(b"".join(part.sha256 for part in self.parts)).digest()
        return f"{base64.b64encode(joined).decode()}-{len(self.parts)}"


def part_size(size: int) -> int:
    """Bytes a part: equal parts of at least 8 MiB, at most 10,000 of them."""
    return max(LEAST_PART, -(-size // MOST_PARTS))


def digest(path: Path) -> Digest:
    """Hash a file and its parts in one reading."""
    whole, parts, size = hashlib.sha256(), [], path.stat().st_size
    with path.open("rb") as file:
        for number, offset in enumerate(range(0, size, part_size(size)), start=1):
            sha256, md5, length = (
                hashlib.sha256(),
                hashlib.md5(usedforsecurity=False),
                min(part_size(size), size - offset),
            )
            for chunk in _chunks(file, length):
                whole.update(chunk)
                sha256.update(chunk)
                md5.update(chunk)
            parts.append(Part(number, offset, length, sha256.digest(), md5.digest()))
    return Digest(size, whole.hexdigest(), tuple(parts))


def _chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length and (chunk := file.read(min(length, 2**20))):
        length -= len(chunk)
        yield chunk


class Upload:
    """An upload under way. ``send`` the parts, then ``complete``; ``abort`` takes back what was not completed."""

    def __init__(self, store: Store, key: str, upload_id: str, metadata: Mapping[str, str], *, checksums: bool) -> None:
        self._metadata = metadata
        self.key = key
        self.upload_id = upload_id
        self.checksums = checksums
        """Whether the store keeps SHA-256; otherwise each part goes with its MD5."""
        self._store = store
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._lock = threading.Lock()
        self._sent = 0
        self._etags: dict[int, str] = {}
        self._futures: list[Future[None]] = []

    def send(self, path: Path, file: Digest, moved: Callable[[int], None]) -> None:
        """All parts, a few at once; ``moved`` hears of the bytes so far, from any thread."""
        with self._store.translated(f"upload {self.key}"):
            self._futures = [self._pool.submit(self._send_part, path, part, moved) for part in file.parts]
            done, _ = wait(self._futures, return_when=FIRST_EXCEPTION)
            _raise_first(done)

    def _send_part(self, path: Path, part: Part, moved: Callable[[int], None]) -> None:
        sums: Any = (
            {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": base64.b64encode(part.sha256).decode()}
            if self.checksums
            else {"ContentMD5": base64.b64encode(part.md5).decode()}
        )
        with path.open("rb") as file:
            body: Any = _Window(file, part, self._stop)
            answer = self._store.client.upload_part(
                Bucket=self._store.bucket, Key=self.key, UploadId=self.upload_id, PartNumber=part.number,
                ContentLength=part.size, Body=body, **sums,
            )  # fmt: skip
        with self._lock:
            self._etags[part.number] = answer["ETag"]
            self._sent += part.size
            moved(self._sent)

    def complete(self, file: Digest, *, replace: bool) -> None:
        """Make the object visible, unless another one stands there and may not be replaced: DESTINATION_EXISTS."""
        condition: Any = {} if replace else {"IfNoneMatch": "*"}
        with self._store.translated(f"complete {self.key}"):
            try:
                self._complete(file, condition)
            except ClientError as error:
                self._despite(error_code(error), error, file)

    def _despite(self, code: str, error: ClientError, file: Digest) -> None:
        """Perhaps an earlier try of the same call was heard; perhaps the store does not know the condition."""
        if code in ("PreconditionFailed", "412", "NoSuchUpload") and self.is_there(file):
            return
        if code in ("PreconditionFailed", "412"):
            raise exists(self._store.bucket, self.key) from None
        if code != "NotImplemented":
            raise error
        self._complete(file, {})

    def is_there(self, file: Digest) -> bool:
        """Whether the object at the key is this very upload's, whole and unharmed."""
        facts = self._store.head(self.key)
        return (
            facts is not None
            and facts.size == file.size
            and all(facts.metadata.get(name) == value for name, value in self._metadata.items())
            and (not self.checksums or facts.checksum in (None, file.composite))
        )

    def _complete(self, file: Digest, condition: Any) -> None:
        self._store.client.complete_multipart_upload(
            Bucket=self._store.bucket, Key=self.key, UploadId=self.upload_id,
            MultipartUpload={"Parts": [self._completed(part) for part in file.parts]}, **condition,
        )  # fmt: skip

    def _completed(self, part: Part) -> "CompletedPartTypeDef":
        named: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": self._etags[part.number]}
        if self.checksums:
            named["ChecksumSHA256"] = base64.b64encode(part.sha256).decode()
        return named

    def close(self) -> None:
        """No thread of ours goes on."""
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def abort(self) -> None:
        """Take the upload back; what fails here, the next run does."""
        self.close()
        wait(self._futures, timeout=_STOP_SECONDS)  # a part that arrives after the abort would stay
        abort(self._store, self.key, self.upload_id)


class _Window:
    """A part of a file as a body that boto3 may read again; ends with an OSError once the upload is stopped."""

    def __init__(self, file: IO[bytes], part: Part, stop: threading.Event) -> None:
        self._file, self._part, self._stop = file, part, stop
        self._at = 0

    def read(self, length: int = -1) -> bytes:
        if self._stop.is_set():
            raise InterruptedError("the upload was stopped")
        left = self._part.size - self._at
        self._file.seek(self._part.offset + self._at)
        chunk = self._file.read(left if length < 0 else min(left, length))
        self._at += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._part.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def __len__(self) -> int:
        return self._part.size


def _raise_first(done: set[Future[None]]) -> None:
    for future in done:
        future.result()


def begin(store: Store, key: str, metadata: Mapping[str, str], *, checksums: bool) -> Upload:
    """Open an upload; nothing is visible."""
    algorithm: Any = {"ChecksumAlgorithm": "SHA256"} if checksums else {}
    with store.translated(f"write to {key}"):
        answer = store.client.create_multipart_upload(
            Bucket=store.bucket, Key=key, ContentType="video/mp4", Metadata=dict(metadata), **algorithm
        )
    return Upload(store, key, answer["UploadId"], metadata, checksums=checksums)


def probe(store: Store, key: str) -> bool:
    """Whether we may write at a key, found out by opening an upload and taking it back; nothing is left.

    Returns whether the store keeps SHA-256 checksums. Raises ImportFailure.
    """
    checksums = _knows_sha256(store, key)
    upload_id = begin(store, key, {}, checksums=checksums).upload_id
    with store.translated(f"abort an upload to {key}"):
        store.client.abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=upload_id)
    return checksums


def _knows_sha256(store: Store, key: str) -> bool:
    with store.translated(f"write to {key}"):
        try:
            answer = store.client.create_multipart_upload(Bucket=store.bucket, Key=key, ChecksumAlgorithm="SHA256")
        except ClientError as error:
            if error_code(error) in _UNKNOWN_CHECKSUM:
                return False
            raise
    with store.translated(f"abort an upload to {key}"):
        store.client.abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=answer["UploadId"])
    return answer.get("ChecksumAlgorithm") == "SHA256"


def abort_leftovers(store: Store, key: str) -> int:
    """Take back what earlier runs left unfinished at this very key; returns how many. A refusal is only logged."""
    try:
        answer = store.client.list_multipart_uploads(Bucket=store.bucket, Prefix=key)
    except (ClientError, BotoCoreError, OSError) as error:
        code = error_code(error) if isinstance(error, ClientError) else type(error).__name__
        log().warning("cannot list unfinished uploads", code=code)
        return 0
    ours = [upload["UploadId"] for upload in answer.get("Uploads", []) if upload["Key"] == key]
    for upload_id in ours:
        abort(store, key, upload_id)
    return len(ours)


def abort(store: Store, key: str, upload_id: str) -> None:
    """Take one upload back; a refusal is logged."""
    try:
        store.client.abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=upload_id)
    except (ClientError, BotoCoreError, OSError) as error:
        log().warning("cannot abort an upload", key=key, error=type(error).__name__)


def exists(bucket: str, key: str) -> ImportFailure:
    """The failure for a key that another import's object holds."""
    message = f"s3://{bucket}/{key} exists and is not this import's; choose another destination.name, or set "
    return ImportFailure(Reason.DESTINATION_EXISTS, message + "destination.ifExists: Replace.")
