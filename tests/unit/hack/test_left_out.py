"""`make test` leaves out what is marked or counted as too long, says so, and `make full-test` runs all of it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
FILE = """
import pytest
from support.portion import portion, repetitions
NUMBER = repetitions("moments", 2, 9)
@pytest.mark.full(but=["{pattern}"])
@pytest.mark.parametrize("name", ["ab", "ac", "b"])
def test_one(name): pass
@pytest.mark.full
def test_two(): pass
@pytest.mark.parametrize("member", portion("member", ["x", "y"], ["x"]))
def test_three(member): assert NUMBER in (2, 9)
"""


@dataclass(frozen=True)
class Told:
    """What a run of pytest said and wrote."""

    code: int
    text: str
    left_out: list[str]
    cpu_seconds: float


def run(folder: Path, pattern: str, *words: str, full: str = "0") -> Told:
    shutil.copy(TESTS / "conftest.py", folder)
    (folder / "test_some.py").write_text(FILE.replace("{pattern}", pattern))
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "VIDEOIMPORT_TEST_FULL": full}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no test here needs one, and each start would import them
    argv = [sys.executable, "-m", "pytest", "-q", "--junit-xml=results.xml", *(words or ("test_some.py",))]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True)
    written = folder / "results.json"
    found = json.loads(written.read_text()) if written.exists() else {"left_out": [], "cpu_seconds": 0.0}
    return Told(done.returncode, done.stdout + done.stderr, found["left_out"], found["cpu_seconds"])


def test_what_does_not_match_is_left_out_and_named(tmp_path: Path) -> None:
    told = run(tmp_path, "a*")
    assert (told.code, "3 passed, 2 deselected" in told.text) == (0, True), told.text
    assert "4 left out" in told.text
    assert told.left_out == [
        "moments: 9 instead of 2", "member: y", "test_some.py::test_one[b]", "test_some.py::test_two",
    ]  # fmt: skip
    assert told.cpu_seconds > 0


def test_the_full_run_leaves_nothing_out(tmp_path: Path) -> None:
    told = run(tmp_path, "a*", full="1")
    assert ("6 passed" in told.text, told.left_out) == (True, []), told.text


def test_a_test_that_is_named_runs(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, "a*", "test_some.py::test_two").text


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    told = run(tmp_path, "gone")
    assert told.code == pytest.ExitCode.USAGE_ERROR
    assert "names parameters that do not exist: {'test_some.py::test_one': {'gone'}}" in told.text
