"""Whether a result is its source: what was found in both, compared. The caller does the probing and decoding."""

from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.media.container import mp4_samples as samples
from videoimport.media.container import truncated_containers as chunks
from videoimport.media.container import truncated_matroska as ebml
from videoimport.media.container.mp4_boxes import Box, Read, has_head_first
from videoimport.media.source.findings import Finding, first_finding
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.transcode import color
from videoimport.media.transcode.compliance import is_interlaced, why_not_compliant
from videoimport.media.transcode.encoder_arguments import ceiling
from videoimport.media.transcode.frame_pacing import fastest, is_thinned
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import Sound, frames_a_second
from videoimport.media.verify.picture_count import Count

LEAST_TOLERANCE = 0.1
"""Seconds; for video never less than two frames."""
THINNED_SHARE = 0.8
"""Of the moments at which a source shows pictures, at least this many must be in an encode that leaves pictures out:
of a source that is faster than the encode may be, or whose rate is unknown."""
MOST_AT_ONE_MOMENT = 17
"""Packets in a 60th of a second: 1,000 pictures a second, as cameras for slow motion have."""
FEW_FRAMES = 3
"""So many may be missing then: moments are counted from another start."""
MOST_FOR_FRAMES = 1.0
"""Seconds that two frames count for at most: a source's word on its rate may be anything."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A result beside its source."""

    job: Job
    target: Target
    result: Media
    tracks: dict[int, Track]
    """The result's."""
    boxes: tuple[Box, ...]
    """The result's top level."""
    heard: float | None = None
    """Seconds of sound that the source has by its samples, where its timestamps have less room."""
    decoded: Count | None = None
    """Pictures that ffmpeg decodes of the source; None where nobody counted."""

    @property
    def sound(self) -> Sound | None:
        """The source's."""
        return self.job.sound

    def tolerance(self, name: str) -> float:
        """Seconds two lengths of ``video`` or ``audio`` may differ: only pictures are as coarse as frames."""
        return max(LEAST_TOLERANCE, _two_frames(self.job.picture.video)) if name == "video" else LEAST_TOLERANCE


def _two_frames(video: Video) -> float:
    return min(MOST_FOR_FRAMES, 2 * video.frame_seconds)


def difference(compared: Compared) -> Finding | None:
    """The first way in which the result is not its source, or None."""
    return first_finding((*_FORM, *_CONTENT), compared)


def _failed(message: str) -> Finding:
    return Finding(Reason.VERIFICATION_FAILED, f"The result does not match its source: {message}.")


def _has_the_streams(compared: Compared) -> Finding | None:
    wanted = (0 if compared.target.wish is None else 1, 0 if compared.sound is None else 1)
    found = (len(compared.result.videos), len(compared.result.audios))
    return None if found == wanted else _failed(f"it has {found[0]} video and {found[1]} audio streams, not {wanted}")


def _has_a_head(compared: Compared) -> Finding | None:
    if not compared.target.is_mp4 or has_head_first(compared.boxes):
        return None
    return _failed("its index does not lie before its media data")


def _has_the_size(compared: Compared) -> Finding | None:
    video, wanted = compared.result.video, compared.target.size
    if video is None or video.shown == wanted:
        return None
    return _failed(f"it is displayed as {video.shown}, not as {wanted}")


def _complies(compared: Compared) -> Finding | None:
    """Mode Remux asks for the source's own stream, whatever it is."""
    video, target = compared.result.video, compared.target
    if video is None or target.wish is None:
        return None
    if target.copies and compared.job.output.mode == "Remux":
        found, wanted = video.codec, compared.job.picture.video.codec
        return None if found == wanted else _failed(f"its video codec is {found}, the source's {wanted}")
    broken = why_not_compliant(video, target.wish)
    return _failed(broken) if broken else None


def _has_its_colors(compared: Compared) -> Finding | None:
    """An encode says what its colours are; a player would guess what is not said."""
    video, target = compared.result.video, compared.target
    if video is None or target.wish is None or target.copies:
        return None
    wanted = color.encoded(compared.job.picture.video)
    found = color.Color(video.primaries, video.transfer, video.matrix, video.range)
    return None if found == wanted else _failed(f"its colours are tagged as {found}, not as {wanted}")


