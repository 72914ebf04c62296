"""What a bulk's status says, counted anew each time."""

import json

import pytest

from support.core.bulk_builders import (
    bad,
    bulk,
    cancelled,
    child,
    edited,
    entries,
    good,
    key,
    kinds,
    plan,
    recorded,
    shard,
    url,
    written,
)
from support.core.video_builders import NOW, after, condition, truths
from videoimport.api.bulkimport_source import MAX_ITEMS
from videoimport.api.bulkimport_status import MAX_INLINE_RESULTS, BulkImportStatus, BulkPhase, LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Usage
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Plan


def numbers(status):
    return (status.total, status.active, status.completed, status.failed, status.progress_percent)


def ended(wish, *children):
    """The bulk after the end of all its children was recorded and observed."""
    return written(wish, children, recorded(*children))


def test_first_touch_states_what_readers_and_tools_look_for():
    found = plan(bulk(3))
    status = found.status
    assert numbers(status) == (3, 0, 0, 0, 0)
    assert (status.phase, status.observed_generation, status.observed_retry_token) == (BulkPhase.PROCESSING, 1, "")
    assert status.start_time == status.updated_time == NOW
    assert status.message == "0 of 3 imported."
    assert truths(status) == {
        "Ready": "False",
        "Reconciling": "True",
        "Stalled": "False",
        "Finished": "False",
        "AllSucceeded": "Unknown",
    }
    assert [(a.type, a.reason) for a in found.planned_events] == [("Normal", "Started")]


def test_progress_moves_with_every_videos_own():
    wish = bulk(4)
    seen = (good(wish, 0), child(wish, 1, progress_percent=50), child(wish, 2, progress_percent=30))
    status = plan(wish, seen, recorded(good(wish, 0))).status
    assert numbers(status) == (4, 2, 1, 0, 45)
    assert (status.bytes_in, status.bytes_out) == (10, 4)


def test_progress_alone_waits_for_the_write_interval():
    wish = written(bulk(2), (child(bulk(2), 0), child(bulk(2), 1)))
    seen = (child(wish, 0, progress_percent=50), child(wish, 1))
    found = plan(wish, seen, at=after(1))
    assert (found.status, found.requeue_at) == (None, after(3))
    assert plan(wish, seen, at=after(3)).status.progress_percent == 25


def test_end_does_not_wait_for_the_write_interval():
    wish = written(bulk(1), (child(bulk(1), 0),))
    assert plan(wish, (good(wish, 0),), recorded(good(wish, 0)), at=after(1)).status.phase is BulkPhase.COMPLETED


def test_end_is_declared_only_once_every_result_was_observed_in_the_ledger():
    wish = written(bulk(1), (child(bulk(1), 0),))
    found = plan(wish, (good(wish, 0),), at=after(9))
    assert kinds(found) == ["Create ConfigMap"]
    assert (found.status.phase, found.status.completed, found.status.progress_percent) == (BulkPhase.PROCESSING, 1, 99)


def test_all_imported():
    wish = bulk(2)
    status = ended(wish, good(wish, 0), good(wish, 1)).status
    assert numbers(status) == (2, 0, 2, 0, 100)
    assert (status.phase, status.message, status.completion_time) == (BulkPhase.COMPLETED, "2 of 2 imported.", NOW)
    assert truths(status) == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Finished": "True",
        "AllSucceeded": "True",
    }
    assert condition(status, "Finished").reason == "Succeeded"


def test_some_imported_is_completed_and_says_what_is_missing():
    wish = bulk(4)
    status = ended(wish, good(wish, 0), good(wish, 1), good(wish, 2), bad(wish, 3)).status
    assert (status.phase, status.message) == (BulkPhase.COMPLETED, "3 of 4 imported, 1 failed.")
    assert truths(status)["Ready"] == "True"
    assert (truths(status)["AllSucceeded"], condition(status, "AllSucceeded").message) == (
        "False",
        "3 of 4 imported, 1 failed.",
    )


