"""The next step of an upload, from the import and its pods."""

from typing import Any

import pytest

from videoimport.api.labels import RUN, UPLOAD_SESSION
from videoimport.cli.upload.upload_step import (
    ImportEnded,
    Received,
    Sending,
    SessionOver,
    Step,
    Waiting,
    choose_step,
    is_session_open,
)

Raw = dict[str, Any]
OURS, OTHER = "1" * 64, "2" * 64
JOB = {"name": "talk-1", "uid": "job"}
RUNNING = {"containerStatuses": [{"name": "worker", "state": {"running": {}}}]}


def resource(session: str = OURS, **status: Any) -> Raw:
    return {
        "kind": "VideoImport",
        "metadata": {"name": "talk", "annotations": {UPLOAD_SESSION: session}},
        "status": status,
    }


def owner(**changes: Any) -> Raw:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": "talk-1", "uid": "job", "controller": True} | changes


def pod(run: int = 1, status: Raw | None = None, **metadata: Any) -> Raw:
    facts = {
        "name": f"talk-{run}",
        "uid": f"u{run}",
        "labels": {RUN: str(run)},
        "creationTimestamp": "2026",
        "ownerReferences": [owner()],
    }
    return {"metadata": facts | metadata, "status": RUNNING if status is None else status}


def served(**status: Any) -> Raw:
    return resource(**{"phase": "Downloading", "run": 1, "uploadSession": {"tokenSha256": OURS}, "job": JOB} | status)


@pytest.mark.parametrize(
    ("found", "pods", "step"),
    [
        (resource(), [], Waiting("Pending: waiting for the worker")),
        (served(), [], Waiting("Downloading: waiting for the worker")),
        (served(phase="Pending", reason="Unschedulable"), [], Waiting("Pending: Unschedulable")),
        (served(), [pod()], Sending("talk-1", "u1")),
        (served(), [pod(status={})], Waiting("Downloading: waiting for the worker")),
        (served(), [pod(deletionTimestamp="2026")], Waiting("Downloading: waiting for the worker")),
        (served(run=2), [pod(1)], Waiting("Downloading: waiting for the worker")),
        (served(run=2), [pod(1), pod(2)], Sending("talk-2", "u2")),
        (served(phase="Completed"), [pod()], ImportEnded()),
        (served(phase="Failed", reason="NotVideo"), [], ImportEnded()),
    ],
)
def test_step_follows_from_the_state(found: Raw, pods: list[Raw], step: Step) -> None:
    assert choose_step(found, pods, OURS) == step


@pytest.mark.parametrize(
    ("owners", "job"),
    [
        ([], JOB),
        (None, JOB),
        ([owner(uid="other")], JOB),
        ([owner(kind="ReplicaSet")], JOB),
        ([owner(apiVersion="evil.example/v1")], JOB),
        ([owner(controller=False)], JOB),
        ([owner(), owner(uid="other")], JOB),
        ([owner()], {"name": "talk-1"}),
        ([owner()], None),
    ],
)
def test_pod_that_the_job_does_not_control_gets_nothing(owners: list[Raw] | None, job: Raw | None) -> None:
    """Whoever creates a pod chooses its labels."""
    found = served(job=job)
    assert isinstance(choose_step(found, [pod(ownerReferences=owners)], OURS), Waiting)


def test_worker_is_found_beside_a_newer_pod_with_its_labels() -> None:
    other = pod(name="other", uid="u9", creationTimestamp="2027", ownerReferences=[])
    assert choose_step(served(), [other, pod()], OURS) == Sending("talk-1", "u1")


def test_two_pods_of_one_job_get_nothing() -> None:
    """A Job of this project has one pod at a time. One of the two only says that it belongs to the Job."""
    step = choose_step(served(), [pod(), pod(name="other", uid="u9")], OURS)
    assert isinstance(step, Waiting)
    assert "two pods" in step.words


def test_container_beside_the_worker_takes_no_bytes() -> None:
    sidecar = {"name": "proxy", "state": {"running": {}}}
    ended = {"name": "worker", "state": {"terminated": {}}}
    assert isinstance(choose_step(served(), [pod(status={"containerStatuses": [sidecar, ended]})], OURS), Waiting)


def test_received_file_is_not_sent_again() -> None:
    stages = [{"name": "Download", "state": "Done"}]
    step = choose_step(served(phase="Transcoding", progressPercent=40, stages=stages), [pod()], OURS)
    assert step == Received("Transcoding 40 %")


def test_next_worker_may_lack_the_file_of_a_failed_run() -> None:
    stages = [{"name": "Download", "state": "Done"}]
    attempts = {"count": 1, "nextRetryTime": "2026-01-01T00:00:00Z"}
    found = served(phase="Uploading", reason="DestinationUnavailable", stages=stages, attempts=attempts)
    assert choose_step(found, [pod()], OURS) == Waiting("Uploading: DestinationUnavailable")
    attempts.pop("nextRetryTime")
    assert isinstance(choose_step(found, [pod()], OURS), Received)


def test_facts_of_another_session_do_not_count() -> None:
    """The controller has not seen the new session yet."""
    old = {"tokenSha256": OTHER}
    found = resource(phase="Pending", reason="WaitingForUpload", run=1, uploadSession=old)
    assert isinstance(choose_step(found, [pod()], OURS), Waiting)
    assert is_session_open(found, OURS)


def test_session_of_the_last_run_needs_no_annotation() -> None:
    """The controller continues it too."""
    found = served()
    del found["metadata"]["annotations"][UPLOAD_SESSION]
    assert choose_step(found, [pod()], OURS) == Sending("talk-1", "u1")
    assert is_session_open(found, OURS)
    assert isinstance(choose_step(found, [pod()], OTHER), SessionOver)
    found["status"] |= {"phase": "Pending", "reason": "WaitingForUpload"}
    assert not is_session_open(found, OURS)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (served(phase="Pending", reason="WaitingForUpload"), "no byte arrived"),
        (resource(session=OTHER, phase="Downloading"), "Another client"),
        (resource(session="", phase="Downloading"), "was removed"),
    ],
)
def test_end_of_a_session_is_explained(found: Raw, told: str) -> None:
    step = choose_step(found, [pod()], OURS)
    assert isinstance(step, SessionOver)
    assert told in step.words
    assert not is_session_open(found, OURS)


def test_control_codes_of_the_status_are_not_printed() -> None:
    step = choose_step(served(phase="Pending", reason="\x1b[2J"), [], OURS)
    assert isinstance(step, Waiting)
    assert "\x1b" not in step.words
