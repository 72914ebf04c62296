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
    naming,
    preflight,
    publish,
    record,
    reporting,
    transcode,
    upload,
    verification,
)  # fmt: skip
from videoimport.worker.errors import refuse
from videoimport.worker.examine import Examined, examine
from videoimport.worker.fetch.protocol import Fetched, Found
from videoimport.worker.logs import log
from videoimport.worker.preflight import Place
from videoimport.worker.processes import Children
from videoimport.worker.progress import Board, Ticker
from videoimport.worker.publish import Parcel
from videoimport.worker.record import Intent
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
        earlier = record.read(place.store, place.record_key, self._task.uid, self._task.spec_hash)
        if earlier is not None and (done := self._done_before(place, earlier)):
            return done
        transcode.require(self._children, command.surely_needed_encoders(self._task.spec.output))
        return self._import(place, checksums=preflight.writable(place))

    def _done_before(self, place: Place, earlier: record.Record) -> Report | None:
        """The report of a run whose video is in place already; that run need not have lived to say so."""
        if isinstance(earlier, Intent):
            if not record.is_fulfilled(earlier, place.store):
                upload.abort(place.store, earlier.key, earlier.upload_id)
                return None
            log().info("adopting the video of an earlier run", run=earlier.report.run)
            publish.conclude(place, earlier)
            earlier = earlier.report
        if earlier.outcome != "Succeeded":
            return None
        log().info("already imported", run=earlier.run)
        return earlier.model_copy(update={"run": self._task.run})

    def _import(self, place: Place, *, checksums: bool) -> Report:
        if not naming.needs_source(self._task.spec.destination):
            publish.may_write(place, place.video_key(None, None))
        fetched = self._fetch(place)
        sources = fetching.sources_of(fetched)
        job = self._prepare(sources, fetched)
        result = self._transcode(job)
        return self._publish(place, result, checksums=checksums)

    def _fetch(self, place: Place) -> Fetched:
        self._begin(StageName.DOWNLOAD)

        def found(what: Found) -> None:
            self._found = what
            self._board.know(facts.source_status(self._task.spec.source.address, what))
            publish.may_write(place, place.video_key(what.title, what.source_id))

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

    def _publish(self, place: Place, result: Examined, *, checksums: bool) -> Report:
        self._begin(StageName.UPLOAD)
        key = place.video_key(self._found.title, self._found.source_id)
        parcel = Parcel(result.path, key, upload.digest(result.path))
        size = parcel.digest.size

        def moved(done: int) -> None:
            self._board.moved(StageName.UPLOAD, done, size)

        def told() -> tuple[Report, bytes]:
            self._end(StageName.UPLOAD)
            self._begin(StageName.FINALIZE)
            return self._told(place, key, facts.output_file(place.uri(key), result, size, parcel.digest.sha256))

        report = publish.publish(place, parcel, moved, told, checksums=checksums)
        self._end(StageName.FINALIZE)
        return report

    def _told(self, place: Place, key: str, video: OutputFile) -> tuple[Report, bytes]:
        """The report as it will be true in a moment, and result.json."""
        report = success(self._task, self._board, Outputs(video=video))
        content = facts.result_json(self._task, report, datetime.now(UTC))
        described = OutputFile(
            uri=place.uri(naming.result_key(key)),
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
