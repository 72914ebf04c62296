"""The memory of the worker's processes, as the kernel counts it."""

import os
import threading
from pathlib import Path
from types import TracebackType

_OURS = (b"videoimport.worker", b"ffmpeg", b"ffprobe")


class MemoryPeaks:
    """Watches all descendants of this process that are the worker's, inside ``with``."""

    def __enter__(self) -> "MemoryPeaks":
        self._over = threading.Event()
        self._peaks: dict[int, int] = {}
        self._programs: dict[int, str] = {}
        self._most = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def together(self) -> int:
        """Most MiB that all of them had at one moment."""
        return self._most // 1024

    def of(self, word: str) -> int:
        """Most MiB that one process had whose command or name has this word."""
        return max((self._peaks[pid] for pid, name in self._programs.items() if word in name), default=0) // 1024

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._look()

    def _look(self) -> None:
        sums = 0
        for pid in _descendants():
            try:
                argv = Path(f"/proc/{pid}/cmdline").read_bytes()
                if not any(word in argv for word in _OURS):
                    continue
                status = Path(f"/proc/{pid}/status").read_text()
                argv += Path(
                    f"/proc/{pid}/comm"
                ).read_bytes()  # a copy of the worker has its command and a name of its own
            except OSError:
                continue
            fields = dict(line.split(":", 1) for line in status.splitlines())
            if "VmHWM" in fields:
                self._programs[pid] = argv.replace(b"\0", b" ").decode(errors="replace")
                self._peaks[pid] = max(self._peaks.get(pid, 0), int(fields["VmHWM"].split()[0]))
                sums += int(fields["RssAnon"].split()[0])
        self._most = max(self._most, sums)


def _descendants() -> list[int]:
    waiting, found = [os.getpid()], []
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").glob("*/children") if Path(f"/proc/{pid}/task").exists() else ():
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found
