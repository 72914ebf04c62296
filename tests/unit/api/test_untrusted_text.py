"""Text that others wrote is safe to show wherever a report, a page or a status holds it."""

import inspect
import json
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from support.every_case import every_case
from videoimport.api import bulkimport_status as bulk_status
from videoimport.api import conditions
from videoimport.api import untrusted_text as untrusted
from videoimport.api import videoimport_status as status
from videoimport.api.base import Model
from videoimport.api.tasks import import_report as report
from videoimport.api.tasks import listing_task as listing
from videoimport.api.tasks import webhook_task as webhook
from videoimport.api.tasks.import_report import Report, read_report
from videoimport.api.tasks.listing_task import FoundItem, PageLine
from videoimport.api.untrusted_text import MOST_URI, clean_lines, clean_text, clean_uri, clean_values
from videoimport.api.videoimport_status import SourceStatus, VideoImportStatus
from videoimport.worker.fetch.process_messages import Chapter, Failed
from videoimport.worker.listing.process_messages import ListEntry
from videoimport.worker.runtime.errors import ImportFailure

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HIDDEN = (
    f"\ufeff\u200b\u2060\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0\ufff0\U0001bca0\U0001d173{BIDI}"
    "\U000e0001\U000e0041\U000e0080\U000e01f0\U000e0fff"
)
CONTROLS = "".join(map(chr, [*range(0x20), 0x7F, *range(0x80, 0xA0)]))
HOSTILE = f"a\x1b[31m{HIDDEN}\x9b2Jb\ud83d"
IDENTIFIERS = {
    ("FoundItem", "key"), ("FoundItem", "url"), ("FoundItem", "name"),  # they make the child
    ("PageFacts", "cursor"), ("PageReport", "cursor"), ("DiscoveryStatus", "cursor"),  # the worker's own words
    ("PageFacts", "integration"), ("DiscoveryStatus", "integration"), ("DiscoveryStatus", "listing"),
    ("DiscoveryStatus", "wish"), ("WebhookStatus", "wish"), ("WebhookStatus", "id"),
    ("Report", "uid"), ("Report", "spec_hash"), ("PageReport", "uid"), ("DeliveryReport", "uid"),
    ("PackedReport", "data"),
    ("JobReference", "name"), ("JobReference", "uid"), ("ShardReference", "name"), ("ItemResult", "import_name"),
    ("LedgerEntry", "import_name"), ("HostBackoff", "host"), ("HostStatus", "host"), ("Condition", "type"),
    ("LedgerEntry", "error"), ("LedgerEntry", "retry_token"),  # ItemResult cleans the error
    ("VideoImportStatus", "observed_retry_token"), ("VideoImportStatus", "observed_spec_hash"),
    ("BulkImportStatus", "observed_retry_token"),
}  # fmt: skip
"""Fields that are compared or used, and written by the controller or checked by it; everything else is only shown."""
TASKS = {"ListingTask", "DeliveryTask", "Webhook", "Model"}
"""Not told by a worker."""


def _is_clean(text: str) -> bool:
    return not any(unicodedata.category(letter) in ("Cc", "Cs") or letter in HIDDEN for letter in text)


def _text_fields() -> Iterator[Any]:
    for module in (status, bulk_status, report, listing, webhook, conditions):
        for name, model in inspect.getmembers(module, inspect.isclass):
            if not issubclass(model, Model) or name in TASKS or model.__module__ != module.__name__:
                continue
            for field, info in model.model_fields.items():
                if (name, field) not in IDENTIFIERS and "str" in str(info.annotation):
                    yield pytest.param(Annotated[info.annotation, *info.metadata, field], id=f"{name}.{field}")


@every_case("kind", list(_text_fields()))
def test_every_text_of_a_report_a_page_or_a_status_is_clean(kind: Any) -> None:
    try:
        found = TypeAdapter(kind).validate_python(HOSTILE)
    except ValidationError:
        return  # a pattern or a closed set that has no such text
    assert _is_clean(str(found))


@given(st.text(), st.text(alphabet=st.characters(codec=None), max_size=50))
def test_clean_text_is_one_safe_line_and_stays_so(text: str, wild: str) -> None:
    for one in (text, wild, text + wild):
        for clean in (clean_text, clean_uri):
            cleaned = clean(one)
            assert _is_clean(cleaned)
            assert clean(cleaned) == cleaned
        assert _is_clean(clean_lines(one).replace("\n", "").replace("\t", ""))
        assert json.loads(json.dumps(clean_text(one)).encode()) == clean_text(one)


@every_case("letter", [*CONTROLS, *HIDDEN, "\u2028", "\u2029", "\ud800"])
def test_no_control_character_is_left(letter: str) -> None:
    assert letter not in clean_text(f"a{letter}b")
    assert letter not in clean_uri(f"a{letter}b")
    assert letter not in VideoImportStatus(message=f"a{letter}b").wire()["message"]


@pytest.mark.parametrize("text", ["Zwölf 動画", "👨‍👩‍👧 family", "می‌خواهم", "שלום עולם", "a b", "e\u0301", "१२"])
def test_what_scripts_need_stays(text: str) -> None:
    assert clean_text(text) == text
    assert clean_uri(text) == text


