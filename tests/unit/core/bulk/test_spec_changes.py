"""Suspending, resuming, queueing, giving up, trying dry, trying again: what a bulk does at its user's wish."""

from dataclasses import replace

from support.core.bulk_builders import (
    BULK,
    bad,
    bulk,
    cancelled,
    child,
    edited,
    good,
    key,
    kinds,
    plan,
    recorded,
    shard,
    started,
    url,
    wishing,
    written,
)
from support.core.discovery_builders import page
from support.core.page_digests import proven
from support.core.video_builders import after, condition, truths
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import PageLine, Skipped
from videoimport.api.videoimport_status import Attempts, JobReference, VideoPhase
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.bulk.retry_failed import needs_failed_items
from videoimport.core.discovery.pages import derive_target_key
from videoimport.core.list_item import EARLIER, LINES, Listed
from videoimport.core.observed import EventView, ObservedBulk, PageView
from videoimport.core.observed_parsers import parse_page
from videoimport.core.plan import Create, Delete, Patch

LISTED = {"source": {"playlist": {"url": "https://videos.example/list"}}}


RUN = JobReference(name="run-1", uid="job-uid")


def patches(found):
    return {action.name: action.patch["spec"] for action in found.actions if isinstance(action, Patch)}


def name(number):
    return f"talks-{number}-{key(number)}"


def ended(wish, *children, **seen):
    return written(wish, children, recorded(*children), **seen)


# suspend


def test_suspended_bulk_pauses_its_running_children_and_starts_nothing():
    wish = edited(bulk(4), suspend=True)
    seen = (child(wish, 0), wishing(child(wish, 1), suspend=True), good(wish, 2))
    found = plan(wish, seen, recorded(good(wish, 2)))
    assert patches(found) == {name(0): {"suspend": True}}
    assert started(found) == []
    assert found.status.phase is BulkPhase.SUSPENDED
    assert (truths(found.status)["Ready"], truths(found.status)["Reconciling"], truths(found.status)["Finished"]) == (
        "False", "False", "False",
    )  # fmt: skip
    assert "To continue, set suspend to false." in found.status.message


def test_resumed_bulk_lets_its_children_go_on():
    wish = written(edited(bulk(2), suspend=True))
    paused = wishing(child(wish, 0, phase=VideoPhase.SUSPENDED), suspend=True)
    found = plan(edited(wish, suspend=False), (paused,))
    assert patches(found) == {name(0): {"suspend": False}}
    assert started(found) == [url(1)]
    assert found.status.phase is BulkPhase.PROCESSING
    assert [a.reason for a in found.planned_events] == ["Resumed"]


def test_suspended_listing_has_no_job():
    assert kinds(plan(bulk(suspend=True, **LISTED))) == []


def test_suspending_an_ended_bulk_changes_nothing():
    wish = bulk(1)
    done = ended(wish, good(wish, 0))
    found = plan(edited(done, suspend=True), (good(wish, 0),), recorded(good(wish, 0)))
    assert (found.actions, found.status.phase) == ((), BulkPhase.COMPLETED)
    assert found.status.completion_time == done.status.completion_time


def test_cancel_wins_over_suspend():
    wish = edited(bulk(1), suspend=True, cancel=True)
    paused = wishing(child(wish, 0, phase=VideoPhase.SUSPENDED), suspend=True)
    assert patches(plan(wish, (paused,))) == {name(0): {"cancel": True}}


def test_restarted_child_is_not_left_suspended():
    old = bulk(1)
    paused = wishing(bad(old, 0), suspend=True)
    assert patches(plan(edited(old, retryToken="b"), (paused,), recorded(paused)))[name(0)]["suspend"] is False


# queue


def test_one_that_has_others_ahead_is_queued_and_lists_and_starts_nothing():
    for wish in (bulk(2), bulk(**LISTED)):
        found = plan(wish, ahead=2)
        assert (found.actions, found.status.phase, found.status.queue_position) == ((), BulkPhase.QUEUED, 2)
        assert "2 ahead" in found.status.message
        assert truths(found.status)["Reconciling"] == "True"


