"""The hash of a file while it is read, and changes of the file."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from support.waiting import until
from videoimport.cli.upload.hashed_file import BLOCK, FileChangedError, HashedFile, UploadStoppedError, hash_file
from videoimport.cli.upload.local_file import read_file

CONTENT = os.urandom(3 * BLOCK + 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "talk.mp4"
    found.write_bytes(CONTENT)
    return found


def test_hash_is_of_the_whole_file_however_often_the_reader_goes_back(path: Path) -> None:
    content = HashedFile(read_file(path))
    assert b"".join(content.read_blocks(0, 2 * BLOCK)) == CONTENT[: 2 * BLOCK]
    assert b"".join(content.read_blocks(100, BLOCK)) == CONTENT[100:BLOCK]
    assert b"".join(content.read_blocks(BLOCK + 1, len(CONTENT))) == CONTENT[BLOCK + 1 :]
    assert content.compute_sha256() == hashlib.sha256(CONTENT).hexdigest() == hash_file(read_file(path))


def test_reader_goes_back_to_a_mark_in_place_of_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videoimport.cli.upload.hashed_file._MARK", BLOCK)
    content = HashedFile(read_file(path))
    list(content.read_blocks(0, len(CONTENT)))
    assert b"".join(content.read_blocks(2 * BLOCK + 5, len(CONTENT))) == CONTENT[2 * BLOCK + 5 :]
    assert content.compute_sha256() == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("change", ["longer", "shorter", "touched", "rewritten", "replaced", "gone"])
def test_change_while_the_file_is_read_is_found(path: Path, change: str) -> None:
    file = read_file(path)
    blocks = HashedFile(file).read_blocks(0, file.size)
    next(blocks)
    _change(path, change)
    with pytest.raises(FileChangedError, match=r"talk\.mp4"):
        list(blocks)


@pytest.mark.parametrize("change", ["rewritten", "replaced", "gone", "pipe"])
def test_change_before_the_file_is_opened_is_found(path: Path, change: str) -> None:
    file = read_file(path)
    _change(path, change)
    with pytest.raises(FileChangedError, match=r"talk\.mp4"):
        hash_file(file)


def test_stop_ends_the_hash_of_what_the_worker_has(path: Path) -> None:
    stop = threading.Event()
    content = HashedFile(read_file(path), stop)
    content.move_to(BLOCK)
    stop.set()
    with pytest.raises(UploadStoppedError):
        content.move_to(len(CONTENT))


def _change(path: Path, change: str) -> None:
    """Change a file in a way that its size and the time of its last change may not show."""
    before = path.stat()
    until(lambda: _ticked(path.with_name("probe"), before.st_ctime_ns))
    if change == "longer":
        path.write_bytes(CONTENT + b"x")
    elif change == "shorter":
        os.truncate(path, BLOCK)
    elif change == "touched":
        os.utime(path, ns=(0, 0))
    elif change == "rewritten":
        path.write_bytes(bytes(len(CONTENT)))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "replaced":
        other = path.with_name("other")
        other.write_bytes(bytes(len(CONTENT)))
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(path)
    else:
        path.unlink()
        if change == "pipe":
            os.mkfifo(path)


def _ticked(probe: Path, before_ns: int) -> bool:
    """Whether the file system gives a later time than before. Its clock moves in steps of some milliseconds."""
    probe.touch()
    return probe.stat().st_ctime_ns > before_ns
