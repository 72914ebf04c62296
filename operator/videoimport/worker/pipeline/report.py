"""What is told of an import that went through: its outputs, its report, and result.json."""

import hashlib
import json
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import OutputFile, Outputs, RenditionFile, StageName, ThumbnailSet, Usage
from videoimport.media.source.requirements import shown
from videoimport.media.transcode import image_metadata as pictures
from videoimport.media.transcode.output_files import Target
from videoimport.worker.fetch.protocol import Extras
from videoimport.worker.pipeline.output_uploads import Outgoing, Placed
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.source.probe import Examined
from videoimport.worker.storage.video_index import Committed

_SOURCE_PICTURE = "thumbnails/source"


def outputs(
    outgoing: Outgoing, results: Mapping[Target, Examined], stills: int, original: OutputFile | None
) -> Outputs:
    """Every file, once it has arrived. Raises the first failure to send one."""
    files = {target: _output(outgoing, target, result) for target, result in results.items()}
    first = outgoing.placed("thumbnails/001.jpg") if stills else None
    renditions = (
        RenditionFile(name=target.name, **file.model_dump())
        for target, file in files.items()
        if target.kind == "rendition"
    )
    return Outputs(
        video=next((file for target, file in files.items() if target.kind == "video"), None),
        audio=next((file for target, file in files.items() if target.kind == "audio"), None),
        renditions=tuple(renditions),
        thumbnails=ThumbnailSet(uri=first.uri, url=first.url, count=stills) if first else None,
        original=original,
    )


def _output(outgoing: Outgoing, target: Target, result: Examined) -> OutputFile:
    stream = result.media.video or result.media.audio
    seconds = result.track(stream.index).seconds if stream else 0.0
    resolution = shown(result.media.video) if result.media.video else None
    told = {"duration_ms": round(seconds * 1000), "resolution": resolution}
    return outgoing.output(target.object_name).model_copy(update=told)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the source has besides the video, kept with it: names in the video's folder, by language."""

    chapters: tuple[dict[str, Any], ...]
    captions: Mapping[str, str]
    picture: str | None

    def told(self, outgoing: Outgoing) -> dict[str, Any]:
        """For result.json, once all of it has arrived; what there is none of is left out."""
        captions = [{"language": language, **_told(outgoing, name)} for language, name in self.captions.items()]
        found = {
            "chapters": list(self.chapters),
            "captions": captions,
            "sourceThumbnail": _told(outgoing, self.picture) if self.picture else None,
        }
        return {name: value for name, value in found.items() if value}


def _told(outgoing: Outgoing, name: str) -> dict[str, Any]:
    return outgoing.output(name).wire()


def beside(extras: Extras, outgoing: Outgoing, *, keeps_metadata: bool) -> Beside:
    """Send what there is; the source's picture without its metadata, unless that is kept."""
    captions = {one.language: f"captions/{one.language}{Path(one.path).suffix}" for one in extras.captions}
    for one in extras.captions:
        outgoing.add(captions[one.language], "caption", Path(one.path))
    picture = f"{_SOURCE_PICTURE}{Path(extras.thumbnail).suffix}" if extras.thumbnail else None
    if extras.thumbnail and picture:
        if not keeps_metadata:
            found = Path(extras.thumbnail)
            found.write_bytes(pictures.stripped(found.read_bytes()))
        outgoing.add(picture, "thumbnail", Path(extras.thumbnail))
    return Beside(tuple(one.wire() for one in extras.chapters), captions, picture)


def result_json(task: Task, report: Report, more: Mapping[str, Any], made: datetime) -> bytes:
    """result.json: the whole story for people and programs that find the folder without the cluster."""
    spec = task.spec
    kept = ("videoId", "source", "metadata", "outputs")
    content: dict[str, Any] = {
        "schemaVersion": 1,
        "kind": "VideoImportResult",
        "import": {"namespace": task.namespace, "name": task.name, "uid": task.uid, "run": task.run},
        "specHash": task.spec_hash,
        "createdAt": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wish": {"output": spec.output.wire(), "requirements": spec.requirements and spec.requirements.wire()},
        **{name: value for name, value in report.wire().items() if name in kept},
        "transcode": next(stage.wire() for stage in report.stages if stage.name == StageName.TRANSCODE),
        **more,
        **({"userMetadata": dict(spec.metadata)} if spec.metadata else {}),
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def with_result(report: Report, where: Placed, content: bytes) -> Report:
    """The report, with result.json among the outputs."""
    described = OutputFile(
        uri=where.uri, url=where.url, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    found = report.outputs or Outputs()
    return report.model_copy(update={"outputs": found.model_copy(update={"result": described})})


def success(task: Task, board: Board, outputs: Outputs, video_id: str) -> Report:
    """The report of a run that stored something."""
    now = board.snapshot()
    stages = tuple(stage.model_copy(update={"state": "Done", "percent": 100}) for stage in now.stages)
    return Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded",
        message=imported(outputs),
        stages=stages, source=now.source, metadata=now.metadata, outputs=outputs, video_id=video_id,
        usage=usage(board), finished_at=datetime.now(UTC),
    )  # fmt: skip


def duplicate(task: Task, board: Board, there: Committed) -> Report:
    """The report of a run that had nothing to store."""
    now = board.snapshot()
    return Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded",
        message=_clipped(f"The destination has this video already: {there.uri}."),
        stages=now.stages, source=now.source, metadata=now.metadata or there.metadata, outputs=there.outputs,
        video_id=there.video_id, duplicate_of=there.uri, usage=usage(board), finished_at=datetime.now(UTC),
    )  # fmt: skip


def imported(outputs: Outputs) -> str:
    """The message of a run that stored something."""
    main = outputs.video or outputs.original
    return _clipped(f"Imported to {main.uri}.") if main else ""


def _clipped(message: str) -> str:
    """A key may be as long as a message; ``outputs`` has all of it."""
    return reporting.clip(message, 1024) or ""


def usage(board: Board) -> Usage:
    """What the run took so far, its ended children included."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in times)
    return Usage(
        cpu_seconds=round(seconds),
        bytes_in=board.bytes_done(StageName.DOWNLOAD),
        bytes_out=board.bytes_done(StageName.UPLOAD),
    )