def test_what_it_has_running_goes_on_and_it_is_queued_only_then():
    wish = bulk(2)
    found = plan(wish, (child(wish, 0),), ahead=1)
    assert (found.actions, found.status.phase, found.status.queue_position) == ((), BulkPhase.PROCESSING, None)


def test_queued_one_goes_when_its_turn_comes():
    wish = written(bulk(2), ahead=1)
    found = plan(wish)
    assert started(found) == [url(0), url(1)]
    assert (found.status.phase, found.status.queue_position) == (BulkPhase.PROCESSING, None)


def test_ended_one_is_not_queued_and_a_dry_run_never():
    wish = bulk(1)
    assert plan(ended(wish, good(wish, 0)), (), recorded(good(wish, 0)), ahead=1).status is None
    assert plan(bulk(2, dryRun=True), ahead=1).status.phase is BulkPhase.COMPLETED


# failurePolicy


def test_too_many_failures_end_it_once_what_runs_has_finished():
    wish = bulk(9, parallelism=3, failurePolicy={"maxFailed": 1})
    seen = (bad(wish, 0), bad(wish, 1), child(wish, 2, job=RUN))
    going = plan(wish, seen, recorded(bad(wish, 0), bad(wish, 1)))
    assert (going.actions, going.status.phase) == ((), BulkPhase.PROCESSING)
    last = (*seen[:2], good(wish, 2))
    status = plan(wish, last, recorded(*last)).status
    assert status.phase is BulkPhase.FAILED
    assert condition(status, "Stalled").reason == condition(status, "Ready").reason == "FailurePolicyExceeded"
    assert condition(status, "Finished").reason == "Failed"
    assert "2 failed and failurePolicy.maxFailed is 1" in status.message
    assert status.progress_percent == 33


def removed(found):
    return [action.name for action in found.actions if isinstance(action, Delete)]


def test_what_has_not_begun_when_too_many_failed_goes_and_a_raised_bound_makes_it_anew():
    wish = bulk(9, parallelism=4, failurePolicy={"maxFailed": 0})
    later = Attempts(count=1, next_retry_time=after(600))
    waiting = (
        child(wish, 1, phase=VideoPhase.QUEUED), child(wish, 2, phase=VideoPhase.PENDING, job=RUN, attempts=later)
    )  # fmt: skip
    seen = (bad(wish, 0), *waiting, child(wish, 3, job=RUN))
    found = plan(wish, seen, recorded(bad(wish, 0)))
    assert (removed(found), patches(found)) == ([name(1), name(2)], {})
    given_up = ended(wish, bad(wish, 0), good(wish, 3))
    assert (given_up.status.phase, given_up.status.failed) == (BulkPhase.FAILED, 1)
    raised = plan(edited(given_up, failurePolicy={"maxFailed": 1}), (), recorded(bad(wish, 0), good(wish, 3)))
    assert started(raised)[:2] == [url(1), url(2)]


def test_what_waits_is_left_alone_while_suspended_and_cancelled_by_a_cancel():
    wish = bulk(2, failurePolicy={"maxFailed": 0}, suspend=True)
    seen = (bad(wish, 0), child(wish, 1, phase=VideoPhase.SUSPENDED))
    assert removed(plan(wish, seen, recorded(bad(wish, 0)))) == []
    found = plan(edited(wish, suspend=False, cancel=True), seen, recorded(bad(wish, 0)))
    assert (removed(found), patches(found)) == ([], {name(1): {"cancel": True}})


def test_as_many_failures_as_may_be_are_no_reason():
    wish = bulk(3, failurePolicy={"maxFailed": 1})
    assert started(plan(wish, (bad(wish, 0),), recorded(bad(wish, 0)))) == [url(1), url(2)]


