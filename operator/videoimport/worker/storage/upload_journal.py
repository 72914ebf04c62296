"""Which unfinished uploads are ours, so that a later run takes back those and no others.

A store tells of an unfinished upload only its key, its id and when it began, and two imports may be at one key. So each
import keeps a small note, ``.videoimport/uploads/<uid>.json``: a key is in it *before* an upload to that key is opened,
the upload's id right after. A run that is killed in between leaves an upload whose id nobody wrote down; it counts as
ours only if nobody else's note has that key and it was not begun before the note.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, TypeAdapter

from videoimport.api.base import Model, Timestamp
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UID, Unfinished, Upload
from videoimport.worker.storage.record_scope import Scope

_CLOCKS_DIFFER = timedelta(minutes=5)


_Id = Annotated[str, Field(min_length=1, max_length=4096)]
_Ids = Annotated[tuple[_Id, ...], Field(max_length=256)]


class Note(Model):
    """What one import may have under way."""

    uid: Annotated[str, Field(max_length=128)]
    since: Timestamp
    """When the first run that left something began."""
    uploads: Annotated[dict[str, _Ids], Field(max_length=1024)] = Field(default_factory=dict)
    """Ids of uploads opened, by key."""


_NOTES: TypeAdapter[Note] = TypeAdapter(Note)


def ours(found: Iterable[Unfinished], mine: Note, key: str, others: Iterable[Note]) -> list[str]:
    """Of the unfinished uploads to a key, the ids of those that this import opened."""
    known = set(mine.uploads.get(key, ()))
    alone = not any(key in other.uploads for other in others)
    return [
        one.upload
        for one in found
        if one.upload in known or (alone and one.since >= mine.since - _CLOCKS_DIFFER and key in mine.uploads)
    ]


def _content(note: Note) -> bytes:
    return note.model_dump_json(by_alias=True).encode()


class UploadJournal:
    """The note of one import, kept in step with what it opens. Any thread may open an upload."""

    def __init__(self, scope: Scope, folder: str, uid: str, now: datetime) -> None:
        self._scope, self._store = scope, scope.store
        self._folder = folder
        self._key = f"{folder}/{uid}.json"
        self._note = self._empty = Note(uid=uid, since=now)
        self._marks = {UID: uid}
        self._lock = threading.Lock()
        self._stuck: set[tuple[str, str]] = set()
        """Keys and ids of uploads that could not be taken back so far."""
        self._untold: set[str] = set()
        """Keys at which something of ours may be unfinished that the store did not tell so far."""

    def clear(self) -> None:
        """Take back what earlier runs of this import left. What the store does not tell now stays noted."""
        earlier = self._read(self._key)
        if earlier is None or earlier.uid != self._note.uid:
            return
        self._note = earlier  # until all of it is known
        self._untold.add(self._key)
        self.abort_all()

    @property
    def standing(self) -> tuple[str, bytes]:
        """The note's key and content."""
        return self._key, _content(self._note)

    def witness(self) -> tuple[str, Mapping[str, str]]:
        """Write the note as it is, and return its key and its marks. ``clear`` or ``forget`` removes it."""
        with self._lock:
            earlier = None if self._note.uploads else self._read(self._key)
            note = earlier if earlier is not None and earlier.uid == self._note.uid else self._note
            self._write(note)
        return self._key, self._marks

    def _write(self, note: Note) -> None:
        self._store.write(self._key, _content(note), self._marks)

    def _take_back(self, key: str) -> bool:
        """Abort what is unfinished of ours at a key. False where the store does not tell it now."""
        found = self._store.unfinished(key)
        if found is None:
            return False
        if key == self._key:  # a probe's, at the note itself
            self._abort(key, (one.upload for one in found))
            return True
        known = self._note.uploads.get(key, ())
        is_any_strange = any(one.upload not in known for one in found)
        self._abort(key, ours(found, self._note, key, self._others() if is_any_strange else ()))
        return True

    def _abort(self, key: str, uploads: Iterable[str]) -> None:
        for upload in uploads:
            if not self._store.abort(key, upload):
                self.stuck(key, upload)

    def stuck(self, key: str, upload: str) -> None:
        """An upload could not be taken back: it is tried again, and noted until that is done."""
        self._stuck.add((key, upload))

    def _others(self) -> Iterator[Note]:
        """One at a time: each may have 4 MiB, and anybody may write many."""
        keys = (key for key in self._store.keys(self._folder + "/") if key != self._key)
        return (note for note in map(self._read, keys) if note is not None)

    def _read(self, key: str) -> Note | None:
        """A note; without keys that no import with this prefix opens an upload to."""
        content = self._scope.read(key)
        found = strict.parse(_NOTES, content.body) if content else None
        if found is None:
            return None
        uploads = {key: ids for key, ids in found.uploads.items() if self._scope.folder_of(key) is not None}
        return found.model_copy(update={"uploads": uploads})

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
            if not upload.abort():
                self.stuck(key, upload.id)
            raise
        return upload

    def _set(self, uploads: dict[str, tuple[str, ...]]) -> None:
        self._note = self._note.model_copy(update={"uploads": uploads})
        self._write(self._note)

    def abort_all(self) -> None:
        """Abort every upload that the note may have, then forget it.

        An interruption may come between the opening of an upload and the moment when its owner knows of it.
        """
        for key, ids in self._note.uploads.items():
            self._abort(key, (upload for upload in ids if self._store.is_upload(key, upload)))
        self._untold.update(self._note.uploads)
        self.forget()

    def forget(self) -> None:
        """Nothing of ours is unfinished any more, but what cannot be taken back, or is not told, even now."""
        doubted = set(self._store.in_doubt)
        self._untold = {key for key in self._untold | doubted if not self._take_back(key)}
        self._store.in_doubt -= doubted
        self._stuck = {one for one in self._stuck if not self._store.abort(*one)}
        left = self._untold | {key for key, _ in self._stuck}
        if left:
            self._set({wanted: tuple(sorted(one for key, one in self._stuck if key == wanted)) for wanted in left})
            return
        self._store.delete(self._key)
        self._note = self._empty
