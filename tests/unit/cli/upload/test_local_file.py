"""The files of a command line, and the hash of a file while it is read."""

import hashlib
import os
from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.local_file import (
    BLOCK,
    MOST_FILES,
    FileChangedError,
    HashedFile,
    find_files,
    hash_file,
    read_file,
)

CONTENT = os.urandom(3 * BLOCK + 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MKV", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper/c.mp4").write_bytes(b"x")
    return tmp_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "talk.mp4"
    found.write_bytes(CONTENT)
    return found


def test_folder_stands_for_the_videos_directly_in_it(folder: Path) -> None:
    assert [file.name for file in find_files([str(folder)])] == ["a.MKV", "b.mp4"]


def test_pattern_and_name_of_the_same_file_count_once(folder: Path) -> None:
    found = find_files([str(folder / "*.mp4"), str(folder / "deeper/../b.mp4"), str(folder / "notes.txt")])
    assert [file.path.name for file in found] == ["b.mp4", "notes.txt"]


def test_name_with_letters_of_a_pattern_is_a_name_if_the_file_exists(tmp_path: Path) -> None:
    (tmp_path / "talk [1].mp4").write_bytes(b"x")
    assert [file.name for file in find_files([str(tmp_path / "talk [1].mp4")])] == ["talk [1].mp4"]


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "bare").mkdir()
    with pytest.raises(UnusableError) as told:
        find_files([str(tmp_path / name) for name in ("gone.mp4", "empty.mp4", "bare", "*.mov")])
    assert [problem.partition(" ")[2][:10] for problem in told.value.problems] == [
        "cannot be ",
        "is empty; ",
        "has no vid",
        "matches no",
    ]


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0.mp4").write_bytes(b"x")
    for number in range(1, MOST_FILES + 1):
        os.link(tmp_path / "0.mp4", f"{tmp_path}/{number}.mp4")  # noqa: PTH — a thousand new files take 0.2 s
    with pytest.raises(UnusableError, match=f"at most {MOST_FILES}"):
        find_files([str(tmp_path)])


def test_hash_is_of_the_whole_file_however_often_the_reader_goes_back(path: Path) -> None:
    content = HashedFile(read_file(path))
    assert b"".join(content.read_blocks(0, 2 * BLOCK)) == CONTENT[: 2 * BLOCK]
    assert b"".join(content.read_blocks(100, BLOCK)) == CONTENT[100:BLOCK]
    assert b"".join(content.read_blocks(BLOCK + 1, len(CONTENT))) == CONTENT[BLOCK + 1 :]
    assert content.compute_sha256() == hashlib.sha256(CONTENT).hexdigest() == hash_file(read_file(path))


def test_reader_goes_back_to_a_mark_in_place_of_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videoimport.cli.upload.local_file._MARK", BLOCK)
    content = HashedFile(read_file(path))
    list(content.read_blocks(0, len(CONTENT)))
    assert b"".join(content.read_blocks(2 * BLOCK + 5, len(CONTENT))) == CONTENT[2 * BLOCK + 5 :]
    assert content.compute_sha256() == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("change", ["longer", "shorter", "touched", "replaced", "gone"])
def test_change_while_the_file_is_read_is_found(path: Path, change: str) -> None:
    file = read_file(path)
    blocks = HashedFile(file).read_blocks(0, file.size)
    next(blocks)
    _change(path, change)
    with pytest.raises(FileChangedError, match=r"talk\.mp4"):
        list(blocks)


def _change(path: Path, change: str) -> None:
    if change == "longer":
        path.write_bytes(CONTENT + b"x")
    elif change == "shorter":
        os.truncate(path, BLOCK)
    elif change == "touched":
        os.utime(path, ns=(0, 0))
    elif change == "replaced":
        other = path.with_name("other")
        other.write_bytes(bytes(len(CONTENT)))
        other.replace(path)
    else:
        path.unlink()
