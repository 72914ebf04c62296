"""Steps that show themselves as they run: `[ 3/12] kube-apiserver … 225 s`."""

import sys
import time
from collections import deque
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
        began = time.monotonic()
        try:
            remark = step.action(step.log)
        except ClusterError as failure:
            out.write(f"failed after {elapsed(time.monotonic() - began)}\n")
            show_tail(failed_log(failure, step), out)
            raise
        except KeyboardInterrupt:
            out.write(f"interrupted after {elapsed(time.monotonic() - began)}\n")
            raise
        out.write(elapsed(time.monotonic() - began) + (f" ({remark})" if remark else "") + "\n")
        out.flush()


def heading(number: int, total: int, title: str) -> str:
    """Numbers are padded, so that titles stand below each other."""
    return f"[{number:>{len(str(total))}}/{total}] {title}"


def elapsed(seconds: float) -> str:
    """Tenths below ten seconds, whole seconds above."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def failed_log(failure: ClusterError, step: Step) -> Path:
    """A command that failed knows its log best."""
    return failure.log if isinstance(failure, CommandFailedError) and failure.log else step.log


def show_tail(log: Path, out: TextIO) -> None:
    """The last lines of a log and where to read the rest."""
    if not log.exists():
        return
    with log.open(encoding="utf-8", errors="replace") as lines:
        out.writelines(f"    {line.rstrip()}\n" for line in deque(lines, maxlen=TAIL_LINES))
    out.write(f"    log: {log}\n")
    out.flush()
