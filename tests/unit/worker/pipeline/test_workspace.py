"""Where a run works in scratch, and what it leaves there."""

import errno
import os
from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.worker.pipeline import workspace
from videoimport.worker.runtime.errors import ImportFailure


def fill(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def task(storage_class: str | None, url: str = "https://e.com/v.mp4") -> Task:
    spec = VideoImportSpec.model_validate({
        "source": {"url": url},
        "destination": {"s3": {"bucket": "videos"}},
        "worker": {"scratch": {"size": "1Gi", "storageClassName": storage_class}},
    })  # fmt: skip
    return Task(uid="u", namespace="team", name="clip", run=1, spec=spec, spec_hash=spec_hash(spec))


def leave(folder: Path, made: Task) -> Path:
    """A run that ends in the middle; returns where its source lies."""
    with workspace.opened(made, folder) as space:
        fill(space.source / "source", 10)
        fill(space.results / "video.mp4", 10)
        return space.source


def test_room_of_the_node_is_left_empty(tmp_path: Path) -> None:
    leave(tmp_path, task(None))
    assert list(tmp_path.iterdir()) == []


def test_a_volume_keeps_what_was_fetched_for_the_next_run(tmp_path: Path) -> None:
    source = leave(tmp_path, task("fast"))
    assert [path.name for path in source.iterdir()] == ["source"]
    assert not (source.parent / "results").exists()
    with workspace.opened(task("fast"), tmp_path) as space:
        assert space.source == source
        assert (source / "source").exists()
        assert list(space.results.iterdir()) == []


def test_a_volume_keeps_nothing_that_no_run_goes_on_with(tmp_path: Path) -> None:
    """The files of a page are fetched anew each time, under names that depend on how often it was asked."""
    source = leave(tmp_path, task("fast"))
    for name in ("page-2-0-video", "caption-0-en.vtt", "cache/deno", "fetched.json", "source-1"):
        fill(source / name, 10)
    with workspace.opened(task("fast"), tmp_path) as space:
        assert sorted(path.name for path in space.source.iterdir()) == ["fetched.json", "source", "source-1"]


def test_a_volume_keeps_nothing_of_another_source(tmp_path: Path) -> None:
    leave(tmp_path, task("fast"))
    fill(tmp_path / "run-old/x", 5)
    (tmp_path / "lost+found").mkdir()
    with workspace.opened(task("fast", "https://e.com/other.mp4"), tmp_path) as space:
        assert list(space.source.iterdir()) == []
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([space.folder.name, "lost+found"])


def test_what_is_done_leaves_nothing_in_a_volume_either(tmp_path: Path) -> None:
    with workspace.opened(task("fast"), tmp_path) as space:
        fill(space.source / "source", 10)
        space.is_done = True
    assert list(tmp_path.iterdir()) == []


def test_what_is_removed_takes_no_room_though_it_is_still_open(tmp_path: Path) -> None:
    with workspace.opened(task(None), tmp_path) as space:
        fill(space.results / "video.mp4", 10_000)
        held = (space.results / "video.mp4").open("rb")
    assert os.fstat(held.fileno()).st_blocks == 0
    held.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_whatever_finds_no_room_is_a_full_scratch(tmp_path: Path, number: int) -> None:
    with pytest.raises(ImportFailure, match="Scratch is full") as caught, workspace.opened(task(None), tmp_path):
        raise OSError(number, "no room")
    assert caught.value.reason is Reason.SCRATCH_FULL
    assert "spec.worker.scratch.size" in caught.value.advice
