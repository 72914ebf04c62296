"""The files of this machine that a command names."""

import glob
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from videoimport.cli.errors import UnusableError

MOST_FILES = 1000
"""Maximum number of files of one command."""
_VIDEOS = {
    ".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogg", ".ogm", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv",
}  # fmt: skip
"""Extensions of the files that are taken from a folder."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file, and the facts that show whether it changes."""

    path: Path
    size: int
    modified_ns: int
    """Time of the last change of the content in nanoseconds since 1970. Any program may set it."""
    changed_ns: int
    """Time of the last change of the content or of the inode in nanoseconds since 1970. No program can set it."""
    inode: int

    @property
    def name(self) -> str:
        """The name without the folder."""
        return self.path.name

    def has_facts(self, found: os.stat_result) -> bool:
        """Return whether the facts of an open file are those of this file."""
        return self == _record(self.path, found)


def find_files(words: Sequence[str]) -> list[LocalFile]:
    """Return the files of the command line, each once. A word is a file, a folder or a pattern such as 'talks/*.mp4'.

    A folder stands for the videos directly in it, by their extension. Raises UnusableError with every problem.
    """
    problems: list[str] = []
    found: dict[Path, LocalFile] = {}
    for word in words:
        try:
            paths = _expand(word)
        except UnusableError as error:
            problems += error.problems
            continue
        for path in paths:
            try:
                found[path.resolve()] = read_file(path)
            except UnusableError as error:
                problems += error.problems
    if len(found) > MOST_FILES:
        problems.append(f"There are {len(found)} files; upload at most {MOST_FILES} at once.")
    if problems:
        raise UnusableError(*problems)
    return list(found.values())


def read_file(path: Path) -> LocalFile:
    """Return the facts of a file. Raises UnusableError if it is empty, is not a regular file or cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnusableError(f"{path} is not a regular file, but such as a pipe, a device or a folder; name a file.")
        with open_file(path) as opened:
            found = os.fstat(opened.fileno())
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}; correct the name of the file.") from None
    if not found.st_size:
        raise UnusableError(f"{path} is empty; choose another file.")
    return _record(path, found)


def open_file(path: Path) -> FileIO:
    """Return a file that is open for reading, without a buffer. A pipe that has taken the place of the file does not
    block. Raises OSError."""

    def open_at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    return open(path, "rb", buffering=0, opener=open_at_once)


def _record(path: Path, found: os.stat_result) -> LocalFile:
    return LocalFile(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _expand(word: str) -> list[Path]:
    """Return the paths for which a word stands. Raises UnusableError."""
    try:
        path = Path(word).expanduser()
        if path.is_dir():
            return _list_videos(path, word)
        if path.exists() or not glob.has_magic(word):
            return [path]
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: an unknown user after ~
        why = error.strerror if isinstance(error, OSError) else error
        raise UnusableError(f"{word} cannot be read: {why}; correct the name of the file.") from None
    matches = sorted(map(Path, glob.iglob(str(path))))  # noqa: PTH207 — a pattern may be absolute
    if not matches:
        raise UnusableError(f"{word} matches no file; correct the pattern.")
    return [match for match in matches if not match.is_dir()]


def _list_videos(folder: Path, word: str) -> list[Path]:
    videos = sorted(file for file in folder.iterdir() if file.suffix.lower() in _VIDEOS and file.is_file())
    if not videos:
        raise UnusableError(f"{word} has no videos directly in it; name the files, or another folder.")
    return videos
