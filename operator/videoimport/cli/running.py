"""The worker as a local process. It is started as in its pod, its lines are read one by one, and it ends together with
its child processes."""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.import_task import Task
from videoimport.cli.local_paths import Places
from videoimport.cli.simulated_status import RunEnd
from videoimport.worker.runtime.subprocesses import end_with_parent

_SIGNALLED = 128
_GRACE_SECONDS = 8.0
"""Seconds between SIGTERM and SIGKILL. The worker needs four seconds to abort an upload and two for its final
report."""
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Room:
    """A private folder for one run. The folder is deleted at the end."""

    folder: Path

    @property
    def message(self) -> Path:
        """File into which the worker writes its report."""
        return self.folder / "message"

    @property
    def log(self) -> Path:
        """File with the error stream of the worker."""
        return self.folder / "log"

    @property
    def scratch(self) -> Path:
        """Folder for the temporary files of the worker."""
        return self.folder / "scratch"

    def furnish(self, task: Task, places: Places) -> list[str]:
        """Write the input files of the worker and return its command line.

        Secrets are copied. So source and destination have separate files even if both use one Secret, and the fetching
        process cannot read the destination's Secret.
        """
        self.scratch.mkdir()
        self._reserve()
        task_file = self.folder / "task.json"
        task_file.write_text(task.model_dump_json(by_alias=True, exclude_none=True))
        options = {
            "--task": task_file,
            "--scratch": self.scratch,
            "--termination-message": self.message,
            "--credentials": self._copied("destination-secret", places.destination_secret),
            "--source-credentials": self._copied("source-secret", places.source_secret),
            "--source-volume": places.source_volume,
            "--destination-volume": places.destination_volume,
            "--ca-bundle": places.ca_bundle,
        }
        words = [word for option, path in options.items() if path for word in (option, str(path))]
        return [sys.executable, "-P", "-m", "videoimport.worker", *words]

    def _reserve(self) -> None:
        """Reserve disk space for the report. Scratch is in the same file system, which may be full when the report is
        written."""
        with self.message.open("wb") as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, MAX_BYTES)

    def _copied(self, name: str, secret: Path | None) -> Path | None:
        if secret is None:
            return None
        copy = self.folder / name
        copy.mkdir()
        for key in secret.iterdir():
            if key.is_file():
                (copy / key.name).write_bytes(key.read_bytes())
        return copy


@contextlib.contextmanager
def room() -> Iterator[Room]:
    """Create a private folder below the system's folder for temporary files. Only its owner can read it."""
    folder = Path(tempfile.mkdtemp(prefix="videoimport-"))
    try:
        yield Room(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Stopped(Exception):  # noqa: N818 — a decision of the user, not an error
    """Raised when the user stopped the command with a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = _SIGNALLED + number


class Bell:
    """Receives signals as bytes in a pipe. So a signal interrupts only the wait for the next line."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = {number: signal.signal(number, self._ring) for number in _STOPPING}

    def _ring(self, number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, bytes([number]))

    def close(self) -> None:
        """Restore the earlier signal handlers and close the pipe."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.reader)
        os.close(self._writer)


def run(argv: Sequence[str], place: Room, heard: Callable[[str], None], *, verbose: bool) -> RunEnd:
    """Run the worker and pass each output line to ``heard``. If the user stops the command, raises Stopped after the
    cleanup.

    The log of the worker goes to a file in the folder of the run. If ``verbose``, it goes to the error stream of this
    process.
    """
    bell = Bell()
    try:
        with place.log.open("wb") as log:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if verbose else log,
                env={**os.environ, "TMPDIR": str(place.scratch)},
                start_new_session=True,  # only this process receives Ctrl-C, so the worker has time to abort its upload
                preexec_fn=_end_with_us,
            )
        try:
            for line in _lines(process, bell):
                heard(line)
        finally:
            _end(process)
        return RunEnd(_code(process.returncode), _text(place.message))
    finally:
        bell.close()


def _end_with_us() -> None:
    """Send SIGTERM to the worker if this process is killed. This function runs in the child before the worker
    starts."""
    end_with_parent(signal.SIGTERM)


def _lines(process: "subprocess.Popen[bytes]", bell: Bell) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101
    descriptor, rest = process.stdout.fileno(), b""
    with selectors.DefaultSelector() as ready:
        ready.register(descriptor, selectors.EVENT_READ)
        ready.register(bell.reader, selectors.EVENT_READ)
        while True:
            readable = {key.fd for key, _ in ready.select()}
            if bell.reader in readable:
                raise Stopped(os.read(bell.reader, 1)[0])
            chunk = os.read(descriptor, 65536)
            if not chunk:
                process.wait()
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Send SIGTERM, and later SIGKILL. With the worker, the kernel ends the child processes of the worker."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE_SECONDS)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _code(returncode: int) -> int:
    return returncode if returncode >= 0 else _SIGNALLED - returncode


def _text(path: Path) -> str | None:
    """Return the report of the worker, or None if the file has only the reserved space."""
    return (path.read_text(errors="replace").strip("\0") or None) if path.exists() else None
