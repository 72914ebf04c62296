"""Suspending an import, and what it comes back to."""

import pytest

from support.core.video_builders import (
    after,
    completed,
    condition,
    created,
    edited,
    failed_with,
    failure,
    finished,
    job,
    plan,
    pod,
    running,
    started,
    success,
    truths,
    video,
    working_pod,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.plan import Delete, Plan

STOP_JOB = Delete("Job", "films", "talk-1", "job-1")


def suspended():
    """After its worker is gone."""
    return written(edited(running(), suspend=True))


def test_suspend_takes_the_job_away_and_shows_at_once():
    wish = edited(running(), suspend=True)
    its = job(wish)
    found = plan(wish, jobs=(its,), pods=(working_pod(its),))
    assert found.actions == (STOP_JOB,)
    assert found.status is not None
    assert (found.status.phase, found.status.reason, found.status.run) == (VideoPhase.SUSPENDED, None, 1)
    assert [a.reason for a in found.planned_events] == ["Suspended"]


def test_suspended_import_is_neither_done_nor_at_work():
    status = suspended().status
    assert truths(status) == {
        "Ready": "False", "Reconciling": "False", "Stalled": "False", "Finished": "False",
        "Validated": "False", "Transcoded": "False", "Uploaded": "False",
    }  # fmt: skip
    assert condition(status, "Ready").reason == "Suspended"
    assert (status.upload.code, status.upload.text, status.upload.status) == (1, "pending", "InProgress")
    assert status.completion_time is None


def test_suspended_import_comes_to_rest():
    assert plan(suspended(), at=after(9999)) == Plan()


def test_resumed_import_goes_on_with_a_new_run_and_nothing_is_charged():
    wish = suspended()
    found = plan(edited(wish, suspend=False), at=after(60))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert (found.status.phase, found.status.run, found.status.reason) == (VideoPhase.PENDING, 2, None)
    assert found.status.attempts == wish.status.attempts
    assert found.status.start_time == wish.status.start_time
    assert [a.reason for a in found.planned_events] == ["Resumed"]


def test_resumed_import_waits_for_the_old_worker_to_go():
    wish = edited(suspended(), suspend=False)
    leaving = job(wish, deleting=True)
    assert created(plan(wish, jobs=(leaving,), pods=(working_pod(leaving),))) == []
    assert created(plan(wish, pods=(working_pod(leaving),))) == []


def test_wish_taken_back_before_the_worker_was_gone_costs_no_uncharged_run():
    wish = edited(running(), suspend=True)
    stopping = written(wish, jobs=(job(wish),), pods=(working_pod(job(wish)),))
    found = plan(edited(stopping, suspend=False))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.uncharged) == (1, 0)


def test_import_suspended_before_it_began_makes_nothing():
    found = plan(video(suspend=True))
    assert found.actions == ()
    assert found.status is not None
    assert (found.status.phase, found.status.run, found.status.start_time) == (VideoPhase.SUSPENDED, 0, None)
    resting = written(video(suspend=True))
    assert plan(resting) == Plan()
    resumed = plan(edited(resting, suspend=False))
    assert created(resumed) == ["talk-1"]
    assert [a.reason for a in resumed.planned_events] == ["Started"]


def test_suspend_never_makes_the_job_that_was_intended():
    assert created(plan(edited(started(), suspend=True))) == []


def test_job_that_turns_up_after_the_suspension_is_taken_away():
    wish = suspended()
    assert plan(wish, jobs=(job(wish),)).actions == (STOP_JOB,)


def test_suspend_during_a_backoff_waits_and_so_does_what_comes_after():
    failed = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    resting = written(edited(failed, suspend=True), at=after(1))
    assert (resting.status.phase, resting.status.reason) == (VideoPhase.SUSPENDED, Reason.SOURCE_UNAVAILABLE)
    assert resting.status.attempts == failed.status.attempts
    assert created(plan(resting, at=after(3600))) == []
    back = edited(resting, suspend=False)
    soon = plan(back, at=after(2))
    assert soon.status is not None
    assert (soon.status.phase, created(soon)) == (VideoPhase.PENDING, [])
    assert soon.requeue_at == failed.status.attempts.next_retry_time
    assert created(plan(back, at=after(3600))) == ["talk-2"]


