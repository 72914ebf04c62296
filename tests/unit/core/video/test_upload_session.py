"""An import with source.upload: no Job until a client opens a session, and a deadline for the wait."""

from datetime import timedelta

import pytest

from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    claim,
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
    success,
    video,
    written,
)
from videoimport.api.labels import TASK, UPLOAD_SESSION
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import Stage, StageName, VideoPhase
from videoimport.core.plan import Create, Delete

UPLOAD = {"upload": {"filename": "talk.mp4", "size": 1000}}
FIRST, SECOND = "a" * 64, "b" * 64
DEADLINE = SETTINGS.upload_deadline / timedelta(seconds=1)


def upload(session: str | None = None, **spec: object) -> VideoImport:
    """An import with source.upload, and with this session in its annotation."""
    return opened(video(source=UPLOAD, **spec), session)


def opened(wish: VideoImport, session: str | None) -> VideoImport:
    """The same import with this session in its annotation."""
    annotations = {UPLOAD_SESSION: session} if session else {}
    return wish.model_copy(update={"metadata": wish.metadata.model_copy(update={"annotations": annotations})})


def serving(session: str = FIRST) -> VideoImport:
    """An import whose Job serves a session."""
    begun = written(upload(session))
    return written(begun, jobs=(job(begun),))


def idle(session: str = FIRST) -> VideoImport:
    """An import whose session ended because no bytes arrived."""
    return failed_with(serving(session), Reason.UPLOAD_IDLE)


def test_import_without_a_session_waits_without_a_job():
    found = plan(upload())
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.PENDING, Reason.WAITING_FOR_UPLOAD)
    assert (found.status.job, created(found)) == (None, [])
    assert found.requeue_at == after(DEADLINE)
    assert found.status.upload is not None
    assert (found.status.upload.code, found.status.upload.text) == (1, "pending")


def test_wait_changes_nothing_until_the_deadline():
    waiting = written(upload())
    found = plan(waiting, at=after(DEADLINE - 1))
    assert (found.status, found.actions) == (None, ())
    assert found.requeue_at == after(DEADLINE)


def test_import_without_a_session_fails_at_the_deadline():
    status = plan(written(upload()), at=after(DEADLINE)).status
    assert status is not None
    assert (status.phase, status.reason) == (VideoPhase.FAILED, Reason.UPLOAD_DEADLINE_EXCEEDED)


def test_new_token_of_a_failed_wait_begins_another_wait():
    late = after(DEADLINE)
    failed = written(written(upload()), at=late)
    again = plan(edited(failed, retryToken="again"), at=late)
    assert again.status is not None
    assert (again.status.phase, again.status.reason) == (VideoPhase.PENDING, Reason.WAITING_FOR_UPLOAD)
    assert again.requeue_at == after(2 * DEADLINE)


@pytest.mark.parametrize("waits", [False, True], ids=["created with it", "opened later"])
def test_session_starts_the_first_run(waits: bool):
    found = plan(opened(written(upload()), FIRST) if waits else upload(FIRST))
    assert found.status is not None
    assert (found.status.run, found.status.reason, created(found)) == (1, None, ["talk-1"])
    assert found.status.upload_session is not None
    assert (found.status.upload_session.token_sha256, found.status.upload_session.deadline) == (FIRST, None)


def test_task_of_the_worker_has_the_hash_and_the_idle_time():
    (action,) = plan(upload(FIRST)).actions
    assert isinstance(action, Create)
    annotations = action.manifest["spec"]["template"]["metadata"]["annotations"]
    session = Task.model_validate_json(annotations[TASK]).upload
    assert session is not None
    assert (session.token_sha256, session.idle_seconds) == (FIRST, 600)


@pytest.mark.parametrize("value", ["", "open", "A" * 64, "a" * 65])
def test_annotation_that_is_no_hash_opens_no_session(value: str):
    assert created(plan(upload(value))) == []


def test_idle_session_frees_its_pod_and_the_import_waits_again():
    status = idle().status
    assert (status.phase, status.reason, status.job) == (VideoPhase.PENDING, Reason.WAITING_FOR_UPLOAD, None)
    assert status.upload_session is not None
    assert (status.upload_session.token_sha256, status.upload_session.deadline) == (FIRST, after(DEADLINE))
    assert status.attempts is not None
    assert (status.attempts.count, status.attempts.reasons) == (1, ())


def test_ended_session_starts_no_other_run_and_a_new_one_does():
    assert created(plan(idle())) == []
    again = plan(opened(idle(), SECOND))
    assert created(again) == ["talk-2"]
    assert again.status is not None
    assert again.status.attempts is not None
    assert again.status.attempts.count == 1


def test_lost_worker_is_replaced_in_the_same_session():
    lost = failed_with(serving(), Reason.WORKER_LOST)
    assert lost.status.attempts is not None
    begins = lost.status.attempts.next_retry_time or NOW
    assert plan(lost, at=begins).status is not None or lost.status.run == 2
    again = written(lost, at=begins)
    assert again.status.run == 2
    assert again.status.upload_session is not None
    assert again.status.upload_session.token_sha256 == FIRST


def test_other_session_replaces_the_run_of_the_first():
    its = serving()
    found = plan(opened(its, SECOND), jobs=(job(its),), pods=(pod(job(its), running=True, phase="Running"),))
    assert found.status is not None
    assert (found.status.run, created(found)) == (2, ["talk-2"])
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.reasons) == (1, ())


