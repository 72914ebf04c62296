"""Start and stop long-running processes. Each runs in a session of its own.

A process is identified by process id, start time and boot, and never by its name.
"""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.waiting import wait_until

PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """The identity of one process. Process ids are used again, but start times within one boot are not."""

    pid: int
    started: int
    boot: str

    @property
    def alive(self) -> bool:
        """Whether this process still runs."""
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """Return the identity of a running process, or None for a process that is gone or a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = read_stat(stat)
    return None if state in "ZX" else Identity(pid, started, (PROC / "sys/kernel/random/boot_id").read_text().strip())


def read_stat(stat: str) -> tuple[str, int]:
    """Return state and start time from the content of /proc/PID/stat. The command in it may contain spaces and
    parentheses."""
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


@dataclass(frozen=True)
class Daemon:
    """A program that keeps running. A change of `argv` or of a file in `reads` restarts the program."""

    name: str
    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    netns: Path | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of the command line and of the files that the program reads."""
        digest = hashlib.sha256("\0".join(self.argv).encode())
        for file in self.reads:
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]

    @property
    def command(self) -> tuple[str, ...]:
        """The command line that starts the program, inside the network namespace if there is one."""
        return ("nsenter", f"--net={self.netns}", *self.argv) if self.netns else self.argv


def start(daemon: Daemon, pids: Path, log: Path) -> str | None:
    """Start the program unless it already runs with the same fingerprint. Stop a program with another fingerprint
    first."""
    file = pids / f"{daemon.name}.json"
    if (kept := recorded(file)) and kept.alive:
        if json.loads(file.read_text())["fingerprint"] == daemon.fingerprint:
            return "runs already"
        stop([kept])
    pids.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as sink:
        child = subprocess.Popen(
            daemon.command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
    if identity := identify(child.pid):
        file.write_text(json.dumps({**asdict(identity), "fingerprint": daemon.fingerprint}) + "\n")
    return None


def recorded(file: Path) -> Identity | None:
    """Return the process that a file names, running or not."""
    try:
        known = json.loads(file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Identity(known["pid"], known["started"], known["boot"])


def running(pids: Path, name: str) -> Identity | None:
    """Return the process with this name, if it runs."""
    known = recorded(pids / f"{name}.json")
    return known if known and known.alive else None


def stop(targets: Sequence[Identity], seconds: float = 5) -> None:
    """Send SIGTERM to all processes. Kill the processes that still run after ``seconds``."""
    for signal_number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10.0)):
        for target in targets:
            _send(target, signal_number)
        if wait_until(lambda: not any(target.alive for target in targets), patience):
            return


def kill(targets: Sequence[Identity]) -> None:
    """Kill the processes at once."""
    for target in targets:
        _send(target, signal.SIGKILL)
    wait_until(lambda: not any(target.alive for target in targets), 10)


def _send(target: Identity, signal_number: int) -> None:
    """Send a signal through a process file descriptor, so that no new process with the same id gets the signal."""
    try:
        handle = os.pidfd_open(target.pid)
    except ProcessLookupError:
        return
    try:
        if target.alive:
            signal.pidfd_send_signal(handle, signal_number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def started_below(folders: Sequence[Path], programs: Sequence[str]) -> Iterator[Identity]:
    """Yield processes of these programs that have a path below these folders in their arguments.

    This also finds processes without a pid file.
    """
    for entry in PROC.iterdir():
        if entry.name.isdigit() and belongs(_arguments(entry), folders, programs):
            identity = identify(int(entry.name))
            if identity:
                yield identity


def belongs(argv: Sequence[str], folders: Sequence[Path], programs: Sequence[str]) -> bool:
    """Return whether a command line runs one of the programs and names a path below one of the folders."""
    if not argv or Path(argv[0]).name not in programs:
        return False
    return any(f"{folder}/" in word for word in argv[1:] for folder in folders)


def _arguments(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
