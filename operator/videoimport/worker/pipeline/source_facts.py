"""The facts of a source and of its result for the report, in the types of the API."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from videoimport.api.redaction import shown_url
from videoimport.api.videoimport_status import SourceStatus, VideoMetadata
from videoimport.media.source.requirements import shown
from videoimport.media.source.stream_choice import LeftOut
from videoimport.media.source.streams import Audio, Video
from videoimport.media.transcode.job import Job
from videoimport.worker.fetch.process_messages import Found
from videoimport.worker.runtime.termination_message import clip
from videoimport.worker.source.files import Sources
from videoimport.worker.source.probe import Examined

MOST_PIXELS = 1_000_000
"""Maximum number of pixels of a side in a status. A file's header may claim any number."""


def source_status(url: str, found: Found, sources: Sources | None = None, seconds: float | None = None) -> SourceStatus:
    """Return the facts of the source that are known so far."""
    return SourceStatus(
        type=found.type,
        url=clip(shown_url(url), 2048),
        filename=found.filename,
        source_id=found.source_id[:256] if found.source_id else None,
        title=found.title,
        sha256=source_sha256(sources) if sources else None,
        duration_ms=round(seconds * 1000) if seconds is not None else None,
    )


def reuse_facts(source: SourceStatus | None, url: str) -> SourceStatus | None:
    """Return the facts that an earlier run found, with the source's address from this run."""
    return source and source.model_copy(update={"url": clip(shown_url(url), 2048)})


def source_sha256(sources: Sources) -> str | None:
    """Return the SHA-256 of the source's bytes. For two files, the result is a hash of both hashes. So the result
    does not depend on how the files are merged."""
    hashes = [source.sha256 or "" for source in sources.all]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


MOST_STREAMS_TOLD = 256


@dataclass(frozen=True, slots=True)
class _Taken:
    part: str
    kind: str
    stream: Video | Audio
    changes: str


def streams(video: Examined, audio: Examined, job: Job) -> dict[str, Any]:
    """Return the used and the unused streams for result.json, each with the reason.

    ``index`` is ffprobe's index. If video and audio are in two files, ``part`` names the file of a stream.
    """
    sound, is_apart = job.sound, audio is not video
    picture, choice = video.media.choice.video, audio.media.choice  # the job may read a copy whose indexes differ
    heard = (choice.audio, choice.second if sound.second else None) if sound else ()
    home = "audio" if is_apart else "video"
    taken = (
        *(_Taken("video", "video", one, job.picture.track.changes) for one in (picture,) if one),
        *(_Taken(home, "audio", one, sound.track.changes) for one in heard if one and sound),
    )
    used = {(one.part, one.stream.index) for one in taken}
    told = [(part, one) for part, one in _left_out(video, audio, is_apart=is_apart) if (part, one.index) not in used]

    def where(part: str, index: int) -> dict[str, Any]:
        return {"index": index, **({"part": part} if is_apart else {})}

    return {
        "taken": [
            {**where(one.part, one.stream.index), "kind": one.kind, "codec": one.stream.codec,
             **({"changes": one.changes} if one.changes else {})}
            for one in taken
        ],
        "leftOut": [
            {**where(part, one.index), "kind": one.kind, "codec": one.codec, "why": one.why} for part, one in told
        ][:MOST_STREAMS_TOLD],
        **({"joinedParts": job.parts} if job.parts > 1 else {}),
    }  # fmt: skip


_APART = "the source has video and audio in separate files"


def _left_out(video: Examined, audio: Examined, *, is_apart: bool) -> Iterator[tuple[str, LeftOut]]:
    """Yield the streams of each file that are left out. These are the streams that the choice left out, and the chosen
    streams that the other file replaces."""
    files = (("video", video, "audio"), ("audio", audio, "video")) if is_apart else (("video", video, ""),)
    for part, file, unwanted in files:
        choice = file.media.choice
        chosen = {"video": choice.video, "audio": choice.audio}.get(unwanted)
        for stream in (chosen, choice.second) if chosen and unwanted == "audio" else (chosen,):
            if stream is not None:
                yield part, LeftOut(stream.index, unwanted, stream.codec, _APART)
        if unwanted != "audio" and choice.second:
            yield part, LeftOut(choice.second.index, "audio", choice.second.codec, "a copy has one audio track")
        for one in choice.left_out:
            yield part, one


def metadata(video: Examined, audio: Examined, size: int, seconds: float, container: str | None) -> VideoMetadata:
    """Return the technical facts of the source. ``audio`` is the same file as ``video`` if one file has both."""
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
