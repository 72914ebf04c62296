"""The record of the unfinished uploads of one import. With this record, a later run aborts only these uploads.

A store lists only the key, the ID and the start time of an unfinished upload, and two imports may upload to one key. So
each import keeps a small object, the upload note ``.videoimport/uploads/<uid>.json``. The import adds a key to the note
*before* it opens an upload to that key, and the ID of the upload right after that. If a run is killed between the two,
it leaves an upload whose ID is in no note. This upload belongs to the import only if no other import's note has the
key, and the upload is not older than the note.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, TypeAdapter

from videoimport.api.base import Model
from videoimport.api.field_types import Timestamp
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UID, Unfinished, Upload
from videoimport.worker.storage.record_checks import Scope

_CLOCKS_DIFFER = timedelta(minutes=5)


_Id = Annotated[str, Field(min_length=1, max_length=4096)]
_Ids = Annotated[tuple[_Id, ...], Field(max_length=256)]


class Note(Model):
    """The upload note: the uploads that one import may have open."""

    uid: Annotated[str, Field(max_length=128)]
    since: Timestamp
    """The start of the first run whose uploads are in this note."""
    uploads: Annotated[dict[str, _Ids], Field(max_length=1024)] = Field(default_factory=dict)
    """IDs of the opened uploads, by object key."""


_NOTES: TypeAdapter[Note] = TypeAdapter(Note)


def ours(found: Iterable[Unfinished], mine: Note, key: str, others: Iterable[Note]) -> list[str]:
    """Return the IDs of the unfinished uploads to a key that this import opened."""
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
    """The upload note of one import. The note is written each time that an upload is opened. Any thread may open an
    upload."""

    def __init__(self, scope: Scope, folder: str, uid: str, now: datetime) -> None:
        self._scope, self._store = scope, scope.store
        self._folder = folder
        self._key = f"{folder}/{uid}.json"
        self._note = self._empty = Note(uid=uid, since=now)
        self._marks = {UID: uid}
        self._lock = threading.Lock()
        self._stuck: set[tuple[str, str]] = set()
        """Keys and IDs of uploads that could not be aborted so far."""
        self._untold: set[str] = set()
        """Keys at which this import may have an unfinished upload that the store did not list so far."""

    def clear(self) -> None:
        """Abort the uploads that earlier runs of this import left. If the store cannot list the uploads to a key now,
        the key stays in the note."""
        earlier = self._read(self._key)
        if earlier is None or earlier.uid != self._note.uid:
            return
        self._note = earlier  # until all its uploads are checked
        self._untold.add(self._key)
        self.abort_all()

    @property
    def standing(self) -> tuple[str, bytes]:
        """The key and the content of the note."""
        return self._key, _content(self._note)

    def witness(self) -> tuple[str, Mapping[str, str]]:
        """Write the note unchanged, and return its key and its marks. ``clear`` or ``forget`` removes the note."""
        with self._lock:
            earlier = None if self._note.uploads else self._read(self._key)
            note = earlier if earlier is not None and earlier.uid == self._note.uid else self._note
            self._write(note)
        return self._key, self._marks

    def _write(self, note: Note) -> None:
        self._store.write(self._key, _content(note), self._marks)

    def _take_back(self, key: str) -> bool:
        """Abort the unfinished uploads of this import to a key. Return False if the store cannot list them now."""
        found = self._store.unfinished(key)
        if found is None:
            return False
        if key == self._key:  # the upload of a probe, at the note's own key
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
        """Record that an upload could not be aborted. The note keeps the upload until a later abort succeeds."""
        self._stuck.add((key, upload))

    def _others(self) -> Iterator[Note]:
        """Yield the notes of other imports, one at a time: each may have 4 MiB, and other programs may write many."""
        keys = (key for key in self._store.keys(self._folder + "/") if key != self._key)
        return (note for note in map(self._read, keys) if note is not None)

    def _read(self, key: str) -> Note | None:
        """Return a note without the keys to which no import with this prefix opens an upload. Return None if it cannot
        be parsed."""
        content = self._scope.read(key)
        found = strict.parse(_NOTES, content.body) if content else None
        if found is None:
            return None
        uploads = {key: ids for key, ids in found.uploads.items() if self._scope.folder_of(key) is not None}
        return found.model_copy(update={"uploads": uploads})

    def announce(self, keys: Iterable[str]) -> None:
        """Add these keys to the note. Call this method before an upload to one of these keys is opened."""
        with self._lock:
            new = {key: () for key in keys if key not in self._note.uploads}
            if new:
                self._set(self._note.uploads | new)

    def open(self, key: str, content_type: str, metadata: Mapping[str, str]) -> Upload:
        """Open an upload and record the upload in the note. So later runs know that the upload belongs to this
        import."""
        self.announce([key])
        upload = self._store.begin(key, content_type, metadata)
        try:
            with self._lock:
                self._set(self._note.uploads | {key: (*self._note.uploads[key], upload.id)})
        except BaseException:  # no other code has the upload's ID yet
            if not upload.abort():
                self.stuck(key, upload.id)
            raise
        return upload

    def _set(self, uploads: dict[str, tuple[str, ...]]) -> None:
        self._note = self._note.model_copy(update={"uploads": uploads})
        self._write(self._note)

    def abort_all(self) -> None:
        """Abort every upload that the note may have, and then remove the note, as ``forget`` does.

        An interruption may come after an upload was opened and before the caller has its ID. So uploads that are only
        in the note are aborted too.
        """
        for key, ids in self._note.uploads.items():
            self._abort(key, (upload for upload in ids if self._store.is_upload(key, upload)))
        self._untold.update(self._note.uploads)
        self.forget()

    def forget(self) -> None:
        """Abort the uploads that are still unfinished. If all are aborted, remove the note. Otherwise the note keeps
        the uploads that could not be aborted or listed."""
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
