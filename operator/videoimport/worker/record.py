"""The commit record in the destination: what tells a later run that the work is done, or nearly done.

It passes through two states under one key. The *intent* is written just before the video is made visible and has all
that is needed to finish without moving a byte; the *report* takes its place as the very last step. A run after one that
was killed in between finds the intent and looks whether the video appeared.
"""

from typing import Literal

from pydantic import TypeAdapter, ValidationError

from videoimport.api.base import Model
from videoimport.api.report import Report
from videoimport.worker.destination import Store

UID = "videoimport-uid"
SPEC_HASH = "videoimport-spec-hash"
RUN = "videoimport-run"


class Intent(Model):
    """A video is about to become visible at a key; ``report`` is what is to be said then."""

    schema_version: Literal[1] = 1
    kind: Literal["Intent"] = "Intent"
    key: str
    upload_id: str
    size_bytes: int
    checksum: str | None = None
    """The object's composite SHA-256, where the store has one."""
    report: Report
    result: str
    """The content of result.json."""


Record = Intent | Report
_RECORDS: TypeAdapter[Record] = TypeAdapter(Record)


def marks(uid: str, spec_hash: str, run: int) -> dict[str, str]:
    """User metadata that says whose an object is. ASCII, as S3 wants it."""
    return {UID: uid, SPEC_HASH: spec_hash, RUN: str(run)}


def read(store: Store, key: str, uid: str, spec_hash: str) -> Record | None:
    """The record of this very wish. One of another spec, or that cannot be read, does not stand for it."""
    content = store.read(key)
    if content is None:
        return None
    try:
        found = _RECORDS.validate_json(content)
    except ValidationError:
        return None
    report = found.report if isinstance(found, Intent) else found
    return found if (report.uid, report.spec_hash) == (uid, spec_hash) else None


def write(store: Store, key: str, record: Record) -> None:
    """Put the record in its place."""
    report = record.report if isinstance(record, Intent) else record
    content = record.model_dump_json(by_alias=True, exclude_none=True).encode()
    store.write(key, content, marks(report.uid, report.spec_hash, report.run))


def is_fulfilled(intent: Intent, store: Store) -> bool:
    """Whether the video of an intent is there, complete, and ours."""
    facts = store.head(intent.key)
    return (
        facts is not None
        and facts.metadata.get(UID) == intent.report.uid
        and facts.metadata.get(SPEC_HASH) == intent.report.spec_hash
        and facts.metadata.get(RUN) == str(intent.report.run)
        and facts.size == intent.size_bytes
        and (intent.checksum is None or facts.checksum in (None, intent.checksum))
    )