def test_none_imported_is_failed_and_names_the_first_reason():
    wish = bulk(2)
    status = ended(wish, bad(wish, 0), bad(wish, 1)).status
    assert status.phase is BulkPhase.FAILED
    assert status.message == "0 of 2 imported, 2 failed; the first of them: NotVideo. Item 0 is none."
    assert (truths(status)["Ready"], truths(status)["Stalled"], truths(status)["AllSucceeded"]) == (
        "False",
        "True",
        "False",
    )
    assert condition(status, "Finished").reason == "Failed"


def test_end_is_announced_once():
    wish = bulk(1)
    found = plan(wish, (good(wish, 0),), recorded(good(wish, 0)))
    assert [(a.type, a.reason) for a in found.planned_events] == [("Normal", "Completed")]
    assert plan(ended(wish, good(wish, 0)), (good(wish, 0),), recorded(good(wish, 0))).planned_events == ()


def test_ended_bulk_comes_to_rest_with_or_without_its_children():
    wish = bulk(2)
    children = (good(wish, 0), bad(wish, 1))
    done = ended(wish, *children)
    assert plan(done, children, recorded(*children), at=after(9999)) == Plan()
    assert plan(done, (), recorded(*children), at=after(9999)) == Plan()


def test_added_item_opens_an_ended_bulk_again():
    wish = bulk(1)
    more = edited(ended(wish, good(wish, 0)), source={"items": [{"url": url(0)}, {"url": url(1)}]})
    found = plan(more, (good(wish, 0),), recorded(good(wish, 0)), at=after(60))
    assert numbers(found.status) == (2, 0, 1, 0, 50)
    assert (found.status.phase, found.status.completion_time) == (BulkPhase.PROCESSING, None)
    assert truths(found.status)["Reconciling"] == "True"
    assert [a.reason for a in found.planned_events] == ["Started"]


def test_other_words_for_an_ended_item_are_recorded_and_open_nothing_again():
    wish = bulk(1)
    done = written(wish, (good(wish, 0),), recorded(good(wish, 0)))
    named = edited(done, source={"items": [{"url": url(0), "name": "rabbits"}]})
    found = plan(named, (good(wish, 0),), recorded(good(wish, 0)), at=after(86_400))
    assert kinds(found) == ["Patch ConfigMap"]
    assert (found.status.phase, found.status.completion_time) == (BulkPhase.COMPLETED, done.status.completion_time)
    assert found.status.results[0].name == "rabbits"


def test_each_ending_has_its_own_time():
    wish = bulk(2)
    seen = (good(wish, 0), bad(wish, 1))
    first = written(wish, seen, recorded(*seen))
    second = written(edited(first, source={"items": [{"url": url(1)}]}), seen, recorded(*seen), at=after(60))
    third = written(edited(second, source=wish.spec.source.wire()), seen, recorded(*seen), at=after(120))
    endings = [(one.status.phase, one.status.completion_time) for one in (first, second, third)]
    assert endings == [
        (BulkPhase.COMPLETED, after(0)), (BulkPhase.FAILED, after(60)), (BulkPhase.COMPLETED, after(120)),
    ]  # fmt: skip


def test_new_token_opens_an_ended_bulk_again_and_is_observed():
    wish = bulk(2)
    children = (good(wish, 0), bad(wish, 1))
    found = plan(edited(ended(wish, *children), retryToken="b"), children, recorded(*children))
    assert (found.status.phase, found.status.observed_retry_token) == (BulkPhase.PROCESSING, "b")
    assert numbers(found.status) == (2, 0, 1, 0, 50)


def test_new_token_with_nothing_failed_changes_no_result():
    wish = bulk(1)
    found = plan(edited(ended(wish, good(wish, 0)), retryToken="b"), (good(wish, 0),), recorded(good(wish, 0)))
    assert (found.status.phase, found.status.observed_retry_token) == (BulkPhase.COMPLETED, "b")
    assert found.actions == ()


