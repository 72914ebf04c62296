"""The folder that an import with ``ifExists: KeepBoth`` reserves, so that two imports with one name get two folders.

Two small objects belong to a reservation. The *note*, ``names/imports/<uid>.json``, has the folder that the import
is about to reserve, and is written first. The *reservation*, ``names/folders/<SHA-256 of the folder>.json``, has the
import that may write in this folder. The reservation is written by a conditional write. So the next run of a killed
import finds the same folder again, even if a folder with a lower number is free at that time. Both are removed once
the commit record is written: then the video's own objects show that the folder is in use.

On a store without conditions the last writer has the reservation. On such a store, a run waits for a moment and
reads the reservation again. The run also reads the reservation before it publishes.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, TypeAdapter

from videoimport.api.base import Model
from videoimport.api.field_types import Timestamp
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UID, Key, UnmetError
from videoimport.worker.storage.record_checks import Scope
from videoimport.worker.storage.video_index import CLOCKS_DIFFER

RESERVED = timedelta(days=30)
"""Duration of a reservation. A run takes at most 7 days, and the next run writes the reservation again. A reservation
that no run uses any more, such as that of a deleted import, ends by itself."""
SETTLE_SECONDS = 2.0
"""Seconds after which a reservation is read again, if the store is not known to honour conditions. Another import that
saw no reservation has written its own by then."""
_TRIES = 5


class Reservation(Model):
    """The record that an import may write in a folder. The note of an import has the same form."""

    uid: Annotated[str, Field(min_length=1, max_length=128)]
    folder: Key
    expires: Timestamp


_RESERVATIONS: TypeAdapter[Reservation] = TypeAdapter(Reservation)


def is_available(reservation: Reservation | None, uid: str, now: datetime) -> bool:
    """Return whether an import may reserve a folder. The result is True if the folder has no reservation, if the
    reservation belongs to this import, or if the reservation has ended. A reservation that ends later than any
    import reserves is invalid. It does not prevent a new reservation."""
    if reservation is None or reservation.uid == uid:
        return True
    return not now < reservation.expires <= now + RESERVED + CLOCKS_DIFFER


@dataclass(slots=True)
class FolderNames:
    """The reservation of one import."""

    scope: Scope
    uid: str
    clock: Callable[[], datetime]
    wait: Callable[[float], object]
    """Called with the number of seconds to wait."""

    def reserve(self, folders: Iterable[str], earlier: str | None, is_own: Callable[[str], bool]) -> str:
        """Reserve one of ``folders`` and return this folder: the folder of an earlier run of this import, or else
        the first free folder.

        ``earlier`` is the folder of this import's earlier result, if there is one. ``is_own`` returns whether a folder
        has no other writer's objects at this import's keys. Raises ImportFailure DESTINATION_EXISTS if all are in use.
        """
        folders = (*folders,)
        if (noted := self._noted()) is not None:
            if noted in folders and self._reserve(noted, is_own):
                return noted
            self.release()
        if earlier in folders and self._reserve(earlier, is_own):
            return earlier
        for folder in folders:
            if self._reserve(folder, self._is_empty):
                return folder
            self.scope.store.went_on()
        raise _used_up(self.scope.store.uri(folders[0]), len(folders))

    def _reserve(self, folder: str, is_usable: Callable[[str], bool]) -> bool:
        """Reserve a folder that is usable before and after that. In between, another import may have stored its video
        there and removed its reservation."""
        if not is_usable(folder) or not self._take(folder):
            return False
        if is_usable(folder):
            return True
        self.release()
        return False

    def _is_empty(self, folder: str) -> bool:
        """Return whether there is no object in a folder. An object that stands for a folder does not count."""
        return all(key.endswith("/") for key in self.scope.store.keys(f"{folder}/"))

    def _take(self, folder: str) -> bool:
        """Write the note and the reservation. Return False if another import has the reservation."""
        mine = Reservation(uid=self.uid, folder=folder, expires=self.clock() + RESERVED)
        body = mine.model_dump_json(by_alias=True).encode()
        key = self._key_of(folder)
        for _ in range(_TRIES):
            reservation, version = self._read(key)
            if not is_available(reservation, self.uid, self.clock()):
                return False
            self.scope.store.write(self._note_key, body, {UID: self.uid})
            with suppress(UnmetError):
                self.scope.store.write_if(key, body, version)
                return self._is_settled(folder)
        return False

    def _is_settled(self, folder: str) -> bool:
        if self.scope.store.guards_writes:
            return True
        self.wait(SETTLE_SECONDS)
        return self._has(folder)

    def _has(self, folder: str) -> bool:
        reservation, _ = self._read(self._key_of(folder))
        return reservation is not None and reservation.uid == self.uid

    def confirm(self, folder: str) -> None:
        """Check that this import still has the reservation of a folder. If the reservation is missing, write it
        again. Raises ImportFailure DESTINATION_UNAVAILABLE if another import has reserved the folder."""
        if not self._has(folder) and not self._take(folder):
            raise taken(f"Another import reserved {self.scope.store.uri(folder)}.")

    def release(self) -> None:
        """Remove the reservation and the note if they exist."""
        if (folder := self._noted()) is None:
            return
        if self._has(folder):
            self.scope.store.delete(self._key_of(folder))
        self.scope.store.delete(self._note_key)

    def _noted(self) -> str | None:
        note, _ = self._read(self._note_key)
        return note.folder if note is not None and note.uid == self.uid else None

    def _read(self, key: str) -> tuple[Reservation | None, str | None]:
        """Return the note or the reservation at a key, and its version. What cannot be parsed counts as absent, and is
        overwritten."""
        content = self.scope.read(key)
        return (strict.parse(_RESERVATIONS, content.body), content.version) if content else (None, None)

    @property
    def _note_key(self) -> str:
        return naming.own_key(self.scope.destination, "names", "imports", f"{self.uid}.json")

    def _key_of(self, folder: str) -> str:
        name = hashlib.sha256(folder.encode()).hexdigest()
        return naming.own_key(self.scope.destination, "names", "folders", f"{name}.json")


def taken(finding: str) -> ImportFailure:
    """Return the failure of a run whose folder another writer uses. The next run uses the next free name."""
    advice = "The next run takes the next free name. Give all imports into this folder ifExists: KeepBoth."
    return ImportFailure(Reason.DESTINATION_UNAVAILABLE, finding, advice=advice)


def _used_up(uri: str, number: int) -> ImportFailure:
    message = f"{uri} and the names with the suffixes -2 to -{number} are all in use."
    advice = "Choose another destination.name or destination.folder, or remove results that are no longer needed."
    return ImportFailure(Reason.DESTINATION_EXISTS, message, advice=advice)
