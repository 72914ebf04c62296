"""The folder of one run in scratch.

If the volume outlives the pod, the folder has the same name in each run, so that a later run finds the fetched bytes.
Other files in the volume belong to earlier runs.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.tasks.import_task import Task
from videoimport.worker.runtime import disk_space as disks

_KEPT = "lost+found"
"""The file system's own folder."""
_GONE_ON_WITH = ("source", "fetched.json")
"""Prefixes of the names of files that a later run can continue with. All other files are removed and fetched again."""


@dataclass(slots=True)
class Workspace:
    """The folder of one run."""

    folder: Path
    outlives: bool
    """True if the volume outlives the pod."""
    is_done: bool = False
    """True if no later run needs the folder's content."""

    @property
    def source(self) -> Path:
        """The folder of the source's files, which a later run of the same import can use."""
        return self.folder / "source"

    @property
    def results(self) -> Path:
        """The folder of the results. No later run uses them, because an encoder's bytes depend on its number of
        threads."""
        return self.folder / "results"


@contextlib.contextmanager
def opened(task: Task, scratch: Path) -> Iterator[Workspace]:
    """Create a workspace, and remove it at the end. If the volume outlives the pod, an unfinished source stays."""
    outlives = task.spec.worker.scratch.storage_class_name is not None
    with _room_in(scratch):
        space = Workspace(
            _fixed(task, scratch) if outlives else Path(tempfile.mkdtemp(prefix="run-", dir=scratch)), outlives
        )
        for folder in (space.source, space.results):
            folder.mkdir(exist_ok=True)
    try:
        with _room_in(scratch):
            yield space
    finally:
        _empty(space.results if outlives and not space.is_done else space.folder)


@contextlib.contextmanager
def _room_in(scratch: Path) -> Iterator[None]:
    """Convert errors for a full disk inside the block to ImportFailure SCRATCH_FULL. Errors of the destination are
    already separate from these."""
    try:
        yield
    except OSError as error:
        if not disks.is_full(error):
            raise
        raise disks.scratch_full(scratch, "and a small file was to be written") from None


def _empty(folder: Path) -> None:
    """Remove a folder. Its files are truncated first: a process with an open file would keep its space, and the report
    may need that space."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                os.truncate(path, 0)
    shutil.rmtree(folder, ignore_errors=True)


def _fixed(task: Task, scratch: Path) -> Path:
    """Return the folder of this import and this source, without everything except the fetched files."""
    source = hashlib.sha256(task.spec.source.locator.encode()).hexdigest()[:16]
    folder = scratch / f"import-{task.uid}-{source}"
    folder.mkdir(exist_ok=True)
    for path in (*scratch.iterdir(), *folder.iterdir()):
        if path not in (folder, folder / "source", scratch / _KEPT):
            _remove(path)
    for path in (folder / "source").glob("*"):
        if not path.name.startswith(_GONE_ON_WITH):
            _remove(path)
    return folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
