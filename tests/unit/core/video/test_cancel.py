"""Cancel, and starting again."""

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
    having,
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

CANCEL_JOB = Delete("Job", "films", "talk-1", "job-1")


def cancelled():
    return written(edited(running(), cancel=True))


def test_import_cancelled_before_it_began_makes_nothing():
    found = plan(video(cancel=True))
    assert found.status is not None
    assert (found.status.phase, found.status.run) == (VideoPhase.CANCELLED, 0)
    assert found.actions == ()
    assert [a.reason for a in found.planned_events] == ["Cancelled"]


def test_cancel_takes_the_job_away_and_says_so_while_it_lasts():
    wish = edited(running(), cancel=True)
    its = job(wish)
    found = plan(wish, jobs=(its,), pods=(working_pod(its),))
    assert found.actions == (CANCEL_JOB,)
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.PENDING, Reason.CANCELLED)
    assert truths(found.status)["Finished"] == "False"
    assert found.planned_events == ()


def test_job_on_its_way_out_is_not_deleted_twice():
    wish = edited(running(), cancel=True)
    leaving = job(wish, deleting=True)
    shown = written(wish, jobs=(leaving,))
    assert plan(shown, jobs=(leaving,)) == Plan()


def test_pod_that_still_runs_is_waited_for():
    wish = edited(running(), cancel=True)
    found = plan(wish, pods=(working_pod(job(wish)),))
    assert found.status is not None
    assert found.status.phase is VideoPhase.PENDING


def test_cancelled_once_nothing_runs_any_more():
    status = cancelled().status
    assert (status.phase, status.reason) == (VideoPhase.CANCELLED, Reason.CANCELLED)
    assert truths(status)["Ready"] == "False"
    assert truths(status)["Stalled"] == "True"
    assert condition(status, "Finished").reason == "Cancelled"
    assert status.completion_time is not None
    assert (status.upload.code, status.upload.text, status.upload.status) == (7, "failed", "Failed")


def test_finished_job_does_not_hold_the_cancel_up():
    wish = edited(running(), cancel=True)
    found = plan(wish, **finished(wish, None, exit_code=85))
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED


@pytest.mark.parametrize("job_is", [{"finished": "Complete"}, {"deleting": True}, {}])
def test_success_before_the_cancel_took_effect_stays_a_success(job_is):
    wish = edited(running(), cancel=True)
    its = job(wish, **job_is)
    told = success(wish).model_dump_json(by_alias=True, exclude_none=True)
    found = plan(wish, jobs=(its,), pods=(pod(its, phase="Succeeded", exit_code=0, termination_message=told),))
    assert found.status is not None
    assert found.status.phase is VideoPhase.COMPLETED


def test_cancel_ends_the_wait_for_a_retry():
    wish = edited(failed_with(running(), Reason.SOURCE_UNAVAILABLE), cancel=True)
    found = plan(wish, at=after(3600), jobs=(job(wish, finished="Failed"),))
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED
    assert found.status.attempts is not None
    assert found.status.attempts.next_retry_time is None
    assert created(found) == []


def test_cancel_never_makes_the_job_that_was_intended():
    found = plan(edited(started(), cancel=True))
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED
    assert created(found) == []


def test_job_that_turns_up_after_the_cancel_is_taken_away():
    wish = cancelled()
    assert plan(wish, jobs=(job(wish),)).actions == (CANCEL_JOB,)


def test_cancel_of_a_completed_import_changes_nothing_but_the_generation():
    wish = edited(completed(), cancel=True)
    found = plan(wish)
    assert found.status is not None
    assert (found.status.phase, found.status.observed_generation) == (VideoPhase.COMPLETED, 2)
    assert found.planned_events == ()


def test_taking_cancel_back_alone_does_not_start_it_again():
    wish = edited(cancelled(), cancel=False)
    found = plan(wish)
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED
    assert found.actions == ()


def test_new_token_with_cancel_taken_back_starts_a_cancelled_import():
    found = plan(edited(cancelled(), cancel=False, retryToken="again"))
    assert created(found) == ["talk-2"]


