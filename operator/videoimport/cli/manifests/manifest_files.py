"""The YAML texts behind ``-f``: files, folders and standard input."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from videoimport.cli.errors import UnusableError

STANDARD_INPUT = "-"
MOST_LETTERS = 4 * 2**20
"""Maximum number of characters of a file. A cluster accepts 3 MiB in one request."""
MOST_FILES = 1000
"""Maximum number of files together."""
MOST_LETTERS_TOGETHER = 64 * 2**20
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ManifestText:
    """The text of a file."""

    text: str = field(repr=False)  # it may have Secrets
    name: str
    """The name in messages: the path as given, or "standard input"."""
    folder: Path
    """The folder of the file, or the working directory for standard input."""


def read_texts(sources: Iterable[str], standard_input: TextIO) -> list[ManifestText]:
    """Return the texts of all sources, in order. Each source is a file, a folder or - for standard input.

    For a folder, its files that end in .yaml, .yml or .json are read, sorted by name. Subfolders are not read. Raises
    UnusableError with every source that cannot be read.
    """
    texts: list[ManifestText] = []
    problems: list[str] = []
    for source in dict.fromkeys(sources):
        try:
            texts += _read_source(source, standard_input)
        except UnusableError as error:
            problems += error.problems
    if problems:
        raise UnusableError(*problems)
    letters = sum(len(found.text) for found in texts)
    if len(texts) > MOST_FILES or letters > MOST_LETTERS_TOGETHER:
        raise UnusableError(
            f"--filename names {len(texts)} files with {letters} characters; run at most {MOST_FILES} files and "
            f"{MOST_LETTERS_TOGETHER} characters at once."
        )
    return texts


def _read_source(source: str, standard_input: TextIO) -> Iterator[ManifestText]:
    if not source:
        raise UnusableError("--filename has no value; give a file, a folder, or - for standard input.")
    if source == STANDARD_INPUT:
        yield ManifestText(_read_bounded(standard_input, "standard input"), "standard input", Path.cwd())
    elif (path := Path(source).expanduser()).is_dir():
        for file in _list_folder(path, source):
            yield ManifestText(read_file(file, str(file)), str(file), path.resolve())
    else:
        yield ManifestText(read_file(path, source), source, path.parent.resolve())


def _list_folder(folder: Path, called: str) -> list[Path]:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    except OSError as error:
        raise _unreadable(called, error) from None
    if not files:
        raise UnusableError(f"{called} has no file that ends in {', '.join(_SUFFIXES)}; name another folder or a file.")
    if len(files) > MOST_FILES:
        raise UnusableError(f"{called} has {len(files)} manifests; run at most {MOST_FILES} at once.")
    return files


def read_file(path: Path, called: str) -> str:
    """Return the text of a file, at most MOST_LETTERS characters. ``called`` is its name in messages. Raises
    UnusableError."""
    try:
        with path.open(encoding="utf-8") as file:
            return _read_bounded(file, called)
    except OSError as error:
        raise _unreadable(called, error) from None


def _read_bounded(file: TextIO, called: str) -> str:
    try:
        text = file.read(MOST_LETTERS + 1)
    except UnicodeDecodeError:
        raise UnusableError(f"{called} is not UTF-8 text; give a manifest in YAML or JSON.") from None
    if len(text) > MOST_LETTERS:
        raise UnusableError(
            f"{called} has more than {MOST_LETTERS} characters; split the file, or put a long list of videos into "
            "the manifest of spec.source.manifest."
        )
    return text


def _unreadable(called: str, error: OSError) -> UnusableError:
    why = os.strerror(error.errno or 0)
    return UnusableError(f"{called} cannot be read: {why}; correct --filename, or let this user read it.")