def _is_as_long(compared: Compared) -> Finding | None:
    for name, source, result in _pairs(compared):
        tolerance = compared.tolerance(name)
        if abs(source.seconds - result.seconds) > tolerance and not _only_the_last_stands(
            name, source, result, tolerance
        ):
            return _failed(f"its {name} lasts {result.seconds:.2f} s, the source's {source.seconds:.2f} s")
    return None


def _only_the_last_stands(name: str, source: Track, result: Track, tolerance: float) -> bool:
    """Encoders are not told how long a picture stands: the last one gets the time of the one before it.

    That matters for slides only; every picture comes when it must.
    """
    if name != "video" or source.until_last is None or result.until_last is None:
        return False
    return source.packets == result.packets and abs(source.until_last - result.until_last) <= tolerance


def must_count(compared: Compared) -> bool:
    """Whether the result has other pictures than the source has packets, so that only a decode of that can tell."""
    return compared.decoded is None and not _is_thinned(compared) and _has_the_pictures(compared) is not None


def _has_the_pictures(compared: Compared) -> Finding | None:
    """Lengths and pauses do not show pictures that are lost here and there."""
    if compared.target.wish is None or compared.target.size is None:
        return None
    least, most = _wanted_pictures(compared, compared.target.size)
    found = _pairs(compared)[0][2].packets
    return None if least <= found <= most else _failed(f"its video has {found} frames, the source's {most}")


def _wanted_pictures(compared: Compared, size: tuple[int, int]) -> tuple[int, int]:
    """The fewest and the most pictures that a result may have.

    A copy begins with a keyframe. An encode has each picture that is decoded, but for those that have no moment of
    their own on its clock.
    """
    source = compared.job.picture.track
    if compared.target.copies:
        return source.packets - (source.before_keyframe if source.keyframe is not None else 0), source.packets
    if _is_thinned(compared):
        wanted = _moments(compared, size)
        return round(wanted * THINNED_SHARE) - FEW_FRAMES, max(source.packets, wanted)
    counted = compared.decoded or Count(source.packets - source.hidden_packets)
    most = counted.pictures
    return max(most - source.crowded, round(most * THINNED_SHARE)) - counted.dropped, most


def _is_thinned(compared: Compared) -> bool:
    """Whether pictures are left out on purpose: no more than 60 a second, or fewer where the level has fewer."""
    target = compared.target
    return not target.copies and target.size is not None and is_thinned(compared.job.picture.video, fastest(target))


