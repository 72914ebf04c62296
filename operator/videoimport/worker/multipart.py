"""One file to one key by multipart upload: nothing is visible until all of it is there and verified.

The file may still be growing. Its parts leave as soon as they are full, but for those that begin in its head, which the
writer rewrites when it ends. Then the whole is read once more, from the page cache, while the last parts are on their
way: SHA-256 goes from the first byte to the last, and the first byte is written last. The same reading finds a part
that was rewritten after it had left, and sends that again; so the head's size need only be about right.
"""

import base64
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.worker import following, parts
from videoimport.worker.destination import Moved, Sent, Ticket, exists
from videoimport.worker.growing import AbandonedError, Growing
from videoimport.worker.parts import Part, Window
from videoimport.worker.s3_errors import error_code

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

    from videoimport.worker.s3 import S3Store

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A part that lies in the store."""

    part: Part
    etag: str


class MultipartUpload:
    """An upload under way: ``send`` the file, then ``complete``; ``abort`` takes back what was not completed."""

    def __init__(self, store: "S3Store", key: str, upload_id: str, metadata: Mapping[str, str]) -> None:
        self.key = key
        self._store = store
        self.id = upload_id
        self._metadata = metadata
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._bytes = 0
        self._futures: dict[int, Future[_Arrived]] = {}
        self._failure: BaseException | None = None
        self._arrived: list[_Arrived] = []
        self._sent: Sent | None = None

    # Sending

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """All of a file, as it grows; returns once every part has arrived.

        ``held`` bytes at its start may be rewritten when its writer ends; ``expected`` is about its size.
        Raises ImportFailure, or AbandonedError when the writer failed or the upload was aborted.
        """
        with self._store.translated(f"upload {self.key}"):
            windows: list[Window] = []
            for window in following.final(file, held, expected, self._go_on):
                windows.append(window)
                self._submit(file, window, moved)
            windows.sort(key=lambda window: window.number)
            whole = parts.digest(file.descriptor, windows, lambda: self._tell(moved))
            self._arrived = [self._await(window) for window in windows]
            self._send_again(file, whole.crcs, moved)
        self._sent = Sent(whole.size, whole.sha256)
        return self._sent

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise AbandonedError
        if self._failure is not None:
            raise self._failure

    def _submit(self, file: Growing, window: Window, moved: Moved) -> None:
        future = self._store.senders.submit(self._send_part, file, window, moved)
        self._futures[window.number] = future
        future.add_done_callback(self._note)

    def _note(self, future: "Future[_Arrived]") -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self._failure = self._failure or error

    def _await(self, window: Window) -> _Arrived:
        future = self._futures[window.number]
        while not future.done():
            self._go_on()
            wait([future], timeout=_LOOK_SECONDS)
        self._go_on()
        return future.result()

    def _send_part(self, file: Growing, window: Window, moved: Moved) -> _Arrived:
        self._go_on()
        part = parts.read_part(file.descriptor, window, with_md5=not self._store.checksums)
        sums: Any = (
            {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": base64.b64encode(part.sha256).decode()}
            if self._store.checksums
            else {"ContentMD5": base64.b64encode(part.md5).decode()}
        )
        body: Any = _Body(file.descriptor, window, self._stop)
        answer = self._store.client.upload_part(
            Bucket=self._store.bucket, Key=self.key, UploadId=self.id, PartNumber=window.number,
            ContentLength=window.size, Body=body, **sums,
        )  # fmt: skip
        self._tell(moved, window.size)
        return _Arrived(part, answer["ETag"])

    def _tell(self, moved: Moved, more: int = 0) -> None:
        """So many bytes so far; the same once more for what goes on without any."""
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
        """What a later run needs to go on from here. Only once all is sent."""
        assert self._sent is not None, "sent"  # noqa: S101
        return Ticket(
            key=self.key,
            upload=self.id,
            size_bytes=self._sent.size,
            checksum=parts.composite([arrived.part for arrived in self._arrived]) if self._store.checksums else None,
            seal=parts.seal([(one.part.window.number, one.part.window.size, one.etag) for one in self._arrived]),
        )

    def complete(self, *, replace: bool) -> None:
        """Make the object visible, unless another one stands there and may not be replaced: DESTINATION_EXISTS."""
        complete(self._store, self.ticket, self._metadata, [_named(one) for one in self._arrived], replace=replace)

    def stop(self) -> None:
        """Send no more; does not wait."""
        self._stop.set()
        for future in self._futures.values():
            future.cancel()

    def abort(self) -> bool:
        """Take the upload back; what fails here, the next run does."""
        self.stop()
        wait(list(self._futures.values()), timeout=_STOP_SECONDS)  # a part that arrives after the abort would stay
        return self._store.abort(self.key, self.id)


class _Body:
    """A part of a file as a body that boto3 may read again; ends with an OSError once the upload is stopped."""

    def __init__(self, descriptor: int, window: Window, stop: threading.Event) -> None:
        self._descriptor, self._window, self._stop = descriptor, window, stop
        self._at = 0

    def read(self, length: int = -1) -> bytes:
        if self._stop.is_set():
            raise InterruptedError("the upload was stopped")
        left = self._window.size - self._at
        chunk = os.pread(self._descriptor, left if length < 0 else min(left, length), self._window.offset + self._at)
        if left and length and not chunk:
            raise OSError("the file became shorter")  # else the store would be left waiting for the rest
        self._at += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._window.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def __len__(self) -> int:
        return self._window.size


def _named(arrived: _Arrived) -> "CompletedPartTypeDef":
    named: CompletedPartTypeDef = {"PartNumber": arrived.part.window.number, "ETag": arrived.etag}
    if not arrived.part.md5:
        named["ChecksumSHA256"] = base64.b64encode(arrived.part.sha256).decode()
    return named


def complete(
    store: "S3Store",
    ticket: Ticket,
    marks: Mapping[str, str],
    named: "list[CompletedPartTypeDef]",
    *,
    replace: bool,
) -> None:
    """Make an upload visible. Doing it twice is doing it once."""
    condition: Any = {} if replace else {"IfNoneMatch": "*"}

    def once(condition: Any) -> None:
        store.client.complete_multipart_upload(
            Bucket=store.bucket, Key=ticket.key, UploadId=ticket.upload, MultipartUpload={"Parts": named}, **condition
        )

    with store.translated(f"complete {ticket.key}"):
        try:
            once(condition)
        except ClientError as error:
            # Perhaps an earlier try of the same call was heard; perhaps the store does not know the condition.
            code = error_code(error)
            if code in ("PreconditionFailed", "412", "NoSuchUpload") and store.is_there(ticket, marks):
                return
            if code in ("PreconditionFailed", "412"):
                raise exists(store.uri(ticket.key)) from None
            if code != "NotImplemented":
                raise
            once({})


def lying(store: "S3Store", ticket: Ticket) -> "list[CompletedPartTypeDef] | None":
    """The parts of an earlier run's upload, if they are still the very ones it sent; else None."""
    found: list[Any] = []
    with store.translated(f"look at the parts of {ticket.key}"):
        try:
            pages = store.client.get_paginator("list_parts").paginate(
                Bucket=store.bucket, Key=ticket.key, UploadId=ticket.upload
            )
            for page in pages:
                found += islice(page.get("Parts", []), parts.MOST_PARTS)
        except ClientError as error:
            if error_code(error) in ("NoSuchUpload", "404"):
                return None
            raise
    if parts.seal([(part["PartNumber"], part["Size"], part["ETag"]) for part in found]) != ticket.seal:
        return None
    return [
        {key: part[key] for key in ("PartNumber", "ETag", "ChecksumSHA256") if key in part}  # type: ignore[misc]
        for part in found
    ]
