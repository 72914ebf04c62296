"""From nothing to a Job that was seen."""

import pytest

from support.core.video_builders import (
    NOW,
    SETTINGS,
    UID,
    after,
    condition,
    created,
    edited,
    event,
    having,
    job,
    plan,
    pod,
    running,
    started,
    truths,
    video,
    working_pod,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import JobReference, VideoImportStatus, VideoPhase
from videoimport.core.plan import Plan, PlannedEvent


def test_import_that_is_being_deleted_is_left_alone():
    going = video(meta={"deletionTimestamp": "2026-05-04T11:59:00Z"})
    assert plan(going) == Plan()


def test_first_touch_states_the_intent_and_makes_the_job_in_one_plan():
    found = plan(video())
    assert found.status is not None
    assert (found.status.phase, found.status.run) == (VideoPhase.PENDING, 1)
    assert found.status.job == JobReference(name="talk-1")
    assert created(found) == ["talk-1"]


def test_first_touch_fills_what_readers_and_tools_look_for():
    status = plan(video(retryToken="a", maxAttempts=3)).status
    assert status is not None
    assert status.observed_generation == 1
    assert status.observed_retry_token == "a"
    assert status.attempts is not None
    assert (status.attempts.count, status.attempts.max) == (1, 3)
    assert status.start_time == status.updated_time == NOW
    assert (status.progress_percent, status.format) == (0, "Video")
    assert status.upload is not None
    assert (status.upload.code, status.upload.text, status.upload.status) == (1, "pending", "InProgress")
    assert status.message


def test_first_touch_writes_every_condition_kstatus_waits_for():
    status = plan(video()).status
    assert truths(status) == {
        "Ready": "False",
        "Reconciling": "True",
        "Stalled": "False",
        "Finished": "False",
        "Validated": "False",
        "Transcoded": "False",
        "Uploaded": "False",
    }
    assert condition(status, "Ready").reason == "Pending"
    assert {c.observed_generation for c in status.conditions} == {1}


def test_start_is_announced_once():
    assert plan(video()).planned_events == (PlannedEvent("Normal", "Started", "Run 1 started."),)
    assert plan(started()).planned_events == ()


def test_start_of_a_bulks_child_is_its_bulks_to_announce():
    owner = {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "name": "b", "uid": "b", "controller": True}
    meta = {"name": "b-0123456789", "ownerReferences": [owner]}
    assert plan(video(meta=meta)).planned_events == ()
    assert plan(video(meta=meta | {"ownerReferences": [owner | {"controller": False}]})).planned_events != ()


def test_fractions_of_a_second_do_not_reach_the_status():
    status = plan(video(), at=NOW.replace(microsecond=987654)).status
    assert status is not None
    assert status.start_time == NOW
    assert VideoImportStatus.model_validate(status.wire()) == status


def test_job_that_was_never_seen_is_made_again_without_a_new_run():
    found = plan(started())
    assert found.status is None
    assert created(found) == ["talk-1"]


def test_seen_job_gets_its_uid_into_the_status_at_once():
    fresh = started()
    found = plan(fresh, jobs=(job(fresh),))
    assert found.status is not None
    assert found.status.job == JobReference(name="talk-1", uid="job-1")
    assert found.actions == ()


def test_running_import_without_news_needs_nothing():
    wish = running()
    found = plan(wish, jobs=(job(wish),))
    assert (found.status, found.actions, found.planned_events) == (None, (), ())


def test_job_of_another_owner_by_the_same_name_is_not_ours():
    fresh = started()
    found = plan(fresh, jobs=(job(fresh, owner=None),))
    assert created(found) == ["talk-1"]


def test_job_counts_as_the_runs_only_by_name_and_run_together():
    fresh = started()
    for other in (job(fresh, name="talk-1-by-hand"), job(fresh, run=0, name="talk-1")):
        assert "talk-1" in created(plan(fresh, jobs=(other,)))


def test_job_that_was_seen_and_is_gone_costs_a_run_but_no_attempt():
    found = plan(running())
    assert found.status is not None
    assert found.status.run == 2
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.uncharged) == (1, 1)
    assert found.status.job == JobReference(name="talk-2")
    assert created(found) == ["talk-2"]
    assert found.planned_events[0].reason == "Retrying"
    assert "ReportLost" in found.planned_events[0].message


def test_job_that_is_being_deleted_is_waited_for():
    wish = running()
    found = plan(wish, jobs=(job(wish, deleting=True),))
    assert (found.status, found.actions) == (None, ())


