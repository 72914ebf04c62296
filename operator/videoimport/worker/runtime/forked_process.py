"""A child process that is a copy of this process. Its modules are loaded already, which saves CPU time.

The interface is the part of ``subprocess.Popen`` that ``Child`` uses.
"""

import contextlib
import ctypes
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Never, TextIO

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_STDERR = 2


def end_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to send this process the signal ``number`` when the thread that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)


def die_with(parent: int) -> None:
    """Prepare a new child process, so that it does not survive a ``parent`` that was killed with SIGKILL."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before prctl took effect
        os._exit(1)


def can_fork() -> bool:
    """Return whether this process has one thread only. The copy of a lock that another thread holds stays locked."""
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 — names are enough


class ForkedProcess:
    """A copy of this process that runs one function in a session of its own, with pipes as stdin and stdout."""

    stderr = None
    """The process shares the parent's stderr."""

    def __init__(self, pid: int, stdin: TextIO, stdout: TextIO) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._code: int | None = None
        self._reading = threading.RLock()  # a signal handler of the same thread may ask too

    @classmethod
    def start(cls, main: Callable[[], None], env: Mapping[str, str], name: str) -> "ForkedProcess":
        """Fork, and run ``main`` in the copy. ``name`` is the name of the copy in ``ps``, at most 15 bytes.

        Call this only if ``can_fork``. The copy has no other environment variables than ``env``, no open files of this
        process, and the default signal handlers.
        """
        parent, (its_stdin, stdin), (stdout, its_stdout) = os.getpid(), os.pipe(), os.pipe()
        sys.stdout.flush()
        gc.freeze()  # the collector would write to the pages of all objects, and so copy them
        try:
            pid = os.fork()
        except OSError:
            for descriptor in (its_stdin, stdin, stdout, its_stdout):
                os.close(descriptor)
            raise
        if pid == 0:
            _run(main, parent, (its_stdin, its_stdout), env, name)
        os.close(its_stdin)
        os.close(its_stdout)
        return cls(pid, open(stdin, "w", encoding="utf-8"), open(stdout, encoding="utf-8", errors="replace"))  # noqa: PTH123

    def poll(self) -> int | None:
        """Return the exit code, or None if the process runs. A negative code is the number of a signal."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        code = self._wait(0)
        assert code is not None  # noqa: S101
        return code

    def _wait(self, flags: int) -> int | None:
        """The exit code is read before the process is removed, so that a signal between the two loses no code."""
        if self._code is not None:
            return self._code
        with contextlib.suppress(ChildProcessError):  # another thread was faster
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | flags) is None:
                return None
        with self._reading:
            if self._code is None:
                self._remove()
        return self._code

    def _remove(self) -> None:
        try:
            end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            assert end is not None  # noqa: S101
            self._code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            self._code = self._code or 0  # other code of this process has removed it, as ``subprocess.Popen`` assumes

    def kill(self) -> None:
        """Send SIGKILL to the process. A signal handler may call this method."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _run(main: Callable[[], None], parent: int, pipes: tuple[int, int], env: Mapping[str, str], name: str) -> Never:
    """Turn the copy into a process like one that a new interpreter began, run ``main``, and end."""
    code = 1
    try:
        os.setsid()
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        die_with(parent)
        _LIBC.prctl(_PR_SET_NAME, name.encode())
        _connect(*pipes)
        os.environ.clear()
        os.environ.update(env)
        if not sys.flags.safe_path:
            del sys.path[0]  # the folder of the program, or the current one
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 — as the interpreter does at its end
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _connect(stdin: int, stdout: int) -> None:
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 — a range may have a billion numbers
        if descriptor > _STDERR:
            with contextlib.suppress(OSError):  # that of the folder that was listed
                os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = io.TextIOWrapper(open(1, "wb", 0, closefd=False), encoding="utf-8", write_through=True)  # noqa: SIM115
