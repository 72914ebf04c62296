"""What `kubectl videoimport results` makes of a BulkImport and the ConfigMaps beside it."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.every_case import every_case
from videoimport.api.bulkimport import IDENTITY, BulkImport
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import FoundItem, Known, PageFacts, PageLine, RejectedLine
from videoimport.cli.errors import UnusableError
from videoimport.cli.results.account import Account, counted
from videoimport.cli.results.contact_sheet import build_page
from videoimport.cli.results.text_formats import headline, rendered
from videoimport.core.discovery.page_digest import hash_chain, hash_page_data
from videoimport.core.discovery.pages import hash_listing

Raw = dict[str, Any]
A, B, C, D = (f"https://example.com/{letter}.mp4" for letter in "abcd")
DESTINATION = {"destination": {"s3": {"bucket": "videos"}}}


def bulk(source: Raw, **status: Any) -> Raw:
    return {
        "metadata": {"name": "course", "namespace": "media", "uid": "u-1", "generation": 1},
        "spec": {"source": source, "template": DESTINATION, "retryToken": "now"},
        "status": status,
    }


def inline(*urls: str) -> Raw:
    return bulk({"items": [{"url": url} for url in urls]}, phase="Processing", message="1 of 3 imported")


def beside(name: str, labels: Raw, data: Raw, owner: str = "u-1") -> Raw:
    meta = {
        "name": name,
        "namespace": "media",
        "uid": f"of-{name}",
        "labels": {"videoimport.io/bulk": "course"} | labels,
        "ownerReferences": [{**IDENTITY, "name": "course", "uid": owner, "controller": True}],
    }
    return {"metadata": meta, "data": data}


def shard(number: int, entries: dict[str, LedgerEntry], owner: str = "u-1") -> Raw:
    """As anybody who may write ConfigMaps could write it: the texts are as they were given."""
    data = {
        item_identity(url): json.dumps(entry.model_dump(mode="json", by_alias=True) | {"error": entry.error})
        for url, entry in entries.items()
    }
    return beside(f"course-results-{number}", {"videoimport.io/shard": str(number)}, data, owner)


def page(raw: Raw, number: int, *lines: PageLine, done: bool = True) -> Raw:
    listing = hash_listing(BulkImport.parse(raw))
    facts = PageFacts(cursor=None if done else "next", done=done).model_dump_json(by_alias=True)
    text = "".join(line.model_dump_json(by_alias=True, exclude_none=True) + "\n" for line in lines)
    labels = {"videoimport.io/page": str(number), "videoimport.io/listing": listing}
    return beside(f"course-{listing}-{number}", labels, {"page.json": facts, "items.jsonl": text})


def done(url: str, **changes: Any) -> LedgerEntry:
    given = {"url": url, "success": True, "uri": f"s3://videos/{url[-5]}/video.mp4", "retry_token": "now"} | changes
    return LedgerEntry(**given)


def failed(url: str, **changes: Any) -> LedgerEntry:
    how = {"success": False, "uri": None, "reason": Reason.SOURCE_NOT_FOUND, "error": "It is gone."}
    return done(url, **how | changes)


def urls(items: Any) -> list[str]:
    return [item.url for item in items]


def test_results_of_all_shards_are_put_into_the_lists_order() -> None:
    account = counted(inline(A, B, C), [shard(1, {A: done(A)}), shard(0, {C: failed(C)})])
    assert (urls(account.results), urls(account.open)) == ([A, C], [B])
    assert (account.completed, account.failed, account.duplicates) == (1, 1, 0)


def test_what_a_namesake_left_does_not_count() -> None:
    assert counted(inline(A), [shard(0, {A: done(A)}, owner="u-0")]).results == ()


def test_a_result_of_an_item_that_is_no_longer_listed_does_not_count() -> None:
    assert urls(counted(inline(A), [shard(0, {A: done(A), B: done(B)})]).results) == [A]


def test_a_failure_under_an_older_token_is_open_again_and_a_success_stays() -> None:
    old = shard(0, {A: done(A, retry_token="before"), B: failed(B, retry_token="before")})
    account = counted(inline(A, B), [old])
    assert (urls(account.results), urls(account.open)) == ([A], [B])


def test_of_a_list_that_was_looked_for_the_pages_tell_the_items() -> None:
    raw = bulk({"playlist": {"url": "https://example.com/feed"}})
    first = page(
        raw,
        0,
        PageLine(found=FoundItem(id=item_identity(A), url=f"{A}?token=s3cret", name="one")),
        PageLine(
            rejected=RejectedLine(id=item_identity(D), url=D, reason=Reason.UNSUPPORTED_DURATION, message="Long.")
        ),
        done=False,
    )
    second = page(
        raw,
        1,
        PageLine(found=FoundItem(id=item_identity(B), url=B, known=Known(video_id="v", uri="s3://videos/b/video.mp4"))),
    )
    listing, digests = hash_listing(BulkImport.parse(raw)), [hash_page_data(one["data"]) for one in (first, second)]
    raw["status"]["discovery"] = {"listing": listing, "pageDigests": {"2": hash_chain(listing, digests)}}
    account = counted(raw, [second, first, shard(0, {})])
    assert [(item.name, item.url) for item in account.open] == [("one", A)]
    assert [(one.url, one.reason, one.uri) for one in account.results] == [
        (B, Reason.DUPLICATE, "s3://videos/b/video.mp4")
    ]
    assert [(one.url, one.reason) for one in account.rejected] == [(D, Reason.UNSUPPORTED_DURATION)]
    assert (account.completed, account.duplicates) == (1, 1)


def test_a_resource_that_this_version_cannot_read_is_told_by_its_field() -> None:
    with pytest.raises(UnusableError, match=r"spec\.source"):
        counted(bulk({"telepathy": {}}), [])


@pytest.fixture
def account() -> Account:
    bad_name = failed(B, error="Gone,\nit says \x1b[31m.", attempts=2)
    return counted(inline(A, B, C, "https://example.com/d.pdf"), [shard(0, {A: done(A), B: bad_name})])


def test_the_table_has_failures_first_and_nothing_a_terminal_would_obey(account: Account) -> None:
    assert rendered(account, "table").splitlines() == [
        "STATE     ITEM                       REASON          WHERE OR WHY",
        f"Failed    {B}  SourceNotFound  Gone, it says [31m.",
        f"Imported  {A}                  s3://videos/a/video.mp4",
        "Rejected  https://example.com/d.pdf  NotVideo        Its file name is the name of a document. Give a video.",
        f"Open      {C}",
    ]


def test_csv_has_a_line_an_item_and_survives_commas_and_line_breaks(account: Account) -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(account, "csv"))))
    assert [row["state"] for row in rows] == ["Failed", "Imported", "Rejected", "Open"]
    assert (rows[0]["message"], rows[0]["attempts"]) == ("Gone, it says [31m.", "2")
    assert rows[3] == dict.fromkeys(rows[3], "") | {"state": "Open", "url": C}


@every_case(
    ("name", "cell"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\n =1", "'  =1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ("\x9b31m\u202e", "31m"),
        ("a = b - c", "a = b - c"),
        ("東京\N{IDEOGRAPHIC SPACE}夜", "東京\N{IDEOGRAPHIC SPACE}夜"),
    ],
)
def test_a_cell_of_csv_is_no_formula_and_nothing_a_terminal_would_obey(name: str, cell: str) -> None:
    account = counted(inline(A), [shard(0, {A: failed(A, error=name)})])
    (row,) = csv.DictReader(io.StringIO(rendered(account, "csv"), newline=""))
    assert row["message"] == cell


def test_json_has_every_letter_and_none_that_a_terminal_would_obey() -> None:
    said = "é\x9b31m\x7f\u202e\U000e0001東京\n\x1b"
    text = rendered(counted(inline(A), [shard(0, {A: failed(A, error=said)})]), "json")
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert json.loads(text)["results"][0]["error"] == "é31m東京 "


def test_json_holds_the_counts_and_every_item_in_the_lists_order(account: Account) -> None:
    whole = json.loads(rendered(account, "json"))
    counts = {key: value for key, value in whole.items() if not isinstance(value, list)}
    assert counts == {
        "namespace": "media", "name": "course", "phase": "Processing", "message": "1 of 3 imported",
        "total": 3, "completed": 1, "failed": 1, "rejectedCount": 1, "skippedDuplicates": 0,
    }  # fmt: skip
    assert whole["results"][0] == {"url": A, "success": True, "attempts": 0, "uri": "s3://videos/a/video.mp4"}
    assert [one["reason"] for one in (*whole["results"][1:], *whole["rejected"])] == ["SourceNotFound", "NotVideo"]
    assert whole["open"] == [{"url": C}]


def test_the_headline_leaves_out_what_is_nought(account: Account) -> None:
    assert headline(account) == "course: Processing, 1 of 3 imported, 1 failed, 1 rejected"


UNLISTED = "0 of 0 imported. The list cannot be read completely. The host did not answer. Check the source."


@pytest.fixture
def unlisted() -> Account:
    """A BulkImport whose list could not be read."""
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "SourceUnavailable",
        "message": UNLISTED,
        "lastTransitionTime": "2026-05-01T00:00:00Z",
    }
    source = {"playlist": {"url": "https://example.com/feed"}}
    return counted(bulk(source, phase="Failed", message=UNLISTED, conditions=[ready]), [])


def test_a_list_that_cannot_be_read_is_told_with_reason_message_and_advice(unlisted: Account) -> None:
    assert headline(unlisted) == f"course: Failed: SourceUnavailable: {UNLISTED}"
    assert rendered(unlisted, "table") == ""


def test_the_page_of_a_list_that_cannot_be_read_has_the_same_text(unlisted: Account) -> None:
    page = build_page(unlisted, [], lambda _: [], datetime.now(UTC))
    assert page.headline == f"Failed: SourceUnavailable: {UNLISTED}"
