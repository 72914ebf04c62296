"""Run programs to their end: write their output into a log file, and kill the whole process group on an interrupt."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.errors import ClusterError, CommandFailedError

Argv = Sequence[str | os.PathLike[str]]


def run(
    argv: Argv, *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None, text: str | None = None
) -> None:
    """Run a program to its end. Append the command line and all output to `log`. Raise CommandFailedError on
    failure."""
    words = [os.fspath(word) for word in argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as sink:
        sink.write(f"$ {shlex.join(words)}\n")
        sink.flush()
        code, _ = _run(words, stdout=sink.fileno(), stderr=subprocess.STDOUT, env=env, cwd=cwd, text=text)
    if code != 0:
        raise CommandFailedError(words, code, log)


def output(argv: Argv, *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Return the program's standard output. An error contains the program's error output."""
    words = [os.fspath(word) for word in argv]
    code, (out, err) = _run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd, text=None)
    if code != 0:
        raise ClusterError(f"{shlex.join(words)} ended with exit code {code}: {err.strip() or out.strip()}")
    return out


def succeeds(argv: Argv) -> bool:
    """Return whether the program exists and ends with exit code 0."""
    try:
        output(argv)
    except ClusterError:
        return False
    return True


def _run(
    words: Sequence[str],
    *,
    stdout: int,
    stderr: int,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    text: str | None,
) -> tuple[int, tuple[str, str]]:
    """Run a program in a new session, so that an interrupt kills a build with all its compilers and nothing else."""
    stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
    full = {**os.environ, **env} if env is not None else None
    try:
        child = subprocess.Popen(
            words, stdin=stdin, stdout=stdout, stderr=stderr, env=full, cwd=cwd, start_new_session=True, text=True
        )
    except FileNotFoundError as gone:
        raise ClusterError(f"{words[0]} is not installed") from gone
    try:
        out, err = child.communicate(text)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    return child.returncode, (out or "", err or "")
