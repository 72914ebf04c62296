"""Objects that the models cannot read."""

from typing import Any

import pytest
from core_seen import NOW, after, completed, created, plan
from pydantic import ValidationError

from videoimport.api.bulkimport import BulkImport, BulkPhase
from videoimport.api.reasons import Reason
from videoimport.api.status import VideoPhase
from videoimport.api.videoimport import VideoImport
from videoimport.core.plan import Plan
from videoimport.core.refuse import problem_of, refuse

META = {"name": "talk", "namespace": "films", "uid": "u", "generation": 4}
SECRET_URL = "ftp://user:hunter2@video.example/a.mp4"
SPEC = {"source": {"url": SECRET_URL}, "destination": {"s3": {"bucket": "media"}}}


def an_object(kind="VideoImport", **more) -> dict[str, Any]:
    return {"kind": kind, "metadata": META, "spec": SPEC} | more


def problem(raw) -> str:
    with pytest.raises(ValidationError) as caught:
        (BulkImport if raw["kind"] == "BulkImport" else VideoImport).parse(raw)
    return problem_of(caught.value)


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
    assert [(a.type, a.reason) for a in found.announcements] == [("Warning", "Failed")]


def test_unreadable_bulk_fails_too():
    raw = an_object("BulkImport")
    status = refuse(raw, problem(raw), NOW).status
    assert (status.phase, status.completion_time) == (BulkPhase.FAILED, NOW)
    assert "InvalidSpec" in [condition.reason for condition in status.conditions]


@pytest.mark.parametrize("kind", ["VideoImport", "BulkImport"])
def test_refusal_is_written_once(kind):
    once = refuse(an_object(kind), "spec: no", NOW).status
    assert refuse(an_object(kind, status=once.wire()), "spec: no", after(60)) == Plan()


def test_unreadable_status_is_replaced():
    found = refuse(an_object(status={"phase": "Dancing"}), "spec: no", NOW)
    assert found.status.phase is VideoPhase.FAILED


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
