"""Which unfinished uploads are ours, so that a later run takes back those and no others.

A store tells of an unfinished upload only its key, its id and when it began, and two imports may be at one key. So each
import keeps a small note, ``.videoimport/uploads/<uid>.json``: a key is in it *before* an upload to that key is opened,
the upload's id right after. A run that is killed in between leaves an upload whose id nobody wrote down; it counts as
ours only if nobody else's note has that key and it was not begun before the note.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import Field, ValidationError

from videoimport.api.base import Model, Timestamp
from videoimport.worker.destination import Store, Unfinished, Upload

_CLOCKS_DIFFER = timedelta(minutes=5)


class Note(Model):
    """What one import may have under way."""

    uid: str
    since: Timestamp
    """When the first run that left something began."""
    uploads: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Ids of uploads opened, by key."""


def ours(found: Iterable[Unfinished], mine: Note, key: str, others: Iterable[Note]) -> list[str]:
    """Of the unfinished uploads to a key, the ids of those that this import opened."""
    known = set(mine.uploads.get(key, ()))
    alone = not any(key in other.uploads for other in others)
    return [
        one.upload
        for one in found
        if one.upload in known or (alone and one.since >= mine.since - _CLOCKS_DIFFER and key in mine.uploads)
    ]


class Notebook:
    """The note of one import, kept in step with what it opens. Any thread may open an upload."""

    def __init__(self, store: Store, folder: str, uid: str, now: datetime) -> None:
        self._store = store
        self._folder = folder
        self._key = f"{folder}/{uid}.json"
        self._note = Note(uid=uid, since=now)
        self._lock = threading.Lock()
        self._stuck: set[tuple[str, str]] = set()
        """Keys and ids of uploads that could not be taken back so far."""

    def clear(self) -> None:
        """Take back what earlier runs of this import left."""
        earlier = self._read(self._key)
        if earlier is None:
            return
        for key in earlier.uploads:
            self._take_back(earlier, key)
        self.forget()

    def _take_back(self, earlier: Note, key: str) -> None:
        unfinished = self._store.unfinished(key)
        strange = [one for one in unfinished if one.upload not in earlier.uploads[key]]
        for upload in ours(unfinished, earlier, key, self._others() if strange else ()):
            if not self._store.abort(key, upload):
                self.stuck(key, upload)

    def stuck(self, key: str, upload: str) -> None:
        """An upload could not be taken back: it is tried again, and noted until that is done."""
        self._stuck.add((key, upload))

    def _others(self) -> list[Note]:
        keys = [key for key in self._store.keys(self._folder + "/") if key != self._key]
        return [note for note in map(self._read, keys) if note is not None]

    def _read(self, key: str) -> Note | None:
        content = self._store.read(key)
        try:
            return Note.model_validate_json(content.body) if content else None
        except ValidationError:
            return None

    def announce(self, keys: Iterable[str]) -> None:
        """Uploads to these keys are about to be opened."""
        with self._lock:
            new = {key: () for key in keys if key not in self._note.uploads}
            if new:
                self._set(self._note.uploads | new)

    def open(self, key: str, content_type: str, metadata: Mapping[str, str]) -> Upload:
        """Open an upload that a later run will know as ours."""
        self.announce([key])
        upload = self._store.begin(key, content_type, metadata)
        try:
            with self._lock:
                self._set(self._note.uploads | {key: (*self._note.uploads[key], upload.id)})
        except BaseException:  # nobody else knows of it yet
            upload.abort()
            raise
        return upload

    def _set(self, uploads: dict[str, tuple[str, ...]]) -> None:
        self._note = self._note.model_copy(update={"uploads": uploads})
        self._store.write(self._key, self._note.model_dump_json(by_alias=True).encode(), {})

    def forget(self) -> None:
        """Nothing of ours is unfinished any more, but what cannot be taken back even now."""
        self._stuck = {one for one in self._stuck if not self._store.abort(*one)}
        if self._stuck:
            keys = {key for key, _ in self._stuck}
            self._set(
                {wanted: tuple(sorted(upload for key, upload in self._stuck if key == wanted)) for wanted in keys}
            )
            return
        self._store.delete(self._key)
        self._note = self._note.model_copy(update={"uploads": {}})
