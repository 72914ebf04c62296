"""The state of a BulkImport outlives the program, and only one program uses it."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.embedded.state_file import StateFiles, open_state
from videoimport.cli.errors import UnusableError

Raw = dict[str, Any]


def make(name: str, uid: str, owner: str | None = None) -> Raw:
    references = {"ownerReferences": [{"uid": owner}]} if owner else {}
    return {"metadata": {"name": name, "namespace": "media", "uid": uid} | references}


def test_an_object_is_kept_in_the_file_of_the_bulk_import_that_owns_it(tmp_path: Path) -> None:
    files = StateFiles()
    for name in ("one", "two"):
        files.add(f"uid-{name}", open_state(tmp_path, "media", name))
        files.keep("BulkImport", make(name, f"uid-{name}"))
        files.keep("VideoImport", make(f"{name}-child", f"uid-{name}-child", f"uid-{name}"))
        files.keep("Job", make(f"{name}-job", f"uid-{name}-job", f"uid-{name}-child"))
    files.keep("VideoImport", make("alone", "uid-alone"))
    files.drop("Job", make("two-job", "uid-two-job"))
    files.close()

    kept = {
        name: [(k, raw["metadata"]["name"]) for k, raw in open_state(tmp_path, "media", name).load()]
        for name in ("one", "two")
    }

    assert kept == {
        "one": [("BulkImport", "one"), ("VideoImport", "one-child"), ("Job", "one-job")],
        "two": [("BulkImport", "two"), ("VideoImport", "two-child")],
    }


def test_a_state_in_use_is_refused_with_the_name_of_the_bulk_import(tmp_path: Path) -> None:
    first = open_state(tmp_path, "media", "course")

    with pytest.raises(UnusableError, match="BulkImport course runs already on this machine"):
        open_state(tmp_path, "media", "course")

    first.close()
    open_state(tmp_path, "media", "course").close()


def test_a_file_that_is_no_state_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "media.course.db").write_bytes(b"not a database, but long enough to be read as one" * 100)

    with pytest.raises(UnusableError, match=r"media\.course\.db cannot be used.*remove the file, or.*--state"):
        open_state(tmp_path, "media", "course")


def test_only_the_user_can_read_the_folder(tmp_path: Path) -> None:
    open_state(tmp_path / "state", "media", "course").close()

    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_names_of_any_length_have_files_of_their_own(tmp_path: Path) -> None:
    for end in "ab":
        file = open_state(tmp_path, "media", "n" * 240 + end)
        file.keep("BulkImport", make(end, end))
        file.close()

    assert [raw["metadata"]["name"] for _, raw in open_state(tmp_path, "media", "n" * 240 + "a").load()] == ["a"]
    assert all(len(path.name) < 255 for path in tmp_path.iterdir())
    assert sqlite3.sqlite_version_info >= (3, 7)  # the first with the journal mode in use
