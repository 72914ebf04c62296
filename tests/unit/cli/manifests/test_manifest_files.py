"""Files, folders and standard input are read within bounds, and everything that cannot be read is named."""

import io
from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests import manifest_files
from videoimport.cli.manifests.manifest_files import read_texts


def refused(*sources: str, text: str = "") -> tuple[str, ...]:
    with pytest.raises(UnusableError) as refusal:
        read_texts(sources, io.StringIO(text))
    return refusal.value.problems


def test_a_file_of_any_name_standard_input_and_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.json").write_text("b")
    (folder / "a.yml").write_text("ä")
    (folder / "c.txt").write_text("c")
    monkeypatch.chdir(tmp_path)
    found = read_texts(["folder/c.txt", "-", "folder"], io.StringIO("d"))
    assert [(text.text, text.name, text.folder) for text in found] == [
        ("c", "folder/c.txt", folder),
        ("d", "standard input", tmp_path),
        ("ä", "folder/a.yml", folder),
        ("b", "folder/b.json", folder),
    ]


def test_every_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    missing, empty, image = (str(tmp_path / name) for name in ("missing.yaml", "empty", "image.png"))
    assert refused("", missing, empty, image) == (
        "--filename has no value; give a file, a folder, or - for standard input.",
        f"{missing} cannot be read: No such file or directory; correct --filename, or let this user read it.",
        f"{empty} has no file that ends in .yaml, .yml, .json; name another folder or a file.",
        f"{image} is not UTF-8 text; give a manifest in YAML or JSON.",
    )


def test_the_size_of_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_files, "MOST_LETTERS", 3)
    assert read_texts(["-"], io.StringIO("abc"))[0].text == "abc"
    (problem,) = refused("-", text="abcd")
    assert problem.startswith("standard input has more than 3 characters; split the file, or put a long list of videos")


def test_the_number_and_the_size_of_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(name)
    monkeypatch.setattr(manifest_files, "MOST_FILES", 2)
    assert refused(str(tmp_path)) == (f"{tmp_path} has 3 manifests; run at most 2 at once.",)
    three = [str(tmp_path / f"{name}.yaml") for name in ("a", "b", "c")]
    assert refused(*three)[0].startswith("--filename names 3 files with 3 characters; run at most 2 files")
    monkeypatch.setattr(manifest_files, "MOST_FILES", 9)
    monkeypatch.setattr(manifest_files, "MOST_LETTERS_TOGETHER", 2)
    assert refused(*three)[0].endswith("2 characters at once.")


def test_a_text_is_never_printed() -> None:
    assert "hunter2" not in repr(read_texts(["-"], io.StringIO("hunter2")))
