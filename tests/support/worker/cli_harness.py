"""Running `kubectl videoimport` as a user does, and what can be seen of it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.waiting import LONGEST_SECONDS
from support.worker.object_store import KEY_ID, SECRET, Bucket

SCRIPT = Path(sys.executable).parent / "kubectl-videoimport"
LOOPBACK = ("--allow-network", "127.0.0.0/8")


@dataclass
class FinishedCommand:
    """A command that is over."""

    code: int
    stdout: str
    stderr: str

    @property
    def resource(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Terminal:
    """One user with a folder of manifests and one for temporary files, which must be empty in the end."""

    folder: Path
    path: str = field(default_factory=lambda: os.environ["PATH"])

    def __post_init__(self) -> None:
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.manifests = self.folder / "manifests"
        self.manifests.mkdir()

    def manifest(self, source: str | dict[str, Any], **spec: Any) -> Path:
        """clip.yaml in the folder of manifests, for a URL or another source."""
        path = self.manifests / "clip.yaml"
        document = {
            "apiVersion": "videoimport.io/v1alpha1",
            "kind": "VideoImport",
            "metadata": {"name": "clip"},
            "spec": {"source": {"url": source} if isinstance(source, str) else source} | spec,
        }
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def keys(self) -> str:
        """The option that gives the Secret store-keys."""
        folder = self.folder / "keys"
        folder.mkdir(exist_ok=True)
        (folder / "AWS_ACCESS_KEY_ID").write_text(KEY_ID)
        (folder / "AWS_SECRET_ACCESS_KEY").write_text(SECRET)
        return f"--secret=store-keys={folder}"

    def start(self, *words: object, **streams: Any) -> "subprocess.Popen[str]":
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        return subprocess.Popen(
            [SCRIPT, *map(str, words)],
            env={"PATH": self.path, "HOME": "/nonexistent", "TMPDIR": str(self.temporary)},
            cwd=self.folder, text=True, **streams,
        )  # fmt: skip

    def run(self, *words: object, stdin: str | None = None) -> FinishedCommand:
        """A command to its end."""
        process = self.start(*words, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=LONGEST_SECONDS)
        return FinishedCommand(process.returncode, out, err)

    def bring(self, manifest: Path, *words: object) -> FinishedCommand:
        """`run -f` of a manifest whose source lies on loopback."""
        return self.run("run", "-f", manifest, *LOOPBACK, *words)

    @property
    def left(self) -> list[str]:
        """What lies where temporary files do."""
        return [str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*")]


def to(bucket: Bucket, endpoint: str | None = None) -> dict[str, Any]:
    """A destination in a bucket."""
    s3 = {"endpoint": endpoint or bucket.store.endpoint, "bucket": bucket.name, "prefix": "in"}
    return {"s3": s3, "credentialsSecretRef": {"name": "store-keys"}}
