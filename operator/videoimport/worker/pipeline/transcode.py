"""Making the results: run ffmpeg on the source, if possible during the download, and upload the results while they
grow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.videoimport_status import StageName
from videoimport.media.transcode import command, progress
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline.ffmpeg import HeadTooSmall
from videoimport.worker.pipeline.inspect import Inspected, at
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.subprocesses import Child, Children, Ended
from videoimport.worker.source.arrival import Arrival
from videoimport.worker.source.loopback_server import StreamReader

_NO_ROOM = "the space reserved for the result's index was too small"


class Fallback(Exception):  # noqa: N818 — nobody's error: it is made again, more slowly
    """Raised when the files made during the download cannot be used. The worker then first downloads the source."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Made:
    """The result files, and the job from which they were made."""

    job: Job
    targets: tuple[Target, ...]
    lost: str = ""
    """ffmpeg's messages about tolerated damage."""


class Maker:
    """Runs ffmpeg for one task."""

    def __init__(self, children: Children, board: Board, outgoing: Outgoing, folder: Path) -> None:
        self._children, self._board, self._outgoing, self._folder = children, board, outgoing, folder

    def overlapped(self, arrival: Arrival, head: Inspected) -> Made:
        """Make the results during the download. Raises Fallback if the results cannot be made during the download.
        Raises ImportFailure if the import fails."""
        job, readers, kill = self._online(arrival, head)
        targets = transcode.targets(job, self._folder, growing=True)
        with self._leaving(job, targets) as files:
            child = transcode.start(self._children, job, targets)
            kill.append(child.kill)
            with arrival.telling(child.kill):
                ended = self._follow(child, job)
            self._judge(arrival, job, readers, ended)
            _end(files)
        return Made(job, targets)

    def discard(self, made: Made) -> None:
        """Delete result files that cannot be used, and abort their uploads."""
        self._take_back(made.targets)

    def _online(self, arrival: Arrival, head: Inspected) -> tuple[Job, list[StreamReader], list[Callable[[], None]]]:
        """Return the job with a loopback URL for a source that still grows.

        Also return the readers of these URLs, and a list for functions that stop the run if a reader fails.
        """
        kill: list[Callable[[], None]] = []

        def strayed() -> None:
            for end in kill:
                end()

        video = arrival.reader(head.sources.video, strayed)
        audio = head.job.inputs.audio_path
        one_file = audio == head.job.inputs.video_path
        seekable = head.sources.video.tail is not None
        return at(head.job, video.url, video.url if one_file else audio, seekable=seekable), [video], kill

    def _judge(self, arrival: Arrival, job: Job, readers: list[StreamReader], ended: Ended) -> None:
        """Raise the reason for the end of ffmpeg, also where another part of the worker ended ffmpeg.

        Return only if ffmpeg completed without errors.
        """
        if arrival.restarted:
            raise Fallback("the download started over")
        arrival.check()
        if why := next((reader.why for reader in readers if reader.why), None):
            raise Fallback(why)
        if failure := self._outgoing.shipment.failure:
            raise failure
        if command.head_overflowed(ended.stderr):
            raise Fallback(_NO_ROOM)
        if not transcode.is_clean(job, ended):
            log().info(
                "ffmpeg could not continue with the bytes that had arrived", code=ended.code, words=ended.stderr[:500]
            )
            raise Fallback("ffmpeg could not continue with the bytes that had arrived")

    def staged(self, job: Job) -> Made:
        """Make the results from the whole source. Raises ImportFailure."""
        try:
            return self._staged(job, growing=not job.is_tolerant)
        except HeadTooSmall:
            self._board.decided("Staged", _NO_ROOM, StageName.UPLOAD)
            return self._staged(job, growing=False)

    def _staged(self, job: Job, *, growing: bool) -> Made:
        targets = transcode.targets(job, self._folder, growing=growing)
        if not targets:
            return Made(job, ())
        if not growing:
            if job.is_tolerant:
                self._board.decided(
                    "Staged", "damage is tolerated, so the whole result is made before its upload", StageName.UPLOAD
                )
            ended = self._follow(transcode.start(self._children, job, targets), job)
            lost = transcode.concluded(self._children, job, targets, ended)
            for target in targets:
                self._outgoing.add(target.object_name, target.kind, Path(target.path))
            return Made(job, targets, lost)
        with self._leaving(job, targets) as files:
            ended = self._follow(transcode.start(self._children, job, targets), job)
            if failure := self._outgoing.shipment.failure:
                raise failure
            transcode.concluded(self._children, job, targets, ended)
            _end(files)
        return Made(job, targets)

    @contextmanager
    def _leaving(self, job: Job, targets: tuple[Target, ...]) -> Iterator[dict[Target, Growing]]:
        """Upload the files while they grow. Delete and withdraw the files if the block raises Fallback or
        HeadTooSmall."""
        self._board.start(StageName.UPLOAD)
        self._board.decided("Overlapped", "the result is uploaded while it is made", StageName.UPLOAD)
        for target in targets:
            Path(target.path).unlink(missing_ok=True)
        try:
            yield self._outgoing.follow(job, targets)
        except (Fallback, HeadTooSmall):
            self._take_back(targets)
            self._board.wait(StageName.UPLOAD)
            raise

    def _take_back(self, targets: tuple[Target, ...]) -> None:
        """Delete the files, then withdraw their uploads.

        In this order, a file takes no disk space after its withdrawal, even if another part of the worker still has it
        open.
        """
        for target in targets:
            Path(target.path).unlink(missing_ok=True)
        self._outgoing.withdraw(tuple(target.object_name for target in targets))

    def _follow(self, child: Child, job: Job) -> Ended:
        """Wait for the end of ffmpeg and report the progress. End ffmpeg early if an upload fails."""
        seen = -1.0
        for seconds in progress.output_seconds(child.lines()):
            if seconds != seen:
                seen = seconds
                self._board.touch()
                self._board.reached(StageName.TRANSCODE, progress.percent(seconds, job.picture.track.seconds))
            if self._outgoing.shipment.failure:
                child.kill()
        return child.ended()


def _end(files: dict[Target, Growing]) -> None:
    for file in files.values():
        file.end()
