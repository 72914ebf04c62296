"""The upload of one file. If the destination lost or damaged the data, the upload starts again from the same local
file."""

import threading
from collections.abc import Mapping

from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage.base import Moved, Replaceable, Sent, Ticket, Upload
from videoimport.worker.storage.retry_policy import Reach, Retries
from videoimport.worker.storage.upload_journal import UploadJournal


class Resending:
    """An ``Upload`` that opens a new upload in the destination for each try. If the file still grows, a new try
    first sends the present bytes of the file, and then the new bytes."""

    def __init__(
        self, notebook: UploadJournal, retries: Retries, key: str, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        """Open an upload. Raises ImportFailure."""
        self.key = key
        self._notebook, self._retries = notebook, retries
        self._content_type, self._metadata = content_type, metadata
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        """Held while a new upload replaces the old one, so that ``stop`` reaches the newest upload."""
        self._upload = self._opened()
        self._is_fresh = True
        """True if ``_upload`` has sent nothing so far."""

    @property
    def id(self) -> str:
        """The upload ID that the destination gave to the newest upload."""
        return self._upload.id

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """Upload the file as ``Upload.send`` does, and repeat the upload after temporary errors. Raises the last
        failure, or AbandonedError after ``stop``."""
        reach = Reach()

        def told(done: int) -> None:
            reach(done)
            moved(done)

        attempts = self._retries.resends(self._stopped.is_set, reach)
        return attempts(self._send, file, told, held, expected)

    def _send(self, file: Growing, moved: Moved, held: int, expected: int | None) -> Sent:
        if not self._is_fresh:
            self._renew()
        self._is_fresh = False
        return self._upload.send(file, moved, held=held, expected=expected)

    def _opened(self) -> Upload:
        def opened() -> Upload:
            return self._notebook.open(self.key, self._content_type, self._metadata)

        return self._retries.run(opened)

    def _renew(self) -> None:
        """Open a new upload, then abort the old one. In this order, the store cannot give the new upload the ID of the
        old one."""
        new = self._opened()
        with self._lock:
            old, self._upload = self._upload, new
        if not old.abort():
            self._notebook.stuck(self.key, old.id)
        if self._stopped.is_set():
            new.abort()
            raise AbandonedError

    @property
    def ticket(self) -> Ticket:
        """The ticket of the last upload that was sent."""
        return self._upload.ticket

    def complete(self, *, replace: Replaceable) -> None:
        """Complete the upload, as ``Upload.complete`` does."""
        self._upload.complete(replace=replace)

    def stop(self) -> None:
        """Stop sending, without waiting."""
        with self._lock:
            self._stopped.set()
            self._upload.stop()

    def abort(self) -> bool:
        """Abort the upload if it is not completed."""
        self.stop()
        return self._upload.abort()
