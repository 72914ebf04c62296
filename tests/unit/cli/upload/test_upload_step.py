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
RUNNING = {"containerStatuses": [{"name": "worker", "state": {"running": {}}}]}


def resource(session: str = OURS, **status: Any) -> Raw:
    return {
        "kind": "VideoImport",
        "metadata": {"name": "talk", "annotations": {UPLOAD_SESSION: session}},
        "status": status,
    }


def pod(run: int = 1, status: Raw | None = None, **metadata: Any) -> Raw:
    facts = {"name": f"talk-{run}", "uid": f"u{run}", "labels": {RUN: str(run)}, "creationTimestamp": "2026"}
    return {"metadata": facts | metadata, "status": RUNNING if status is None else status}


def served(**status: Any) -> Raw:
    return resource(**{"phase": "Downloading", "run": 1, "uploadSession": {"tokenSha256": OURS}} | status)


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


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (served(phase="Pending", reason="WaitingForUpload"), "no byte arrived"),
        (resource(session=OTHER, phase="Downloading"), "Another client"),
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
