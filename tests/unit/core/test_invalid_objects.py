"""Objects that the models cannot read."""

from typing import Any

import pytest
from pydantic import ValidationError

from support.core.video_builders import NOW, after, completed, created, plan
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.invalid_objects import describe_problem, refuse
from videoimport.core.plan import Plan

META = {"name": "talk", "namespace": "films", "uid": "u", "generation": 4}
SECRET_URL = "ftp://user:hunter2@video.example/a.mp4"
SPEC = {"source": {"url": SECRET_URL}, "destination": {"s3": {"bucket": "media"}}}


def an_object(kind="VideoImport", **more) -> dict[str, Any]:
    return {"kind": kind, "metadata": META, "spec": SPEC} | more


def problem(raw) -> str:
    with pytest.raises(ValidationError) as caught:
        (BulkImport if raw["kind"] == "BulkImport" else VideoImport).parse(raw)
    return describe_problem(caught.value)


def test_problem_names_the_field_and_never_its_value():
    words = problem(an_object())
    assert words.startswith("spec.source.url: ")
    assert "hunter2" not in words


def test_unreadable_video_fails_with_the_field_named():
    found = refuse(an_object(), problem(an_object()), NOW)
    status = found.status
    assert (status.phase, status.reason, status.observed_generation) == (VideoPhase.FAILED, Reason.INVALID_SPEC, 4)
    assert "spec.source.url" in status.message
    truths = {condition.type: condition.status for condition in status.conditions}
    assert (truths["Ready"], truths["Stalled"], truths["Finished"]) == ("False", "True", "True")
    assert status.upload.code == 7
    assert found.actions == ()
    assert [(a.type, a.reason) for a in found.planned_events] == [("Warning", "Failed")]


def test_unreadable_bulk_fails_too():
    raw = an_object("BulkImport")
    status = refuse(raw, problem(raw), NOW).status
    assert (status.phase, status.completion_time) == (BulkPhase.FAILED, NOW)
    assert "InvalidSpec" in [condition.reason for condition in status.conditions]


@pytest.mark.parametrize("kind", ["VideoImport", "BulkImport"])
def test_refusal_is_written_once(kind):
    once = refuse(an_object(kind), "spec: no", NOW).status
    assert refuse(an_object(kind, status=once.wire()), "spec: no", after(60)) == Plan()


GOOD_SPEC = SPEC | {"source": {"url": "https://video.example/a.mp4"}}
BULK_SPEC = {
    "source": {"items": [{"url": "https://video.example/a.mp4"}]},
    "template": {"destination": {"s3": {"bucket": "media"}}},
}


@pytest.mark.parametrize(
    "foreign",
    [{"phase": "Dreaming"}, {"phase": "Completed", "reason": "Twin"}, {"stages": [{"name": "Dub"}]}, {"run": "one"}],
)
def test_import_whose_status_another_version_wrote_is_not_touched(foreign):
    raw = an_object(spec=GOOD_SPEC, status=completed().status.wire() | foreign)
    assert refuse(raw, problem(raw), NOW) == Plan()


def test_bulk_whose_status_another_version_wrote_is_not_touched():
    raw = an_object("BulkImport", spec=BULK_SPEC, status={"phase": "Dreaming", "total": 7})
    assert refuse(raw, problem(raw), NOW) == Plan()


@pytest.mark.parametrize(("kind", "spec"), [("VideoImport", GOOD_SPEC), ("BulkImport", BULK_SPEC)])
def test_what_reads_well_and_is_refused_all_the_same_fails(kind, spec):
    found = refuse(an_object(kind, spec=spec), "template: no", NOW)
    assert str(found.status.phase) == "Failed"


def test_of_a_status_that_cannot_be_read_under_a_bad_spec_what_can_be_read_is_kept():
    old = completed().status
    found = refuse(an_object(status=old.wire() | {"phase": "Dancing", "reason": "Duplicate"}), "spec: no", NOW)
    assert found.status.phase is VideoPhase.FAILED
    assert (found.status.run, found.status.job, found.status.outputs) == (old.run, old.job, old.outputs)


def test_unreadable_spec_leaves_run_job_and_outputs_alone():
    old = completed().status
    found = refuse(an_object(status=old.wire() | {"phase": "Failed"}), "spec: no", NOW)
    assert (found.status.run, found.status.job, found.status.outputs) == (old.run, old.job, old.outputs)


def test_completed_import_stays_completed():
    assert refuse(an_object(status=completed().status.wire()), "spec: no", NOW) == Plan()


def test_unreadable_object_that_is_being_deleted_is_left_alone():
    raw = an_object(metadata=META | {"deletionTimestamp": "2026-05-04T12:00:00Z"})
    assert refuse(raw, "spec: no", NOW) == Plan()


def test_mended_object_starts():
    status = refuse(an_object(), "spec: no", NOW).status.wire()
    good = SPEC | {"source": {"url": "https://video.example/a.mp4"}}
    wish = VideoImport.parse({"metadata": META | {"generation": 5}, "spec": good, "status": status})
    assert created(plan(wish)) == ["talk-1"]


def test_endless_problem_fits():
    assert len(refuse(an_object(), "x" * 5000, NOW).status.message) <= 1024
