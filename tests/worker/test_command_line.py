"""Commands whose output cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "kubectl-videoimport"
PRINTING = [
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["reasons"],
    ["reasons", "-o", "json"],
    ["reasons", "SourceNotFound"],
    ["create", "https://media.example.com/a.mp4", "--into", "s3://videos", "--dry-run"],
]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_full_disk_is_one_line_and_no_success(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = subprocess.run(
            [PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert command.returncode == 2
    assert command.stderr == (
        "error: a write failed: No space left on device; free space for the output and for temporary files, or write "
        "elsewhere.\n"
    )


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_reader_that_needs_no_more_is_no_error(words: list[str]) -> None:
    process = subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


def test_a_full_error_stream_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        command = subprocess.run([PROGRAM, "reasons", "x"], stdout=subprocess.DEVNULL, stderr=full, check=False)
    assert command.returncode == 2


def test_a_closed_output_stream_is_one_line_and_no_success() -> None:
    words = f"{PROGRAM} reasons SourceNotFound >&-"
    command = subprocess.run(words, shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert command.returncode == 2
    assert command.stderr == "error: standard output is closed; redirect it to a file or to /dev/null.\n"


@pytest.mark.parametrize("words", [["run", "--help"], ["reasons"]], ids=" ".join)
def test_a_terminal_without_unicode_is_no_error(words: list[str]) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = subprocess.run([PROGRAM, *words], capture_output=True, env=environment, check=False, timeout=60)
    assert (command.returncode, command.stderr) == (0, b"")
    assert command.stdout.isascii()


def test_a_narrow_terminal_gets_reasons_as_lines() -> None:
    environment = os.environ | {"COLUMNS": "40"}
    command = subprocess.run([PROGRAM, "reasons"], capture_output=True, text=True, env=environment, check=True)
    assert command.stdout.startswith("InvalidSpec (exit code 64)\n  What happened  ")