def test_raised_bound_or_new_token_goes_on():
    wish = bulk(3, failurePolicy={"maxFailed": 0})
    stopped = ended(wish, bad(wish, 0))
    assert stopped.status.phase is BulkPhase.FAILED
    raised = plan(edited(stopped, failurePolicy={"maxFailed": 1}), (bad(wish, 0),), recorded(bad(wish, 0)))
    assert started(raised) == [url(1), url(2)]
    assert raised.status.completion_time is None
    assert kinds(plan(edited(stopped, retryToken="b"), (bad(wish, 0),), recorded(bad(wish, 0)))) == [
        "Patch VideoImport", "Create VideoImport",
    ]  # fmt: skip


def test_percentage_counts_of_all_items():
    wish = bulk(4, failurePolicy={"maxFailedPercent": 25})
    assert started(plan(wish, (bad(wish, 0),), recorded(bad(wish, 0)))) == [url(1), url(2)]
    both = (bad(wish, 0), bad(wish, 1))
    status = plan(wish, both, recorded(*both)).status
    assert "2 of 4 failed and failurePolicy.maxFailedPercent is 25" in status.message


# dryRun


def test_dry_run_tells_what_would_be_imported_and_imports_nothing():
    wish = bulk(dryRun=True, source={"items": [{"url": url(0)}, {"url": "https://video.example/cover.jpg"}]})
    found = plan(wish)
    assert (found.actions, found.status.phase) == ((), BulkPhase.COMPLETED)
    assert found.status.message == "Dry run: 1 would be imported, 1 rejected."
    assert (truths(found.status)["Finished"], condition(found.status, "AllSucceeded").reason) == ("True", "DryRun")


def test_what_a_list_has_besides_items_is_told_once_it_is_known_whole():
    wish = bulk(source=LISTED["source"], dryRun=True)
    first = page(wish, 0, skipped=Skipped(comments=1, blank=1200, values=1))
    again = page(wish, 1, done=True, items=0, skipped=Skipped(comments=2, remarks=1))
    last = replace(again, items=first.items)
    assert "comment" not in written(wish, pages=(first,)).status.message
    assert written(wish, pages=(first, last)).status.message == (
        "Dry run: 2 would be imported, 0 rejected. Not imported from the list: 3 comments, 1,200 blank rows, "
        "1 remark behind an address, 1 value of a column that is not kept, 2 repeated entries."
    )


def test_dry_run_of_a_list_that_is_given_up_half_known_has_failed():
    wish = bulk(source=LISTED["source"], dryRun=True)
    first = (page(wish, 0),)
    begun = written(wish, pages=first)
    told = {"reason": Reason.SOURCE_NOT_FOUND, "message": "gone", "attempts": Attempts(count=1)}
    discovery = begun.status.discovery.model_copy(update=told)
    lost = begun.model_copy(update={"status": begun.status.model_copy(update={"discovery": discovery})})
    status = plan(lost, pages=first, at=after(60)).status
    assert status.phase is BulkPhase.FAILED
    assert condition(status, "Finished").status == "True"


def test_dry_run_taken_back_imports():
    wish = edited(written(bulk(2, dryRun=True)), dryRun=False)
    found = plan(wish)
    assert started(found) == [url(0), url(1)]
    assert (found.status.phase, found.status.completion_time) == (BulkPhase.PROCESSING, None)


# retryToken and retryFailed


def test_retry_says_how_many_and_what_is_kept():
    wish = bulk(3, parallelism=1)
    children = (good(wish, 0), bad(wish, 1), bad(wish, 2))
    found = plan(edited(ended(wish, *children), retryToken="b"), children, recorded(*children))
    assert "Failed items to retry: 2; completed items: 1" in found.status.message
    assert ("Retrying", "Failed items to retry: 2; completed items: 1.") in [
        (a.reason, a.message) for a in found.planned_events
    ]


def test_retry_failed_retries_once_and_flipped_back_retries_nothing():
    wish = bulk(2)
    children = (good(wish, 0), bad(wish, 1))
    again = edited(ended(wish, *children), retryFailed=True)
    token = patches(plan(again, children, recorded(*children)))[name(1)]["retryToken"]
    assert token == "+retryFailed"
    still = (good(wish, 0), wishing(bad(wish, 1, observed_retry_token=token), retry_token=token))
    done = ended(again, *still)
    assert (done.status.phase, done.status.failed) == (BulkPhase.COMPLETED, 1)
    assert plan(done, still, recorded(*still), at=after(99)).actions == ()
    back = plan(edited(done, retryFailed=False), still, recorded(*still), at=after(99))
    assert (back.actions, back.status.failed) == ((), 1)


