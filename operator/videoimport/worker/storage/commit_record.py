"""The commit record in the destination. The record shows a later run that the import is done or nearly done. The
record has two states under one object key. First it is an *intent*, written when all files are uploaded and none is
visible. The intent has all data that a later run needs to finish without another upload. As the last step, the
*report* with the list of its objects replaces the intent. Other programs may write at this key too. So the record is
parsed strictly. It is used only if the objects in the destination confirm it."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter

from videoimport.api import folder_layout as layout
from videoimport.api.base import DEFERRED, Model
from videoimport.api.field_types import Sha256
from videoimport.api.tasks.import_report import Report
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import RUN, SPEC_HASH, UID, Content, Key, Ticket
from videoimport.worker.storage.record_checks import Objects, Scope, StoredObject

_DOCUMENTS = ("result",)
_ENTRY = re.compile(r"(content|source)/[0-9A-Za-z]{1,64}\.json")


class Intent(Model):
    """The record before the objects are visible. ``report`` is the report that counts after the publication."""

    schema_version: Literal[2] = 2
    kind: Literal["Intent"] = "Intent"
    tickets: Annotated[tuple[Ticket, ...], Field(min_length=1, max_length=256)]
    """Tickets in the order in which their objects become visible, the video last."""
    replace: bool
    """True if objects exist at the keys that may be overwritten."""
    stale: Annotated[tuple[Key, ...], Field(max_length=4096)] = ()
    """Object keys of an earlier result that the new result does not have."""
    stale_versions: Annotated[dict[Key, Annotated[str, Field(max_length=256)]], Field(max_length=4096)] = Field(
        default_factory=dict
    )
    """For each stale key, the version of the object that was seen. No other version is removed."""
    result_key: Key
    result: str
    """The content of result.json."""
    index_keys: Annotated[tuple[Key, ...], Field(max_length=2)] = ()
    """Object keys of the index entries into which the address of the video is written."""
    lossy: bool = False
    """True if the source was damaged and the damage was tolerated. For the index."""
    session: Sha256 | None = None
    """The upload session that the bytes came from, as ``Place.session`` has it."""
    report: Report

    @property
    def marks(self) -> Mapping[str, str]:
        """The marks that this intent's objects have."""
        return marks(self.report.uid, self.report.spec_hash, self.report.run)


class Finished(Report):
    """The report of a finished import, with every object that was published."""

    objects: Annotated[Objects, Field(min_length=1)]
    session: Sha256 | None = None
    """The upload session that the bytes came from, as ``Place.session`` has it."""

    @classmethod
    def of(cls, report: Report, objects: tuple[StoredObject, ...], session: str | None = None) -> "Finished":
        """Return the record of a run that succeeded."""
        return cls(**dict(report), objects=objects, session=session)

    @property
    def report(self) -> Report:
        """The report without the list of objects."""
        return Report(**{name: getattr(self, name) for name in Report.model_fields})


Record = Intent | Finished
_Report = TypeVar("_Report", bound=Report)
_RECORDS: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")], config=DEFERRED)


def marks(uid: str, spec_hash: str, run: int) -> dict[str, str]:
    """Return the marks: the user metadata that identifies the owner of an object. The values are ASCII, because S3
    requires that."""
    return {UID: uid, SPEC_HASH: spec_hash, RUN: str(run)}


def read(scope: Scope, key: str) -> Record | None:
    """Return the record of an earlier run, even if that run had another spec.

    Return None for a record that cannot be parsed. Also return None if the record names a key that is not in one
    video's folder below the prefix.
    """
    return parse(scope, scope.read(key))


def parse(scope: Scope, content: Content | None) -> Record | None:
    """Return the record in this content, by the same rules as ``read``."""
    found = strict.parse(_RECORDS, content.body, documents=_DOCUMENTS) if content else None
    return found if found is not None and folder_of(scope, found) is not None else None


def folder_of(scope: Scope, record: Record) -> str | None:
    """Return the video's folder that contains all keys of a record. Return None if there is no such folder, or if the
    record has other invalid keys."""
    if isinstance(record, Finished):
        return scope.common_folder(one.key for one in record.objects)
    folder = scope.common_folder((record.result_key, *(ticket.key for ticket in record.tickets), *record.stale))
    if folder is None or record.result_key != layout.key(folder, layout.RESULT):
        return None
    is_sound = all(scope.store.is_upload(ticket.key, ticket.upload) for ticket in record.tickets)
    return folder if is_sound and all(_is_entry(scope, key) for key in record.index_keys) else None


def _is_entry(scope: Scope, key: str) -> bool:
    folder = naming.own_key(scope.destination, "index") + "/"
    return key.startswith(folder) and _ENTRY.fullmatch(key.removeprefix(folder)) is not None


def is_for(record: Record, uid: str, spec_hash: str, session: str | None) -> bool:
    """Return whether a record belongs to exactly this import, this spec and this upload session. ``session`` is None
    if the spec alone identifies the source."""
    report = report_of(record)
    return (report.uid, report.spec_hash, record.session) == (uid, spec_hash, session)


def report_of(record: Record) -> Report:
    """Return the report in a record."""
    return record.report if isinstance(record, Intent) else record


def content(record: Record) -> bytes:
    """Return the record in the form in which the destination stores it."""
    clean: Record
    if isinstance(record, Intent):
        clean = record.model_copy(update={"report": _cleaned(record.report)})
    else:
        clean = _cleaned(record)
    return clean.model_dump_json(by_alias=True, exclude_none=True).encode()


def _cleaned(report: _Report) -> _Report:
    """Return the report without characters that ``read`` refuses, in the texts that come from the source."""
    names = ("type", "url", "filename", "source_id", "title")
    source = report.source and report.source.model_copy(
        update={name: strict.plain(text) for name in names if (text := getattr(report.source, name))}
    )
    stages = tuple(stage.model_copy(update={"why": stage.why and strict.plain(stage.why)}) for stage in report.stages)
    return report.model_copy(update={"source": source, "stages": stages, "message": strict.plain(report.message)})
