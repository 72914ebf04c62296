"""After RateLimited no import contacts a host until its backoff is over and one import has probed it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    created,
    edited,
    failed_with,
    failure,
    finished,
    job,
    plan,
    pod,
    progress,
    running,
    started,
    success,
    video,
    working_pod,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import Attempts, HostBackoff, VideoPhase
from videoimport.core.circuit_breaker import BreakerState, combine_records, find_host
from videoimport.core.plan import Plan

HOST = "video.example"
S3 = {"s3": {"endpoint": "https://objects.example:9000", "bucket": "media", "key": "a.mov"}}
TOLD = BreakerState(HOST, 1, NOW, after(300))


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ({"url": "https://user:word@WWW.Video.Example:8443/a.mp4"}, "video.example"),
        (S3, "objects.example"),
        ({"s3": {"bucket": "media", "key": "a.mov"}}, "media.s3.amazonaws.com"),
        ({"s3": {"bucket": "tapes", "key": "a.mov"}}, "tapes.s3.amazonaws.com"),
        ({"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mov"}}, None),
    ],
)
def test_host_is_whom_the_source_is_asked_from(source, host):
    assert find_host(video(source=source)) == host


def test_an_address_of_old_that_is_none_has_no_host():
    wish = video()
    source = wish.spec.source.model_copy(update={"url": "https://[broken/a.mp4"})
    assert find_host(wish.model_copy(update={"spec": wish.spec.model_copy(update={"source": source})})) is None


def backoff_of(wish: VideoImport) -> HostBackoff:
    assert wish.status.host_backoff is not None
    return wish.status.host_backoff


def trying(at=NOW, seen: BreakerState = TOLD, **spec: Any) -> VideoImport:
    """An import that tries the host, its Job seen."""
    fresh = written(video(**spec), after(600), host=seen)
    return written(fresh, after(600), jobs=(job(fresh, created=after(600)),), host=seen)


def test_first_run_waits_while_its_host_backs_off():
    found = plan(video(), host=TOLD)
    status = found.status
    assert status is not None
    assert (created(found), found.planned_events) == ([], ())
    assert (status.phase, status.reason, status.run) == (VideoPhase.PENDING, Reason.RATE_LIMITED, 0)
    assert f"No import contacts {HOST} until 2026-05-04T12:05:00Z" in (status.message or "")
    assert status.attempts is not None
    assert (status.attempts.reasons, status.attempts.next_retry_time) == ((), after(300))
    assert status.host_backoff is None


def test_nothing_is_charged_for_rate_limited():
    told = failed_with(running(maxAttempts=1), Reason.RATE_LIMITED, "429")
    assert told.status.attempts == Attempts(count=1, max=1, next_retry_time=after(300))
    assert (told.status.phase, told.status.reason) == (VideoPhase.PENDING, Reason.RATE_LIMITED)
    assert backoff_of(told) == HostBackoff(host=HOST, failures=1, time=NOW, until=after(300), since=NOW)


def test_runs_that_were_under_way_together_count_as_one_push_back_and_prolong_the_rest():
    other = running()
    later = written(other, after(100), **finished(other, failure(other, Reason.RATE_LIMITED)), host=TOLD)
    assert (backoff_of(later).failures, backoff_of(later).until) == (1, after(400))


def test_the_first_that_starts_after_the_rest_tries_and_takes_over_what_is_known():
    held = written(video(), host=TOLD)
    assert created(plan(held, at=after(299), host=TOLD)) == []
    found = plan(held, at=after(600), host=TOLD)
    assert created(found) == ["talk-1"]
    assert found.status is not None
    assert found.status.host_backoff == HostBackoff(
        host=HOST, failures=1, time=NOW, until=after(300), since=after(600), probing=True
    )


def test_all_others_wait_while_one_tries_and_write_nothing_meanwhile():
    held = written(video(), host=TOLD)
    found = plan(held, at=after(600), host=replace(TOLD, probing=True))
    assert (created(found), found.status, found.requeue_at) == ([], None, None)


def test_a_try_that_is_told_to_rest_doubles_it_up_to_a_cap():
    backoffs = []
    for failures in (1, 2, 3, 4, 8):
        wish = trying(seen=replace(TOLD, failures=failures))
        told = written(
            wish,
            after(700),
            **finished(wish, failure(wish, Reason.RATE_LIMITED)),
            host=replace(TOLD, failures=failures),
        )
        assert backoff_of(told).failures == failures + 1
        backoffs.append((backoff_of(told).until - after(700)).total_seconds())
    assert backoffs == [600, 1200, 2400, 3600, 3600]


def test_what_the_host_asks_for_is_honoured_up_to_the_cap():
    for asked, seconds in ((30, 300), (900, 900), (86_400, 3600)):
        wish = running()
        told = failure(wish, Reason.RATE_LIMITED, retry_after_seconds=asked)
        assert backoff_of(written(wish, **finished(wish, told))).until == after(seconds)


@pytest.mark.parametrize(
    ("reason", "answers"),
    [
        (Reason.SOURCE_NOT_FOUND, True),
        (Reason.SOURCE_UNAVAILABLE, True),
        (Reason.WORKER_LOST, False),
        (Reason.DESTINATION_DENIED, False),
        (Reason.DESTINATION_CORRUPT, False),
        (Reason.CREDENTIALS_NOT_FOUND, False),
    ],
)
def test_a_try_that_ends_otherwise_opens_the_host_if_it_says_anything_of_it(reason, answers):
    wish = trying()
    ended = written(wish, after(700), **finished(wish, failure(wish, reason)), host=TOLD)
    assert (backoff_of(ended).failures == 0) is answers
    records = [backoff_of(ended), HostBackoff(host=HOST, failures=1, time=NOW, until=after(300))]
    assert (combine_records(HOST, records) is None) is answers


def test_a_try_whose_download_is_through_opens_the_host_and_the_end_of_a_run_does():
    wish = trying()
    there = (job(wish, created=after(600)),)
    fetching = written(wish, after(650), jobs=there, progress=progress(50), host=TOLD)
    assert backoff_of(fetching).probing
    through = written(wish, after(700), jobs=there, progress=progress(100), host=TOLD)
    assert backoff_of(through) == HostBackoff(host=HOST, time=after(700))
    done = written(wish, after(700), **finished(wish, success(wish)), host=TOLD)
    assert backoff_of(done) == HostBackoff(host=HOST, time=after(700))


def test_a_long_download_need_not_end_before_the_host_counts_as_open():
    wish = trying()
    stages = progress(50).stages
    flowing = progress(50).model_copy(update={"stages": (stages[0].model_copy(update={"bytes_done": 5}), *stages[1:])})
    seen: dict[str, Any] = {"jobs": (job(wish, created=after(600)),), "progress": flowing, "host": TOLD}
    assert backoff_of(written(wish, after(899), **seen)).probing
    assert backoff_of(written(wish, after(900), **seen)).failures == 0


def test_a_try_that_finds_no_node_gives_way():
    wish = trying()
    there = job(wish, created=after(600))
    stuck = written(wish, after(700), jobs=(there,), pods=(pod(there, unscheduled="0/1 nodes fit"),), host=TOLD)
    assert stuck.status.reason is Reason.UNSCHEDULABLE
    assert (backoff_of(stuck).probing, backoff_of(stuck).failures) == (False, 1)


def test_an_answer_voids_what_was_told_before_it_and_nothing_later():
    told = [HostBackoff(host=HOST, failures=2, time=after(at), until=after(at + 300)) for at in (0, 10)]
    assert combine_records(HOST, told) == BreakerState(HOST, 2, after(10), after(310))
    assert combine_records(HOST, [*told, HostBackoff(host=HOST, time=after(11))]) is None
    assert combine_records(HOST, [*told, HostBackoff(host=HOST, time=after(10))]) == BreakerState(
        HOST, 2, after(10), after(310)
    )
    assert combine_records(HOST, []) is None


def test_it_starts_as_soon_as_its_host_is_open_and_remembers_since_when_it_waited():
    told = failed_with(running(), Reason.RATE_LIMITED)
    found = plan(told, at=after(100))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert found.status.host_backoff == HostBackoff(host=HOST, time=NOW, since=NOW)
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.reasons) == (1, ())


def test_an_import_that_its_host_never_lets_through_ends_after_a_week():
    told = failed_with(running(), Reason.RATE_LIMITED)
    late = NOW + SETTINGS.later_cap
    again = written(told, late - timedelta(minutes=1))
    again = written(again, late, jobs=(job(again),))
    ended = written(again, late, **finished(again, failure(again, Reason.RATE_LIMITED)))
    assert (ended.status.phase, ended.status.reason) == (VideoPhase.FAILED, Reason.RATE_LIMITED)
    assert "given up after 7 days" in (ended.status.message or "")


def test_a_suspended_one_forgets_a_rest_that_is_over():
    told = failed_with(running(), Reason.RATE_LIMITED)
    suspended = written(edited(told, suspend=True), host=TOLD)
    assert backoff_of(suspended).failures == 1
    over = written(suspended, after(700))
    assert (over.status.phase, backoff_of(over).failures) == (VideoPhase.SUSPENDED, 0)


def test_next_run_of_a_failed_one_waits_with_its_attempts_as_they_were():
    waiting = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    held = written(waiting, at=after(100), host=TOLD)
    assert held.status.attempts is not None
    assert held.status.attempts.reasons == (Reason.SOURCE_UNAVAILABLE,)
    found = plan(held, at=after(600))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert found.status.attempts is not None
    assert found.status.attempts.count == 2


def test_run_that_has_begun_goes_on():
    wish = running()
    there = job(wish)
    assert plan(wish, jobs=(there,), pods=(working_pod(there),), host=TOLD).status is None
    trying_now = trying()
    found = plan(
        trying_now, at=after(700), jobs=(job(trying_now, created=after(600)),), host=replace(TOLD, until=after(900))
    )
    assert (found.status, found.actions) == (None, ())


def test_run_whose_worker_is_not_there_yet_is_taken_back_when_its_host_begins_to_rest():
    for wish, jobs in ((started(), ()), (running(), (job(running()),))):
        held = written(wish, after(1), jobs=jobs, host=TOLD)
        assert (held.status.reason, held.status.job, held.status.run) == (Reason.RATE_LIMITED, None, 1)
        assert held.status.attempts == Attempts(count=1, next_retry_time=after(300))
        tidied = plan(held, at=after(2), jobs=(job(wish),), host=TOLD)
        assert [type(action).__name__ for action in tidied.actions] == ["Delete"]
        assert created(plan(held, at=after(600), jobs=(), host=TOLD)) == ["talk-2"]


def test_those_that_waited_do_not_all_come_back_at_once_and_the_told_ones_last():
    imports = [video(meta={"uid": f"uid-{number}"}) for number in range(20)]
    turns = [plan(wish, host=TOLD).requeue_at for wish in imports]
    assert len(set(turns)) > 10
    told = failed_with(running(), Reason.RATE_LIMITED)
    last = plan(told, at=after(301), host=TOLD).requeue_at
    assert last is not None
    assert all(turn is not None and after(300) <= turn <= last for turn in turns)


def test_cancel_ends_the_wait():
    held = written(video(), host=TOLD)
    found = plan(edited(held, cancel=True), host=TOLD)
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED


def test_a_listing_that_was_told_holds_imports_up_and_nobody_need_try_first():
    pause = BreakerState(HOST, 0, after(300), after(300))
    assert created(plan(video(), at=after(200), host=pause)) == []
    found = plan(video(), at=after(600), host=pause)
    assert created(found) == ["talk-1"]
    assert found.status is not None
    assert found.status.host_backoff is None


def test_no_other_run_starts_before_the_one_that_was_taken_back_is_gone():
    wish = running()
    there = job(wish)
    held = written(wish, after(1), jobs=(there,), host=TOLD)
    for pods in ((), (pod(there),), (working_pod(there),)):
        found = plan(held, at=after(600), jobs=(there,), pods=pods)
        assert (created(found), found.status) == ([], None)
        assert [type(action).__name__ for action in found.actions] == ["Delete"]
        leaving = (replace(there, deleting=True),)
        assert plan(held, at=after(600), jobs=leaving, pods=pods) == Plan()
    asked_again = edited(held, retryToken="now")
    assert created(plan(asked_again, at=after(600), jobs=(there,))) == []
    assert created(plan(asked_again, at=after(600))) == ["talk-2"]
    assert created(plan(held, at=after(600))) == ["talk-2"]


def test_a_status_that_is_older_than_the_jobs_deletes_nothing_and_is_written_anew():
    wish = running()
    held = written(wish, after(1), jobs=(job(wish),), host=TOLD)
    found = plan(held, at=after(600), jobs=(job(wish, run=2),))
    assert found.status is not None
    assert found.status.run == 3


def test_a_try_of_which_nothing_can_be_read_is_through_once_it_has_run_for_two_backoffs():
    wish = trying()
    there = job(wish, created=after(600))
    seen: dict[str, Any] = {
        "jobs": (there,),
        "pods": (replace(working_pod(there), running_since=after(700)),),
        "host": TOLD,
    }
    early = plan(wish, at=after(1299), **seen)
    assert (early.status, early.requeue_at) == (None, after(1300))
    late = plan(wish, at=after(1300), **seen)
    assert late.status is not None
    assert late.status.host_backoff == HostBackoff(host=HOST, time=after(1300))
    assert late.requeue_at is None
    assert plan(wish, at=after(1300), jobs=(there,), pods=(pod(there),), host=TOLD).status is None
