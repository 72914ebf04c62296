"""Commit records are read as what they are."""

from datetime import UTC, datetime

from pydantic import TypeAdapter

from videoimport.api.tasks.import_report import Report
from videoimport.worker.storage.base import Ticket
from videoimport.worker.storage.commit_record import Finished, Intent, Record
from videoimport.worker.storage.record_checks import StoredObject


def test_a_record_is_read_as_what_it_is() -> None:
    report = Report(uid="u", run=1, spec_hash="h", outcome="Succeeded", finished_at=datetime(2026, 8, 1, tzinfo=UTC))
    ticket = Ticket(key="k", upload="i", size_bytes=1, sha256="0" * 64, seal="s")
    intent = Intent(tickets=(ticket,), replace=False, result_key="r", result="{}", report=report)
    read: TypeAdapter[Record] = TypeAdapter(Record)
    stored = StoredObject(key="k", size_bytes=1, etag='"e"')
    for record in (Finished.of(report, (stored,)), intent):
        assert read.validate_json(record.model_dump_json(by_alias=True, exclude_none=True)) == record