def test_new_token_retries_once_more_under_retry_failed():
    wish = bulk(1, retryFailed=True)
    first = bad(wish, 0, observed_retry_token="+retryFailed")
    found = plan(edited(wish, retryToken="b"), (wishing(first, retry_token="+retryFailed"),), recorded(first))
    assert patches(found)[name(0)]["retryToken"] == "b+retryFailed"


def test_longest_token_still_makes_one():
    made = create_child(bulk(retryFailed=True, retryToken="t" * 128), Listed("ab" * 5, url(0)))
    assert len(made.manifest["spec"]["retryToken"]) <= 128
    assert made.manifest["spec"]["retryToken"] != "t" * 128


def left(*numbers):
    return tuple(Listed(item_identity(url(number)), url(number), metadata={"year": 2026}) for number in numbers)


def test_what_earlier_bulks_left_failed_is_kept_as_a_page_before_anything_ends():
    wish = bulk(1, retryFailed=True)
    done = good(wish, 0)
    found = plan(wish, (done,), recorded(done), left_failed=left(7, 8))
    assert found.status.phase is BulkPhase.PROCESSING
    (made,) = [action.manifest for action in found.actions if isinstance(action, Create)]
    assert made["metadata"]["name"] == "talks-earlier-0"
    assert made["immutable"] is True
    lines = [PageLine.model_validate_json(line) for line in made["data"][LINES].splitlines()]
    assert [(line.found.id, line.found.metadata) for line in lines] == [
        (item_identity(url(number)), {"year": 2026}) for number in (7, 8)
    ]


def earlier(*items, done=True, number=0, of=None):
    """A page of what was taken up under this bulk's source and destination."""
    name, way = f"talks-earlier-{number}", derive_target_key(of or bulk(1))
    return PageView(
        name, f"e{number}", BULK, f"d{number}", number, EARLIER, None, done, False, items, (), integration=way
    )


def test_items_taken_up_are_imported_with_the_own_and_frozen():
    wish = bulk(1, retryFailed=True, parallelism=9)
    found = plan(wish, pages=(earlier(*left(7)),), left_failed=left(7, 8))
    assert started(found) == [url(0), url(7)]
    assert found.status.total == 2


def test_page_that_is_missing_after_a_crash_is_made_with_what_is_not_yet_taken():
    found = plan(bulk(1, retryFailed=True), pages=(earlier(*left(7), done=False),), left_failed=left(7, 8))
    (made,) = [a.manifest for a in found.actions if isinstance(a, Create) and a.manifest["kind"] == "ConfigMap"]
    assert made["metadata"]["name"] == "talks-earlier-1"
    assert item_identity(url(8)) in made["data"][LINES]
    assert item_identity(url(7)) not in made["data"][LINES]


def taken_from(bucket):
    return bulk(source={"s3": {"bucket": bucket}}, retryFailed=True)


def made_names(found):
    return [action.manifest["metadata"]["name"] for action in found.actions if isinstance(action, Create)]


def test_what_was_taken_up_from_one_bucket_is_not_looked_for_in_another():
    left_there = earlier(Listed("ab" * 5, key="a/film.mp4"), of=taken_from("one"))
    assert plan(taken_from("one"), pages=(left_there,)).status.total == 1
    other = taken_from("other")
    found = plan(other, pages=(left_there,), left_failed=())
    assert found.status.total == 0
    assert needs_failed_items(proven(ObservedBulk(other, pages=(left_there,))))
    assert "talks-earlier-1" in made_names(found)
    assert not needs_failed_items(proven(ObservedBulk(taken_from("one"), pages=(left_there,))))


