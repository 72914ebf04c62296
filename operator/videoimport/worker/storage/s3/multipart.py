"""The multipart upload of one file to one key. Users cannot see the object before the whole file is uploaded and
verified.

The file may still be growing. A part is sent as soon as it is full. The parts with the first bytes of the file wait,
because the writer rewrites these bytes at the end. Then the whole file is read once more, from the page cache, while
the last parts are being sent. The second read is needed because SHA-256 is computed from the first byte to the last,
and the first byte is written last. The second read also finds parts that were rewritten after they were sent. Such a
part is sent again. So the number of waiting bytes may be an estimate.
"""

import base64
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy, ScratchError
from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage import growing_parts as following
from videoimport.worker.storage import parts
from videoimport.worker.storage.base import MOST_SUMS, Moved, Replaceable, Sent, Ticket
from videoimport.worker.storage.parts import UploadPart, Window
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3 import completion as s3_completion
from videoimport.worker.storage.s3.errors import ErrorKind, error_code, error_kind, is_repeated

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

    from videoimport.worker.storage.s3.store import S3Store

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _ArrivedPart:
    """A part that the store has."""

    part: UploadPart
    etag: str


class MultipartUpload:
    """An open upload. ``send`` uploads the file, and ``complete`` completes the upload, so that users see the
    object. ``abort`` removes an upload that was not completed."""

    def __init__(self, store: "S3Store", key: str, upload_id: str, metadata: Mapping[str, str]) -> None:
        self.key = key
        self._store = store
        self.id = upload_id
        self._metadata = metadata
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._bytes = 0
        self._futures: dict[int, Future[_ArrivedPart]] = {}
        self._failure: BaseException | None = None
        self._arrived: list[_ArrivedPart] = []
        self._sent: Sent | None = None
        self._md5: str | None = None
        self._checksums = store.checksums
        """True if parts are sent with SHA-256, as decided when the upload was opened."""

    # Sending

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """Upload the whole file as it grows. Return when every part is uploaded.

        ``held`` is the number of bytes at the start of the file that its writer may rewrite at the end. ``expected`` is
        the approximate size in bytes. Raises ImportFailure. Raises AbandonedError if the writer failed or the upload
        was aborted.
        """
        with self._store.translated(f"upload {self.key}"):
            windows: list[Window] = []
            for window in following.final(file, held, expected, self._go_on):
                windows.append(window)
                self._submit(file, window, moved)
            windows.sort(key=lambda window: window.number)
            told = lambda: self._tell(moved)  # noqa: E731
            whole = parts.digest(file.descriptor, windows, told, with_md5=not self._checksums)
            self._arrived = [self._await(window) for window in windows]
            self._send_again(file, whole.crcs, moved)
        self._sent, self._md5 = Sent(whole.size, whole.sha256), whole.md5
        return self._sent

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise AbandonedError
        if self._failure is not None:
            raise self._failure

    def _submit(self, file: Growing, window: Window, moved: Moved) -> None:
        is_again = window.number in self._futures
        future = self._store.senders.submit(self._send_part, file, window, moved, is_again=is_again)
        self._futures[window.number] = future
        future.add_done_callback(self._note)

    def _note(self, future: "Future[_ArrivedPart]") -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self._failure = self._failure or error

    def _await(self, window: Window) -> _ArrivedPart:
        future = self._futures[window.number]
        while not future.done():
            self._go_on()
            wait([future], timeout=_LOOK_SECONDS)
        self._go_on()
        return future.result()

    def _send_part(self, file: Growing, window: Window, moved: Moved, *, is_again: bool) -> _ArrivedPart:
        self._go_on()
        part = parts.read_part(file.descriptor, window, with_md5=not self._checksums)
        sums: Any = (
            {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _sum(part)}
            if self._checksums
            else {"ContentMD5": base64.b64encode(part.md5).decode()}
        )
        body: Any = _PartBody(file.descriptor, window, self._stop)
        try:
            answer = self._store.client.upload_part(
                Bucket=self._store.bucket, Key=self.key, UploadId=self.id, PartNumber=window.number,
                ContentLength=window.size, Body=body, **sums,
            )  # fmt: skip
        except (BotoCoreError, OSError) as error:
            raise body.failure or error from None
        except ClientError as error:
            if (is_again or is_repeated(error.response)) and error_kind(error) is ErrorKind.UNSUPPORTED:
                raise self._takes_no_part_twice(error) from None
            raise
        self._tell(moved, window.size)
        return _ArrivedPart(part, answer["ETag"])

    def _takes_no_part_twice(self, error: ClientError) -> ImportFailure:
        """Return the failure for a store that accepts no part twice, also after a lost response. The file is then sent
        again in another upload."""
        message = f"The object store refuses a part of {self.key} that is sent a second time: {error_code(error)}."
        return DestinationFault(Reason.UNSUPPORTED_DESTINATION, message, remedy=Remedy.RESEND)

    def _tell(self, moved: Moved, more: int = 0) -> None:
        """Report the number of bytes sent so far. The same number again means that there is progress without new
        bytes."""
        with self._lock:
            self._bytes += more
            moved(self._bytes)

    def _send_again(self, file: Growing, crcs: tuple[int, ...], moved: Moved) -> None:
        for index, (arrived, crc) in enumerate(zip(self._arrived, crcs, strict=True)):
            if arrived.part.crc != crc:
                self._bytes -= arrived.part.window.size
                self._submit(file, arrived.part.window, moved)
                self._arrived[index] = self._await(arrived.part.window)

    # Showing

    @property
    def ticket(self) -> Ticket:
        """The ticket that a later run needs to complete this upload. The ticket is available only after all parts
        are sent."""
        assert self._sent is not None, "sent"  # noqa: S101
        sent = [arrived.part for arrived in self._arrived]
        return Ticket(
            key=self.key,
            upload=self.id,
            size_bytes=self._sent.size,
            sha256=self._sent.sha256,
            checksum=parts.composite(sent) if self._checksums else None,
            etags=(parts.joined_etag(sent), self._md5) if self._md5 else (),
            part_sums=tuple(map(_sum, sent)) if self._checksums and len(sent) <= MOST_SUMS else (),
            seal=parts.seal([_told(one) for one in self._arrived]),
        )

    def complete(self, *, replace: Replaceable) -> None:
        """Complete the upload, so that users see the object. Raises ImportFailure DESTINATION_EXISTS if ``replace``
        does not allow replacing the present object at the key."""
        named = [_named(one) for one in self._arrived]
        s3_completion.complete(self._store, self.ticket, self._metadata, named, replace=replace)

    def stop(self) -> None:
        """Stop sending, without waiting."""
        self._stop.set()
        for future in self._futures.values():
            future.cancel()

    def abort(self) -> bool:
        """Abort the upload. Return False if the abort failed. In this case the next run aborts the upload."""
        self.stop()
        wait(list(self._futures.values()), timeout=_STOP_SECONDS)  # a part that arrives after the abort would stay
        return self._store.abort(self.key, self.id)


