"""One import that stores all a result can have, on a real volume, with what it writes there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from videoimport.api import folder_layout as layout
from videoimport.api.output_options import Output
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.api.videoimport_status import StageName, Usage, VideoMetadata
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Media, Other, Video
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.output_files import targets_of
from videoimport.media.transcode.plan import Picture, Sound, decide
from videoimport.media.verify import proof
from videoimport.worker.fetch.process_messages import Caption, Chapter, Extras, Found
from videoimport.worker.pipeline import publish, result_json
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import source_facts as facts
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.source.files import Source, Sources
from videoimport.worker.source.probe import Examined
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import Replaceable
from videoimport.worker.storage.volume.store import VolumeStore

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SPEC = VideoImportSpec.model_validate({
    "source": {"url": "https://video.example/talk.mp4"},
    "destination": {
        "persistentVolumeClaim": {"claimName": "media", "path": "in"},
        "folder": "talks",
        "publicBaseURL": "https://cdn.example/",
    },
    "requirements": {},
    "output": {
        "keepOriginal": True,
        "renditions": [{"name": "360p", "height": 360}],
        "audioFile": {"format": "m4a"},
        "thumbnails": {"count": 2},
    },
    "metadata": {"campaign": "spring", "year": 2026, "public": True, "speaker": "Ada Løvelace"},
})  # fmt: skip
TASK = Task(uid="import-uid", namespace="films", name="talk", run=2, spec=SPEC, spec_hash=spec_hash(SPEC))
VIDEO_ID = "d" * 64
_SECONDS = 20.0


class RecordingStore(VolumeStore):
    """A volume that keeps each version of the documents that are not for users."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "media", "in")
        self.versions: dict[str, list[Any]] = {}

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        super().write(key, body, metadata, shown=shown, replace=replace)
        self._keep(key, body)

    def write_if(self, key: str, body: bytes, version: str | None, metadata: Mapping[str, str] | None = None) -> str:
        written = super().write_if(key, body, version, metadata)
        self._keep(key, body)
        return written

    def _keep(self, key: str, body: bytes) -> None:
        self.versions.setdefault(key, []).append(json.loads(without_chance(body.decode())))


def without_chance(text: str) -> str:
    """Replace what differs from run to run: parts of temporary names and times of change."""
    text = re.sub(r"\.[0-9a-f]{16}\.", ".<random>.", text)
    return re.sub(r'"changedNs":\d+', '"changedNs":0', text)


@dataclass(frozen=True)
class SampleImport:
    """What one import leaves."""

    report: Report
    result: dict[str, Any]
    store: RecordingStore
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    """User metadata of each object that is for users."""

    def versions(self, key: str) -> list[Any]:
        """Return each version of a document below ``.videoimport/``."""
        found: list[Any] = json.loads(self.without_result_hash(json.dumps(self.store.versions[key])))
        return found

    def without_result_hash(self, text: str) -> str:
        """Replace the hash of result.json, which depends on the order of its keys."""
        described = self.report.outputs and self.report.outputs.result
        assert described is not None
        return text.replace(str(described.sha256), "<sha256 of result.json>")


def import_all(root: Path) -> SampleImport:
    """Store every kind of output in an empty volume at ``root / "volume"``; the order of calls is the pipeline's."""
    (root / "volume").mkdir()
    store = RecordingStore(root / "volume")
    place = Place(store, TASK, lambda: NOW)
    folder, board = place.folder(None, None), Board(TASK.run, clock=lambda: 0.0)
    board.know(_source(), _metadata(), validated=True)
    board.decided("Encode", "codec vp9 is not h264")
    key = index.content_key(SPEC.destination, VIDEO_ID)
    claim = index.claim(place.scope, key, TASK.uid, lambda: NOW, lambda _: None)
    assert isinstance(claim, index.Claim)
    outgoing = Outgoing(place, folder, board)
    with outgoing.shipment:
        report, content = _sent(outgoing, board, root)
        keys = (key, index.source_key(SPEC.destination, "etag of the source", SPEC.output))
        report = publish.publish(place, outgoing.shipment, folder, (report, content), keys)
    objects = {key: dict(facts.metadata) for key in store.keys("in/talks/") if (facts := store.head(key)) is not None}
    return SampleImport(report, json.loads(content), store, objects)


