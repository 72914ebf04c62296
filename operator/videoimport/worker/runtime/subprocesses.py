"""The child processes of a task: programs, and copies of this process.

Each child process leads a separate session, so that it can be killed together with all processes that it started.
"""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.source.probe import complaints
from videoimport.worker.runtime.errors import ImportFailure, Interruption
from videoimport.worker.runtime.forked_process import ForkedProcess, can_fork, die_with
from videoimport.worker.runtime.stop_request import Stop

STDERR_CHARACTERS = 16_384
"""Maximum number of characters that are kept from the end of a child process's stderr."""
_TICKS = os.sysconf("SC_CLK_TCK")
_NO_COMPLAINTS = ("set_mempolicy: Operation not permitted", "get_mempolicy: Operation not permitted")
"""Messages of libnuma (used by x265) on stderr that are ignored.

The seccomp profile of a pod does not let libnuma choose a memory node, and libnuma continues without one.
"""


_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals by which users and container runtimes end a process. A fault of the program never sends them."""
_FFMPEG_STOPPED = 255
"""Exit code of ffmpeg after SIGINT or SIGTERM, which ffmpeg handles itself."""
_EXIT_REQUESTED = "Immediate exit requested"
"""Text that ffmpeg prints if such a signal arrives while it opens its input. The exit code is then 1."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit code and output of a child process. A negative code is the number of the signal that ended the child
    process."""

    code: int
    stdout: str
    stderr: str

    @property
    def clean(self) -> bool:
        """Return whether the exit code is 0 and stderr has no relevant message."""
        return self.code == 0 and not complaints(self.stderr).strip()


class Child:
    """A running child process. Read ``lines()`` to the end, then call ``ended()``."""

    def __init__(self, process: subprocess.Popen[str] | ForkedProcess, name: str, stop: Stop) -> None:
        self._process, self._name, self._stop = process, name, stop
        self._killed = False
        self._tail: deque[str] = deque()
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        if process.stderr is not None:
            self._drain.start()

    @property
    def running(self) -> bool:
        """Return whether the child process is still running."""
        return self._process.poll() is None

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds that the child process has used so far. The value is 0 after the child process has ended."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def lines(self) -> Iterator[str]:
        """Yield the lines of the child process's stdout as they arrive."""
        assert self._process.stdout is not None  # noqa: S101
        yield from self._process.stdout

    def whole_lines(self) -> Iterator[str]:
        """Yield the lines of the child process's stdout. A last line without a line break is left out, because the
        child process was killed while it wrote the line."""
        return (line for line in self.lines() if line.endswith("\n"))

    def tell(self, text: str) -> None:
        """Write ``text`` to the child process's stdin and close the stdin."""
        assert self._process.stdin is not None  # noqa: S101
        # A broken pipe means that the child has ended. Its exit code shows the reason.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(text)

    def say(self, line: str) -> None:
        """Write one line to the child process's stdin, which stays open."""
        assert self._process.stdin is not None  # noqa: S101
        # A broken pipe: as above. ValueError means that stdin was closed before.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """Close the child process's stdin and wait for its end, so that its CPU time counts. The child process ends by
        itself after this."""
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def kill(self) -> None:
        """Kill the child process and all processes that it started, at once."""
        self._killed = True
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            if isinstance(self._process, ForkedProcess):  # perhaps it has not begun a session of its own yet
                self._process.kill()

    def ended(self, stdout: str = "") -> Ended:
        """Wait for the end of the child process and return its output.

        Raises the Interruption if a stop was requested, because the end of the child process then says nothing about
        the import. Raises ImportFailure OUT_OF_MEMORY or WORKER_LOST if another program ended the child process.
        """
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
        is_stopped = code == _FFMPEG_STOPPED or (code == 1 and "".join(self._tail).rstrip().endswith(_EXIT_REQUESTED))
        return signal.SIGTERM if is_stopped and self._name == "ffmpeg" else None

    def _blame(self, number: signal.Signals) -> None:
        """Raise ImportFailure for a signal that another process or the kernel sent.

        A crash of the program itself (such as SIGSEGV) is not reported here.
        """
        if number is signal.SIGKILL:
            message = f"{self._name} was killed, most likely for lack of memory."
            raise ImportFailure(Reason.OUT_OF_MEMORY, message)
        if number in _ENDING:
            message = f"{self._name} was terminated by another process ({number.name})."
            raise ImportFailure(Reason.WORKER_LOST, message)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        size = 0
        for line in self._process.stderr:
            if line.strip() in _NO_COMPLAINTS:
                continue
            self._tail.append(line[:STDERR_CHARACTERS])
            size += len(self._tail[-1])
            while size > STDERR_CHARACTERS:
                size -= len(self._tail.popleft())


class Children:
    """All child processes of this process.

    Start child processes from the main thread only, because a child process is killed when the thread that started it
    ends.
    """

    def __init__(self, stop: Stop | None = None, *, may_copy: bool = False) -> None:
        """With ``may_copy`` a child process may be a copy of this process. Nothing secret may be in its memory then."""
        self._stop, self._may_copy = stop or Stop(), may_copy
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
        """Start a child process. Its stdin, stdout and stderr are text pipes. With ``logs_itself`` the child process
        shares this process's stderr.

        Messages call the child process ``name``, by default the name of its program. If a stop was requested, this
        method kills the child process and raises the Interruption. Raises ImportFailure ENCODER_UNAVAILABLE if the
        program does not exist.
        """
        title = name or os.path.basename(argv[0])  # noqa: PTH119
        return self._record(lambda: _popen(argv, env, logs_itself=logs_itself), title)

    def start_python(self, main: Callable[[], None], env: Mapping[str, str], name: str) -> Child:
        """Start a Python process that runs ``main``, a function at the top of a module that can run as a program.

        The process shares this process's stderr. With ``may_copy`` it is a copy of this process if this process has one
        thread, so start it before any thread. Otherwise a new interpreter runs the module.
        """
        module = main.__module__
        if self._may_copy and can_fork():
            title = ".".join(module.split(".")[1:3])  # such as worker.fetch
            return self._record(lambda: ForkedProcess.start(main, env, title), name)
        return self.start((sys.executable, "-P", "-m", module), env=env, logs_itself=True, name=name)

    def _record(self, start: Callable[[], subprocess.Popen[str] | ForkedProcess], name: str) -> Child:
        self._all = [child for child in self._all if child.running]
        child = None
        try:
            with self._stop.deferred():  # a fork hook would lose the exception, and the child would not be recorded
                child = Child(start(), name, self._stop)
                self._all.append(child)
        except Interruption:
            if child is not None:
                child.kill()
            raise
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOMEM):
                raise
            message = f"The container cannot start {name}: {error.strerror}."
            advice = "Raise the limits of memory and of processes of the worker's pod or of its node."
            raise ImportFailure(Reason.OUT_OF_MEMORY, message, advice=advice) from None
        return child

    def run(self, argv: Sequence[str]) -> Ended:
        """Start a child process whose output is short, and wait for its end."""
        child = self.start(argv)
        child.tell("")
        return child.ended("".join(child.lines()))

    def ask(self, argv: Sequence[str]) -> Ended:
        """Run a command whose output does not change, such as a query of a program's build options. The output is
        cached if there were no errors."""
        key = tuple(argv)
        ended = self._answers.get(key) or self.run(argv)
        if ended.clean:
            self._answers[key] = ended
        return ended

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the running child processes. Processes that they started are not included."""
        return sum(child.cpu_seconds for child in self._all)

    @property
    def is_stopping(self) -> bool:
        """Return whether a stop of the run was requested."""
        return self._stop.cause is not None

    def kill_all(self) -> None:
        """Kill all child processes and all processes that they started, at once."""
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
            preexec_fn=lambda: die_with(parent),
        )
    except FileNotFoundError:
        message = f"The worker image has no {argv[0]}."
        advice = f"Use a worker image that has {argv[0]}."
        raise ImportFailure(Reason.ENCODER_UNAVAILABLE, message, advice=advice) from None
