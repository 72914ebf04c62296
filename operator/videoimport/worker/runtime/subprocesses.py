"""The one runner of child processes: each leads a session of its own, so that it can be ended with all it started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.source.probe import complaints
from videoimport.worker.runtime.errors import ImportFailure, Interruption
from videoimport.worker.runtime.stop_request import Stop

STDERR_BYTES = 16_384
"""Of a child's error stream, its end, this much is kept."""
_PR_SET_PDEATHSIG = 1
_TICKS = os.sysconf("SC_CLK_TCK")
_LIBC = ctypes.CDLL(None, use_errno=True)


def end_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when the thread that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)


_NO_COMPLAINTS = ("set_mempolicy: Operation not permitted", "get_mempolicy: Operation not permitted")
"""libnuma's, for x265: the seccomp profile of a pod lets it choose no memory node, and it continues without."""


_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals by which people and runtimes end a process; a program's own fault never sends one."""
_FFMPEG_STOPPED = 255
"""ffmpeg's exit code after SIGINT or SIGTERM, which it handles itself."""


def _die_with(parent: int) -> None:
    """Runs in the child before it becomes another program: a worker killed with -9 leaves nothing behind."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew
        os._exit(1)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended. A negative code is the signal that ended it."""

    code: int
    stdout: str
    stderr: str

    @property
    def clean(self) -> bool:
        """Code 0 and not a word on the error stream that counts."""
        return self.code == 0 and not complaints(self.stderr).strip()


class Child:
    """A running child. Read ``lines()`` to its end, then call ``ended()``."""

    def __init__(self, process: subprocess.Popen[str], name: str, stop: Stop) -> None:
        self._process, self._name, self._stop = process, name, stop
        self._killed = False
        self._tail: deque[str] = deque()
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        if process.stderr is not None:
            self._drain.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def cpu_seconds(self) -> float:
        """CPU time so far; 0 once it has ended."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def lines(self) -> Iterator[str]:
        """What it prints, as it comes."""
        assert self._process.stdout is not None  # noqa: S101
        yield from self._process.stdout

    def whole_lines(self) -> Iterator[str]:
        """The same without the last one where the child was killed in the middle of it."""
        return (line for line in self.lines() if line.endswith("\n"))

    def tell(self, text: str) -> None:
        """Hand it its whole standard input."""
        assert self._process.stdin is not None  # noqa: S101
        # A broken pipe: it ended already, and its code shows why.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(text)

    def say(self, line: str) -> None:
        """One line of its standard input, of which more may follow."""
        assert self._process.stdin is not None  # noqa: S101
        # A broken pipe: as above. A file that is closed: it got all there is.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """End it and all it started, at once."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ended(self, stdout: str = "") -> Ended:
        """Wait for its end. Raises the Interruption once one is requested: then its end proves nothing about the
        import. Raises ImportFailure OUT_OF_MEMORY or WORKER_LOST when something other than this worker ended it."""
        code = self._process.wait()
        if self._process.stderr is not None:
            self._drain.join()
        self._stop.check()
        if not self._killed and (number := self._ended_by(code)) is not None:
            self._stop.await_request()  # a stop of the whole pod may reach a child before it reaches this process
            self._blame(number)
        return Ended(code, stdout, "".join(self._tail))

    def _ended_by(self, code: int) -> signal.Signals | None:
        if -code in set(signal.Signals):
            return signal.Signals(-code)
        return signal.SIGTERM if code == _FFMPEG_STOPPED and self._name == "ffmpeg" else None

    def _blame(self, number: signal.Signals) -> None:
        """Raise for a signal that something else sent. A crash (SIGSEGV and others) is the program's own end."""
        if number is signal.SIGKILL:
            message = f"{self._name} was killed, most likely for lack of memory."
            raise ImportFailure(Reason.OUT_OF_MEMORY, message)
        if number in _ENDING:
            message = f"{self._name} was terminated from outside ({number.name})."
            raise ImportFailure(Reason.WORKER_LOST, message)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        size = 0
        for line in self._process.stderr:
            if line.strip() in _NO_COMPLAINTS:
                continue
            self._tail.append(line[:STDERR_BYTES])
            size += len(self._tail[-1])
            while size > STDERR_BYTES:
                size -= len(self._tail.popleft())


class Children:
    """Every child of this process. Start them from the main thread only: they end when the thread does."""

    def __init__(self, stop: Stop | None = None) -> None:
        self._stop = stop or Stop()
        self._all: list[Child] = []
        self._answers: dict[tuple[str, ...], Ended] = {}

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        logs_itself: bool = False,
        name: str | None = None,
    ) -> Child:
        """Start one; input and output are pipes of text, and the error stream too unless it writes our log itself.
        Messages call it ``name``, by default its program's. After a stop it is killed and the Interruption raised.

        Raises ImportFailure ENCODER_UNAVAILABLE for a program that is not there.
        """
        self._all = [child for child in self._all if child.running]
        child = None
        try:
            with self._stop.deferred():  # Python's fork hooks would lose the exception, and the child would be unknown
                process = _popen(argv, env, logs_itself=logs_itself)
                child = Child(process, name or os.path.basename(argv[0]), self._stop)  # noqa: PTH119
                self._all.append(child)
        except Interruption:
            if child is not None:
                child.kill()
            raise
        return child

    def run(self, argv: Sequence[str]) -> Ended:
        """Start one and wait for its end; for children whose output is short."""
        child = self.start(argv)
        child.tell("")
        return child.ended("".join(child.lines()))

    def ask(self, argv: Sequence[str]) -> Ended:
        """Run one whose answer does not change, such as what a program was built with; a clean answer is kept."""
        key = tuple(argv)
        ended = self._answers.get(key) or self.run(argv)
        if ended.clean:
            self._answers[key] = ended
        return ended

    def cpu_seconds(self) -> float:
        """CPU time of the children that are running, each without its own children."""
        return sum(child.cpu_seconds for child in self._all)

    @property
    def is_stopping(self) -> bool:
        """Whether the run was stopped."""
        return self._stop.cause is not None

    def kill_all(self) -> None:
        """End every child and all that they started, at once."""
        for child in self._all:
            child.kill()


def _popen(argv: Sequence[str], env: Mapping[str, str] | None, *, logs_itself: bool) -> subprocess.Popen[str]:
    parent = os.getpid()
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if logs_itself else subprocess.PIPE,
            text=True,
            errors="replace",
            env=dict(env) if env is not None else None,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )
    except FileNotFoundError:
        message = f"The worker image has no {argv[0]}."
        advice = f"Use a worker image that has {argv[0]}."
        raise ImportFailure(Reason.ENCODER_UNAVAILABLE, message, advice=advice) from None
