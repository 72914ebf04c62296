"""Put load on this machine while a block runs: busy loops, and writers that force each file to the disk."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from videoimport.worker.runtime.subprocesses import end_with_parent

_LOOP = "while True: pass"
_WRITER = """
import os, sys
while True:
    with open(sys.argv[1], "wb") as file:
        for _ in range(16):
            file.write(bytes(2**20))
            file.flush()
            os.fsync(file.fileno())
"""
"""Program that writes the same file of 16 MiB again and again."""


@contextlib.contextmanager
def pressure(loops: int, writers: int) -> Iterator[None]:
    """Run the given number of busy loops and of writers. The kernel ends these processes if this process is killed."""
    with tempfile.TemporaryDirectory(prefix="videoimport-starvation-") as folder:
        commands = [[_LOOP]] * loops + [[_WRITER, str(Path(folder) / str(number))] for number in range(writers)]
        running = [_started(words) for words in commands]
        try:
            yield
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()


def _started(words: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", *words], preexec_fn=lambda: end_with_parent(signal.SIGKILL))
