"""One run, from a task to its report: ask the destination, fetch, examine, transcode, verify, upload, show."""

import hashlib
import resource
from datetime import UTC, datetime
from pathlib import Path

from videoimport.api.identity import video_id
from videoimport.api.report import Report
from videoimport.api.requirements import ContainerFormat
from videoimport.api.status import OutputFile, Outputs, StageName, Usage
from videoimport.api.task import Task
from videoimport.media import command, requirements, verify
from videoimport.media.job import Job
from videoimport.worker import (
    facts,
    fetching,
    layout,
    naming,
    preflight,
    publish,
    reporting,
    transcode,
    verification,
)  # fmt: skip
from videoimport.worker.errors import refuse
from videoimport.worker.examine import Examined, examine
from videoimport.worker.fetch.protocol import Fetched, Found
from videoimport.worker.logs import log
from videoimport.worker.preflight import Place
from videoimport.worker.processes import Children
from videoimport.worker.progress import Board, Ticker
from videoimport.worker.shipment import Parcel, Shipment
from videoimport.worker.source import Sources


class Run:
    """One run of one task. ``report`` is all there is to do with it; raises ImportFailure or Interruption."""

    def __init__(self, task: Task, folder: Path, children: Children, board: Board, ticker: Ticker) -> None:
        self._task = task
        self._folder = folder
        """Empty, in scratch, this run's own."""
        self._children = children
        self._board = board
        self._ticker = ticker
        self._source = folder / "source"
        self._source.mkdir()
        self._fetching = fetching.start(children, self._source)
        self._found = Found(type="Url")

    def report(self, credentials: Path) -> Report:
        """Do what is still to be done and say how it went."""
        self._credentials = credentials
        place = preflight.connect(self._task, credentials)
        if (done := publish.done_before(place)) is not None:
            log().info("already imported", run=done.run)
            return done.model_copy(update={"run": self._task.run})
        transcode.require(self._children, command.surely_needed_encoders(self._task.spec.output))
        preflight.writable(place)
        return self._import(place)

    def _import(self, place: Place) -> Report:
        if not naming.needs_source(self._task.spec.destination):
            self._may_write(place, place.folder(None, None))
        fetched = self._fetch(place)
        sources = fetching.sources_of(fetched)
        job = self._prepare(sources, fetched)
        result = self._transcode(job)
        return self._publish(place, result)

    @staticmethod
    def _may_write(place: Place, folder: str) -> None:
        publish.may_write(place, [layout.key(folder, name) for name in (layout.VIDEO, layout.RESULT)])

    def _fetch(self, place: Place) -> Fetched:
        self._begin(StageName.DOWNLOAD)

        def found(what: Found) -> None:
            self._found = what
            self._board.know(facts.source_status(self._task.spec.source.address, what))
            self._may_write(place, place.folder(what.title, what.source_id))

        def moved(done: int, total: int | None) -> None:
            self._board.moved(StageName.DOWNLOAD, done, total)

        request = fetching.request_of(self._task, self._source, self._credentials)
        fetched = fetching.fetch(self._fetching, request, found, moved)
        size = fetching.sources_of(fetched).size
        moved(size, size)
        self._end(StageName.DOWNLOAD)
        return fetched

    def _prepare(self, sources: Sources, fetched: Fetched) -> Job:
        """Examine the source, refuse what is not wanted, decide what happens to the rest."""
        self._begin(StageName.TRANSCODE)
        video = examine(self._children, sources.video.path)
        audio = examine(self._children, sources.audio.path) if sources.audio else video
        picture = video.media.video
        seconds = video.track(picture.index).seconds if picture else 0.0
        container: ContainerFormat | None = "mp4" if fetched.is_segmented else video.container
        self._board.know(
            facts.source_status(self._task.spec.source.address, self._found, sources, seconds),
            facts.metadata(video, audio, sources.size, seconds, container),
        )
        # First whether it is all there: what is missing half cannot be judged.
        for file in (video, audio):
            refuse(verify.damage(file.media, file.tracks, file.boxes, file.size))
        wanted = self._task.spec.requirements
        refuse(requirements.refusal(requirements.Examined(video.media, container, seconds, sources.size, wanted)))
        self._board.know(validated=True)
        return transcode.prepare(video, audio, sources, self._task.spec.output)

    def _transcode(self, job: Job) -> Examined:
        self._board.decided(job.plan.mode, job.plan.why)
        self._ticker.print()
        log().info("transcoding", mode=job.plan.mode, why=job.plan.why)
        targets = transcode.targets(job, self._folder)
        transcode.run(self._children, job, targets, lambda part: self._board.reached(StageName.TRANSCODE, part))
        results = verification.verified(self._children, job, targets)
        self._end(StageName.TRANSCODE)
        return results[targets[0]]

    def _publish(self, place: Place, result: Examined) -> Report:
        self._begin(StageName.UPLOAD)
        folder = place.folder(self._found.title, self._found.source_id)
        key, total = layout.key(folder, layout.VIDEO), result.path.stat().st_size

        def moved(done: int) -> None:
            self._board.moved(StageName.UPLOAD, done, total)

        with Shipment(place.notebook, place.metadata(), moved) as shipment:
            shipment.add(Parcel(key, layout.content_type(key), "video"), result.path)
            sent = shipment.arrived(key)
            self._end(StageName.UPLOAD)
            self._begin(StageName.FINALIZE)
            video = facts.output_file(place.store.uri(key), result, sent.size, sent.sha256)
            video = video.model_copy(update={"url": place.url(key)})
            report = publish.publish(place, shipment, folder, self._told(place, folder, video))
        self._end(StageName.FINALIZE)
        return report

    def _told(self, place: Place, folder: str, video: OutputFile) -> tuple[Report, bytes]:
        """The report as it will be true in a moment, and result.json."""
        report = success(self._task, self._board, Outputs(video=video))
        content = facts.result_json(self._task, report, datetime.now(UTC))
        key = layout.key(folder, layout.RESULT)
        described = OutputFile(
            uri=place.store.uri(key),
            url=place.url(key),
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        return report.model_copy(update={"outputs": Outputs(video=video, result=described)}), content

    def _begin(self, stage: StageName) -> None:
        self._board.start(stage)
        self._ticker.print()

    def _end(self, stage: StageName) -> None:
        self._board.finish(stage)
        self._ticker.print()


def success(task: Task, board: Board, outputs: Outputs) -> Report:
    """The report of a run that went through."""
    now = board.snapshot()
    sha256 = now.source.sha256 if now.source else None
    stages = tuple(stage.model_copy(update={"state": "Done", "percent": 100}) for stage in now.stages)
    return Report(
        uid=task.uid, run=task.run, spec_hash=task.spec_hash, outcome="Succeeded",
        message=_imported(outputs.video.uri) if outputs.video else "",
        stages=stages, source=now.source, metadata=now.metadata, outputs=outputs,
        video_id=video_id(sha256, task.spec.output, task.spec.destination.folder) if sha256 else None,
        usage=usage(board), finished_at=datetime.now(UTC),
    )  # fmt: skip


def _imported(uri: str) -> str:
    """A key may be as long as a message; ``outputs`` has all of it."""
    return reporting.clip(f"Imported to {uri}.", 1024) or ""


def usage(board: Board) -> Usage:
    """What the run took so far, its ended children included."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in times)
    return Usage(
        cpu_seconds=round(seconds),
        bytes_in=board.bytes_done(StageName.DOWNLOAD),
        bytes_out=board.bytes_done(StageName.UPLOAD),
    )
