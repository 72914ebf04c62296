"""Run steps and print their progress, such as `[ 3/12] kube-apiserver … 225 s`."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cluster.errors import ClusterError, CommandFailedError

TAIL_LINES = 20


@dataclass(frozen=True)
class Step:
    """One step. The action gets the step's log file and may return a remark, such as "already there"."""

    title: str
    log: Path
    action: Callable[[Path], str | None]


def run_steps(steps: Sequence[Step], out: TextIO = sys.stderr, times: Path | None = None) -> None:
    """Run the steps in order. If a step fails, print the end of its log and raise the error again.

    With `times`, append a line of JSON for each finished step to this file: its title, seconds and remark.
    """
    for number, step in enumerate(steps, start=1):
        out.write(f"{heading(number, len(steps), step.title)} … ")
        out.flush()
        began, written = time.monotonic(), _size(step.log)
        try:
            remark = step.action(step.log)
        except ClusterError as failure:
            out.write(f"failed after {elapsed(time.monotonic() - began)}\n")
            show_tail(*_failed_log(failure, step, written), out)
            raise
        except KeyboardInterrupt:
            out.write(f"interrupted after {elapsed(time.monotonic() - began)}\n")
            raise
        seconds = time.monotonic() - began
        out.write(elapsed(seconds) + (f" ({remark})" if remark else "") + "\n")
        out.flush()
        if times:
            _append(times, step.title, seconds, remark)


def _append(times: Path, title: str, seconds: float, remark: str | None) -> None:
    with times.open("a") as file:
        file.write(json.dumps({"title": title, "seconds": seconds, "remark": remark}) + "\n")


def heading(number: int, total: int, title: str) -> str:
    """Return the heading of a step. Numbers are padded, so that titles are aligned."""
    return f"[{number:>{len(str(total))}}/{total}] {title}"


def elapsed(seconds: float) -> str:
    """Return a duration as text, with tenths below ten seconds and in whole seconds above."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _failed_log(failure: ClusterError, step: Step, written: int) -> tuple[Path, int]:
    """Return the log of a failed step, and the offset from which to show it.

    A failed command may have a log of its own. Of the step's log, only the lines of this run are shown.
    """
    log = failure.log if isinstance(failure, CommandFailedError) and failure.log else step.log
    return log, written if log == step.log else 0


def show_tail(log: Path, start: int, out: TextIO) -> None:
    """Print the last lines of a log that were written after the offset `start`, then the path of the log."""
    if not log.exists():
        return
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()
    out.writelines(f"    {line}\n" for line in lines[-TAIL_LINES:])
    out.write(f"    log: {log}\n")
    out.flush()


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
