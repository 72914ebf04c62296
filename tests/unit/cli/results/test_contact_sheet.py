"""The data of the results page, from results and VideoImports."""

from datetime import UTC, datetime
from typing import Any

import pytest

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import AcceptedItem, LedgerEntry
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.cli.results.account import Account
from videoimport.cli.results.contact_sheet import build_page
from videoimport.cli.results.html_page import ResultsPage

Raw = dict[str, Any]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SITE = "https://media.example.com"
URI = "s3://videos/course/clip/video.mp4"
THUMBNAIL = "s3://videos/course/clip/thumbnails/001.jpg"


def entry(url: str = f"{SITE}/clip.mp4", *, success: bool = True, **more: Any) -> LedgerEntry:
    return LedgerEntry.model_validate({"url": url, "success": success, **({"uri": URI} if success else {}), **more})


def account(*results: LedgerEntry, base: str | None = None, **more: Any) -> Account:
    destination = {"s3": {"bucket": "videos"}} | ({"publicBaseURL": base} if base else {})
    raw = {
        "metadata": {"name": "course", "namespace": "media", "uid": "u-1", "generation": 1},
        "spec": {"source": {"items": [{"url": SITE}]}, "template": {"destination": destination}},
        "status": {"phase": "Completed"},
    }
    values = {"rejected": (), "open": (), "counts": "1 of 1 imported"} | more
    return Account(bulk=BulkImport.parse(raw), results=results, **values)


def video(**status: Any) -> Raw:
    return {"metadata": {"name": "clip-import"}, "status": status}


def build(found: Account, *videos: Raw) -> tuple[ResultsPage, list[str]]:
    """Return the page, and the addresses of which it reads pictures."""
    asked: list[str] = []

    def read(uris: list[str]) -> list[bytes | None]:
        asked.extend(uris)
        return [uri.encode() or None for uri in uris]

    return build_page(found, videos, read, NOW), asked


class TestCounts:
    def test_only_states_with_items_are_counted_and_a_duplicate_is_no_import(self) -> None:
        results = (entry(), entry(reason="Duplicate"), entry(success=False, reason="SourceNotFound"))
        page, _ = build(account(*results, open=(AcceptedItem(url=f"{SITE}/late.mp4"),)))
        assert page.counts == [("imported", 1), ("duplicates", 1), ("failed", 1), ("not finished", 1)]

    def test_the_headline_has_phase_and_counts(self) -> None:
        page, _ = build(account(entry()))
        assert (page.title, page.headline, page.time) == ("course", "Completed, 1 of 1 imported", NOW)


class TestVideo:
    def test_a_video_import_gives_title_duration_link_and_thumbnail(self) -> None:
        outputs = {
            "video": {"uri": URI, "url": f"{SITE}/public.mp4", "sizeBytes": 1},
            "thumbnails": {"uri": THUMBNAIL, "count": 1},
        }
        status = {
            "source": {"type": "Direct", "title": "A talk"},
            "metadata": {"duration": "1:02:03"},
            "outputs": outputs,
        }
        page, asked = build(account(entry(importName="clip-import")), video(**status))
        (tile,) = page.videos
        assert (tile.title, tile.duration, tile.address) == ("A talk", "1:02:03", f"{SITE}/public.mp4")
        assert asked == [THUMBNAIL]
        assert tile.picture == THUMBNAIL.encode()

    def test_the_result_alone_gives_name_link_and_the_place_of_the_thumbnail(self) -> None:
        page, asked = build(account(entry(name="Lecture 1"), base="https://cdn.example.com/v"))
        (tile,) = page.videos
        assert (tile.title, tile.duration) == ("Lecture 1", "")
        assert tile.address == "https://cdn.example.com/v/course/clip/video.mp4"
        assert asked == [THUMBNAIL]

    def test_without_a_public_address_the_link_is_the_uri(self) -> None:
        page, _ = build(account(entry()))
        assert page.videos[0].address == URI

    def test_an_object_of_another_bucket_has_no_public_address(self) -> None:
        page, _ = build(account(entry(uri="s3://other/clip/video.mp4"), base="https://cdn.example.com"))
        assert page.videos[0].address == "s3://other/clip/video.mp4"

    @pytest.mark.parametrize(
        ("url", "title"),
        [(f"{SITE}/a/my%20talk.mp4", "my talk.mp4"), (f"{SITE}/", f"{SITE}/"), ("//[", "(unreadable URL)")],
    )
    def test_without_a_name_the_title_is_the_file_name_or_the_address(self, url: str, title: str) -> None:
        page, _ = build(account(entry(url)))
        assert page.videos[0].title == title

    def test_a_duplicate_is_noted(self) -> None:
        page, _ = build(account(entry(reason="Duplicate"), entry()))
        assert [bool(tile.note) for tile in page.videos] == [True, False]

    def test_a_status_of_another_version_is_ignored(self) -> None:
        page, _ = build(account(entry(importName="clip-import", name="Lecture 1")), video(metadata="?"))
        assert page.videos[0].title == "Lecture 1"


class TestProblems:
    def test_a_failure_has_message_and_advice(self) -> None:
        page, asked = build(account(entry(success=False, reason="SourceNotFound", error="404 Not Found", name="one")))
        (problem,) = page.failed
        assert (problem.item, problem.reason, problem.message) == ("one", "SourceNotFound", "404 Not Found")
        assert problem.advice == info(Reason.SOURCE_NOT_FOUND).advice
        assert (page.videos, asked) == ([], [])

    def test_advice_that_the_message_ends_with_is_not_repeated(self) -> None:
        message = f"404 Not Found. {info(Reason.SOURCE_NOT_FOUND).advice}"
        failed = entry(success=False, reason="SourceNotFound", error=message)
        rejected = RejectedItem(name=None, url=f"{SITE}/x", reason=Reason.SOURCE_NOT_FOUND, message=message)
        page, _ = build(account(failed, rejected=(rejected,)))
        assert page.failed[0].advice == page.rejected[0].advice == ""

    def test_no_secret_of_a_stored_message_is_on_the_page(self) -> None:
        result = entry(success=False, reason="SourceNotFound")
        written = result.model_copy(update={"error": f"{SITE.replace('//', '//user:hunter2@')}/clip.mp4 is gone"})
        page, _ = build(account(written))
        assert "hunter2" not in page.failed[0].message
        assert "is gone" in page.failed[0].message

    def test_rejected_and_open_items_have_name_or_address(self) -> None:
        refused = RejectedItem(name=None, url=f"{SITE}/x", reason=Reason.SOURCE_NOT_FOUND, message="It is gone.")
        waiting = (AcceptedItem(name="two", url=f"{SITE}/2"), AcceptedItem(url=f"{SITE}/3"))
        page, _ = build(account(rejected=(refused,), open=waiting))
        assert [(item.item, item.message) for item in page.rejected] == [(f"{SITE}/x", "It is gone.")]
        assert page.open == ["two", f"{SITE}/3"]
