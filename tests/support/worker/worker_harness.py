"""Running the worker as its pod does, and what can be seen of it."""

import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.waiting import LONGEST_SECONDS
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.worker_process import MODULE, Process, start_copy, start_interpreter
from videoimport.api.tasks.import_report import Progress, Report, read_report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash

LOOPBACK = ("127.0.0.0/8",)


@dataclass
class FinishedRun:
    """A run that is over."""

    code: int
    stdout: str
    stderr: str
    message: bytes
    """The termination message."""

    @property
    def report(self) -> Report:
        return read_report(self.message.decode())

    @property
    def progress(self) -> list[Progress]:
        return [Progress.model_validate_json(line) for line in self.stdout.splitlines()]

    @property
    def reason(self) -> str | None:
        return self.report.reason and self.report.reason.value

    @property
    def everything(self) -> str:
        return self.stdout + self.stderr + self.message.decode()

    def stage(self, name: str) -> Any:
        return next(stage for stage in self.report.stages if stage.name == name)


class ActiveRun:
    """A run under way. Its lines are kept as they come."""

    def __init__(self, process: Process, message: Path) -> None:
        self.process, self._message = process, message
        self.lines: list[str] = []
        self.log: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(process.stderr, self.log)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, into: list[str]) -> None:
        into.extend(iter(stream.readline, ""))

    def stage(self, name: str) -> str:
        """Where a stage is by the last whole line."""
        if not self.lines:
            return "Waiting"
        return str(next(stage["state"] for stage in json.loads(self.lines[-1])["stages"] if stage["name"] == name))

    def children(self) -> list[int]:
        """Living processes below the worker."""
        return [pid for pid in descendants(self.process.pid) if is_alive(pid)]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ended(self, seconds: float = LONGEST_SECONDS) -> FinishedRun:
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join()
        message = self._message.read_bytes() if self._message.exists() else b""
        return FinishedRun(code, "".join(self.lines), "".join(self.log), message)


@dataclass
class WorkerHarness:
    """Writes tasks and starts workers, one bucket and one folder a test."""

    bucket: Bucket
    folder: Path
    keys: dict[str, str] = field(default_factory=lambda: {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET})
    path: str = field(default_factory=lambda: os.environ["PATH"])
    """The worker's PATH."""
    options: tuple[str | Path, ...] = ()
    """More of its command line: where the source's things are."""
    launcher: tuple[str, ...] = ()
    """What starts it, such as the image's entry point."""
    program: tuple[str, ...] = ()
    """Arguments of its interpreter. Without them, a launcher and a group of its own, it is a copy of a process that has
    loaded its modules."""
    is_leader: bool = False
    """It leads a process group of its own, as in a container."""

    def spec(self, url: str, **more: Any) -> dict[str, Any]:
        destination = {
            "s3": {"endpoint": self.bucket.store.endpoint, "bucket": self.bucket.name, "prefix": "in"},
            "credentialsSecretRef": {"name": "store-keys"},
            **more.pop("destination", {}),
        }
        return {"source": {"url": url}, "destination": destination, **more}

    def task(
        self, url: str, *, uid: str = "uid-1", run: int = 1, allowed: tuple[str, ...] = LOOPBACK, **more: Any
    ) -> Task:
        spec = VideoImportSpec.model_validate(self.spec(url, **more))
        return Task(
            uid=uid, namespace="team", name="clip", run=run, spec=spec, spec_hash=spec_hash(spec),
            allowed_networks=allowed, progress_seconds=1,
        )  # fmt: skip

    def start(self, task: Task) -> ActiveRun:
        scratch, keys, message = self.folder / "scratch", self.folder / "keys", self.folder / "message"
        scratch.mkdir(exist_ok=True)
        keys.mkdir(exist_ok=True)
        for old in keys.iterdir():
            old.unlink()
        for name, value in self.keys.items():
            (keys / name).write_text(value)
        message.unlink(missing_ok=True)
        (self.folder / "task.json").write_text(task.model_dump_json(by_alias=True, exclude_none=True))
        words = ["--task", self.folder / "task.json", "--scratch", scratch, "--credentials", keys,
                 "--termination-message", message, *self.options]  # fmt: skip
        return ActiveRun(self._begin(words), message)

    def _begin(self, words: list[str | Path]) -> Process:
        # A proxy that nobody answers at: none of the environment's may be used.
        env = {"PATH": self.path, "HOME": "/nonexistent", "http_proxy": "http://127.0.0.1:9"}
        if not (self.launcher or self.program or self.is_leader):
            return start_copy(words, env, self.folder)
        return start_interpreter(
            words, env, self.folder, program=self.program or MODULE, launcher=self.launcher, is_leader=self.is_leader
        )

    def run(self, task: Task) -> FinishedRun:
        return self.start(task).ended()

    def bring(self, url: str, **more: Any) -> FinishedRun:
        """Write a task and run it."""
        return self.run(self.task(url, **more))

    def put_record(self, key: str, content: object) -> None:
        """Leave a commit record as an earlier run would have."""
        self.bucket.put(key, json.dumps(content).encode())

    @property
    def left_in_scratch(self) -> list[Path]:
        return list((self.folder / "scratch").iterdir())


def descendants(pid: int) -> list[int]:
    """Every process that has ``pid`` as an ancestor."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def is_alive(pid: int) -> bool:
    """Neither gone nor a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def probe(path: Path) -> Any:
    """What the machine's ffprobe says of a file."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    return json.loads(told.stdout)
