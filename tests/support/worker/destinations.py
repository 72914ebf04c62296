"""Both kinds of destination as an import meets them, without the rest of the worker."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.api import folder_layout as layout
from videoimport.api.destination import S3Destination
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.api.videoimport_status import OutputFile, Outputs
from videoimport.worker.pipeline import publish
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.upload_batch import Kind, Parcel, Shipment
from videoimport.worker.storage.volume.store import VolumeStore
from videoimport.worker.storage.volume.tree import PART_SUFFIX

FOLDER = "in/clip"
KINDS: Mapping[str, Kind] = {"renditions": "rendition", "thumbnails": "thumbnail", "audio.m4a": "audio"}


class DestinationHarness(Protocol):
    """Where a test's objects lie."""

    destination: dict[str, Any]

    def store(self) -> DestinationStore: ...
    @property
    def keys(self) -> list[str]: ...
    @property
    def unfinished(self) -> list[str]: ...
    def read(self, key: str) -> bytes: ...
    def dying(self, at: int, *, after: bool, error: BaseException | None = None) -> Any: ...


class Killed(BaseException):
    """As by SIGKILL: nothing that the process would still like to do is done."""


@dataclass
class KillSwitch:
    """Lets so many calls through. With ``after`` the fatal one is still heard, but not answered.

    With an ``error`` nobody is killed: that is raised once.
    """

    at: int
    after: bool
    error: BaseException | None = None
    seen: int = 0
    what: str = "nothing"

    def call(self, name: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.seen += 1
        if self.seen < self.at:
            return real(*args, **kwargs)
        if self.seen == self.at:
            self.what = name
            if self.after:
                real(*args, **kwargs)
            raise self.error or Killed
        if self.error is not None:
            return real(*args, **kwargs)
        raise Killed


@cache
def _client(endpoint: str) -> Any:
    """As the worker's; to make one takes longer than a whole import of small files."""
    store = s3.connect(S3Destination(endpoint=endpoint, bucket="any"), Keys(KEY_ID, SECRET, None))
    store.close()
    return store.client


@dataclass
class BucketHarness:
    bucket: Bucket
    destination: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.destination = {"s3": {"endpoint": self.bucket.store.endpoint, "bucket": self.bucket.name, "prefix": "in"}}

    @classmethod
    def through(cls, endpoint: str, bucket: Bucket) -> "BucketHarness":
        """Looked at directly, and imported to through a proxy."""
        there: Any = SimpleNamespace(endpoint=endpoint, client=bucket.store.client, server=bucket.store.server)
        return cls(Bucket(there, bucket.name))

    def store(self) -> s3.S3Store:
        wish = S3Destination.model_validate(self.destination["s3"])
        return s3.S3Store(_client(self.bucket.store.endpoint), wish)

    @property
    def keys(self) -> list[str]:
        return self.bucket.keys

    @property
    def unfinished(self) -> list[str]:
        return self.bucket.unfinished

    def read(self, key: str) -> bytes:
        return self.bucket.read(key)

    @contextmanager
    def dying(
        self, at: int, *, after: bool, error: BaseException | None = None
    ) -> Iterator[tuple[DestinationStore, KillSwitch]]:
        store, doom = self.store(), KillSwitch(at, after, error)
        real = store.client

        class Client:
            def __getattr__(self, name: str) -> Any:
                found = getattr(real, name)
                return lambda *args, **kwargs: doom.call(name, found, *args, **kwargs)

        store.client = Client()  # type: ignore[assignment]
        yield store, doom
        store.close()


@dataclass
class VolumeHarness:
    root: Path
    destination: dict[str, Any] = field(
        default_factory=lambda: {"persistentVolumeClaim": {"claimName": "media", "path": "in"}}
    )

    def store(self) -> VolumeStore:
        return VolumeStore(self.root, "media", "in")

    def _files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    @property
    def keys(self) -> list[str]:
        hidden = ("in/.videoimport/metadata/", "in/.videoimport/lock")
        return [key for key in self._files() if not key.startswith(hidden) and not key.endswith(PART_SUFFIX)]

    @property
    def unfinished(self) -> list[str]:
        """Temporary files beside visible ones; those of our own notes are overwritten sooner or later."""
        return [key for key in self._files() if key.endswith(PART_SUFFIX) and ".videoimport/" not in key]

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    @contextmanager
    def dying(
        self, at: int, *, after: bool, error: BaseException | None = None
    ) -> Iterator[tuple[DestinationStore, KillSwitch]]:
        doom = KillSwitch(at, after, error)
        real = {name: getattr(os, name) for name in ("mkdir", "link", "replace", "unlink", "pwrite", "fsync", "rmdir")}
        for name, call in real.items():
            setattr(os, name, lambda *args, name=name, call=call, **more: doom.call(name, call, *args, **more))
        try:
            yield self.store(), doom
        finally:
            for name, call in real.items():
                setattr(os, name, call)


def task_for(home: DestinationHarness, uid: str = "new", run: int = 1, **more: Any) -> Task:
    spec = VideoImportSpec.model_validate(
        {
            "source": {"url": "https://e.com/v.mp4"},
            **more,
            "destination": {**home.destination, **more.get("destination", {})},
        }
    )
    return Task(uid=uid, namespace="team", name="clip", run=run, spec=spec, spec_hash=spec_hash(spec))


def place_at(store: DestinationStore, task: Task) -> Place:
    return Place(store, task, lambda: datetime.now(UTC))


def bring(place: Place, files: Mapping[str, Path], index_keys: tuple[str, ...] = (), folder: str = FOLDER) -> Report:
    """What the pipeline does with files that are made and verified."""
    with Shipment(place.notebook, place.metadata(), lambda _: None, place.retries) as shipment:
        for name, path in files.items():
            kind = KINDS.get(name.split("/")[0], "video")
            shipment.add(Parcel(layout.key(folder, name), layout.content_type(name), kind), path)
        video = layout.key(folder, layout.VIDEO)
        sent = shipment.arrived(video)
        file = OutputFile(uri=place.store.uri(video), url=place.url(video), size_bytes=sent.size, sha256=sent.sha256)
        task = place.task
        report = Report(
            uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded", outputs=Outputs(video=file),
            video_id="v" * 64, finished_at=datetime.now(UTC),
        )  # fmt: skip
        result = json.dumps({"uid": task.uid, "import": {"uid": task.uid}}).encode()
        return publish.publish(place, shipment, folder, (report, result), index_keys)