def test_page_of_what_was_left_says_where_it_was():
    found = plan(taken_from("one"), left_failed=left(7))
    (made,) = [a.manifest for a in found.actions if isinstance(a, Create) and a.manifest["kind"] == "ConfigMap"]
    assert parse_page(made | {"metadata": made["metadata"] | {"uid": "e0"}}).integration == derive_target_key(
        taken_from("one")
    )


def test_added_item_keeps_what_was_taken_up():
    assert plan(bulk(2, retryFailed=True), pages=(earlier(*left(7)),)).status.total == 3


def test_ended_one_that_is_to_take_up_what_others_left_waits_for_them():
    wish = bulk(1)
    asked = edited(ended(wish, good(wish, 0)), retryFailed=True)
    queued = plan(asked, (good(wish, 0),), recorded(good(wish, 0)), ahead=1)
    assert (queued.status.phase, queued.status.queue_position, queued.status.completion_time) == (
        BulkPhase.QUEUED, 1, None,
    )  # fmt: skip
    waited = asked.model_copy(update={"status": queued.status})
    assert needs_failed_items(ObservedBulk(waited))
    turn = plan(waited, (good(wish, 0),), recorded(good(wish, 0)), left_failed=left(7))
    assert made_names(turn) == ["talks-earlier-0"]


def test_failed_list_does_not_end_one_that_is_still_to_take_up_what_others_left():
    wish = bulk(source=LISTED["source"], retryFailed=True)
    begun = written(wish)
    told = {"reason": Reason.SOURCE_NOT_FOUND, "message": "gone", "attempts": Attempts(count=1)}
    discovery = begun.status.discovery.model_copy(update=told)
    lost = begun.model_copy(update={"status": begun.status.model_copy(update={"discovery": discovery})})
    found = plan(lost, left_failed=left(7), at=after(60))
    assert (found.status or lost.status).phase is not BulkPhase.FAILED
    assert made_names(found) == ["talks-earlier-0"]
    assert plan(lost, pages=(earlier(of=lost),), at=after(60)).status.phase is BulkPhase.FAILED


def test_refused_page_of_what_others_left_is_told():
    wish = bulk(1, retryFailed=True)
    quota = EventView("bulk-uid", "JobRejected", "exceeded quota: count/configmaps", after(0))
    status = plan(wish, (good(wish, 0),), recorded(good(wish, 0)), left_failed=left(7), refusal=quota).status
    assert "exceeded quota" in status.message
    assert condition(status, "Reconciling").reason == "CreationRefused"


def test_object_taken_up_from_a_bucket_that_is_no_longer_the_source_is_left_out():
    found = plan(bulk(1, retryFailed=True, parallelism=9), pages=(earlier(Listed("ab" * 5, key="a/film.mp4")),))
    assert (started(found), found.status.total) == ([url(0)], 1)


def test_nothing_left_is_noted_too_and_asked_no_more():
    found = plan(bulk(1, retryFailed=True), left_failed=())
    assert any(isinstance(a, Create) and a.manifest["kind"] == "ConfigMap" for a in found.actions)
    assert kinds(plan(bulk(1, retryFailed=True), pages=(earlier(),), left_failed=())) == ["Create VideoImport"]


def test_without_retry_failed_nothing_is_taken_up():
    assert kinds(plan(bulk(1), left_failed=left(7))) == ["Create VideoImport"]
    assert started(plan(bulk(1, parallelism=9), pages=(earlier(*left(7)),))) == [url(0)]


# all together


def test_hopeless_and_cancelled_is_cancelled():
    wish = edited(bulk(3, failurePolicy={"maxFailed": 0}), cancel=True)
    seen = (bad(wish, 0), cancelled(wish, 1))
    assert plan(wish, seen, recorded(*seen)).status.phase is BulkPhase.CANCELLED


def test_results_of_one_that_ended_are_recorded_while_suspended():
    wish = bulk(2, suspend=True)
    assert kinds(plan(wish, (good(wish, 0),))) == ["Create ConfigMap"]
    assert plan(wish, (good(wish, 0),), (shard(0, {}),)).status.phase is BulkPhase.SUSPENDED
