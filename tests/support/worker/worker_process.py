"""How the tests begin a worker: as a copy of a process that has loaded it, or as its image does."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from support.loaded_process import LoadedProcess, preload

MODULE = ("-m", "videoimport.worker")
"""The arguments of an interpreter that runs a worker."""
Process = LoadedProcess | subprocess.Popen[str]
preload(
    "videoimport.worker.process",
    "videoimport.worker.pipeline.import_runner",
    "videoimport.worker.listing.listing_runner",
    "videoimport.worker.webhook.delivery_runner",
)


def start_copy(
    argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None, *,
    output: IO[bytes] | None = None, is_joined: bool = False,
) -> LoadedProcess:  # fmt: skip
    """Start a worker as a copy of a loaded process. See LoadedProcess."""
    return LoadedProcess("videoimport.worker.__main__", argv, env, cwd, output=output, is_joined=is_joined)


def start_interpreter(
    argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None, *, is_joined: bool = False,
    program: Sequence[str] = MODULE, launcher: Sequence[str] = (), is_leader: bool = False,
) -> "subprocess.Popen[str]":  # fmt: skip
    """Start a worker as its image does. With ``is_leader`` it leads a process group of its own, as in a container."""
    return subprocess.Popen(
        [*launcher, sys.executable, *program, *argv], env=env, cwd=cwd, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if is_joined else subprocess.PIPE, start_new_session=is_leader,
    )  # fmt: skip