def test_other_session_waits_for_the_worker_that_writes_to_kept_scratch():
    begun = upload(FIRST, worker={"scratch": {"size": "1Gi", "storageClassName": "kept"}})
    scratch = (claim(begun),)
    begun = written(begun, claims=scratch)
    its = written(begun, jobs=(job(begun),), claims=scratch)
    worker = pod(job(its), running=True, phase="Running")
    stopping = plan(opened(its, SECOND), jobs=(job(its),), pods=(worker,), claims=scratch)
    assert [(type(action), action.name) for action in stopping.actions] == [(Delete, "talk-1")]
    waiting = plan(opened(its, SECOND), pods=(worker,), claims=scratch)
    assert (waiting.status, waiting.actions) == (None, ())
    assert created(plan(opened(its, SECOND), claims=scratch)) == ["talk-2"]


def test_success_of_the_first_session_outlives_a_second_one():
    its = serving()
    status = plan(opened(its, SECOND), **finished(its, success(its))).status
    assert status is not None
    assert status.phase is VideoPhase.COMPLETED


def test_queued_import_whose_session_was_closed_waits_for_another():
    queued = written(upload(FIRST), no_room="The limit is reached")
    assert queued.status.phase is VideoPhase.QUEUED
    closed = plan(opened(queued, None))
    assert created(closed) == []
    assert closed.status is not None
    assert closed.status.reason is Reason.WAITING_FOR_UPLOAD
    assert created(plan(queued)) == ["talk-1"]


def test_queued_run_of_a_session_that_replaces_an_idle_one_starts():
    queued = written(opened(idle(), SECOND), no_room="The limit is reached")
    assert (queued.status.phase, created(plan(queued))) == (VideoPhase.QUEUED, ["talk-2"])


def test_new_token_between_two_runs_goes_on_in_the_same_session():
    failed = failed_with(serving(), Reason.DESTINATION_UNAVAILABLE)
    assert failed.status.attempts is not None
    assert failed.status.attempts.next_retry_time is not None
    assert created(plan(edited(failed, retryToken="again"))) == ["talk-2"]


def test_session_that_opened_while_the_controller_was_away_starts_after_the_deadline():
    assert created(plan(opened(written(upload()), FIRST), at=after(3 * DEADLINE))) == ["talk-1"]


def test_new_token_of_an_import_that_failed_after_its_session_waits_for_another():
    its = serving()
    failed = written(its, **finished(its, failure(its, Reason.NOT_VIDEO, "It is a picture")))
    again = written(edited(failed, retryToken="again"))
    assert again.status.reason is Reason.WAITING_FOR_UPLOAD
    assert created(plan(opened(again, SECOND))) == ["talk-2"]


def test_edit_of_a_waiting_import_keeps_its_deadline():
    waiting = written(upload())
    changed = edited(waiting, source={"upload": {"filename": "talk.mp4", "size": 2000}})
    assert plan(changed, at=after(60)).requeue_at == after(DEADLINE)


def test_other_session_changes_nothing_after_the_last_byte():
    its = having(serving(), stages=(Stage(name=StageName.DOWNLOAD, state="Done"),))
    found = plan(opened(its, SECOND), jobs=(job(its),), pods=(pod(job(its), running=True, phase="Running"),))
    assert created(found) == []


def test_resumed_import_waits_for_a_session_of_its_own():
    suspended = written(edited(serving(), suspend=True))
    resumed = plan(edited(suspended, suspend=False))
    assert created(resumed) == []
    assert resumed.status is not None
    assert resumed.status.reason is Reason.WAITING_FOR_UPLOAD


@pytest.mark.parametrize(("state", "starts"), [("Done", ["talk-2"]), ("Running", [])])
def test_resumed_import_needs_no_client_if_kept_scratch_has_the_whole_file(state: str, starts: list[str]):
    begun = upload(FIRST, worker={"scratch": {"size": "1Gi", "storageClassName": "kept"}})
    scratch = (claim(begun),)
    its = written(written(begun, claims=scratch), claims=scratch)
    its = having(its, stages=(Stage(name=StageName.DOWNLOAD, state=state),))
    suspended = written(edited(its, suspend=True), claims=scratch)
    resumed = plan(edited(suspended, suspend=False), claims=scratch)
    assert created(resumed) == starts


def test_waiting_import_can_be_cancelled_and_suspended():
    assert written(edited(written(upload()), cancel=True)).status.phase is VideoPhase.CANCELLED
    assert written(edited(written(upload()), suspend=True)).status.phase is VideoPhase.SUSPENDED


def test_changed_source_of_a_waiting_import_starts_at_once():
    changed = edited(written(upload()), source={"url": "https://video.example/talk.mp4"})
    assert created(plan(changed)) == ["talk-1"]


def test_failure_after_a_session_names_its_own_reason():
    its = serving()
    status = plan(its, **finished(its, failure(its, Reason.NOT_VIDEO, "It is a picture"))).status
    assert status is not None
    assert (status.phase, status.reason) == (VideoPhase.FAILED, Reason.NOT_VIDEO)


def test_worker_of_another_source_cannot_claim_an_idle_session():
    wish = running()
    status = plan(wish, **finished(wish, failure(wish, Reason.UPLOAD_IDLE, "It is idle"))).status
    assert status is not None
    assert status.upload_session is None
    assert status.attempts is not None
    assert status.attempts.uncharged == 1
