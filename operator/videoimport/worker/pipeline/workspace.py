"""The run's own folder in scratch. In a volume that outlives the pod it has the same name each run, so that a later run
finds the fetched bytes. All other content belongs to runs that are over."""

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
"""The file system's own."""
_GONE_ON_WITH = ("source", "fetched.json")
"""The first parts of the names of files that a later run continues with. All other files are fetched again, and need
space again."""


@dataclass(slots=True)
class Workspace:
    """Where one run works."""

    folder: Path
    outlives: bool
    """The volume outlives the pod."""
    is_done: bool = False
    """Nothing of it is of use any more."""

    @property
    def source(self) -> Path:
        """The folder of the source's files: of use to a later run of the same import."""
        return self.folder / "source"

    @property
    def results(self) -> Path:
        """Where results are made: of no use to anyone later, for an encoder's bytes differ with its threads."""
        return self.folder / "results"


@contextlib.contextmanager
def opened(task: Task, scratch: Path) -> Iterator[Workspace]:
    """A workspace, and its end: nothing is left but, in a volume that outlives the pod, an unfinished source."""
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
    """A write inside that finds no space means a full scratch. Raises ImportFailure SCRATCH_FULL; the destination's own
    errors were separated before."""
    try:
        yield
    except OSError as error:
        if not disks.is_full(error):
            raise
        raise disks.scratch_full(scratch, "and a small file was to be written") from None


def _empty(folder: Path) -> None:
    """Remove all of it. Files are cut off first: readers that still have one open would keep its room, and the report
    may need it."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                os.truncate(path, 0)
    shutil.rmtree(folder, ignore_errors=True)


def _fixed(task: Task, scratch: Path) -> Path:
    """The folder of this import and this very source, emptied of all but what was fetched."""
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
