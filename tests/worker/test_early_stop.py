"""What the start of a process imports, and that what is written twice for its sake is the same."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import read_report
from videoimport.api.tasks.import_task import TERMINATION_MESSAGE_PATH
from videoimport.worker import early_stop as starting

STOP = """
import os, signal, sys
from videoimport.worker import early_stop as starting
starting.end_when_stopped(sys.argv[1:])
loaded = sorted(name for name in sys.modules if name.split(".")[0] not in sys.stdlib_module_names)
print(*loaded, flush=True)
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
"""


def stopped(number: signal.Signals, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", STOP, number.name, *options], capture_output=True, text=True)


def test_the_exit_code_and_the_path_are_those_of_the_api() -> None:
    assert info(Reason.WORKER_LOST).exit_code == starting.EXIT_CODE
    assert starting.MESSAGE_PATH == TERMINATION_MESSAGE_PATH


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_a_report_that_can_be_read(tmp_path: Path, number: signal.Signals) -> None:
    message = tmp_path / "message"
    ended = stopped(number, "--termination-message", "/nowhere/else", "--termination-message", str(message))
    assert (ended.returncode, ended.stderr) == (starting.EXIT_CODE, "")
    report = read_report(message.read_text())
    assert (report.outcome, report.reason, report.uid) == ("Failed", Reason.WORKER_LOST, "")
    assert number.name in report.message


def test_the_exit_code_is_left_although_the_report_cannot_be_written() -> None:
    ended = stopped(signal.SIGTERM, "--termination-message", "/nowhere/at/all")
    assert (ended.returncode, ended.stderr) == (starting.EXIT_CODE, "")


def test_only_the_standard_library_is_imported_before_the_handlers() -> None:
    loaded = stopped(signal.SIGTERM, "--termination-message", "/nowhere/at/all").stdout.split()
    ours = [name for name in loaded if name.startswith("videoimport")]
    assert ours == ["videoimport", "videoimport.worker", "videoimport.worker.early_stop"]
    assert not {"boto3", "pydantic", "structlog", "yt_dlp"} & {name.split(".")[0] for name in loaded}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("videoimport.cli.__main__", {"pydantic", "rich", "typer"}),
        ("videoimport.cli.command_line", {"celpy", "kubernetes"}),
        ("videoimport.worker.process", {"ffmpeg", "yt_dlp"}),
        ("videoimport.worker.fetch.process", {"boto3", "botocore", "ffmpeg", "yt_dlp"}),
        ("videoimport.worker.listing.process", {"boto3", "botocore", "ffmpeg", "yt_dlp"}),
    ],
)
def test_a_process_imports_no_library_before_it_needs_it(module: str, absent: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not absent & {name.split(".")[0] for name in loaded.split()}


def test_a_report_can_be_written_at_once_when_the_worker_ends() -> None:
    """The other models' validators are built when they are first used."""
    script = """
from videoimport.api.tasks.import_report import Report
from videoimport.worker import process as running
print(Report.__pydantic_complete__)
running._run = lambda *_: print(Report.__pydantic_complete__) or 0
running.read_task = lambda _: None
running.parse = lambda *_: type("Paths", (), {"task": None})
running.main([])
"""
    shown = subprocess.run([sys.executable, "-u", "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "True"]
