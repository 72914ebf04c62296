"""Which unfinished uploads are ours."""

from datetime import UTC, datetime, timedelta

import pytest

from videoimport.worker.storage.base import Unfinished
from videoimport.worker.storage.upload_journal import Note, ours

SINCE = datetime(2026, 8, 1, tzinfo=UTC)
MINE = Note(uid="me", since=SINCE, uploads={"k": ("known",), "other": ()})
YOURS = Note(uid="you", since=SINCE, uploads={"k": ("yours",)})


def at(upload: str, minutes: int = 1) -> Unfinished:
    return Unfinished(upload, SINCE + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("found", "key", "others", "expected"),
    [
        ([at("known")], "k", [], ["known"]),
        ([at("known"), at("unknown")], "k", [], ["known", "unknown"]),
        ([at("known"), at("unknown")], "k", [YOURS], ["known"]),
        ([at("unknown", minutes=-6)], "k", [], []),
        ([at("known", minutes=-6)], "k", [], ["known"]),
        ([at("unknown")], "other", [YOURS], ["unknown"]),
        ([at("unknown")], "never announced", [], []),
    ],
)
def test_ours(found: list[Unfinished], key: str, others: list[Note], expected: list[str]) -> None:
    assert ours(found, MINE, key, others) == expected
