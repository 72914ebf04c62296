"""What a plan lets be done at the same time, and how plans are added."""

from datetime import timedelta
from typing import Any

import pytest

from support.core.video_builders import NOW, after
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.jobs.startup_diagnosis import JobPlan
from videoimport.core.plan import (
    Action,
    Create,
    Delete,
    EventQuery,
    Kind,
    Patch,
    Plan,
    PlannedEvent,
    plan_status_write,
    put_creations_last,
    split_into_batches,
)


def made(name: str, kind: str = "VideoImport") -> Create:
    return Create({"kind": kind, "metadata": {"name": name, "namespace": "ns"}})


def gone(name: str, kind: Kind = "VideoImport") -> Delete:
    return Delete(kind, "ns", name, f"{name}-uid")


def told(name: str, **spec: Any) -> Patch:
    return Patch("VideoImport", "ns", name, f"{name}-uid", {"spec": spec})


def test_children_are_made_at_the_same_time_so_many_at_most():
    actions = [made(name) for name in "abcde"]
    assert [len(batch) for batch in split_into_batches(actions, 2)] == [2, 2, 1]


def test_all_is_done_and_in_its_order():
    actions: list[Action] = [told("a"), told("b"), gone("c"), made("d"), made("x", "ConfigMap"), made("e"), made("f")]
    assert [action for batch in split_into_batches(actions, 8) for action in batch] == actions


def test_different_things_wait_for_each_other():
    actions: list[Action] = [told("a"), told("b"), gone("c"), gone("d"), made("e"), made("f")]
    assert list(split_into_batches(actions, 8)) == [tuple(actions[:2]), tuple(actions[2:4]), tuple(actions[4:])]


def test_only_imports_are_many():
    actions: list[Action] = [made("a", "ConfigMap"), made("b", "ConfigMap"), gone("c", "Job"), gone("d", "Job")]
    assert [len(batch) for batch in split_into_batches(actions, 8)] == [1, 1, 1, 1]


def test_one_import_is_told_one_thing_at_a_time():
    first, second = told("a", suspend=True), told("a", suspend=False)
    assert list(split_into_batches([first, second], 8)) == [(first,), (second,)]


def test_what_is_to_be_made_comes_last():
    assert put_creations_last([made("a"), gone("b"), made("c")]) == (gone("b"), made("a"), made("c"))


def test_a_part_adds_its_effects_and_the_earlier_time_and_leaves_the_status():
    soon, late = NOW, NOW + timedelta(seconds=5)
    whole = Plan(VideoImportStatus(phase=VideoPhase.PENDING), (made("a"),), requeue_at=late)
    started = PlannedEvent("Normal", "Started", "Run 1 started.")
    asked = EventQuery("Job", "ns", "one-1", "job-uid")
    part = Plan(VideoImportStatus(phase=VideoPhase.FAILED), (made("b"),), (asked,), (started,), soon)
    assert whole + part == Plan(whole.status, (made("a"), made("b")), (asked,), (started,), soon)
    assert whole + Plan() == whole
    assert Plan() + Plan(requeue_at=late) == Plan(requeue_at=late)


def test_what_a_plan_says_besides_stays_when_a_part_is_added():
    problem = JobPlan(reason=Reason.JOB_REJECTED, message="exceeded quota")
    assert problem + Plan(requeue_at=NOW) == JobPlan(reason=problem.reason, message=problem.message, requeue_at=NOW)


INTERVAL = timedelta(seconds=3)


PROGRESS = frozenset({"progress_percent"})


def test_unchanged_status_is_not_written():
    old = VideoImportStatus(phase=VideoPhase.PENDING, updated_time=NOW)
    assert plan_status_write(old, old.model_copy(), PROGRESS, after(99), INTERVAL) == Plan()


def test_first_status_is_written_at_once():
    new = VideoImportStatus(progress_percent=1)
    assert plan_status_write(VideoImportStatus(), new, PROGRESS, NOW, INTERVAL).status == new.model_copy(
        update={"updated_time": NOW}
    )


@pytest.mark.parametrize(("seconds", "written"), [(0, False), (2, False), (3, True), (60, True)])
def test_progress_is_written_once_per_interval(seconds, written):
    old = VideoImportStatus(progress_percent=1, updated_time=NOW)
    found = plan_status_write(old, old.model_copy(update={"progress_percent": 2}), PROGRESS, after(seconds), INTERVAL)
    assert (found.status is not None) is written
    assert found.requeue_at == (None if written else after(3))


def test_anything_else_takes_progress_along_at_once():
    old = VideoImportStatus(progress_percent=1, updated_time=NOW)
    new = old.model_copy(update={"progress_percent": 2, "phase": VideoPhase.UPLOADING})
    assert plan_status_write(old, new, PROGRESS, after(1), INTERVAL).status is not None
