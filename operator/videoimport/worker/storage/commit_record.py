"""The commit record in the destination: what tells a later run that the work is done, or nearly done.

It passes through two states under one key. The *intent* is written once everything is sent and nothing is visible; it
has all that is needed to finish without moving a byte. The *report*, with the objects it stands for, takes its place as
the very last step. Others may write there too, so a record is read strictly and counts only as far as the objects bear
it out.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.api.tasks.import_report import Report
from videoimport.worker.storage import folder_layout as layout
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import RUN, SPEC_HASH, UID, Content, Key, Ticket
from videoimport.worker.storage.record_scope import Objects, Scope, StoredObject

_DOCUMENTS = ("result",)
_ENTRY = re.compile(r"(content|source)/[0-9A-Za-z]{1,64}\.json")


class Intent(Model):
    """Objects are about to become visible; ``report`` is what is to be said then."""

    schema_version: Literal[2] = 2
    kind: Literal["Intent"] = "Intent"
    tickets: Annotated[tuple[Ticket, ...], Field(min_length=1, max_length=256)]
    """In the order in which they become visible, the video last."""
    replace: bool
    """Whether something stands there that may be overwritten."""
    stale: Annotated[tuple[Key, ...], Field(max_length=4096)] = ()
    """Keys of an earlier result that this one does not have."""
    stale_versions: Annotated[dict[Key, Annotated[str, Field(max_length=256)]], Field(max_length=4096)] = Field(
        default_factory=dict
    )
    """What names the version of each of them that was seen; no other one is removed."""
    result_key: Key
    result: str
    """The content of result.json."""
    index_keys: Annotated[tuple[Key, ...], Field(max_length=2)] = ()
    """Entries of the index that are to say where the video is."""
    lossy: bool = False
    """For the index: whether damage was tolerated."""
    report: Report

    @property
    def marks(self) -> Mapping[str, str]:
        """What the objects carry."""
        return marks(self.report.uid, self.report.spec_hash, self.report.run)


class Finished(Report):
    """The report, and every object that was published."""

    objects: Annotated[Objects, Field(min_length=1)]

    @classmethod
    def of(cls, report: Report, objects: tuple[StoredObject, ...]) -> "Finished":
        """Return the record of a run that went through."""
        return cls(**dict(report), objects=objects)

    @property
    def report(self) -> Report:
        """The report alone."""
        return Report(**{name: getattr(self, name) for name in Report.model_fields})


Record = Intent | Finished
_Report = TypeVar("_Report", bound=Report)
_RECORDS: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")], config=DEFERRED)


def marks(uid: str, spec_hash: str, run: int) -> dict[str, str]:
    """User metadata that says whose an object is. ASCII, as S3 wants it."""
    return {UID: uid, SPEC_HASH: spec_hash, RUN: str(run)}


def read(scope: Scope, key: str) -> Record | None:
    """The record that an earlier run left, for whatever wish. One that cannot be read, or names a key that is not in
    one video's folder below the prefix, stands for nothing."""
    return parse(scope, scope.read(key))


def parse(scope: Scope, content: Content | None) -> Record | None:
    """As ``read``, of what was read already."""
    found = strict.parse(_RECORDS, content.body, documents=_DOCUMENTS) if content else None
    return found if found is not None and folder_of(scope, found) is not None else None


def folder_of(scope: Scope, record: Record) -> str | None:
    """Return the video's folder that a record speaks of; None where that is not one, or the record names more."""
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


def is_for(record: Record, uid: str, spec_hash: str) -> bool:
    """Whether it speaks of this very wish."""
    report = report_of(record)
    return (report.uid, report.spec_hash) == (uid, spec_hash)


def report_of(record: Record) -> Report:
    """The report in it."""
    return record.report if isinstance(record, Intent) else record


def content(record: Record) -> bytes:
    """Return the record as it is stored."""
    clean: Record
    if isinstance(record, Intent):
        clean = record.model_copy(update={"report": _cleaned(record.report)})
    else:
        clean = _cleaned(record)
    return clean.model_dump_json(by_alias=True, exclude_none=True).encode()


def _cleaned(report: _Report) -> _Report:
    """Without what ``read`` refuses in texts that come from the source."""
    names = ("type", "url", "filename", "source_id", "title")
    source = report.source and report.source.model_copy(
        update={name: strict.plain(text) for name in names if (text := getattr(report.source, name))}
    )
    stages = tuple(stage.model_copy(update={"why": stage.why and strict.plain(stage.why)}) for stage in report.stages)
    return report.model_copy(update={"source": source, "stages": stages, "message": strict.plain(report.message)})
