"""The report of a successful import, and its outputs."""

import resource
from collections.abc import Mapping
from datetime import UTC, datetime

from videoimport.api import folder_layout as layout
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import OutputFile, Outputs, RenditionFile, StageName, ThumbnailSet, Usage
from videoimport.media.source.requirements import shown
from videoimport.media.transcode.output_files import Target
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.source.probe import Examined
from videoimport.worker.storage.video_index import Committed


def outputs(
    outgoing: Outgoing, results: Mapping[Target, Examined], stills: int, original: OutputFile | None
) -> Outputs:
    """Wait until every file is uploaded, and return the outputs. Raises the first failure of an upload."""
    files = {target: _output(outgoing, target, result) for target, result in results.items()}
    first = outgoing.placed(layout.thumbnail(1)) if stills else None
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


def success(task: Task, board: Board, outputs: Outputs, video_id: str) -> Report:
    """Return the report of a run that stored a video."""
    now = board.snapshot()
    stages = tuple(stage.model_copy(update={"state": "Done", "percent": 100}) for stage in now.stages)
    return Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded",
        message=imported(outputs),
        stages=stages, source=now.source, metadata=now.metadata, outputs=outputs, video_id=video_id,
        usage=usage(board), finished_at=datetime.now(UTC),
    )  # fmt: skip


def duplicate(task: Task, board: Board, there: Committed) -> Report:
    """Return the report of a run that stored nothing, because the destination already has the video."""
    now = board.snapshot()
    return Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded",
        message=_clipped(f"The destination has this video already: {there.uri}."),
        stages=now.stages, source=now.source, metadata=now.metadata or there.metadata, outputs=there.outputs,
        video_id=there.video_id, duplicate_of=there.uri, usage=usage(board), finished_at=datetime.now(UTC),
    )  # fmt: skip


def imported(outputs: Outputs) -> str:
    """Return the message of a run that stored a video."""
    main = outputs.video or outputs.original
    return _clipped(f"Imported to {main.uri}.") if main else ""


def _clipped(message: str) -> str:
    """Shorten a message, because a key may be as long as a message. ``outputs`` has the whole key."""
    return reporting.clip(message, 1024) or ""


def usage(board: Board) -> Usage:
    """Return the resources that the run has used so far, including ended child processes."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in times)
    return Usage(
        cpu_seconds=round(seconds),
        bytes_in=board.bytes_done(StageName.DOWNLOAD),
        bytes_out=board.bytes_done(StageName.UPLOAD),
    )
