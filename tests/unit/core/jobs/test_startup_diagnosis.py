"""Why a run does not start, in the cluster's own words, while it lasts."""

import pytest

from support.core.video_builders import NOW, SETTINGS, after, event, job, plan, pod, running, working_pod, written
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.plan import EventQuery

WISH = running()
JOB = job(WISH)


def test_young_job_without_a_pod_is_looked_at_again_when_patience_is_over():
    found = plan(WISH, at=after(3), jobs=(JOB,))
    assert found.event_queries == ()
    assert found.requeue_at == NOW + SETTINGS.patience


def test_job_without_a_pod_for_too_long_is_asked_about():
    found = plan(WISH, at=after(15), jobs=(JOB,))
    assert found.event_queries == (EventQuery("Job", "films", "talk-1", "job-1"),)
    assert found.requeue_at == after(30)


def test_question_is_repeated_at_growing_distances():
    assert plan(WISH, at=after(100), jobs=(JOB,)).requeue_at == after(150)
    assert plan(WISH, at=after(36000), jobs=(JOB,)).requeue_at == after(36300)


def test_refused_pod_is_shown_with_the_newest_of_the_clusters_words():
    words = (
        event("job-1", "FailedCreate", "violates PodSecurity restricted", at=after(20)),
        event("job-1", "FailedCreate", "exceeded quota", at=after(10)),
        event("another", "FailedCreate", "not about us", at=after(30)),
    )
    found = plan(WISH, at=after(40), jobs=(JOB,), events=words)
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.PENDING, Reason.POD_REJECTED)
    assert (found.status.message or "").startswith("violates PodSecurity restricted.")
    assert found.event_queries != ()


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ("ErrImagePull", Reason.IMAGE_UNAVAILABLE),
        ("ImagePullBackOff", Reason.IMAGE_UNAVAILABLE),
        ("InvalidImageName", Reason.IMAGE_UNAVAILABLE),
        ("ErrImageNeverPull", Reason.IMAGE_UNAVAILABLE),
        ("CreateContainerConfigError", Reason.POD_REJECTED),
        ("CreateContainerError", Reason.POD_REJECTED),
    ],
)
def test_waiting_container_names_its_reason(waiting, reason):
    stuck = pod(JOB, waiting_reason=waiting, waiting_message="the kubelet says why")
    found = plan(WISH, at=after(2), jobs=(JOB,), pods=(stuck,))
    assert found.status is not None
    assert found.status.reason is reason
    assert "the kubelet says why" in (found.status.message or "")


def test_backing_off_does_not_replace_why_the_pull_failed():
    failed = pod(JOB, waiting_reason="ErrImagePull", waiting_message="manifest unknown")
    shown = written(WISH, after(2), jobs=(JOB,), pods=(failed,))
    backing_off = pod(JOB, waiting_reason="ImagePullBackOff", waiting_message="Back-off pulling image")
    assert plan(shown, at=after(4), jobs=(JOB,), pods=(backing_off,)).status is None


def test_other_cause_of_a_failed_pull_replaces_the_first():
    first = pod(JOB, waiting_reason="ErrImagePull", waiting_message="manifest unknown")
    shown = written(WISH, after(2), jobs=(JOB,), pods=(first,))
    other = pod(JOB, waiting_reason="ErrImagePull", waiting_message="unauthorized")
    status = plan(shown, at=after(4), jobs=(JOB,), pods=(other,)).status
    assert status is not None
    assert "unauthorized" in (status.message or "")


def test_unschedulable_pod_shows_the_schedulers_words():
    stuck = pod(JOB, unscheduled="0/3 nodes are available: 3 Insufficient cpu")
    found = plan(WISH, at=after(2), jobs=(JOB,), pods=(stuck,))
    assert found.status is not None
    assert found.status.reason is Reason.UNSCHEDULABLE
    assert "3 Insufficient cpu" in (found.status.message or "")


def test_container_that_is_created_for_too_long_is_asked_about():
    stuck = pod(JOB, waiting_reason="ContainerCreating")
    found = plan(WISH, at=after(20), jobs=(JOB,), pods=(stuck,))
    assert found.event_queries == (EventQuery("Pod", "films", "talk-1-x7k2p", "pod-1"),)
    assert found.status is None


@pytest.mark.parametrize("word", ["FailedMount", "FailedAttachVolume"])
def test_volume_that_cannot_be_mounted_is_shown(word):
    stuck = pod(JOB, waiting_reason="ContainerCreating")
    words = (event("pod-1", word, "secret not found"),)
    found = plan(WISH, at=after(20), jobs=(JOB,), pods=(stuck,), events=words)
    assert found.status is not None
    assert found.status.reason is Reason.MOUNT_FAILED


def test_what_held_it_up_is_cleared_when_it_is_over():
    stuck = pod(JOB, unscheduled="no room")
    shown = written(WISH, after(2), jobs=(JOB,), pods=(stuck,))
    found = plan(shown, at=after(60), jobs=(JOB,), pods=(working_pod(JOB),))
    assert found.status is not None
    assert found.status.reason is None
    assert found.event_queries == ()


def test_held_up_run_is_no_end_and_reconciling():
    shown = written(WISH, after(2), jobs=(JOB,), pods=(pod(JOB, unscheduled="no room"),))
    truths = {condition.type: (condition.status, condition.reason) for condition in shown.status.conditions}
    assert truths["Reconciling"] == ("True", "Unschedulable")
    assert truths["Stalled"][0] == "False"
    assert truths["Finished"][0] == "False"


def test_newest_pod_counts():
    old = pod(JOB, name="talk-1-older", unscheduled="no room")
    new = pod(JOB, name="talk-1-newer", phase="Running", running=True, created=after(5))
    assert plan(WISH, at=after(9), jobs=(JOB,), pods=(old, new)).status is None


def test_pod_of_another_job_says_nothing_about_this_one():
    other = pod(job(WISH, run=7), unscheduled="no room")
    assert plan(WISH, at=after(2), jobs=(JOB,), pods=(other,)).status is None


def test_endless_words_of_the_cluster_fit_the_status():
    found = plan(WISH, at=after(2), jobs=(JOB,), pods=(pod(JOB, unscheduled="x" * 5000),))
    assert found.status is not None
    assert len(found.status.message or "") <= 1024
    assert (found.status.message or "").endswith("Lower worker.resources, or add nodes.")