def test_lines_become_spaces_and_addresses_keep_their_meaning() -> None:
    assert clean_text("a\r\nb\tc\u2028d") == "a b c d"
    assert clean_lines("a\r\nb\tc\u2028d") == "a\nb\tc\nd"
    assert clean_uri("s3://b/a\x1b\u202e/v.mp4") == "s3://b/a%1B%E2%80%AE/v.mp4"
    assert len(clean_uri("\u202e" * MOST_URI)) <= MOST_URI
    assert clean_values({"title": "a\x1b\nb", "n": 1, "yes": True}) == {"title": "a\nb", "n": 1, "yes": True}
    assert clean_values({"te\x1bam": "a", "team\u202e": "b", "\u2066": "c"}) == {"team": "a"}


def test_a_forged_report_is_clean_once_it_is_read() -> None:
    forged = {
        "kind": "Report", "uid": "u", "run": 1, "specHash": "h", "outcome": "Succeeded",
        "finishedAt": "2026-01-01T00:00:00Z",
        "message": "ok \x1b]0;x\x07 https://ann:hunter2@h.example/?sig=hunter2", "duplicateOf": "s3://b/\u202e/x",
        "source": {"type": "\x1bX", "title": "\u202egpj.exe", "url": "https://ann:hunter2@h.example/\x1b"},
        "outputs": {"video": {"uri": "s3://b/\x1b", "url": "https://cdn.example/\u202e"}},
    }  # fmt: skip
    text = json.dumps(read_report(json.dumps(forged)).wire(), ensure_ascii=False)
    assert _is_clean(text)
    assert "hunter2" not in text


def test_a_copy_that_was_not_validated_is_clean_once_it_is_written() -> None:
    made = VideoImportStatus().model_copy(update={"message": "no \x1b https://ann:hunter2@h.example/"})
    assert made.wire()["message"] == "no  https://h.example/"


def test_a_pages_line_keeps_what_makes_the_child_and_cleans_the_rest() -> None:
    item = FoundItem(id="0" * 10, key="a\u202e.mp4", metadata={"title": "a\x1b\u202e\nb", "n": 2})
    assert (item.key, item.metadata) == ("a\u202e.mp4", {"title": "a\nb", "n": 2})
    line = {
        "rejected": {
            "name": "x\u202e",
            "url": "https://a:hunter2@h.example/\x1b",
            "reason": "NotVideo",
            "message": "\x1b",
        }
    }
    shown = PageLine.model_validate(line).wire()["rejected"]
    assert _is_clean(json.dumps(shown, ensure_ascii=False))
    assert "hunter2" not in str(shown)


def test_the_workers_own_processes_tell_each_other_clean_texts() -> None:
    hostile = f"{HOSTILE} https://ann:hunter2@h.example/"
    told = (
        Failed(reason="Internal", message=hostile).message, ListEntry(cursor="", message=hostile).message,
        Chapter(start_ms=0, end_ms=1, title=hostile).title, str(ImportFailure("Internal", hostile)),
    )  # fmt: skip
    assert all(map(_is_clean, told))
    assert "hunter2" not in "".join((*told[:2], told[3]))


def test_a_name_that_repeats_the_address_is_shown_without_its_secrets() -> None:
    shown = SourceStatus(
        type="Generic", title="No /v?token=hunter2", filename="v;sig=hunter2", source_id="v?key=hunter2"
    )
    assert "hunter2" not in str(shown.wire())


def test_a_report_reads_as_it_was_written() -> None:
    report = Report(
        uid="u", run=1, spec_hash="h", outcome="Failed", message="a & b?", finished_at="2026-01-01T00:00:00Z"
    )
    assert read_report(report.model_dump_json(by_alias=True)) == report


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\u845b\U000e0100",
        "\u0646\u200c\u0645",
    ],
)
def test_emoji_and_scripts_keep_what_they_need(text: str) -> None:
    assert clean_text(text) == text


@given(
    st.text(alphabet="\ufe00\ufe0f\U000e0100\U000e01ef\u180b\u180f\u200c\u200d\u200b", min_size=3),
    st.sampled_from(["", "a", "\U0001f600"]),
)
def test_no_text_hides_in_a_run_of_selectors_and_joiners(run: str, before: str) -> None:
    cleaned = clean_text(f"{before}{run}z")
    assert len(cleaned) <= len(before) + 3
    assert clean_text(cleaned) == cleaned


def test_the_search_for_what_to_clean_finds_each_character_that_is_cleaned() -> None:
    """Cleaning looks for them first: a character that is missed there would stay."""
    patterns = (untrusted._LINE_ENDS, untrusted._HIDDEN, untrusted._SURROGATES, untrusted._RUN)
    letters = "x".join(map(chr, range(0x110000)))  # each alone, so that no pattern takes two at once
    cleaned = sorted({found[0] for pattern in patterns for found in pattern.finditer(letters)})
    assert {len(letter) for letter in cleaned} == {1}
    assert len(cleaned) > 1_000
    assert [letter for letter in cleaned if letter not in "\t\n" and not untrusted._TO_CLEAN.search(letter)] == []