def test_status_older_than_its_jobs_is_replaced_by_a_run_that_was_never_used():
    """Either the status was restored from a backup, or it was read too early and the write is refused."""
    fresh = started()
    found = plan(fresh, jobs=(job(fresh, run=4),))
    assert found.status is not None
    assert found.status.run == 5
    assert created(found) == ["talk-5"]


def test_refused_job_is_shown_with_the_clusters_words_and_not_hammered():
    fresh = started()
    refusal = event(fresh.metadata.uid, "JobRejected", "exceeded quota: jobs", at=NOW)
    found = plan(fresh, at=after(5), events=(refusal,))
    assert found.status is not None
    assert found.status.reason is Reason.JOB_REJECTED
    assert "exceeded quota: jobs" in (found.status.message or "")
    assert found.actions == ()
    assert found.requeue_at == NOW + SETTINGS.patience


@pytest.mark.parametrize(("uid", "reason"), [("another", "JobRejected"), (UID, "FailedMount")])
def test_words_about_something_else_are_no_refusal(uid, reason):
    found = plan(started(), at=after(5), events=(event(uid, reason, "no"),))
    assert found.status is None
    assert created(found) == ["talk-1"]


def test_refused_job_is_tried_again_when_patience_is_over():
    fresh = started()
    refusal = event(fresh.metadata.uid, "JobRejected", "exceeded quota: jobs", at=NOW)
    shown = written(fresh, at=after(5), events=(refusal,))
    found = plan(shown, at=after(15), events=(refusal,))
    assert created(found) == ["talk-1"]
    assert found.status is None


def test_refusal_is_forgotten_once_the_job_is_there():
    fresh = started()
    shown = written(fresh, at=after(5), events=(event(fresh.metadata.uid, "JobRejected", "no", at=NOW),))
    found = plan(shown, at=after(6), jobs=(job(fresh),))
    assert found.status is not None
    assert found.status.reason is None


@pytest.mark.parametrize("reason", [Reason.UNSCHEDULABLE, Reason.POD_REJECTED, Reason.IMAGE_UNAVAILABLE])
def test_spec_mended_while_nothing_could_start_takes_effect_at_once(reason):
    wish = having(running(), reason=reason)
    found = plan(edited(wish, maxAttempts=4), jobs=(job(wish),))
    assert found.status is not None
    assert (found.status.run, found.status.reason) == (2, None)
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.uncharged) == (1, 0)
    assert created(found) == ["talk-2"]


def test_spec_mended_before_it_was_known_that_nothing_can_start_takes_effect_too():
    wish = running()
    old, mended = job(wish), edited(wish, maxAttempts=4)
    stuck = {"jobs": (old,), "pods": (pod(old, unscheduled="no room"),)}
    shown = written(mended, **stuck)
    assert shown.status.observed_generation == 2
    assert created(plan(shown, **stuck)) == ["talk-2"]


@pytest.mark.parametrize("job_of", [{"wish": None}, {}])
def test_stuck_run_of_the_present_spec_is_only_waited_for(job_of):
    wish = having(edited(running(), maxAttempts=4), reason=Reason.UNSCHEDULABLE)
    its = job(wish, **job_of)
    assert created(plan(wish, jobs=(its,), pods=(pod(its, unscheduled="no room"),))) == []


def test_run_that_has_begun_after_all_is_not_replaced():
    wish = having(running(), reason=Reason.UNSCHEDULABLE)
    its = job(wish)
    assert created(plan(edited(wish, maxAttempts=4), jobs=(its,), pods=(working_pod(its),))) == []


def test_refused_job_is_made_from_the_mended_spec_without_a_new_run():
    fresh = started()
    refusal = event(fresh.metadata.uid, "JobRejected", "exceeded quota", at=NOW)
    found = plan(edited(fresh, timeoutSeconds=60), at=after(20), events=(refusal,))
    assert created(found) == ["talk-1"]
    assert found.actions[0].manifest["spec"]["activeDeadlineSeconds"] == 360


def test_stable_plan_after_its_own_effects():
    fresh = started()
    seen = written(fresh, jobs=(job(fresh),))
    assert plan(seen, jobs=(job(fresh),)) == Plan(requeue_at=NOW + SETTINGS.patience)


def test_clusters_words_are_shown_without_the_secrets_of_their_urls():
    fresh = started()
    refusal = event(
        fresh.metadata.uid, "JobRejected", "webhook https://u:pw@hook.example/?token=5ecret said no", at=NOW
    )
    message = plan(fresh, at=after(5), events=(refusal,)).status.message
    assert "webhook https://hook.example/ said no" in message
