"""The process's end: the report is left and the code is right, whoever reads its lines."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.waiting import LONGEST_SECONDS
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import Report, read_report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.worker.runtime.subprocesses import Children

SPEC = {
    "source": {"url": "https://e.com/v.mp4"},
    "destination": {"s3": {"bucket": "videos"}, "credentialsSecretRef": {"name": "store-keys"}},
}


def nobody() -> int:
    """A pipe whose reader is gone."""
    read, write = os.pipe()
    os.close(read)
    return write


def stuck() -> int:
    """A full pipe whose reader does not read."""
    _read, write = os.pipe()
    os.set_blocking(write, False)
    os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))
    os.set_blocking(write, True)
    return write


def run(tmp_path: Path, task: str, **streams: Any) -> tuple[int, Report]:
    """A run that ends before any network is used: its Secret is missing."""
    (tmp_path / "task.json").write_text(task)
    message = tmp_path / "message"
    code = subprocess.run(
        [sys.executable, "-m", "videoimport.worker", "--task", tmp_path / "task.json", "--scratch", tmp_path,
         "--credentials", tmp_path / "none", "--termination-message", message],
        timeout=LONGEST_SECONDS, **streams,
    ).returncode  # fmt: skip
    return code, read_report(message.read_text())


def task() -> str:
    spec = VideoImportSpec.model_validate(SPEC)
    made = Task(
        uid="u", namespace="team", name="clip", run=1, spec=spec, spec_hash=spec_hash(spec), allowed_networks=()
    )
    return made.model_dump_json(by_alias=True, exclude_none=True)


@pytest.mark.parametrize("pipe", [nobody, stuck])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_run_that_nobody_listens_to_leaves_its_report(tmp_path: Path, stream: str, pipe: Any) -> None:
    code, report = run(tmp_path, task(), **{stream: pipe()})
    assert report.reason is Reason.CREDENTIALS_NOT_FOUND
    assert code == info(Reason.CREDENTIALS_NOT_FOUND).exit_code


@pytest.mark.parametrize("pipe", [nobody, stuck])
def test_a_task_that_is_none_is_told_even_to_nobody(tmp_path: Path, pipe: Any) -> None:
    code, report = run(tmp_path, "{}", stderr=pipe())
    assert report.reason is Reason.INVALID_SPEC
    assert code == info(Reason.INVALID_SPEC).exit_code


def test_what_libnuma_says_in_a_pod_is_no_complaint_of_ffmpegs() -> None:
    denied = "echo 'set_mempolicy: Operation not permitted' >&2"
    assert Children().run(("sh", "-c", denied)).clean
    also = Children().run(("sh", "-c", f"{denied}; echo 'moov atom not found' >&2"))
    assert (also.clean, also.stderr) == (False, "moov atom not found\n")


def test_what_a_program_was_built_with_is_asked_once(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    children, script = Children(), "echo x >> $0; echo aac; [ $(wc -l < $0) -gt 1 ]"
    argv = ("sh", "-c", script, str(asked))
    answers = [children.ask(argv) for _ in range(4)]
    assert [answer.code for answer in answers] == [1, 0, 0, 0]  # a failure is not kept
    assert {answer.stdout for answer in answers} == {"aac\n"}
    assert asked.read_text() == "x\nx\n"
