"""A mounted volume as a destination. Files are written under temporary names beside the final names, synced to the disk
and renamed."""

import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.base import (
    Facts,
    Proof,
    Replaceable,
    Ticket,
    Unfinished,
    exists,
    has_marks,
)
from videoimport.worker.storage.keys import joined
from videoimport.worker.storage.volume.files import VolumeFiles, temporary_key
from videoimport.worker.storage.volume.tree import PART_SUFFIX
from videoimport.worker.storage.volume.upload import VolumeUpload

_FORGOTTEN_SECONDS = 3600.0


class VolumeStore(VolumeFiles):
    """A volume. Object keys are paths below its root."""

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> VolumeUpload:  # noqa: ARG002
        """Open a temporary file. Users see the file after it is renamed. A volume stores no content type, because
        the file name shows the content type."""
        temporary = temporary_key(key)
        with self.translated(f"write {key}"):
            descriptor = self.tree.create(temporary)
        return VolumeUpload(self, key, temporary, descriptor, metadata)

    def check_options(self, key: str) -> None:
        """Do nothing: files on a volume have no options."""

    def probe(self, key: str, note: tuple[str, bytes] | None = None, *, replaces: bool = False) -> None:  # noqa: ARG002
        """Write a temporary file of one byte in the same folder as a key, and remove the file."""
        if not self._root.is_dir():
            message = f"The volume of claim {self.claim!r} is not mounted at {self._root}."
            advice = "Check that the claim is bound, then change retryToken."
            raise ImportFailure(Reason.DESTINATION_NOT_FOUND, message, advice=advice)
        with self.translated(f"write {key}"):
            self.tree.remove(self._written(b"?", beside=key))
            self._tidy()

    def _tidy(self) -> None:
        """Remove old temporary files that killed workers left. No worker takes that long to write a small file."""
        folder = f"{self._own}/temporary"
        for name in self.tree.names(folder):
            with suppress(FileNotFoundError):
                key = f"{folder}/{name}"
                if time.time() - self.tree.stat(key).st_mtime > _FORGOTTEN_SECONDS:
                    self.tree.remove(key)

    def show(self, temporary: str, key: str, sha256: str, metadata: Mapping[str, str], *, replace: Replaceable) -> None:
        """Rename a temporary file to its final name. Raises ImportFailure DESTINATION_EXISTS if a file with that name
        must not be replaced."""
        with self.translated(f"complete {key}"):
            try:
                self._put(temporary, key, sha256, metadata, replace=replace)
            except FileExistsError:
                raise exists(self.uri(key)) from None

    def is_ready(self, ticket: Ticket) -> bool:
        """Return whether the temporary file of an earlier run is unchanged. The method reads the whole file."""
        with self.translated(f"look at {ticket.upload}"):
            return self._has_size(ticket) and self._sha256(ticket.upload) == ticket.seal

    def _has_size(self, ticket: Ticket) -> bool:
        try:
            found = self.tree.stat(ticket.upload)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == ticket.size_bytes

    def is_upload(self, key: str, upload: str) -> bool:
        """Return whether a name is a temporary name beside the key."""
        folder, _, name = upload.rpartition("/")
        wanted, _, final = key.rpartition("/")
        return folder == wanted and name.startswith(f".{final}.") and name.endswith(PART_SUFFIX)

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: Replaceable) -> bool:
        """Rename the temporary file of an earlier run if the file has the right size. Return False otherwise."""
        with self.translated(f"look at {ticket.upload}"):
            if not self._has_size(ticket):
                return False
        self.show(ticket.upload, ticket.key, ticket.seal, marks, replace=replace)
        return True

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """Return the evidence that the file comes from this upload and is complete. Return None if there is no such
        file."""
        facts = self.head(ticket.key)
        if facts is None or not has_marks(facts, marks):
            return None
        is_whole = (facts.size, facts.checksum) == (ticket.size_bytes, ticket.seal)
        return Proof(facts, "Synced") if is_whole else None

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return the properties of the file if this upload created the file."""
        facts = self.head(ticket.key)
        return facts if has_marks(facts, marks) else None

    def keeps(self) -> bool:
        """Return True, because the importer stores the metadata in separate files."""
        return True

    def unfinished(self, key: str) -> list[Unfinished]:
        """Return the temporary files of all imports for exactly this key."""
        folder, _, name = key.rpartition("/")
        found = []
        with self.translated(f"list {folder}"):
            for entry in self.tree.names(folder):
                if entry.startswith(f".{name}.") and entry.endswith(PART_SUFFIX):
                    temporary = joined(folder, entry)
                    with suppress(FileNotFoundError):
                        since = datetime.fromtimestamp(self.tree.stat(temporary).st_mtime, UTC)
                        found.append(Unfinished(temporary, since))
        return found

    def abort(self, key: str, upload: str) -> bool:
        """Remove a temporary file. If the removal fails, log the failure and return False."""
        try:
            self.tree.remove(upload)
        except OSError as error:
            log().warning("cannot remove a temporary file", key=key, error=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Do nothing: the store has no threads."""
