"""What a run's end makes of the import."""

import pytest

from support.core.video_builders import (
    URI,
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
    progress,
    running,
    stages,
    success,
    truths,
    video,
    working_pod,
    written,
)
from support.every_case import every_case
from videoimport.api.reasons import Reason, RetryClass, UploadText, info
from videoimport.api.videoimport_status import SourceStatus, VideoMetadata, VideoPhase
from videoimport.core.plan import Plan

ENDING = [
    reason
    for reason in Reason
    if info(reason).exit_code and info(reason).retry in (RetryClass.PERMANENT, RetryClass.USER)
]


def test_success_completes_the_import_with_all_the_report_tells():
    wish = running()
    source, facts = SourceStatus(type="Url", title="A talk"), VideoMetadata(resolution="1920x1080")
    found = plan(wish, at=after(60), **finished(wish, success(wish, source=source, metadata=facts)))
    status = found.status
    assert status is not None
    assert (status.phase, status.reason, status.progress_percent) == (VideoPhase.COMPLETED, None, 100)
    assert (status.source, status.metadata, status.video_id) == (source, facts, "f" * 64)
    assert status.outputs is not None
    assert status.outputs.video is not None
    assert status.outputs.video.uri == URI
    assert status.usage is not None
    assert status.usage.bytes_in == 11
    assert status.completion_time == after(60)
    assert found.actions == ()


@pytest.mark.parametrize(
    ("told", "shown"), [("The video is at s3://b/k", "The video is at s3://b/k."), ("", "The video is imported.")]
)
def test_success_is_told_in_the_workers_own_words(told, shown):
    wish = running()
    status = plan(wish, **finished(wish, success(wish, message=told))).status
    assert status is not None
    assert status.message == shown


def test_success_says_so_to_every_reader():
    status = completed().status
    assert truths(status) == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Finished": "True",
        "Validated": "True",
        "Transcoded": "True",
        "Uploaded": "True",
    }
    assert condition(status, "Finished").reason == "Succeeded"
    assert status.upload is not None
    assert (status.upload.code, status.upload.text, status.upload.status) == (6, "completed", "Completed")


def test_success_is_announced_once():
    wish = running()
    assert [a.reason for a in plan(wish, **finished(wish, success(wish))).planned_events] == ["Completed"]
    done = completed()
    assert plan(done, **finished(done, success(done))).planned_events == ()


def test_success_of_a_bulks_child_is_its_bulks_to_announce():
    owner = {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "name": "b", "uid": "b", "controller": True}
    child = written(video(meta={"name": "b-0123456789", "ownerReferences": [owner]}))
    child = written(child, jobs=(job(child),))
    found = plan(child, **finished(child, success(child)))
    assert (found.status and found.status.phase, found.planned_events) == ("Completed", ())


@every_case("reason", ENDING)
def test_reason_without_remedy_by_waiting_fails_at_once(reason):
    wish = running()
    found = plan(wish, **finished(wish, failure(wish, reason, "It is 240p")))
    status = found.status
    assert status is not None
    assert (status.phase, status.reason) == (VideoPhase.FAILED, reason)
    assert status.message == f"It is 240p. {info(reason).advice}"
    assert (truths(status)["Ready"], truths(status)["Stalled"], truths(status)["Finished"]) == ("False", "True", "True")
    assert condition(status, "Stalled").reason == reason
    assert condition(status, "Finished").reason == "Failed"
    assert created(found) == []
    assert found.requeue_at is None
    assert [(a.type, a.reason) for a in found.planned_events] == [("Warning", "Failed")]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.SOURCE_NOT_FOUND, UploadText.FILE_NOT_EXIST),
        (Reason.NOT_VIDEO, UploadText.INVALID_METADATA),
        (Reason.SOURCE_CORRUPT, UploadText.INVALID_METADATA),
        (Reason.DESTINATION_DENIED, UploadText.FAILED),
    ],
)
def test_seed_words_tell_kinds_of_failure_apart(reason, word):
    upload = failed_with(running(), reason).status.upload
    assert upload is not None
    assert (upload.status, upload.code, upload.text) == (word, 7, "failed")


def test_refusal_shows_the_facts_it_rests_on():
    wish = running()
    told = failure(wish, Reason.UNSUPPORTED_RESOLUTION, metadata=VideoMetadata(resolution="320x240"))
    status = plan(wish, **finished(wish, told)).status
    assert status is not None
    assert status.metadata is not None
    assert status.metadata.resolution == "320x240"


