"""Steps that show themselves as they run: `[ 3/12] kube-apiserver … 225 s`."""

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
    """One thing to do. The action gets the step's log file and may return a remark, such as "already there"."""

    title: str
    log: Path
    action: Callable[[Path], str | None]


def run_steps(steps: Sequence[Step], out: TextIO = sys.stderr) -> None:
    """Run in order; the first failure shows the end of its log and is raised again."""
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
        out.write(elapsed(time.monotonic() - began) + (f" ({remark})" if remark else "") + "\n")
        out.flush()


def heading(number: int, total: int, title: str) -> str:
    """Numbers are padded, so that titles are aligned."""
    return f"[{number:>{len(str(total))}}/{total}] {title}"


def elapsed(seconds: float) -> str:
    """Tenths below ten seconds, whole seconds above."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _failed_log(failure: ClusterError, step: Step, written: int) -> tuple[Path, int]:
    """A command that failed knows its log best; of the step's own, only what this run wrote is of interest."""
    log = failure.log if isinstance(failure, CommandFailedError) and failure.log else step.log
    return log, written if log == step.log else 0


def show_tail(log: Path, start: int, out: TextIO) -> None:
    """The last lines of a log, none of them from before `start`, and where to read the rest."""
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
