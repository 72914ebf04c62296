"""Checks of records: their keys must be below one prefix, and their objects must exist as recorded.

Everyone who may write below the prefix may write records too. So a record alone is not reliable, and the worker
checks the objects. Each object must have a key that an import with this prefix writes, and the recorded size, owner
and digest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field

from videoimport.api import folder_layout as layout
from videoimport.api.base import Model
from videoimport.api.destination import Destination
from videoimport.api.field_types import Sha256
from videoimport.api.reasons import Reason
from videoimport.api.rules.string_rules import OWN_FOLDER
from videoimport.api.videoimport_status import OutputFile, Outputs, Verified
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UID, Content, DestinationStore, Facts, Key, NotAFileError, Proof, has_marks
from videoimport.worker.storage.keys import joined
from videoimport.worker.storage.s3 import answer_forms as forms

_File = TypeVar("_File", bound=OutputFile)


class StoredObject(Model):
    """One object of a result, with its properties at the time of its publication."""

    key: Key
    size_bytes: Annotated[int, Field(ge=0)]
    checksum: Annotated[str, Field(max_length=256)] | None = None
    """The checksum, as ``Facts.checksum``, if that checksum proved the bytes."""
    etag: Annotated[str, Field(max_length=256)] | None = None
    """The ETag, as ``Facts.etag``. It is compared if the store returns no checksum."""
    sha256: Sha256 | None = None
    """SHA-256 of the whole object, hex."""
    verified: Verified | None = None
    """The method that verified the object."""
    marked: bool = True
    """True if the object has the owner's mark. The value is False if the store does not keep metadata."""

    @classmethod
    def of(cls, key: str, proof: Proof, sha256: str, uid: str) -> "StoredObject":
        """Return the record of one object."""
        facts, verified = proof.facts, proof.verified
        return cls(
            key=key,
            size_bytes=facts.size,
            checksum=None if verified in ("MD5", "ReadBack") else facts.checksum,
            etag=facts.etag,
            sha256=sha256,
            verified=verified,
            marked=has_marks(facts, {UID: uid}),
        )

    def may_be(self, facts: Facts | None, uid: str) -> bool:
        """Return whether an object has the recorded size and owner."""
        if facts is None or facts.size != self.size_bytes:
            return False
        return has_marks(facts, {UID: uid}) or not (self.marked or UID in facts.metadata)

    def is_same(self, facts: Facts | None, uid: str) -> bool:
        """Return whether an object is the recorded object. Both must have the same size, the same owner and the same
        checksum. If there is no checksum, both must have the same ETag.

        The result is False for an object that another program copied to the key. It is also False if other bytes of the
        same size replaced the object.
        """
        if facts is None or not self.may_be(facts, uid):
            return False
        if self.checksum is not None:
            return facts.checksum is not None and _bare(facts.checksum) == _bare(self.checksum)
        return self.etag is not None and facts.etag == forms.etag(self.etag)

    @property
    def is_nameless(self) -> bool:
        """True if the store returned neither a checksum nor an ETag. Then only the object's bytes can identify it."""
        return self.checksum is None and self.etag is None and self.sha256 is not None

    def is_left_open(self, facts: Facts | None, uid: str) -> bool:
        """Return whether only the bytes can show that this is the recorded object. The result is True if the store
        returned neither a checksum nor an ETag, or if the store no longer returns the checksum."""
        if facts is None or not self.may_be(facts, uid):
            return False
        is_other = None not in (self.etag, facts.etag) and facts.etag != forms.etag(self.etag)
        is_untold = self.checksum is not None and facts.checksum is None and not is_other
        return self.is_nameless or (is_untold and self.sha256 is not None)


def _bare(checksum: str) -> str:
    """Return a checksum in a form that can be compared, see ``forms``. On a volume the checksum is hex."""
    return forms.checksum(checksum) or checksum


Objects = Annotated[tuple[StoredObject, ...], Field(max_length=256)]