def _sent(outgoing: Outgoing, board: Board, root: Path) -> tuple[Report, bytes]:
    examined, job = _examined(), _job()
    results = {}
    for target in targets_of(job.plan, job.picture, job.sound, job.output, str(root)):
        outgoing.add(target.object_name, target.kind, _file(root, target.object_name))
        results[target] = replace(examined, container="mp4")
    for number in (1, 2):
        outgoing.add(f"thumbnails/{number:03}.jpg", "thumbnail", _file(root, f"thumbnails/{number:03}.jpg"))
    outgoing.add("original.webm", "original", _file(root, "original.webm"))
    extras = Extras(
        chapters=(Chapter(start_ms=0, end_ms=9000, title="Opening"),),
        captions=(Caption(language="en", path=str(_file(root, "talk.en.vtt"))),),
        thumbnail=str(_file(root, "talk.jpg")),
    )
    beside = result_json.beside(extras, outgoing, keeps_metadata=True)
    total = sum(ticket.size_bytes for ticket in outgoing.shipment.tickets)  # waits until all have arrived
    board.moved(StageName.UPLOAD, total, total)
    board.decided("Staged", "the source is joined of parts", StageName.DOWNLOAD)
    outputs = telling.outputs(outgoing, results, 2, outgoing.output("original.webm"))
    report = telling.success(TASK, board, outputs, VIDEO_ID)
    more = {"streams": facts.streams(examined, examined, job), "verification": proof.told(job), **beside.told(outgoing)}
    content = result_json.build_result(TASK, report, more, NOW)
    report = result_json.with_result(report, outgoing.placed(layout.RESULT), content)
    usage = Usage(cpu_seconds=7, bytes_in=5_000_000, bytes_out=1_000_000)
    return report.model_copy(update={"finished_at": NOW, "usage": usage}), content


def _file(root: Path, name: str) -> Path:
    path = root / "scratch" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"the bytes of {name}".encode())
    return path


def _examined() -> Examined:
    video = Video(0, "vp9", width=1280, height=720, rate=Fraction(30000, 1001), pixels="yuv420p")
    audios = (
        Audio(1, "opus", channels=2, sample_rate=48_000, is_default=True),
        Audio(2, "opus", channels=2, is_special=True),
    )
    media = Media("matroska,webm", _SECONDS, (video,), audios, others=(Other(3, "subtitle", "webvtt"),))
    track = Track(packets=600, size=4_000_000, start=0.0, end=_SECONDS, changes="the size changes at 0:05")
    return Examined(Path("talk.webm"), 5_000_000, "webm", media, {0: track, 1: track}, ())


def _job() -> Job:
    examined = _examined()
    video, audio = examined.media.video, examined.media.audio
    assert video is not None
    assert audio is not None
    picture, sound = Picture(video, examined.track(0)), Sound(audio, examined.track(1))
    output: Output = SPEC.output
    return Job(decide(picture, sound, output), picture, sound, Inputs("in", "in"), output, parts=2)


def _source() -> Any:
    found = Found(type="Youtube", filename="talk.webm", source_id="abc", title="A talk")
    file = Source(Path("talk.webm"), seekable=True, size=5_000_000, finished=True, sha256="a" * 64)
    return facts.source_status("https://video.example/talk.mp4?sig=hidden", found, Sources(file), _SECONDS)


def _metadata() -> VideoMetadata:
    return facts.metadata(_examined(), _examined(), 5_000_000, _SECONDS, "webm")


def long_report(report: Report, renditions: int) -> Report:
    """The same report with so many renditions that it must be packed."""
    outputs = report.outputs
    assert outputs is not None
    (one,) = outputs.renditions
    many = tuple(one.model_copy(update={"name": f"r{number}"}) for number in range(renditions))
    return report.model_copy(update={"outputs": outputs.model_copy(update={"renditions": many})})
