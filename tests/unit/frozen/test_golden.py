"""How golden files are compared."""

import re
from pathlib import Path

import pytest

from support import golden_files

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(golden_files, "FOLDER", tmp_path)
    monkeypatch.delenv(golden_files.VARIABLE, raising=False)
    return tmp_path


def test_a_difference_is_shown_with_the_command_that_accepts_it(own_folder: Path) -> None:
    (own_folder / "one.json").write_text(golden_files.as_text({"phase": "Pending", "run": 1}))
    with pytest.raises(pytest.fail.Exception) as failed:
        golden_files.check("one", {"phase": "Queued", "run": 1})
    message = str(failed.value)
    assert '- "phase": "Pending"' in message
    assert '+ "phase": "Queued"' in message
    assert golden_files.COMMAND in message


def test_the_order_of_keys_does_not_count_within_nested_json_either(own_folder: Path) -> None:
    (own_folder / "one.json").write_text(golden_files.as_text({"b": '{"x": 1, "y": 2}', "a": 1}))
    golden_files.check("one", {"a": 1, "b": '{"y":2,"x":1}'})


@pytest.mark.parametrize("found", [{"a": [2, 1]}, {"a": [1, 2], "b": 1}, {}])
def test_everything_else_counts(own_folder: Path, found: object) -> None:
    (own_folder / "one.json").write_text(golden_files.as_text({"a": [1, 2]}))
    with pytest.raises(pytest.fail.Exception):
        golden_files.check("one", found)


def test_a_missing_file_fails_and_the_variable_writes_it(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.fail.Exception):
        golden_files.check("new", {"a": 1})
    monkeypatch.setenv(golden_files.VARIABLE, "1")
    golden_files.check("new", {"a": 1})
    monkeypatch.delenv(golden_files.VARIABLE)
    golden_files.check("new", {"a": 1})


def test_each_expected_file_has_its_test() -> None:
    sources = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    known = set(re.findall(r'"([a-z-]+)"', sources))
    prefixes = tuple(re.findall(r'f"([a-z-]+-)\{', sources))
    unused = [path.name for path in (HERE / "expected").glob("*") if path.stem not in known]
    assert [name for name in unused if not name.startswith(prefixes)] == []