@dataclass(frozen=True)
class Scope:
    """One destination, limited to the keys of imports with its prefix."""

    store: DestinationStore
    destination: Destination

    def read(self, key: str) -> Content | None:
        """Return one of the importer's own small objects. Return None if there is no object, or if there is a link
        instead. A later write replaces the link."""
        try:
            return self.store.read(key)
        except NotAFileError:
            return None

    def folder_of(self, key: str) -> str | None:
        """Return the video's folder that contains a key. Return None if no import with this prefix writes that key."""
        prefix = joined(self.destination.prefix)
        inner = key.removeprefix(f"{prefix}/") if prefix else key
        if (prefix and inner == key) or not all(_is_segment(part) for part in inner.split("/")):
            return None
        folder = key.rpartition("/")[0]
        above = folder.rpartition("/")[0]
        found = next((one for one in (folder, above) if layout.is_of(one, key)), "")
        return found if len(found) > len(prefix) else None

    def common_folder(self, keys: Iterable[str]) -> str | None:
        """Return the video's folder that contains all these keys. Return None if they are in several folders or
        elsewhere."""
        folders = {self.folder_of(key) for key in keys}
        return folders.pop() if len(folders) == 1 else None

    def is_listed(self, folder: str | None) -> bool:
        """Return whether a video's folder is directly in the destination's folder."""
        return folder is not None and folder.rpartition("/")[0] == joined(
            self.destination.prefix, self.destination.folder
        )

    def holds(self, objects: Sequence[StoredObject], uid: str) -> bool:
        """Return whether all objects still exist and are unchanged. The method sends one HEAD for each object, and
        stops at the first object that does not match."""
        return bool(objects) and all(self.has(one, uid) for one in objects)

    def has(self, one: StoredObject, uid: str) -> bool:
        """Return whether one object still exists and is unchanged. The method reads the object if its properties are
        not enough to check this."""
        return self.is_same(one, self.facts(one.key), uid)

    def is_same(self, one: StoredObject, facts: Facts | None, uid: str) -> bool:
        """Return whether an object is the recorded object, by the rules of ``has``. ``facts`` are the present
        properties of the object."""
        if one.is_same(facts, uid):
            return True
        is_open = one.is_left_open(facts, uid)
        return is_open and self.store.sha256_of(one.key, one.size_bytes) == one.sha256

    def facts(self, key: str) -> Facts | None:
        """Return the properties of the object at a recorded key. Return None if there is no object. Also return None
        if the worker must not read the key, such as a key behind a symbolic link."""
        try:
            return self.store.head(key)
        except ImportFailure as failure:
            if failure.reason in (Reason.DESTINATION_DENIED, Reason.INVALID_SPEC):
                return None
            raise

    def outputs(self, told: Outputs | None, objects: Sequence[StoredObject]) -> Outputs | None:
        """Return the outputs of a record, with every address derived again from the key of the object.

        Return None if an output is not among the objects, has another size, or has an invalid name for its kind.
        """
        folder = self.common_folder(one.key for one in objects)
        if folder is None or told is None or not (told.video or told.original):
            return None
        try:
            return _Rebuilt(self, folder, {one.key: one for one in objects}).outputs(told)
        except ValueError:
            return None


@dataclass(frozen=True)
class _Rebuilt:
    """Outputs derived from the objects of a record. Raises ValueError for an output that the objects do not confirm."""

    scope: Scope
    folder: str
    objects: dict[str, StoredObject]

    def outputs(self, told: Outputs) -> Outputs:
        stills = told.thumbnails
        if stills is not None:
            first = self._file(OutputFile(uri=stills.uri), layout.thumbnail(1))
            stills = stills.model_copy(update={"uri": first.uri, "url": first.url, "verified": first.verified})
            if stills.count != self._stills():
                raise ValueError("the record has another number of thumbnails")
        return Outputs(
            video=told.video and self._file(told.video, layout.VIDEO),
            audio=told.audio and self._file(told.audio, layout.audio("m4a"), layout.audio("mp3")),
            renditions=tuple(self._file(one, layout.rendition(one.name)) for one in told.renditions),
            thumbnails=stills,
            original=told.original and self._file(told.original, *self._named(layout.ORIGINAL)),
            result=told.result and self._file(told.result, layout.RESULT),
        )

    def _file(self, told: _File, *names: str) -> _File:
        keys = [layout.key(self.folder, name) for name in names]
        key = next((key for key in keys if key in self.objects and self.scope.store.uri(key) == told.uri), None)
        if key is None or told.size_bytes not in (None, self.objects[key].size_bytes):
            raise ValueError("the record has no object for the output")
        url = layout.url(self.scope.destination.public_base_url, key)
        stored = self.objects[key]
        return told.model_copy(update={"url": url, "size_bytes": stored.size_bytes, "verified": stored.verified})

    def _named(self, start: str) -> list[str]:
        names = [key.removeprefix(f"{self.folder}/") for key in self.objects]
        return [name for name in names if name.startswith(start)]

    def _stills(self) -> int:
        names = self._named(layout.THUMBNAILS)
        return sum(name.removeprefix(layout.THUMBNAILS).removesuffix(".jpg").isdigit() for name in names)


def _is_segment(part: str) -> bool:
    return part not in ("", ".", "..", OWN_FOLDER) and "\\" not in part and strict.is_plain(part)
