"""What is learned of a source and decided about it: from its head while it arrives, and again from all of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from videoimport.api.container_formats import ContainerFormat
from videoimport.api.tasks.import_task import Task
from videoimport.media.container import mp4_boxes as boxes_of
from videoimport.media.container import mp4_tables as tables
from videoimport.media.container.mp4_boxes import Box
from videoimport.media.source import decoders, encryption, interlace, probe, requirements
from videoimport.media.source import file_signature as sniff
from videoimport.media.source.packet_scan import declared
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.transcode import channels, overlap
from videoimport.media.transcode.compliance import is_interlaced
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.overlap import Head
from videoimport.worker.fetch.protocol import Found
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline import interlace_scan as scanning
from videoimport.worker.pipeline import repair_source as mending
from videoimport.worker.pipeline import source_facts as facts
from videoimport.worker.pipeline.join_parts import as_one, refuse_parts
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.pipeline.repair_source import Mended
from videoimport.worker.runtime.errors import refuse
from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.files import Source, Sources, Tail
from videoimport.worker.source.probe import Examined, examine, excess_of, note_changes
from videoimport.worker.source.stream import Arrival

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

    def __init__(self, task: Task, children: Children, board: Board, folder: Path) -> None:
        """``folder`` takes the one file of a source of several parts, and the copy of one that must be mended."""
        self._task, self._children, self._board, self._folder = task, children, board, folder
        self.found = Found(type="Url")
        """What the source said of itself."""
        self._audio: Examined | None = None
        self._audio_source: Path | None = None

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
        _refuse_tables(growing, boxes, source.tail)
        media = self._probe(arrival, source)
        if media is None or not (media.videos or media.audios):  # Matroska may tell its tracks after the media
            return Early(None, "the source's head tells too little")
        seconds = self._declared(media, boxes)
        tracks = declared(_believed(media, boxes, seconds))
        video = Examined(source.path, source.size or 0, container, media, tracks, boxes)
        audio = self._audio_apart(sources) or video
        shown: ContainerFormat | None = "mp4" if sources.is_segmented else container
        self._refuse_early(video, audio, shown, seconds, sources)
        if video.media.video is None or not video.media.video.has_size:
            return Early(None, "the source's head shows no video, or no size of it")
        job = self._job(video, audio, sources)
        inspected = Inspected(sources, video, audio, shown, seconds or 0.0, job)
        head = Head(media.demuxer, boxes, source.tail is not None, seconds, job.plan, self.is_tolerant)
        return Early(inspected, overlap.why_staged(head))

    def _probe(self, arrival: Arrival, source: Source) -> Media | None:
        reader = arrival.reader(source)
        seekable = source.tail is not None
        ended = self._children.run(probe.probe_argv(reader.url, seekable=seekable))
        try:
            found = probe.parse_probe(ended.stdout, ended.stderr) if ended.code == 0 else None
        except ValueError:  # its whole file is probed again, and that answer is judged
            return None
        return decoders.usable(found, self._codecs) if found else None

    def _declared(self, media: Media, boxes: tuple[Box, ...]) -> float | None:
        """How long it lasts, as far as that can be believed: the first fragment's head knows only itself."""
        if overlap.is_fragmented(boxes) or not media.duration:
            return self.found.duration_seconds
        return media.duration

    def _audio_apart(self, sources: Sources) -> Examined | None:
        """The audio's own file, which is there before the video's first bytes; None for one without any sound."""
        if sources.audio is None:
            return None
        if self._audio is None or self._audio_source != sources.audio.path:
            self._audio_source = sources.audio.path
            self._audio = self._examined(sources.audio)
        return self._audio if self._audio.media.audio else None

    def _refuse_early(
        self, video: Examined, audio: Examined, container: ContainerFormat | None, seconds: float | None, its: Sources
    ) -> None:
        size = self.found.size or its.size
        self._board.know(metadata=facts.metadata(video, audio, size, seconds or 0.0, container))
        wanted = self._task.spec.requirements
        known = requirements.CheckedSource(video.media, container, seconds or 0.0, size, wanted)
        refuse(requirements.early_refusal(known, lists_streams=video.container in _LISTS_STREAMS))

    # From all of it

    def _examined(self, source: Source) -> Examined:
        whole = as_one(self._children, source.path, self._folder)
        found = self._usable(examine(self._children, whole.path))
        refuse_parts(found, whole)
        return _joined(found, whole.parts)

    def whole(self, sources: Sources) -> Inspected:
        """Examine the source, refuse what is not wanted, decide what happens to the rest."""
        with self._board.check():
            video = self._examined(sources.video)
            apart = self._audio_apart(sources)
            mended = mending.mend(self._children, video, self._folder, has_audio=apart is None)
        audio = apart or video
        read = _joined(mended.file, video.parts) if mended else video
        picture = read.media.video
        seconds = read.track(picture.index).seconds if picture else 0.0
        container: ContainerFormat | None = "mp4" if sources.is_segmented else video.container
        self._board.know(
            facts.source_status(self._task.spec.source.address, self.found, sources, seconds),
            facts.metadata(video, audio, sources.size, seconds, container),
        )
        self._refuse_undecodable(video, video.media.video)
        self._refuse_undecodable(audio, audio.media.audio)
        # First whether it is all there: what is missing half cannot be judged.
        for file in () if self.is_tolerant else (video, audio):
            refuse(file.damage)
        wanted = self._task.spec.requirements
        refuse(requirements.refusal(requirements.CheckedSource(video.media, container, seconds, sources.size, wanted)))
        self._board.know(validated=True)
        read = self._scanned(read)
        shown = video if mended else read
        job = self._noted(read, apart or read, sources, mended)
        return Inspected(sources, shown, apart or shown, container, seconds, job)

    @cached_property
    def _codecs(self) -> frozenset[str]:
        return decoders.decodable(self._children.run(decoders.CODECS_ARGV).stdout)

    def _usable(self, file: Examined) -> Examined:
        encrypted = frozenset(track.index for track in file.encrypted)
        return replace(file, media=decoders.usable(file.media, self._codecs, encrypted))

    def _scanned(self, file: Examined) -> Examined:
        """The file with what its pictures show of fields, where no flag tells of any and something is made of them."""
        chosen, wish = file.media.video, self._task.spec.output
        is_copied = wish.mode in ("Remux", "Original") and not wish.renditions and not wish.thumbnails
        if chosen is None or is_copied or is_interlaced(chosen) or not interlace.is_in_doubt(chosen):
            return file
        with self._board.check():
            combed = scanning.field_order(self._children, file, chosen)
        videos = tuple(replace(one, combed=combed) if one is chosen else one for one in file.media.videos)
        return replace(file, media=replace(file.media, videos=videos))

    def _refuse_undecodable(self, file: Examined, stream: Video | Audio | None) -> None:
        """Before anything is decoded: of an encrypted or unknown stream a decoder says that it is damaged."""
        if stream is not None:
            refuse(encryption.protection(file.media, file.encrypted, stream))
            refuse(decoders.why_not_decoded(stream, self._codecs))
        if isinstance(stream, Audio):
            refuse(channels.why_not_mixed(stream))

    def _noted(self, video: Examined, audio: Examined, sources: Sources, mended: Mended | None) -> Job:
        """The job of a source that is all there, searched for changes on the way: no copy of such a stream is made."""
        job = self._job(video, audio, sources, mended)
        if job.plan.is_original:
            return job
        with self._board.check():
            note_changes(self._children, video, job.picture.video, is_copied=job.plan.copy_video)
            if job.sound:
                is_copied = job.plan.copy_audio or job.plan.copy_audio_file
                note_changes(self._children, audio, job.sound.audio, is_copied=is_copied)
        return self._job(video, audio, sources, mended)

    def _job(self, video: Examined, audio: Examined, sources: Sources, mended: Mended | None = None) -> Job:
        return transcode.prepare(
            video, audio, sources, self._task.spec.output, is_tolerant=self.is_tolerant,
            url=str(video.path) if mended else None, mended=mended.why if mended else "",
        )  # fmt: skip


def _joined(found: Examined, parts: tuple[int, ...]) -> Examined:
    whole = replace(found, parts=parts)
    for track in whole.tracks.values() if whole.joined else ():
        track.changes = whole.joined
    return whole


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


def _refuse_tables(growing: Growing, boxes: tuple[Box, ...], tail: Tail | None) -> None:
    """Raises ImportFailure for an index that would take ffprobe too much memory; it is read to be probed anyway."""
    if tail is not None:
        size = tail.path.stat().st_size
        refuse(excess_of(tail.path, size))

    def read(offset: int, length: int) -> bytes:
        growing.wait(offset + length)
        return os.pread(growing.descriptor, length, offset)

    refuse(tables.excess(read, boxes, growing.total or 1 << 62))


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