def _moments(compared: Compared, size: tuple[int, int]) -> int:
    """Packets of interlaced video may be half pictures. Where times are so close that hardly a packet has a moment of
    its own, they are wrong, and pictures are lost."""
    picture, wish = compared.job.picture, compared.target.wish
    assert wish is not None  # noqa: S101 — it has a size
    found = picture.track.pictures // (2 if is_interlaced(picture.video) else 1)
    most = max(1, round(picture.track.seconds * frames_a_second(size, ceiling(wish))))
    return max(min(found, most), picture.track.packets // MOST_AT_ONE_MOMENT)


def _has_all_that_is_heard(compared: Compared) -> Finding | None:
    """Where the source's timestamps are too close together, its own length says nothing of its sound."""
    if compared.heard is None or compared.sound is None:
        return None
    found = _pairs(compared)[-1][2].seconds
    if found + LEAST_TOLERANCE >= compared.heard:
        return None
    return _failed(f"its audio lasts {found:.2f} s, and {compared.heard:.2f} s of the source's can be decoded")


def _is_as_much_in_step(compared: Compared) -> Finding | None:
    if compared.target.wish is None or compared.sound is None:
        return None
    wanted, found = compared.job.offset, _step(compared)
    if abs(found - wanted) <= LEAST_TOLERANCE:
        return None
    return _failed(f"its audio starts {found:+.2f} s from the video, the source's {wanted:+.2f} s")


def _step(compared: Compared) -> float:
    """Seconds that the result's audio starts after its video."""
    video, audio = (track for _, _, track in _pairs(compared))
    return (audio.start or 0.0) - (video.start or 0.0)


def _has_no_new_gaps(compared: Compared) -> Finding | None:
    for name, source, result in _pairs(compared):
        wanted, found = _pauses(name, source), _pauses(name, result)
        if found > wanted + compared.tolerance(name):
            return _failed(f"its {name} has pauses of {found:.2f} s in all, the source's {wanted:.2f} s")
    return None


def _pauses(name: str, track: Track) -> float:
    return track.still if name == "video" else track.gaps


_FORM = (_has_the_streams, _has_a_head, _has_the_size, _complies, _has_its_colors)
_CONTENT = (_is_as_long, _has_all_that_is_heard, _has_the_pictures, _is_as_much_in_step, _has_no_new_gaps)


def loss(compared: Compared) -> str:
    """What the result of a damaged source lacks of what that promised; pauses that only the result has count too."""
    told = []
    for (name, source, result), promised in zip(_pairs(compared), _promised(compared), strict=True):
        pauses = max(0.0, _pauses(name, result) - _pauses(name, source))
        lost = max(0.0, max(source.seconds, promised) - result.seconds) + pauses
        if lost >= LEAST_TOLERANCE:
            told.append(f"{lost:.1f} s of {name}")
    if told:
        return f"the source is damaged: {' and '.join(told)} are lost"
    kept = "as they were" if compared.target.copies else "as far as they could be decoded"
    return f"the source is damaged: the bad places are in the result {kept}"


def _promised(compared: Compared) -> list[float]:
    """By the source's header, of each stream of the result."""
    video, audio = compared.job.promised
    return [*([video] if compared.target.wish else []), *([audio] if compared.sound else [])]


def difference_of_damaged(compared: Compared) -> Finding | None:
    """Like ``difference`` for a source that is known to be damaged: there may be less of it, but never more.

    What is there must still be in step: by as much as went missing at either start it may be off.
    """
    if found := first_finding(_FORM, compared):
        return found
    missing = 0.0
    for name, source, result in _pairs(compared):
        if result.packets == 0:
            return _failed(f"nothing of its {name} is left")
        if result.seconds > source.seconds + compared.tolerance(name):
            return _failed(f"its {name} lasts {result.seconds:.2f} s, the source's {source.seconds:.2f} s")
        missing += max(0.0, source.seconds - result.seconds)
    found = _is_as_much_in_step(compared)
    return found if found and abs(_step(compared) - compared.job.offset) > missing + LEAST_TOLERANCE else None


def _pairs(compared: Compared) -> list[tuple[str, Track, Track]]:
    video, audio = compared.result.video, compared.result.audio
    pairs = []
    if compared.target.wish:
        pairs.append(("video", compared.job.picture.track, _track(compared, video)))
    if compared.sound:
        pairs.append(("audio", compared.sound.track, _track(compared, audio)))
    return pairs


def _track(compared: Compared, stream: Video | Audio | None) -> Track:
    return compared.tracks.get(stream.index, Track()) if stream else Track()


def damage(read: Read, boxes: tuple[Box, ...], size: int, demuxer: str) -> Finding | None:
    """Return SOURCE_TRUNCATED for a source whose data ends early, or None. ``read(offset, length)`` reads the file.

    Only data is evidence: samples, blocks, packets or tags that go on beyond the end of the file. A header that
    declares a longer duration is none. ``boxes`` is empty for what is no MP4 or MOV.
    """
    if missing := samples.missing_bytes(read, boxes, size):
        return _truncated(f"its samples are {missing} bytes longer than the file")
    why = ebml.why_cut(read, size) if demuxer == "matroska,webm" else chunks.why_cut(read, size, demuxer)
    return _truncated(why) if why else None


def _truncated(why: str) -> Finding:
    return Finding(Reason.SOURCE_TRUNCATED, f"The source is cut short: {why}.", "Get a complete copy of the source.")