class _PartBody:
    """A part of a file as a request body that boto3 may read more than once. Reading raises an OSError once the upload
    is stopped.

    Boto3 handles an exception of a body as a connection error, so ``failure`` has the original exception.
    """

    def __init__(self, descriptor: int, window: Window, stop: threading.Event) -> None:
        self._descriptor, self._window, self._stop = descriptor, window, stop
        self._at = 0
        self.failure: ScratchError | None = None

    def read(self, length: int = -1) -> bytes:
        if self._stop.is_set():
            raise InterruptedError("the upload was stopped")
        left = self._window.size - self._at
        wanted = left if length < 0 else min(left, length)
        try:
            chunk = parts.read(self._descriptor, wanted, self._window.offset + self._at) if wanted else b""
        except ScratchError as error:  # raised, because the store would otherwise wait for the other bytes
            self.failure = error
            raise
        self._at += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = 0) -> int:
        if self._stop.is_set():
            raise AbandonedError  # no part is sent again after the upload was stopped
        if self.failure is not None:
            raise self.failure
        self._at = offset + (0, self._at, self._window.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def __len__(self) -> int:
        return self._window.size


def _named(arrived: _ArrivedPart) -> "CompletedPartTypeDef":
    named: CompletedPartTypeDef = {"PartNumber": arrived.part.window.number, "ETag": forms.version(arrived.etag)}
    if not arrived.part.md5:
        named["ChecksumSHA256"] = _sum(arrived.part)
    return named


def _sum(part: UploadPart) -> str:
    """Return the SHA-256 of a part as S3 writes it."""
    return base64.b64encode(part.sha256).decode()


def _told(arrived: _ArrivedPart) -> tuple[int, int, str]:
    """Return number, size and ETag of a part, as in a list of parts."""
    window = arrived.part.window
    return window.number, window.size, forms.etag(arrived.etag) or ""
