"""One file's upload, begun anew from the same file where the destination lost or damaged what was sent."""

import threading
from collections.abc import Mapping

from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage.base import Moved, Replaceable, Sent, Ticket, Upload
from videoimport.worker.storage.retry_policy import Reach, Retries
from videoimport.worker.storage.upload_journal import UploadJournal


class Resending:
    """An ``Upload`` that outlives the destination's own uploads. A file that still grows is sent again as far as it is
    there, and then as it grows."""

    def __init__(
        self, notebook: UploadJournal, retries: Retries, key: str, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        """Open an upload. Raises ImportFailure."""
        self.key = key
        self._notebook, self._retries = notebook, retries
        self._content_type, self._metadata = content_type, metadata
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        """Held while an upload takes the place of another one, so that a stop meets the newest."""
        self._upload = self._opened()
        self._is_fresh = True
        """Nothing was sent by ``_upload`` so far."""

    @property
    def id(self) -> str:
        """The destination's word for the newest upload."""
        return self._upload.id

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """As ``Upload.send``, again where that may help. Raises the last failure, and AbandonedError once stopped."""
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
        """Open another upload, then take the old one back: an id that was not told yet is never given twice."""
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
        """Of what was sent last."""
        return self._upload.ticket

    def complete(self, *, replace: Replaceable) -> None:
        """Make it visible, as ``Upload.complete``."""
        self._upload.complete(replace=replace)

    def stop(self) -> None:
        """Send no more; does not wait."""
        with self._lock:
            self._stopped.set()
            self._upload.stop()

    def abort(self) -> bool:
        """Take back what is not visible yet."""
        self.stop()
        return self._upload.abort()
