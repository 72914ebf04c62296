"""The files of a command line."""

import os
import socket
from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.local_file import MOST_FILES, find_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MKV", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper/c.mp4").write_bytes(b"x")
    return tmp_path


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
        os.link(tmp_path / "0.mp4", f"{tmp_path}/{number}.mp4")  # a thousand new files take 0.2 s
    with pytest.raises(UnusableError, match=f"at most {MOST_FILES}"):
        find_files([str(tmp_path)])


@pytest.mark.parametrize("asked", ["one.mp4", "*.mp4"])
def test_pipe_is_refused_and_does_not_block(tmp_path: Path, asked: str) -> None:
    os.mkfifo(tmp_path / "one.mp4")
    with pytest.raises(UnusableError, match=r"one\.mp4 is not a regular file"):
        find_files([str(tmp_path / asked)])


def test_device_and_socket_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(UnusableError) as told:
            find_files(["/dev/zero", str(tmp_path / "socket")])
    assert [problem.partition(" but")[0] for problem in told.value.problems] == [
        "/dev/zero is not a regular file,",
        f"{tmp_path / 'socket'} is not a regular file,",
    ]


def test_every_bad_file_of_a_pattern_is_named(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(UnusableError) as told:
        find_files([str(tmp_path / "*.mp4")])
    assert [problem.partition(" is ")[0] for problem in told.value.problems] == [
        str(tmp_path / "a.mp4"),
        str(tmp_path / "b.mp4"),
    ]


@pytest.mark.parametrize("word", ["~nobody-has-this-name/a.mp4", "a" * 300, "loop/a.mp4"])
def test_word_that_is_no_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnusableError, match="cannot be read") as told:
        find_files([word])
    assert word in str(told.value)