def test_run_that_fails_just_before_it_is_suspended_is_charged_and_the_next_one_waits():
    wish = edited(running(), suspend=True)
    found = plan(wish, **finished(wish, failure(wish, Reason.SOURCE_UNAVAILABLE)))
    assert found.status is not None
    assert found.status.attempts is not None
    assert (found.status.phase, found.status.attempts.reasons) == (VideoPhase.SUSPENDED, (Reason.SOURCE_UNAVAILABLE,))
    assert found.actions == ()


def test_run_that_was_lost_just_before_it_is_suspended_is_not_replaced():
    wish = edited(running(), suspend=True)
    found = plan(wish, **finished(wish, None, exit_code=143))
    assert created(found) == []
    assert found.status is not None
    assert found.status.phase is VideoPhase.SUSPENDED


def test_permanent_failure_under_a_suspension_is_a_failure():
    wish = edited(running(), suspend=True)
    status = plan(wish, **finished(wish, failure(wish, Reason.NOT_VIDEO))).status
    assert status is not None
    assert (status.phase, status.reason) == (VideoPhase.FAILED, Reason.NOT_VIDEO)


def test_failure_of_another_spec_starts_anew_once_it_is_resumed():
    fresh = running()
    its = finished(fresh, failure(fresh, Reason.DEADLINE_EXCEEDED))
    failed = written(edited(fresh, suspend=True, timeoutSeconds=60), **its)
    assert failed.status.phase is VideoPhase.FAILED
    assert plan(failed).actions == ()
    assert created(plan(edited(failed, suspend=False))) == ["talk-2"]


@pytest.mark.parametrize("job_is", [{"finished": "Complete"}, {"deleting": True}, {}])
def test_success_before_the_suspension_took_effect_stays_a_success(job_is):
    for wish in (edited(running(), suspend=True), suspended()):
        its = job(wish, **job_is)
        told = success(wish).model_dump_json(by_alias=True, exclude_none=True)
        found = plan(wish, jobs=(its,), pods=(pod(its, phase="Succeeded", exit_code=0, termination_message=told),))
        assert found.status is not None
        assert found.status.phase is VideoPhase.COMPLETED


@pytest.mark.parametrize("wish", [video(suspend=True, cancel=True), edited(suspended(), cancel=True)])
def test_cancel_wins(wish):
    found = plan(wish)
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED


def test_cancel_and_suspend_together_end_a_running_import():
    wish = edited(running(), suspend=True, cancel=True)
    found = plan(wish, jobs=(job(wish),))
    assert found.actions == (STOP_JOB,)
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.PENDING, Reason.CANCELLED)


def test_ended_import_stays_what_it_is():
    for wish in (completed(), failed_with(running(), Reason.NOT_VIDEO)):
        found = plan(edited(wish, suspend=True))
        assert found.status is not None
        assert (found.status.phase, found.actions) == (wish.status.phase, ())


def test_new_token_of_a_suspended_failure_is_kept_for_when_it_is_resumed():
    failed = failed_with(running(), Reason.NOT_VIDEO)
    wish = written(edited(failed, suspend=True, retryToken="again"))
    assert (wish.status.phase, wish.status.observed_retry_token) == (VideoPhase.FAILED, "")
    assert created(plan(edited(wish, suspend=False))) == ["talk-2"]


def test_time_that_it_was_suspended_is_no_time_that_a_premiere_was_waited_for():
    resumed = written(edited(suspended(), suspend=False), at=after(8 * 86400))
    late = failed_with(resumed, Reason.SOURCE_NOT_YET_AVAILABLE, at=after(9 * 86400))
    assert late.status.phase is VideoPhase.PENDING