def test_new_token_under_a_standing_cancel_is_kept_for_when_it_is_taken_back():
    wish = written(edited(cancelled(), retryToken="again"))
    assert wish.status.phase is VideoPhase.CANCELLED
    assert wish.status.observed_retry_token == ""
    assert created(plan(edited(wish, cancel=False))) == ["talk-2"]


def test_new_token_given_together_with_cancel_starts_it_once_cancel_is_taken_back():
    wish = written(edited(running(), cancel=True, retryToken="again"))
    assert (wish.status.phase, wish.status.observed_retry_token) == (VideoPhase.CANCELLED, "")
    assert created(plan(edited(wish, cancel=False))) == ["talk-2"]


def test_cancelled_and_completed_imports_come_to_rest():
    for wish in (cancelled(), completed()):
        assert plan(wish, at=after(9999)) == Plan()


def test_new_token_starts_a_failed_import_with_fresh_attempts_and_a_new_run():
    wish = edited(failed_with(running(), Reason.DESTINATION_DENIED), retryToken="again")
    found = plan(wish, at=after(60))
    status = found.status
    assert status is not None
    assert (status.phase, status.run, status.reason) == (VideoPhase.PENDING, 2, None)
    assert status.attempts is not None
    assert (status.attempts.count, status.attempts.reasons, status.attempts.uncharged) == (1, (), 0)
    assert (status.observed_retry_token, status.completion_time) == ("again", None)
    assert status.start_time == wish.status.start_time
    assert truths(status)["Reconciling"] == "True"
    assert created(found) == ["talk-2"]
    assert [a.reason for a in found.planned_events] == ["Started"]


def test_mended_spec_starts_a_failed_import_again():
    wish = edited(failed_with(running(), Reason.SOURCE_NOT_FOUND), source={"url": "https://video.example/other.mp4"})
    found = plan(wish)
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert (found.status.source, found.status.metadata) == (None, None)


def test_edited_spec_with_cancel_set_does_not_start_a_failed_import():
    found = plan(edited(failed_with(running(), Reason.SOURCE_NOT_FOUND), cancel=True, retryToken="again"))
    assert found.actions == ()
    assert found.status is not None
    assert found.status.phase is VideoPhase.FAILED


def test_failed_import_left_alone_stays_failed():
    wish = failed_with(running(), Reason.SOURCE_NOT_FOUND)
    assert plan(wish, at=after(9999)) == Plan()


@pytest.mark.parametrize("steering", ["cancel", "suspend"])
def test_failed_import_does_not_start_again_by_a_wish_that_is_taken_back(steering):
    failed = failed_with(running(), Reason.SOURCE_NOT_FOUND)
    wished = written(edited(failed, **{steering: True}))
    taken_back = written(edited(wished, **{steering: False}))
    assert (taken_back.status.phase, taken_back.status.observed_generation) == (VideoPhase.FAILED, 3)
    assert plan(taken_back) == Plan()
    assert created(plan(edited(taken_back, maxAttempts=4))) == ["talk-2"]


def test_wish_taken_back_while_the_run_fails_does_not_start_it_again():
    wish = edited(edited(running(), suspend=True), suspend=False)
    found = plan(wish, **finished(wish, failure(wish, Reason.SOURCE_NOT_FOUND)))
    assert found.status is not None
    assert found.status.phase is VideoPhase.FAILED
    assert found.actions == ()


def test_failed_import_of_an_older_controller_is_left_alone_until_it_is_edited():
    old = having(failed_with(running(), Reason.SOURCE_NOT_FOUND), observed_spec_hash=None)
    assert plan(old) == Plan()
    assert created(plan(edited(old, maxAttempts=4))) == ["talk-2"]


def test_completed_import_only_takes_note_of_a_new_token():
    found = plan(edited(completed(), retryToken="again"))
    assert found.status is not None
    assert (found.status.phase, found.status.observed_retry_token) == (VideoPhase.COMPLETED, "again")
    assert found.actions == ()


def test_status_that_other_hands_left_without_attempts_can_start_again():
    wish = having(failed_with(running(), Reason.INVALID_SPEC), attempts=None, run=None, job=None)
    assert created(plan(edited(wish, retryToken="again"))) == ["talk-1"]
