"""Examination of a source, and the plan of its transcode. The first examination uses the first bytes during the
download. The second uses the whole file."""

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
from videoimport.worker.fetch.process_messages import Found
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
from videoimport.worker.source.arrival import Arrival
from videoimport.worker.source.files import Source, Sources, Tail
from videoimport.worker.source.probe import Examined, examine, excess_of, note_changes

_LISTS_STREAMS = ("mp4", "mov", "mkv", "webm")
"""Container formats whose head names every stream. A stream that the head does not name does not exist."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """The facts about an examined source, and the job that is planned for it."""

    sources: Sources
    video: Examined
    audio: Examined
    """The file with the audio. This is the same object as ``video`` if one file has both."""
    container: ContainerFormat | None
    seconds: float
    job: Job


@dataclass(frozen=True, slots=True)
class Early:
    """The facts from the first bytes of a source."""

    found: Inspected | None
    """The facts and the job. The value is None if the head contains too little."""
    why_staged: str | None
    """The reason why the stages cannot overlap. The value is None if the stages may overlap, and then ``found`` is set.
    """


class Inspector:
    """Examines the source of one task and reports the facts. The inspector refuses a source that does not meet the
    requirements."""

    def __init__(self, task: Task, children: Children, board: Board, folder: Path) -> None:
        """Create the inspector.

        ``folder`` is for temporary copies of the source: the joined file of a source of several parts, and a repaired
        source.
        """
        self._task, self._children, self._board, self._folder = task, children, board, folder
        self.found = Found(type="Url")
        """What the server of the source reported about the source."""
        self._audio: Examined | None = None
        self._audio_source: Path | None = None

    @property
    def is_tolerant(self) -> bool:
        """True if the task tolerates damage of the source."""
        wanted = self._task.spec.requirements
        return wanted is not None and wanted.damage == "Tolerate"

    # From the head

    def early(self, arrival: Arrival, sources: Sources) -> Early:
        """Return the facts from the first bytes. Raises ImportFailure if these facts are enough to refuse the
        source."""
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
        if media is None or not (media.videos or media.audios):  # Matroska may name its tracks after the media
            return Early(None, "the source's first bytes contain too little information")
        seconds = self._declared(media, boxes)
        tracks = declared(_believed(media, boxes, seconds))
        video = Examined(source.path, source.size or 0, container, media, tracks, boxes)
        audio = self._audio_apart(sources) or video
        shown: ContainerFormat | None = "mp4" if sources.is_segmented else container
        self._refuse_early(video, audio, shown, seconds, sources)
        if video.media.video is None or not video.media.video.has_size:
            return Early(None, "the source's first bytes show no video, or a video without a size")
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
        except ValueError:  # the whole file is probed again later
            return None
        return decoders.usable(found, self._codecs) if found else None

    def _declared(self, media: Media, boxes: tuple[Box, ...]) -> float | None:
        """Return the length of the source in seconds, or None if no trusted length is known.

        The head of a fragmented file declares only the length of its first fragment. In this case, and if the head
        declares no length, the length that the server reported is returned.
        """
        if overlap.is_fragmented(boxes) or not media.duration:
            return self.found.duration_seconds
        return media.duration

    def _audio_apart(self, sources: Sources) -> Examined | None:
        """Return the audio file of a source with separate audio, or None if there is no such file or if it has no
        audio.

        The audio file is complete before the first bytes of the video arrive.
        """
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

    # From the whole source

    def _examined(self, source: Source) -> Examined:
        whole = as_one(self._children, source.path, self._folder)
        found = self._usable(examine(self._children, whole.path))
        refuse_parts(found, whole)
        return _joined(found, whole.parts)

    def whole(self, sources: Sources) -> Inspected:
        """Examine the source, refuse a source that does not meet the requirements, and plan the job."""
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
        # Check first that the files are complete, because an incomplete file cannot be checked further.
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
        return decoders.decodable(self._children.ask(decoders.CODECS_ARGV).stdout)

    def _usable(self, file: Examined) -> Examined:
        encrypted = frozenset(track.index for track in file.encrypted)
        return replace(file, media=decoders.usable(file.media, self._codecs, encrypted))

    def _scanned(self, file: Examined) -> Examined:
        """Return the file with the field order that its frames show.

        The frames are scanned only if no flag declares fields and if the output needs an encode.
        """
        chosen, wish = file.media.video, self._task.spec.output
        is_copied = wish.mode in ("Remux", "Original") and not wish.renditions and not wish.thumbnails
        if chosen is None or is_copied or is_interlaced(chosen) or not interlace.is_in_doubt(chosen):
            return file
        with self._board.check():
            combed = scanning.field_order(self._children, file, chosen)
        videos = tuple(replace(one, combed=combed) if one is chosen else one for one in file.media.videos)
        return replace(file, media=replace(file.media, videos=videos))

    def _refuse_undecodable(self, file: Examined, stream: Video | Audio | None) -> None:
        """Refuse an encrypted or unknown stream before any decode, because a decoder would report such a stream as
        damaged."""
        if stream is not None:
            refuse(encryption.protection(file.media, file.encrypted, stream))
            refuse(decoders.why_not_decoded(stream, self._codecs))
        if isinstance(stream, Audio):
            refuse(channels.why_not_mixed(stream))

    def _noted(self, video: Examined, audio: Examined, sources: Sources, mended: Mended | None) -> Job:
        """Return the job of a complete source after a search for changes within its streams. A stream that changes is
        not copied."""
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
    """Return a copy of the job with other paths or URLs of the input files."""
    return replace(job, inputs=Inputs(video, audio, job.inputs.audio_delay, seekable))


def _believed(media: Media, boxes: tuple[Box, ...], seconds: float | None) -> Media:
    """Return what a head declares, without the lengths of the first fragment only."""
    if not overlap.is_fragmented(boxes):
        return replace(media, duration=seconds)
    videos = tuple(replace(video, duration=None) for video in media.videos)
    audios = tuple(replace(audio, duration=None) for audio in media.audios)
    return replace(media, duration=seconds, videos=videos, audios=audios)


def _refuse_tables(growing: Growing, boxes: tuple[Box, ...], tail: Tail | None) -> None:
    """Raise ImportFailure for an index that would take ffprobe too much memory. The probe reads the index anyway."""
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
    """Wait until the boxes of an MP4 or MOV file up to its media data have arrived, and return these boxes. Raises
    AbandonedError if the download stops before these boxes have arrived."""

    def read(offset: int, length: int) -> bytes:
        growing.wait(offset + length)
        return os.pread(growing.descriptor, length, offset)

    def heads() -> Iterator[Box]:
        for box in boxes_of.top_level(read, growing.total or 1 << 62):
            yield box
            if overlap.ends_head(box):
                return

    return tuple(heads())