def test_failed_run_is_tried_again_later_and_says_when_and_why():
    wish = running()
    found = plan(wish, **finished(wish, failure(wish, Reason.SOURCE_UNAVAILABLE, "HTTP 503")))
    status = found.status
    assert status is not None
    assert status.attempts is not None
    assert (status.phase, status.reason) == (VideoPhase.PENDING, Reason.SOURCE_UNAVAILABLE)
    assert status.attempts.next_retry_time == found.requeue_at
    assert status.attempts.reasons == (Reason.SOURCE_UNAVAILABLE,)
    assert "HTTP 503" in (status.message or "")
    assert "Run 2 starts at 2026-05-04T12:00:" in (status.message or "")
    assert [(a.type, a.reason) for a in found.planned_events] == [("Warning", "Retrying")]
    assert truths(status)["Reconciling"] == "True"


def test_waiting_for_the_next_run_writes_nothing():
    wish = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    expiring = job(wish, finished="Failed", expires=True)
    at = wish.status.attempts.next_retry_time
    assert plan(wish, at=after(2), jobs=(expiring,)) == Plan(requeue_at=at)


def test_next_run_starts_when_its_time_has_come():
    wish = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    at = wish.status.attempts.next_retry_time
    found = plan(wish, at=at, jobs=(job(wish, finished="Failed", expires=True),))
    status = found.status
    assert status is not None
    assert (status.run, status.reason, status.progress_percent, status.stages) == (2, None, 0, ())
    assert status.job is not None
    assert (status.job.name, status.job.uid) == ("talk-2", None)
    assert status.attempts is not None
    assert (status.attempts.count, status.attempts.next_retry_time) == (2, None)
    assert created(found) == ["talk-2"]


def test_attempts_are_used_up_in_the_end():
    wish = running(maxAttempts=2)
    wish = written(failed_with(wish, Reason.SOURCE_UNAVAILABLE), after(15))
    wish = written(wish, after(16), jobs=(job(wish),))
    found = plan(wish, at=after(20), **finished(wish, failure(wish, Reason.DESTINATION_UNAVAILABLE, "No answer")))
    assert found.status is not None
    assert found.status.phase is VideoPhase.FAILED
    assert "given up after 2 of 2 attempts." in (found.status.message or "")


def test_maximum_lowered_while_waiting_ends_it():
    wish = edited(failed_with(running(), Reason.SOURCE_UNAVAILABLE, "HTTP 503"), maxAttempts=1)
    found = plan(wish, at=after(3))
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.FAILED, Reason.SOURCE_UNAVAILABLE)
    assert found.status.attempts is not None
    assert found.status.attempts.next_retry_time is None


def test_lost_worker_is_replaced_at_once_without_charge():
    wish = running()
    found = plan(wish, at=after(9), **finished(wish, None, exit_code=None, disrupted=True))
    assert found.status is not None
    assert found.status.run == 2
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.uncharged) == (1, 1)
    assert created(found) == ["talk-2"]


def test_second_lost_worker_is_replaced_a_little_later():
    wish = written(running(), after(1))
    wish = written(wish, after(2), jobs=(job(wish),))
    found = plan(wish, at=after(3))
    assert found.status is not None
    assert (found.status.run, found.status.phase) == (2, VideoPhase.PENDING)
    assert found.requeue_at is not None
    assert found.requeue_at > after(3)


def test_progress_of_the_last_run_stays_visible_while_waiting():
    wish = running()
    its = job(wish)
    wish = written(wish, after(10), jobs=(its,), pods=(working_pod(its),), progress=progress(100, 40))
    waiting = failed_with(wish, Reason.SOURCE_UNAVAILABLE, at=after(20))
    assert (waiting.status.progress_percent, waiting.status.stages) == (50, stages(100, 40))
    assert (waiting.status.bytes_per_second, waiting.status.eta_seconds) == (None, None)


def test_outcome_of_a_job_whose_uid_was_never_written_counts_all_the_same():
    """It may be made, run and finished before the controller looks again."""
    fresh = written(running(), after(1))
    assert fresh.status.job.uid is None
    found = plan(fresh, at=after(5), **finished(fresh, success(fresh)))
    assert found.status is not None
    assert found.status.phase is VideoPhase.COMPLETED
    assert found.status.job is not None
    assert found.status.job.uid == "job-2"