def test_percent_does_not_go_back_when_a_child_starts_over():
    wish = written(bulk(2), (child(bulk(2), 0, progress_percent=80), child(bulk(2), 1)))
    found = plan(wish, (child(wish, 0, progress_percent=0), child(wish, 1, progress_percent=10)), at=after(9))
    assert (found.status or wish.status).progress_percent == 40


def test_percent_goes_back_when_there_is_more_to_do():
    wish = written(bulk(1), (child(bulk(1), 0, progress_percent=80),))
    more = edited(wish, source={"items": [{"url": url(number)} for number in range(4)]})
    assert plan(more, (child(wish, 0, progress_percent=80),)).status.progress_percent == 20


def test_items_that_are_no_longer_listed_do_not_count():
    wish = bulk(3)
    children = (good(wish, 0), bad(wish, 1), good(wish, 2))
    fewer = edited(ended(wish, *children), source={"items": [{"url": url(0)}]})
    assert numbers(plan(fewer, children, recorded(*children)).status) == (1, 0, 1, 0, 100)


def test_failure_under_an_older_token_is_no_result_any_more():
    wish = edited(bulk(2), retryToken="b")
    old = bulk(2)
    status = plan(wish, (child(wish, 0), child(wish, 1)), recorded(bad(old, 0), bad(old, 1))).status
    assert (status.failed, status.results) == (0, ())


def test_time_left_follows_the_pace_of_the_whole():
    wish = written(bulk(2), (child(bulk(2), 0), child(bulk(2), 1)))
    half = (child(wish, 0, progress_percent=50), child(wish, 1, progress_percent=50))
    later = written(wish, half, at=after(60))
    assert later.status.eta_seconds == 60
    assert plan(later, half, at=after(600)).status is None


def test_time_left_is_not_guessed_from_a_pass_that_was_broken_off():
    wish = bulk(1)
    more = edited(ended(wish, good(wish, 0)), source={"items": [{"url": url(0)}, {"url": url(1)}]})
    seen = (good(wish, 0), child(wish, 1, progress_percent=0))
    opened = written(more, seen, recorded(good(wish, 0)), at=after(9000))
    moving = (good(wish, 0), child(wish, 1, progress_percent=40))
    assert plan(opened, moving, recorded(good(wish, 0)), at=after(9060)).status.eta_seconds is None


def test_cancelled_once_nothing_is_active_and_all_is_recorded():
    wish = edited(written(bulk(4), (good(bulk(4), 0), child(bulk(4), 1))), cancel=True)
    children = (good(wish, 0), cancelled(wish, 1))
    stopping = plan(wish, (good(wish, 0), child(wish, 1)), recorded(good(wish, 0))).status
    assert (stopping.phase, stopping.message) == (BulkPhase.PROCESSING, "Being cancelled: 1 of 4 imported.")
    unrecorded = plan(wish, children, recorded(good(wish, 0))).status
    assert unrecorded.phase is BulkPhase.PROCESSING
    found = plan(wish, children, recorded(*children))
    assert numbers(found.status)[:4] == (4, 0, 1, 1)
    assert found.status.phase is BulkPhase.CANCELLED
    assert "Cancelled: 1 of 4 imported, 1 failed." in found.status.message
    assert (truths(found.status)["Stalled"], condition(found.status, "Finished").reason) == ("True", "Cancelled")
    assert [a.reason for a in found.planned_events] == ["Cancelled"]


def test_bulk_cancelled_before_it_began():
    status = plan(bulk(2, cancel=True)).status
    assert (status.phase, status.total, status.active) == (BulkPhase.CANCELLED, 2, 0)


def test_cancel_that_came_too_late_leaves_a_completed_bulk_completed():
    wish = bulk(2)
    children = (good(wish, 0), bad(wish, 1, reason=Reason.CANCELLED))
    late = edited(ended(wish, *children), cancel=True)
    assert plan(late, children, recorded(*children)).status.phase is BulkPhase.COMPLETED


