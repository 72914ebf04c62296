"""The commit record in the destination: what tells a later run that the work is done, or nearly done.

It passes through two states under one key. The *intent* is written once everything is sent and nothing is visible; it
has all that is needed to finish without moving a byte. The *report* takes its place as the very last step.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from videoimport.api.base import Model
from videoimport.api.report import Report
from videoimport.worker.destination import Store, Ticket

UID = "videoimport-uid"
SPEC_HASH = "videoimport-spec-hash"
RUN = "videoimport-run"


class Intent(Model):
    """Objects are about to become visible; ``report`` is what is to be said then."""

    schema_version: Literal[2] = 2
    kind: Literal["Intent"] = "Intent"
    tickets: tuple[Ticket, ...]
    """In the order in which they become visible, the video last."""
    replace: bool
    """Whether something stands there that may be overwritten."""
    stale: tuple[str, ...] = ()
    """Keys of an earlier result that this one does not have."""
    result_key: str
    result: str
    """The content of result.json."""
    index_keys: tuple[str, ...] = ()
    """Entries of the index that are to say where the video is."""
    lossy: bool = False
    """For the index: whether damage was tolerated."""
    report: Report

    @property
    def marks(self) -> Mapping[str, str]:
        """What the objects carry."""
        return marks(self.report.uid, self.report.spec_hash, self.report.run)


Record = Intent | Report
_RECORDS: TypeAdapter[Record] = TypeAdapter(Record)


def marks(uid: str, spec_hash: str, run: int) -> dict[str, str]:
    """User metadata that says whose an object is. ASCII, as S3 wants it."""
    return {UID: uid, SPEC_HASH: spec_hash, RUN: str(run)}


def read(store: Store, key: str) -> Record | None:
    """The record that an earlier run left, for whatever wish. One that cannot be read stands for nothing."""
    content = store.read(key)
    if content is None:
        return None
    try:
        return _RECORDS.validate_json(content.body)
    except ValidationError:
        return None


def is_for(record: Record, uid: str, spec_hash: str) -> bool:
    """Whether it speaks of this very wish."""
    report = record.report if isinstance(record, Intent) else record
    return (report.uid, report.spec_hash) == (uid, spec_hash)


def write(store: Store, key: str, record: Record) -> None:
    """Put the record in its place."""
    report = record.report if isinstance(record, Intent) else record
    content = record.model_dump_json(by_alias=True, exclude_none=True).encode()
    store.write(key, content, marks(report.uid, report.spec_hash, report.run))
