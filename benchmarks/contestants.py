"""The two programs of the comparison: the worker as its pod runs it, and a script that runs one stage after
the other."""

import json
import os
import shutil
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measured import Took, run
from throttled import Origin, Uplink

from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.api.output_options import Output
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.media.transcode import command
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.files import Source, Sources
from videoimport.worker.source.probe import Examined, examine

BIN = Path(sys.executable).parent
PUT = """
import sys, boto3
endpoint, bucket, key, path = sys.argv[1:]
boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").upload_file(path, bucket, key)
"""
"""Program that uploads like `aws s3 cp`: with the same library, in parts of 8 MiB, ten parts at once."""


@dataclass(frozen=True)
class Staged:
    """The measurements of the script's download, encode and upload."""

    stages: tuple[Took, Took, Took]
    result_bytes: int

    @property
    def all(self) -> Took:
        """The measurements of all stages together. The stages run one after the other."""
        walls, cpus = ([getattr(stage, name) for stage in self.stages] for name in ("wall", "cpu"))
        return Took(sum(walls), sum(cpus), max(stage.peak for stage in self.stages))


class Contest:
    """Runs both programs with the same source, the same web server and the same object store."""

    def __init__(self, folder: Path, source: Path, bucket: Bucket, origin: Origin, uplink: Uplink) -> None:
        self._folder, self.source, self._bucket = folder, source, bucket
        self.origin, self.uplink = origin, uplink
        self._children = Children()
        self._examined: Examined | None = None
        self._env = {
            "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
        }  # fmt: skip

    def _fresh(self) -> Path:
        room = self._folder / "room"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        return room

    def encode_argv(self, wish: dict[str, Any], path: Path, folder: Path) -> list[str]:
        """Return the worker's ffmpeg arguments for a whole file."""
        if self._examined is None:
            self._examined = examine(self._children, self.source)
        found, source = self._examined, Source(path, seekable=True, size=None, finished=True)
        job = transcode.prepare(found, found, Sources(source), Output.model_validate(wish))
        return command.transcode_argv(job, transcode.targets(job, folder))

    def staged(self, wish: dict[str, Any], seconds: float) -> Staged:
        """Run the script with the worker's codec settings."""
        room = self._fresh()
        path, result = room / "source.mp4", room / "video.mp4"
        fetch = ["yt-dlp", "--quiet", "--no-mtime", "-o", path, self.origin.url(self.source.name)]
        put = [sys.executable, "-c", PUT, self.uplink.endpoint, self._bucket.name, f"staged/{uuid.uuid4()}", result]
        download = run(fetch, room, seconds, self._env)
        encode = run(self.encode_argv(wish, path, room), room, seconds, self._env)
        upload = run(put, room, seconds, self._env)
        return Staged((download, encode, upload), result.stat().st_size)

    def ours(self, wish: dict[str, Any], seconds: float) -> Took:
        """Run the worker with the same output options. Raise RuntimeError if its stages did not overlap in an
        encode."""
        room = self._fresh()
        keys, message = self._folder / "keys", self._folder / "message"
        keys.mkdir(exist_ok=True)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            (keys / name).write_text(self._env[name])
        (self._folder / "task.json").write_text(self._task(wish).model_dump_json(by_alias=True, exclude_none=True))
        argv = [sys.executable, "-m", "videoimport.worker", "--task", self._folder / "task.json", "--scratch", room,
                "--credentials", keys, "--termination-message", message]  # fmt: skip
        took = run(argv, room, seconds, {"PATH": self._env["PATH"], "HOME": self._env["HOME"]})
        told = {stage["name"]: stage for stage in json.loads(message.read_bytes())["stages"]}
        if wish.get("mode") == "Encode" and told["Download"]["mode"] != "Overlapped":
            raise RuntimeError(f"the stages did not overlap: {told['Download'].get('why')}")
        return took

    def _task(self, wish: dict[str, Any]) -> Task:
        name = uuid.uuid4().hex
        spec = VideoImportSpec.model_validate({
            "source": {"url": self.origin.url(self.source.name)},
            "destination": {
                "s3": {"endpoint": self.uplink.endpoint, "bucket": self._bucket.name, "prefix": "ours"},
                "credentialsSecretRef": {"name": "keys"}, "name": name,
            },
            "output": wish, "incremental": False,
        })  # fmt: skip
        return Task(
            uid=name, namespace="bench", name=name, run=1, spec=spec, spec_hash=spec_hash(spec),
            allowed_networks=("127.0.0.0/8",),
        )  # fmt: skip

    def encode(self, wish: dict[str, Any], seconds: float, length: int) -> Took:
        """Run only ffmpeg on the first ``length`` seconds of the source."""
        room = self._fresh()
        argv = self.encode_argv(wish, self.source, room)
        at = argv.index("-i")
        return run([*argv[:at], "-t", str(length), *argv[at:]], room, seconds, self._env)
