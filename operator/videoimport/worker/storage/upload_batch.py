"""The uploads of all files of one result, each in a separate thread. No file is visible before ``complete``."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage.base import Moved, Replaceable, Sent, Ticket
from videoimport.worker.storage.retry_policy import Retries
from videoimport.worker.storage.upload_journal import UploadJournal
from videoimport.worker.storage.upload_retry import Resending

Kind = Literal["original", "caption", "thumbnail", "audio", "rendition", "video"]
_ORDER: tuple[Kind, ...] = ("original", "caption", "thumbnail", "audio", "rendition", "video")
"""The order in which the files become visible."""
_AT_ONCE = 16
"""Maximum number of files that are uploaded at the same time. A growing file occupies its thread until it is complete:
the video, eight renditions and the audio are ten files."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Parcel:
    """The object key, the content type and the kind of one file."""

    key: str
    content_type: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Travelling:
    parcel: Parcel
    upload: Resending
    file: Growing
    moved: Moved
    sent: "Future[Sent]"


class Shipment:
    """The uploads of one result, as a context manager. If the block raises an exception, every upload that is not
    visible is aborted."""

    def __init__(
        self,
        notebook: UploadJournal,
        metadata: Mapping[str, str],
        moved: Callable[[int], None],
        retries: Retries | None = None,
    ) -> None:
        self._notebook = notebook
        self._retries = retries or Retries()
        self._metadata = metadata
        self._moved = moved
        self._travelling: dict[str, _Travelling] = {}
        self._bytes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE)
        self._is_left = False

    def __enter__(self) -> "Shipment":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not self._is_left and self._abort([*self._travelling.values()]):
            with suppress(ImportFailure):
                self._notebook.abort_all()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def add(self, parcel: Parcel, file: Growing | Path, *, held: int = 0, expected: int | None = None) -> None:
        """Start the upload of a file, which may still be growing. ``held`` and ``expected`` have the meaning of
        ``Upload.send``."""
        if parcel.key in self._travelling:
            raise ValueError(f"two files for {parcel.key}")
        upload = Resending(self._notebook, self._retries, parcel.key, parcel.content_type, self._metadata)
        growing = file if isinstance(file, Growing) else Growing(file, finished=True)

        def moved(done: int) -> None:
            with self._lock:
                self._bytes[parcel.key] = done
                self._moved(sum(self._bytes.values()))

        sent = self._threads.submit(upload.send, growing, moved, held=held, expected=expected)
        if growing is not file:
            sent.add_done_callback(lambda _: growing.close())
        self._travelling[parcel.key] = _Travelling(parcel, upload, growing, moved, sent)

    def send_again(self, key: str) -> Ticket:
        """Upload one file again from the same local file, and wait until it is uploaded. Raises ImportFailure."""
        one = self._travelling[key]
        sent = self._threads.submit(one.upload.send, one.file, one.moved)
        self._travelling[key] = dataclasses.replace(one, sent=sent)
        self.arrived(key)
        return one.upload.ticket

    def withdraw(self, key: str) -> None:
        """Abort the upload of one file. After this call, the caller may add the file again."""
        if (one := self._travelling.pop(key, None)) is not None:
            if not self._abort([one]):
                self._notebook.stuck(key, one.upload.id)
            with self._lock:
                self._bytes.pop(key, None)

    def leave(self) -> None:
        """Keep the uploads after an exception in the block, so that the next run can complete them."""
        self._is_left = True

    def _abort(self, those: list[_Travelling]) -> bool:
        for one in those:
            one.upload.stop()
            one.sent.cancel()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return all([*threads.map(lambda one: one.upload.abort(), those)])

    @property
    def failure(self) -> BaseException | None:
        """The first failure of an upload, or None as long as no upload has failed."""
        over = [one.sent for one in self._travelling.values() if one.sent.done() and not one.sent.cancelled()]
        return next((error for sent in over if (error := sent.exception()) is not None), None)

    def arrived(self, key: str) -> Sent:
        """Wait until one file is uploaded. Raises the first failure of any file."""
        sent = self._travelling[key].sent
        while not sent.done():
            if (failure := self.failure) is not None:
                raise failure
            wait([sent], timeout=_LOOK_SECONDS)
        return sent.result()

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """The tickets of all files, in the order in which the files become visible. The property waits until all files
        are uploaded."""
        for key in [*self._travelling]:
            self.arrived(key)
        ordered = sorted(self._travelling.values(), key=lambda one: (_ORDER.index(one.parcel.kind), one.parcel.key))
        return tuple(one.upload.ticket for one in ordered)

    def complete(self, key: str, *, replace: Replaceable) -> None:
        """Complete the upload of one file, so that users see the file."""
        self._travelling[key].upload.complete(replace=replace)
