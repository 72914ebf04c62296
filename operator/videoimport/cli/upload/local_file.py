"""The files of this machine that a command names, and reading a file while its SHA-256 is computed."""

import glob
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from videoimport.cli.errors import UnusableError

BLOCK = 2**18
"""Number of bytes that are read and sent at once."""
_MARK = 2**26
MOST_FILES = 1000
"""Maximum number of files of one command."""
_VIDEOS = {
    ".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogg", ".ogm", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv",
}  # fmt: skip
"""Extensions of the files that are taken from a folder."""


class FileChangedError(Exception):
    """The file changed while it was sent."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file, and the facts that show whether it changes."""

    path: Path
    size: int
    modified_ns: int
    """Time of the last change in nanoseconds since 1970."""

    @property
    def name(self) -> str:
        """The name without the folder."""
        return self.path.name

    def check(self) -> None:
        """Raise FileChangedError if the file is gone, or has another size or another time of its last change."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise FileChangedError(f"{self.path} cannot be read any more: {error.strerror}.") from None
        if (found.st_size, found.st_mtime_ns) != (self.size, self.modified_ns):
            raise FileChangedError(f"{self.path} changed while it was sent.")


def find_files(words: Sequence[str]) -> list[LocalFile]:
    """Return the files of the command line, each once. A word is a file, a folder or a pattern such as 'talks/*.mp4'.

    A folder stands for the videos directly in it, by their extension. Raises UnusableError with every problem.
    """
    problems: list[str] = []
    found: dict[Path, LocalFile] = {}
    for word in words:
        try:
            found |= {path.resolve(): read_file(path) for path in _expand(word)}
        except UnusableError as error:
            problems += error.problems
    if len(found) > MOST_FILES:
        problems.append(f"There are {len(found)} files; upload at most {MOST_FILES} at once.")
    if problems:
        raise UnusableError(*problems)
    return list(found.values())


def read_file(path: Path) -> LocalFile:
    """Return the facts of a file. Raises UnusableError if it is empty or cannot be read."""
    try:
        with path.open("rb"):
            found = path.stat()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}; correct the name of the file.") from None
    if not found.st_size:
        raise UnusableError(f"{path} is empty; choose another file.")
    return LocalFile(path, found.st_size, found.st_mtime_ns)


def _expand(word: str) -> list[Path]:
    path = Path(word).expanduser()
    if path.is_dir():
        videos = sorted(file for file in path.iterdir() if file.suffix.lower() in _VIDEOS and file.is_file())
        if not videos:
            raise UnusableError(f"{word} has no videos directly in it; name the files, or another folder.")
        return videos
    if path.exists() or not glob.has_magic(word):
        return [path]
    matches = sorted(map(Path, glob.iglob(str(path))))  # noqa: PTH207 — a pattern may be absolute
    if not matches:
        raise UnusableError(f"{word} matches no file; correct the pattern.")
    return [match for match in matches if not match.is_dir()]


class HashedFile:
    """A file that is read from start to end while its hash is computed. Raises FileChangedError if the file changes."""

    def __init__(self, file: LocalFile) -> None:
        file.check()
        self._file = file
        self._source = file.path.open("rb")
        self._hash = hashlib.sha256()
        self._marks = [(0, self._hash.copy())]
        """Positions, each with the hash of the bytes before. After a broken connection, few bytes are hashed again."""

    def read_blocks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end``. The bytes before ``start`` are read for the hash, if that is not
        done yet."""
        if self._source.tell() > start:
            self._go_back(start)
        for _ in self._read_until(start):
            pass
        yield from self._read_until(end)

    def _go_back(self, start: int) -> None:
        position, mark = max((mark for mark in self._marks if mark[0] <= start), key=lambda mark: mark[0])
        self._source.seek(position)
        self._hash = mark.copy()

    def _read_until(self, end: int) -> Iterator[bytes]:
        while (left := end - self._source.tell()) > 0:
            try:
                block = self._source.read(min(BLOCK, left))
            except OSError as error:
                raise FileChangedError(f"{self._file.path} cannot be read any more: {error.strerror}.") from None
            self._file.check()
            if not block:
                raise FileChangedError(f"{self._file.path} became shorter while it was sent.")
            self._hash.update(block)
            if (position := self._source.tell()) >= self._marks[-1][0] + _MARK:
                self._marks.append((position, self._hash.copy()))
            yield block

    def compute_sha256(self) -> str:
        """Return the hash of the bytes before the position: of the whole file, once its last byte was read."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def hash_file(file: LocalFile) -> str:
    """Return the SHA-256 of a whole file in hexadecimal digits."""
    content = HashedFile(file)
    try:
        for _ in content.read_blocks(0, file.size):
            pass
        return content.compute_sha256()
    finally:
        content.close()
