"""A worker or a controller as a copy of a server process that has loaded their modules.

It behaves as one that a new interpreter began, and takes a tenth of the CPU time to begin. How a new interpreter begins
is what `test_early_stop.py` and `test_stops.py` show, and every test of a cluster.
"""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

_SERVER = multiprocessing.get_context("forkserver")
_STARTING = threading.Lock()


def preload(*modules: str) -> None:
    """Let the server load these modules too. It starts with the first process."""
    _LOADED.extend(modules)
    _SERVER.set_forkserver_preload(_LOADED)


_LOADED = [__name__]


class LoadedProcess:
    """What the tests use of a ``subprocess.Popen``, with text pipes."""

    def __init__(
        self, module: str, argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None, *,
        output: IO[bytes] | None = None, is_joined: bool = False,
    ) -> None:  # fmt: skip
        """``main`` of the module runs. ``output`` is a file for stdout and stderr; with ``is_joined`` both are in
        ``self.stdout``."""
        pipes = [] if output else [os.pipe()] if is_joined else [os.pipe(), os.pipe()]
        ends = [_Descriptor(output.fileno())] if output else [_Descriptor(end) for _, end in pipes]
        readers: list[IO[str] | None] = [open(reader, errors="replace") for reader, _ in pipes]  # noqa: PTH123, SIM115
        self.stdout, self.stderr = [*readers, None, None][:2]
        arguments = (module, [str(word) for word in argv], dict(env), str(cwd or Path.cwd()), ends)
        self._process = _SERVER.Process(target=_become, args=arguments, daemon=True)
        with _STARTING:
            self._process.start()
        for _, end in pipes:
            os.close(end)
        self.pid, self._module = self._process.pid or 0, module
        self.returncode: int | None = None
        self._reading = threading.Lock()

    def poll(self) -> int | None:
        with self._reading:
            self.returncode = self._process.exitcode
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.poll() is None and not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(self._module, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All output until the end."""
        told = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                told[number] = stream.read()

        streams = [(number, stream) for number, stream in enumerate((self.stdout, self.stderr)) if stream]
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return told[0], told[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def stop_server() -> None:
    """Wait for the end of the server, if it runs, so that the CPU time of its processes counts."""
    forkserver._forkserver._stop()


class _Descriptor:
    """A descriptor that the server gets with the request for a process, and passes on."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> Any:
        return DupFd(self.number)

    def __setstate__(self, passed: Any) -> None:
        self.number = passed.detach()


def _become(module: str, argv: list[str], env: dict[str, str], folder: str, ends: Sequence[_Descriptor]) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(ends[0].number, 1)
    os.dup2(ends[-1].number, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    tempfile.tempdir = None
    sys.argv = [module, *argv]
    importlib.import_module(module).main()
