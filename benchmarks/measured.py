"""Run a program and measure it: wall time, CPU time with all its children, and the peak size of its folder."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.02


class OutOfTimeError(Exception):
    """Raised when a program was ended because no time was left."""


@dataclass(frozen=True)
class Took:
    """The measurements of one program: seconds of wall and CPU time, and the peak size of its folder in bytes."""

    wall: float
    cpu: float
    peak: int = 0


def size_of(folder: Path) -> int:
    """Return the size in bytes of all files below a folder."""
    total = 0
    for found, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(found) / name).lstat().st_size
            except OSError:
                continue
    return total


class _Peak(threading.Thread):
    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder, self._over = folder, threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self.bytes = max(self.bytes, size_of(self._folder))

    def stop(self) -> int:
        self._over.set()
        self.join()
        return self.bytes


def run(argv: Sequence[str | Path], folder: Path, seconds: float, env: Mapping[str, str] | None = None) -> Took:
    """Run a program in a folder for at most ``seconds``. Raise OutOfTimeError, or RuntimeError with the end of its
    stderr."""
    peak = _Peak(folder)
    with (folder.parent / "words").open("w+") as words:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words,
            start_new_session=True,
        )  # fmt: skip
        alarm = threading.Timer(seconds, lambda: os.killpg(process.pid, signal.SIGKILL))
        alarm.start()
        peak.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        wall = time.monotonic() - began
        alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        most = peak.stop()
        if wall >= seconds:
            raise OutOfTimeError
        if process.returncode:
            words.seek(0)
            raise RuntimeError(f"{argv[0]} ended with code {process.returncode}: {words.read()[-800:]}")
    return Took(wall, usage.ru_utime + usage.ru_stime, most)
