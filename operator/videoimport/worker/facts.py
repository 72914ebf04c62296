"""What is told of a source and of its result, in the API's shapes."""

import hashlib
import json
from datetime import datetime
from typing import Any

from videoimport.api.redact import shown_url
from videoimport.api.report import Report
from videoimport.api.status import OutputFile, SourceStatus, VideoMetadata
from videoimport.api.task import Task
from videoimport.media.requirements import shown
from videoimport.worker.examine import Examined
from videoimport.worker.fetch.protocol import Found
from videoimport.worker.reporting import clip
from videoimport.worker.source import Sources

MOST_PIXELS = 1_000_000
"""Of a side, as far as a status goes: a file's header may claim any."""


def source_status(url: str, found: Found, sources: Sources | None = None, seconds: float | None = None) -> SourceStatus:
    """What was found at the source, as far as it is known by now."""
    return SourceStatus(
        type=found.type,
        url=clip(shown_url(url), 2048),
        filename=found.filename,
        source_id=found.source_id[:256] if found.source_id else None,
        title=found.title,
        sha256=source_sha256(sources) if sources else None,
        duration_ms=round(seconds * 1000) if seconds is not None else None,
    )


def source_sha256(sources: Sources) -> str | None:
    """Of the bytes as fetched; of two files, the hash of both hashes: it never depends on how they are merged."""
    hashes = [source.sha256 or "" for source in sources.all]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def metadata(video: Examined, audio: Examined, size: int, seconds: float, container: str | None) -> VideoMetadata:
    """Technical facts of the source; ``audio`` is the same file where one has both."""
    picture, sound = video.media.video, audio.media.audio
    return VideoMetadata(
        resolution=shown(picture) if picture else None,
        width=min(picture.shown[0], MOST_PIXELS) if picture else None,
        height=min(picture.shown[1], MOST_PIXELS) if picture else None,
        duration_ms=round(seconds * 1000),
        size_bytes=size,
        format=container or video.media.demuxer.partition(",")[0][:64] or None,
        video_codec=picture.codec if picture else None,
        audio_codec=sound.codec if sound else None,
        frames_per_second=f"{picture.rate.numerator}/{picture.rate.denominator}" if picture and picture.rate else None,
    )


def output_file(uri: str, result: Examined, size: int, sha256: str) -> OutputFile:
    """The video as it lies in the destination."""
    video = result.media.video
    assert video is not None, "verified"  # noqa: S101
    seconds = result.track(video.index).seconds
    return OutputFile(
        uri=uri, size_bytes=size, sha256=sha256, duration_ms=round(seconds * 1000), resolution=shown(video)
    )


def result_json(task: Task, report: Report, made: datetime) -> bytes:
    """result.json: the whole story for people and programs that find the folder without the cluster."""
    content: dict[str, Any] = {
        "schemaVersion": 1,
        "kind": "VideoImportResult",
        "import": {"namespace": task.namespace, "name": task.name, "uid": task.uid, "run": task.run},
        "specHash": task.spec_hash,
        "createdAt": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wish": {"output": task.spec.output.wire(), "requirements": _wire(task.spec.requirements)},
        **{
            name: value for name, value in report.wire().items() if name in ("videoId", "source", "metadata", "outputs")
        },
        "transcode": next(stage.wire() for stage in report.stages if stage.name == "Transcode"),
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def _wire(requirements: Any) -> Any:
    return requirements.wire() if requirements else None
