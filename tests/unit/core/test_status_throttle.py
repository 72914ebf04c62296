"""When a status is written."""

from datetime import timedelta

import pytest

from support.core.video_builders import NOW, after
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.plan import Plan
from videoimport.core.status_throttle import plan_status_write

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
