"""The private folder of one run, with the scratch, the logs and the copies of Secrets of its workers.

A program that is killed cannot remove its folder. The next run removes such folders.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

_PREFIX = "videoimport-run-"
_LOCK = "lock"


@contextlib.contextmanager
def open_private_folder() -> Iterator[Path]:
    """Create a folder in the folder for temporary files, and remove it at the end. Only its owner can read it."""
    remove_abandoned_folders(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Create a folder with these files, such as the keys of a Secret. Only its owner can read it."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def remove_abandoned_folders(parent: Path) -> None:
    """Remove the folders of this user's runs that were killed. The kernel releases the lock of a killed program."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("r+") as file:
            if lock.parent.is_symlink() or os.fstat(file.fileno()).st_uid != os.getuid():
                continue
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: the run is alive
            _remove_content(lock.parent)


def _remove_content(folder: Path) -> None:
    """Remove the content of the folder, and the lock file last. If a worker still writes files, the removal fails, and
    a later run finds the lock file."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
    (folder / _LOCK).unlink()
    folder.rmdir()