def test_run_whose_time_ran_out_before_it_could_start_says_what_held_it_up():
    wish = having(running(), reason=Reason.UNSCHEDULABLE, message="0/3 nodes fit.")
    late = job(wish, finished="Failed", failure_reason="DeadlineExceeded")
    status = plan(wish, jobs=(late,)).status
    assert status is not None
    assert (status.phase, status.reason) == (VideoPhase.FAILED, Reason.DEADLINE_EXCEEDED)
    assert status.message == (
        "timeoutSeconds ended before the run could start (Unschedulable): 0/3 nodes fit. "
        "Lower worker.resources, or add nodes."
    )


def test_longest_words_of_a_worker_leave_room_for_the_advice():
    status = failed_with(running(), Reason.NOT_VIDEO, "é" * 1024).status
    assert len(status.message) <= 1024
    assert status.message.endswith(info(Reason.NOT_VIDEO).advice)


def test_source_that_is_never_published_is_given_up_and_a_new_token_waits_as_long_again():
    wish, days = running(maxAttempts=1), 24 * 3600
    soon = failed_with(wish, Reason.SOURCE_NOT_YET_AVAILABLE, at=after(6 * days))
    assert soon.status.attempts.next_retry_time is not None
    assert soon.status.attempts.reasons == ()
    late = failed_with(wish, Reason.SOURCE_NOT_YET_AVAILABLE, at=after(7 * days))
    assert late.status.phase is VideoPhase.FAILED
    assert "given up after 7 days." in late.status.message
    anew = written(edited(late, retryToken="again"), after(8 * days))
    again = failed_with(anew, Reason.SOURCE_NOT_YET_AVAILABLE, at=after(9 * days))
    assert again.status.phase is VideoPhase.PENDING


def test_new_token_ends_a_backoff_and_starts_at_once_with_fresh_attempts():
    wish = edited(failed_with(running(), Reason.SOURCE_UNAVAILABLE), retryToken="again")
    found = plan(wish, at=after(1), jobs=(job(wish, finished="Failed", expires=True),))
    status = found.status
    assert created(found) == ["talk-2"]
    assert (status.observed_retry_token, status.attempts.count, status.attempts.reasons) == ("again", 1, ())
    assert status.attempts.next_retry_time is None


def test_other_edits_do_not_end_a_backoff():
    wish = edited(failed_with(running(), Reason.SOURCE_UNAVAILABLE), timeoutSeconds=60)
    assert created(plan(wish, at=after(1), jobs=(job(wish, finished="Failed", expires=True),))) == []


@pytest.mark.parametrize("reason", [Reason.DEADLINE_EXCEEDED, Reason.CREDENTIALS_NOT_FOUND])
def test_spec_mended_under_the_run_that_failed_is_tried_at_once(reason):
    wish = running(timeoutSeconds=60)
    old = job(wish, finished="Failed")
    mended = written(edited(wish, timeoutSeconds=600), jobs=(job(wish),))
    assert mended.status.observed_generation == 2
    seen = finished(mended, failure(mended, reason)) | {"jobs": (old,)}
    found = plan(mended, at=after(9), **seen)
    assert created(found) == ["talk-2"]
    assert (found.status.phase, found.status.attempts.count) == (VideoPhase.PENDING, 1)
    assert [(a.type, a.reason) for a in found.planned_events] == [("Warning", "Retrying")]
    assert str(reason) in found.planned_events[0].message


def test_run_of_the_mended_spec_that_fails_too_is_the_end():
    wish = edited(running(), timeoutSeconds=600)
    assert failed_with(wish, Reason.DEADLINE_EXCEEDED).status.phase is VideoPhase.FAILED


class TestAStoreWithoutConditionalWrites:
    """Nothing keeps two imports from overwriting each other there: that is said once."""

    def test_the_message_says_so_and_one_event(self):
        wish = running()
        found = plan(wish, **finished(wish, success(wish, message="Imported to x.", unguarded=True)))
        assert found.status is not None
        assert "ignores some conditional writes" in (found.status.message or "")
        assert "ignores some conditional writes" in condition(found.status, "Ready").message
        assert [(said.type, said.reason) for said in found.planned_events] == [
            ("Normal", "Completed"),
            ("Warning", "Unguarded"),
        ]
        assert "ignores some conditional writes" in found.planned_events[1].message
        assert "ignores some conditional writes" not in found.planned_events[0].message
        over = written(wish, **finished(wish, success(wish, message="Imported to x.", unguarded=True)))
        assert plan(over, at=after(9)).planned_events == ()

    def test_of_other_stores_nothing_is_said(self):
        wish = running()
        found = plan(wish, **finished(wish, success(wish)))
        assert found.status is not None
        assert "conditional" not in (found.status.message or "")
        assert [said.reason for said in found.planned_events] == ["Completed"]
