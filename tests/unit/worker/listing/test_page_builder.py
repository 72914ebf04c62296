"""Pages: their bounds of number, bytes and time, and what becomes of a list that ends, breaks off or stands still."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES, FoundItem, ListingTask, PageLine, PageReport
from videoimport.worker.listing.bucket import cursor_of, key_of
from videoimport.worker.listing.client import Batch
from videoimport.worker.listing.entry_classifier import Judge
from videoimport.worker.listing.listing_runner import fitted
from videoimport.worker.listing.page_builder import PageBuilder, Pager
from videoimport.worker.listing.process_messages import ListEntry, Look
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children


def task(**more: Any) -> ListingTask:
    defaults = {
        "uid": "u", "namespace": "n", "name": "b", "run": 1, "page": 0, "incremental": False, "output": {},
        "destination": {"s3": {"bucket": "out"}}, "page_seconds": 20, "timeout_seconds": 900,
        "source": BulkSource.model_validate({"playlist": {"url": "https://e.com/list"}}),
    }  # fmt: skip
    return ListingTask.model_validate({**defaults, **more})


def entry(number: int, **more: Any) -> ListEntry:
    return ListEntry(**{"cursor": str(number), "url": f"https://e.com/{number}.mp4", **more})


def failure(reason: Reason = Reason.RATE_LIMITED) -> ImportFailure:
    return ImportFailure(reason, "It asks for fewer requests.", 90)


class Source:
    """A list in the place of the guarded process. Each question takes ``seconds``; the process is there ``first``."""

    def __init__(
        self, *batches: Batch, first: float = 0.0, seconds: float = 0.0, looks: Sequence[Look] | ImportFailure = ()
    ) -> None:
        self.batches, self.seconds, self.now, self.looks = list(batches), seconds, first, looks
        self.asked: list[int] = []
        self.is_late = False

    def more(self, wanted: int, until: float, last_moment: float) -> Batch:
        self.asked.append(wanted)
        self.now += self.seconds
        batch = self.batches.pop(0) if self.batches else Batch(is_last=True)
        self.is_late = batch.is_late
        return batch

    def look(self, keys: Sequence[str], last_moment: float) -> list[Look]:
        assert not self.is_late, "it is told to ask nothing any more"
        if isinstance(self.looks, ImportFailure):
            raise self.looks
        return list(self.looks)


def page_of(given: Source, most: int = 2000, **more: Any) -> tuple[Any, list[str]]:
    """The report, and the addresses on the page."""
    wish, page = task(**more), PageBuilder(most)
    first, given.now = given.now, 0.0
    pager = Pager(wish, given, Judge(wish, None, Children()), page, lambda: given.now)  # type: ignore[arg-type]
    given.now = first
    report = pager.report()
    lines = [PageLine.model_validate_json(text) for text in page._lines]
    assert report.count == len(lines)
    return report, [str(line.found.url) for line in lines if line.found]


def test_a_list_that_ends_is_done() -> None:
    report, urls = page_of(Source(Batch([entry(1), entry(2)]), Batch([entry(3)], is_last=True)))
    assert (report.done, report.cursor, urls) == (True, None, [f"https://e.com/{n}.mp4" for n in (1, 2, 3)])


def test_what_comes_twice_takes_one_line() -> None:
    report, urls = page_of(Source(Batch([entry(1), entry(2), entry(3, url="https://e.com/1.mp4")])))
    assert (report.count, len(urls), report.done) == (2, 2, True)


def test_two_items_whose_short_names_are_the_same_are_both_told() -> None:
    twins = [f"https://video.example/{number}.mp4" for number in (1296522, 1388671)]
    assert item_identity(twins[0]) == item_identity(twins[1])
    _, urls = page_of(Source(Batch([entry(n, url=url) for n, url in enumerate([*twins, twins[0]])])))
    assert urls == twins


def test_a_full_page_ends_behind_its_last_line() -> None:
    report, urls = page_of(Source(Batch([entry(1), entry(2)]), Batch([entry(3)])), most=2)
    assert (report.done, report.cursor, len(urls)) == (False, "2", 2)


def test_a_page_that_is_just_full_finds_out_that_it_is_the_last() -> None:
    source = Source(Batch([entry(1), entry(2)]))
    report, _ = page_of(source, most=2)
    assert (report.done, source.asked) == (True, [2, 1])


def test_lines_in_any_script_stay_within_the_bytes() -> None:
    names = [entry(n, metadata={f"k{k}": "語" * 250 for k in range(50)}) for n in range(30)]
    report, urls = page_of(Source(Batch(names)))
    assert report.bytes <= MAX_PAGE_BYTES
    assert not report.done
    assert report.cursor == str(len(urls) - 1)


def test_a_page_whose_time_is_up_ends_early_and_a_slow_start_earns_it_more() -> None:
    endless = [Batch([entry(n)]) for n in range(100)]
    report, urls = page_of(Source(*endless, seconds=8))
    assert (report.done, report.cursor, len(urls)) == (False, "2", 3)
    _, urls = page_of(Source(*endless, first=100, seconds=8))
    assert len(urls) == 15, "until twice the 108 seconds that the beginning took"


def test_entries_that_do_not_count_move_the_cursor() -> None:
    report, urls = page_of(Source(Batch(passed="k1"), Batch(passed="k2"), Batch(passed="k3"), seconds=30))
    assert (report.done, report.cursor, report.count, urls) == (False, "k2", 0, [])


def test_a_list_that_breaks_off_keeps_what_there_is_and_says_how() -> None:
    report, urls = page_of(Source(Batch([entry(1)], failure=failure())))
    assert (report.reason, report.pushed_back, report.cursor, len(urls)) == (None, Reason.RATE_LIMITED, "1", 1)
    assert report.retry_after_seconds == 90


def test_a_list_that_brings_nothing_fails_with_its_reason() -> None:
    with pytest.raises(ImportFailure) as told:
        page_of(Source(Batch(failure=failure())))
    assert told.value.reason is Reason.RATE_LIMITED
    with pytest.raises(ImportFailure) as told:
        page_of(Source(Batch(is_late=True)))
    assert told.value.reason is Reason.STALLED


@pytest.mark.parametrize("page", [0, 1])
def test_limit_counts_what_is_found_on_this_page(page: int) -> None:
    source = {"playlist": {"url": "https://e.com/list", "limit": 2}}
    entries = [entry(1), entry(2, url="https://e.com/2.jpg"), entry(1), entry(3), entry(4)]
    report, urls = page_of(Source(Batch(entries)), source=source, page=page)
    assert report.done
    assert urls == ["https://e.com/1.mp4", "https://e.com/3.mp4"]


BUCKET = {"source": {"s3": {"bucket": "source"}}, "requirements": {}}


def objects(*keys: str) -> list[ListEntry]:
    return [ListEntry(cursor=key, key=key, size_bytes=9) for key in keys]


def test_what_the_first_bytes_prove_is_rejected() -> None:
    looks = [Look(key="a.mp4"), Look(key="c.mp4", reason=Reason.NOT_VIDEO, message="It is a picture.")]
    report, _ = page_of(Source(Batch(objects("a.mp4", "b.txt", "c.mp4")), looks=looks), **BUCKET)
    assert (report.done, report.count) == (True, 3)


def test_a_store_that_pushes_back_while_it_is_looked_into_ends_the_page_before_what_was_not_seen() -> None:
    report, _ = page_of(Source(Batch(objects("a.txt", "b.mp4", "c.txt")), looks=failure()), **BUCKET)
    assert (report.count, report.cursor, report.pushed_back) == (1, "a.txt", Reason.RATE_LIMITED)


@pytest.mark.parametrize("first", ["a.txt", "a.mp4"])
def test_objects_that_come_late_are_kept_without_a_look(first: str) -> None:
    late = Batch(objects(first, "b.mp4"), passed="c.ts", is_late=True)
    report, _ = page_of(Source(late), **BUCKET)
    assert (report.done, report.count, report.cursor, report.pushed_back) == (False, 2, "c.ts", None)


def test_objects_before_the_place_where_a_list_breaks_off_are_kept_without_a_look() -> None:
    report, _ = page_of(Source(Batch(objects("a.mp4", "b.mp4"), failure=failure())), **BUCKET)
    assert (report.count, report.cursor, report.pushed_back) == (2, "b.mp4", Reason.RATE_LIMITED)


def test_what_there_is_no_time_to_look_at_is_left_to_its_import() -> None:
    proof = Look(key="a.mp4", reason=Reason.NOT_VIDEO, message="It is a picture.")
    source = Source(Batch(objects("a.mp4", "b.mp4", "c.mp4")), Batch(objects("d.mp4")), looks=[proof])
    report, lines = page_of(source, **BUCKET)
    assert (report.done, report.count, report.cursor, len(lines)) == (False, 3, "c.mp4", 2)
    assert len(source.asked) == 1


def test_a_line_is_one_line_to_every_reader() -> None:
    page = PageBuilder(10)
    key = "a\nb\u2028c\u0085d.mp4"
    page.add(PageLine(found=FoundItem(id="0123456789", key=key)))
    (text,) = page._lines
    assert text.splitlines() == [text]
    assert PageLine.model_validate_json(text).found.key == key  # type: ignore[union-attr]
    assert page.sha256 == hashlib.sha256(f"{text}\n".encode()).hexdigest()


def test_a_report_fits_a_termination_message_whatever_it_says() -> None:
    report, _ = page_of(Source(Batch(objects("語" * 341), failure=failure())), source=BUCKET["source"])
    long = report.model_copy(update={"message": "語" * 1024, "reason": Reason.INTERNAL})
    assert len(fitted(long)) <= 4096


@pytest.mark.parametrize(
    "key",
    ["a/b.mp4", "\x01" * 1024, "語" * 341, "\u2028" * 341, '"\\' * 512, "base64:", "base64:YQ==", "a\nb\x7f", ""],
    ids=["plain", "control", "wide", "invisible", "escaped", "mark", "marked", "mixed", "none"],
)
def test_a_report_says_where_its_page_ended_whatever_the_key(key: str) -> None:
    report = PageReport(uid="u" * 36, run=2**31 - 1, page=2**31 - 1, count=2000, bytes=2**20, cursor=cursor_of(key))
    told = PageReport.model_validate_json(fitted(report))
    assert told.cursor == report.cursor
    assert key_of(told.cursor or "") == key


def test_a_page_whose_end_cannot_be_told_has_failed() -> None:
    told = PageReport.model_validate_json(fitted(PageReport(uid="u", run=3, page=4, cursor="\x01" * 2048)))
    assert (told.uid, told.run, told.page, told.reason, told.cursor) == ("u", 3, 4, Reason.INTERNAL, None)