def test_cancel_when_all_was_done_but_not_yet_said_is_completed():
    wish = edited(bulk(1), cancel=True)
    assert plan(wish, (good(wish, 0),), recorded(good(wish, 0))).status.phase is BulkPhase.COMPLETED


def test_cancelled_bulk_stays_so_with_cancel_taken_back_until_the_token_changes():
    wish = edited(bulk(2), cancel=True)
    children = (good(wish, 0), cancelled(wish, 1))
    stopped = ended(wish, *children)
    assert stopped.status.phase is BulkPhase.CANCELLED
    back = written(edited(stopped, cancel=False), children, recorded(*children))
    assert back.status.phase is BulkPhase.CANCELLED
    resumed = plan(edited(back, retryToken="b"), children, recorded(*children)).status
    assert (resumed.phase, resumed.observed_retry_token) == (BulkPhase.PROCESSING, "b")


def test_new_token_under_a_standing_cancel_counts_once_cancel_is_taken_back():
    stopped = written(edited(bulk(1), cancel=True))
    waiting = written(edited(stopped, retryToken="b"))
    assert (waiting.status.phase, waiting.status.observed_retry_token) == (BulkPhase.CANCELLED, "")
    assert kinds(plan(edited(waiting, cancel=False))) == ["Create VideoImport"]


def test_results_show_failures_first_in_the_lists_order():
    wish = bulk(4, parallelism=4)
    seen = (good(wish, 2), bad(wish, 3), bad(wish, 1), good(wish, 0))
    results = plan(wish, seen, recorded(*seen)).status.results
    assert [result.url for result in results] == [url(1), url(3), url(0), url(2)]
    assert results[0].import_name == f"talks-1-{key(1)}"


def test_more_results_than_the_status_shows_stand_in_the_shards():
    wish = bulk(120)
    children = [good(wish, number) for number in range(120)]
    first, second = entries(*children[:70]), entries(*children[70:])
    status = plan(wish, (), (shard(0, first), shard(1, second))).status
    assert len(status.results) == MAX_INLINE_RESULTS
    assert [(ref.name, ref.count) for ref in status.results_ref] == [("talks-results-0", 70), ("talks-results-1", 50)]


@pytest.mark.parametrize("letter", ["x", "ä", "漢"])
def test_largest_status_stays_under_64_kib_and_within_the_schema(letter):
    urls = [f"https://video.example/{number}/".ljust(2048, letter) for number in range(MAX_ITEMS)]
    items = [{"url": long, "name": f"{letter * 120}{number}"} for number, long in enumerate(urls)]
    wish = bulk(source={"items": items}, retryToken="t" * 128)
    long = {
        "success": False,
        "reason": Reason.UNSUPPORTED_RESOLUTION,
        "error": letter * 1024,
        "uri": letter * 2048,
        "video_id": "f" * 64,
        "attempts": 20,
        "retry_token": "t" * 128,
        "import_name": "talks-" + "0" * 57,
    }
    listed = [line.listed for line in BulkSnapshot(ObservedBulk(wish)).outcomes]
    entry = LedgerEntry(url=listed[0].url, name=listed[0].name, **long)
    found = {one.identity: entry.model_copy(update={"url": one.url, "name": one.name}) for one in listed}
    shards = tuple(shard(number, dict(list(found.items())[number::80])) for number in range(80))
    status = plan(wish, (), shards).status
    assert (status.failed, status.phase) == (MAX_ITEMS, BulkPhase.FAILED)
    assert BulkImportStatus.model_validate(status.wire()) == status
    assert len(json.dumps(status.wire(), ensure_ascii=False).encode()) < 65536
    assert status.results


def test_sums_of_unbelievable_counts_still_fit_the_api():
    wish = bulk(3)
    seen = tuple(child(wish, n, phase="Completed", usage=Usage(bytes_in=2**63, bytes_out=2**62)) for n in range(3))
    status = ended(wish, *seen).status
    assert status.bytes_in == status.bytes_out == 2**53 - 1
    assert plan(wish.model_copy(update={"status": status}), seen, recorded(*seen)).status is None
