"""What is learned of a source and decided about it: from its head while it arrives, and again from all of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from videoimport.api.requirements import ContainerFormat
from videoimport.api.task import Task
from videoimport.media import boxes as boxes_of
from videoimport.media import overlap, probe, requirements, sniff, verify
from videoimport.media.boxes import Box
from videoimport.media.job import Inputs, Job
from videoimport.media.overlap import Head
from videoimport.media.packets import declared
from videoimport.media.probe import Media
from videoimport.worker import facts, transcode
from videoimport.worker.arrival import Arrival
from videoimport.worker.errors import refuse
from videoimport.worker.examine import Examined, examine
from videoimport.worker.fetch.protocol import Found
from videoimport.worker.growing import AbandonedError, Growing
from videoimport.worker.processes import Children
from videoimport.worker.progress import Board
from videoimport.worker.source import Source, Sources

_LISTS_STREAMS = ("mp4", "mov", "mkv", "webm")
"""Containers whose head names every stream, so that what is not named there does not exist."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A source, looked into."""

    sources: Sources
    video: Examined
    audio: Examined
    """The same where one file has both."""
    container: ContainerFormat | None
    seconds: float
    job: Job


@dataclass(frozen=True, slots=True)
class Early:
    """What the head told."""

    found: Inspected | None
    """None where it told too little."""
    why_staged: str | None
    """None where the stages may overlap; then ``found`` is there."""


class Inspector:
    """Looks into the source of one task, tells the board, refuses what is not wanted."""

    def __init__(self, task: Task, children: Children, board: Board) -> None:
        self._task, self._children, self._board = task, children, board
        self.found = Found(type="Url")
        """What the source said of itself."""
        self._audio: Examined | None = None

    @property
    def is_tolerant(self) -> bool:
        """Whether damage is tolerated."""
        wanted = self._task.spec.requirements
        return wanted is not None and wanted.damage == "Tolerate"

    # From the head

    def early(self, arrival: Arrival, sources: Sources) -> Early:
        """What the first bytes tell. Raises ImportFailure for what they prove to be unwanted."""
        try:
            return self._early(arrival, sources)
        except AbandonedError:
            arrival.check()
            return Early(None, "the download started over")

    def _early(self, arrival: Arrival, sources: Sources) -> Early:
        source, growing = sources.video, arrival.growing(sources.video)
        container = sniff.container(_first_bytes(growing))
        boxes = head_boxes(growing) if container in ("mp4", "mov") else ()
        if boxes and not overlap.is_indexed(boxes) and source.tail is None:
            return Early(None, overlap.NO_INDEX)
        media = self._probe(arrival, source)
        if media is None:
            return Early(None, "the source's head tells too little")
        seconds = self._declared(media, boxes)
        tracks = declared(_believed(media, boxes, seconds))
        video = Examined(source.path, source.size or 0, container, media, tracks, boxes)
        audio = self._audio_apart(sources) or video
        shown: ContainerFormat | None = "mp4" if sources.is_segmented else container
        self._refuse_early(video, audio, shown, seconds, sources)
        if video.media.video is None:
            return Early(None, "the source's head shows no video")
        job = self._job(video, audio, sources)
        inspected = Inspected(sources, video, audio, shown, seconds or 0.0, job)
        head = Head(media.demuxer, boxes, source.tail is not None, seconds, job.plan, self.is_tolerant)
        return Early(inspected, overlap.why_staged(head))

    def _probe(self, arrival: Arrival, source: Source) -> Media | None:
        reader = arrival.reader(source)
        seekable = source.tail is not None
        ended = self._children.run(probe.probe_argv(reader.url, seekable=seekable))
        return probe.parse_probe(ended.stdout) if ended.code == 0 else None

    def _declared(self, media: Media, boxes: tuple[Box, ...]) -> float | None:
        """How long it lasts, as far as that can be believed: the first fragment's head knows only itself."""
        if overlap.is_fragmented(boxes) or not media.duration:
            return self.found.duration_seconds
        return media.duration

    def _audio_apart(self, sources: Sources) -> Examined | None:
        """The audio's own file is there before the video's first bytes."""
        if sources.audio is None:
            return None
        if self._audio is None or self._audio.path != sources.audio.path:
            self._audio = examine(self._children, sources.audio.path)
        return self._audio

    def _refuse_early(
        self, video: Examined, audio: Examined, container: ContainerFormat | None, seconds: float | None, its: Sources
    ) -> None:
        size = self.found.size or its.size
        self._board.know(metadata=facts.metadata(video, audio, size, seconds or 0.0, container))
        wanted = self._task.spec.requirements
        known = requirements.Examined(video.media, container, seconds or 0.0, size, wanted)
        refuse(requirements.early_refusal(known, lists_streams=video.container in _LISTS_STREAMS))

    # From all of it

    def whole(self, sources: Sources) -> Inspected:
        """Examine the source, refuse what is not wanted, decide what happens to the rest."""
        with self._board.check():
            video = examine(self._children, sources.video.path)
            audio = self._audio_apart(sources) or video
        picture = video.media.video
        seconds = video.track(picture.index).seconds if picture else 0.0
        container: ContainerFormat | None = "mp4" if sources.is_segmented else video.container
        self._board.know(
            facts.source_status(self._task.spec.source.address, self.found, sources, seconds),
            facts.metadata(video, audio, sources.size, seconds, container),
        )
        # First whether it is all there: what is missing half cannot be judged.
        for file in () if self.is_tolerant else (video, audio):
            refuse(verify.damage(file.media, file.tracks, file.boxes, file.size))
        wanted = self._task.spec.requirements
        refuse(requirements.refusal(requirements.Examined(video.media, container, seconds, sources.size, wanted)))
        self._board.know(validated=True)
        return Inspected(sources, video, audio, container, seconds, self._job(video, audio, sources))

    def _job(self, video: Examined, audio: Examined, sources: Sources) -> Job:
        return transcode.prepare(video, audio, sources, self._task.spec.output, is_tolerant=self.is_tolerant)


def at(job: Job, video: str, audio: str, *, seekable: bool) -> Job:
    """The same job, its files read elsewhere."""
    return replace(job, inputs=Inputs(video, audio, job.inputs.audio_delay, seekable))


def _believed(media: Media, boxes: tuple[Box, ...], seconds: float | None) -> Media:
    """What a head says, without the lengths that are those of its first fragment."""
    if not overlap.is_fragmented(boxes):
        return replace(media, duration=seconds)
    videos = tuple(replace(video, duration=None) for video in media.videos)
    audios = tuple(replace(audio, duration=None) for audio in media.audios)
    return replace(media, duration=seconds, videos=videos, audios=audios)


def _first_bytes(growing: Growing) -> bytes:
    wanted = sniff.ENOUGH if growing.total is None else min(sniff.ENOUGH, growing.total)
    growing.wait(wanted)
    return os.pread(growing.descriptor, wanted, 0)


def head_boxes(growing: Growing) -> tuple[Box, ...]:
    """The boxes of an MP4 or MOV up to its media data, waited for. Raises AbandonedError."""

    def read(offset: int, length: int) -> bytes:
        growing.wait(offset + length)
        return os.pread(growing.descriptor, length, offset)

    def heads() -> Iterator[Box]:
        for box in boxes_of.top_level(read, growing.total or 1 << 62):
            yield box
            if overlap.ends_head(box):
                return

    return tuple(heads())
