"""What the end of a child process shows."""

import stat
from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.stop_request import Stop
from videoimport.worker.runtime.subprocesses import Children, Ended


class NoStop(Stop):
    """A stop that nobody requests, so that nothing waits for it."""

    def await_request(self, seconds: float = 0) -> None:
        self.check()


def ended(folder: Path, name: str, script: str) -> Ended:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Children(NoStop()).run([str(program)])


@pytest.mark.parametrize("script", ["exit 255", "echo 'http://x/source: Immediate exit requested' >&2; exit 1"])
def test_an_ffmpeg_that_was_terminated_says_nothing_about_the_source(tmp_path: Path, script: str) -> None:
    with pytest.raises(ImportFailure, match="ffmpeg was terminated by another process") as caught:
        ended(tmp_path, "ffmpeg", script)
    assert caught.value.reason is Reason.WORKER_LOST


def test_an_ffmpeg_that_failed_is_not_taken_for_a_terminated_one(tmp_path: Path) -> None:
    assert ended(tmp_path, "ffmpeg", "echo 'x: Invalid data found' >&2; exit 1").code == 1
    assert ended(tmp_path, "ffprobe", "exit 255").code == 255


def test_a_program_that_another_thread_has_waited_for_is_killed_without_an_error() -> None:
    """``poll`` of such a process says that it runs, while the other thread has its lock."""
    child = Children(NoStop()).start(["true"])
    child._process.wait()
    with child._process._waitpid_lock:  # type: ignore[union-attr]
        child._process.returncode = None  # type: ignore[misc]
        child.kill()
        child._process.returncode = 0  # type: ignore[misc]
