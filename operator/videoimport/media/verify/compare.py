"""Comparison of a result with its source. The caller has probed and decoded both files."""

from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import Box, has_head_first
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
"""Tolerance in seconds when two times are compared. For the length of the video, the tolerance is at least two frames.
"""
THINNED_SHARE = 0.8
"""Minimum share of the source's frames in an encode that drops frames on purpose.

An encode drops frames if the source has more frames per second than the encode may have. It also drops frames if
the rate of the source is unknown.
"""
MOST_AT_ONE_MOMENT = 17
"""Maximum number of packets in a 60th of a second. This is about 1,000 frames per second, the rate of slow-motion
cameras."""
FEW_FRAMES = 3
"""Number of frames that may be missing besides, because the grid of the result begins at another time."""
MOST_FOR_FRAMES = 1.0
"""Maximum tolerance in seconds for the length of two frames. The rate that a source declares can be wrong."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A result and the facts that are compared with its source."""

    job: Job
    target: Target
    result: Media
    tracks: dict[int, Track]
    """The tracks of the result, by stream index."""
    boxes: tuple[Box, ...]
    """The top-level boxes of the result."""
    heard: float | None = None
    """Seconds of audio that the samples of the source last. None where the timestamps of the source leave enough time.
    """
    decoded: Count | None = None
    """Number of source frames that ffmpeg decodes. The value is None if the frames were not counted."""

    @property
    def sound(self) -> Sound | None:
        """The chosen audio of the source. The value is None if no audio is imported."""
        return self.job.sound

    def tolerance(self, name: str) -> float:
        """Return the tolerated difference in seconds between two lengths of ``video`` or ``audio``. For video, the
        tolerance grows with the duration of a frame."""
        return max(LEAST_TOLERANCE, _two_frames(self.job.picture.video)) if name == "video" else LEAST_TOLERANCE


def _two_frames(video: Video) -> float:
    return min(MOST_FOR_FRAMES, 2 * video.frame_seconds)


def difference(compared: Compared) -> Finding | None:
    """Return the first difference between the result and its source. Return None if there is no difference."""
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
    """Return a finding if the video does not comply with the requested output.

    In mode Remux, only the codec is compared, because that mode asks for the source's own stream.
    """
    video, target = compared.result.video, compared.target
    if video is None or target.wish is None:
        return None
    if target.copies and compared.job.output.mode == "Remux":
        found, wanted = video.codec, compared.job.picture.video.codec
        return None if found == wanted else _failed(f"its video codec is {found}, but the source's is {wanted}")
    broken = why_not_compliant(video, target.wish)
    return _failed(broken) if broken else None


def _has_its_colors(compared: Compared) -> Finding | None:
    """Return a finding if an encode is tagged with other colours than planned. A player would guess a missing tag."""
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
            return _failed(f"its {name} lasts {result.seconds:.2f} s, but the source's lasts {source.seconds:.2f} s")
    return None


def _only_the_last_stands(name: str, source: Track, result: Track, tolerance: float) -> bool:
    """Return whether only the display time of the last frame differs.

    Encoders get no duration of the last frame, so the last frame lasts as long as the frame before it. That matters
    only for slides. All other frames are shown at the right time.
    """
    if name != "video" or source.until_last is None or result.until_last is None:
        return False
    return source.packets == result.packets and abs(source.until_last - result.until_last) <= tolerance


def must_count(compared: Compared) -> bool:
    """Return whether the source must be decoded to count its frames.

    This is necessary if the number of frames in the result differs from the number of packets in the source.
    """
    return compared.decoded is None and not _is_thinned(compared) and _has_the_pictures(compared) is not None


def _has_the_pictures(compared: Compared) -> Finding | None:
    """Return a finding if the result has too few or too many frames. Lengths and pauses do not show single
    lost frames."""
    if compared.target.wish is None or compared.target.size is None:
        return None
    least, most = _wanted_pictures(compared, compared.target.size)
    found = _pairs(compared)[0][2].packets
    return None if least <= found <= most else _failed(f"its video has {found} frames, but the source's has {most}")


def _wanted_pictures(compared: Compared, size: tuple[int, int]) -> tuple[int, int]:
    """Return the minimum and the maximum number of frames of a result.

    A copy begins with a keyframe. An encode has every decoded frame, except frames that have no time of their own on
    the clock of the encode.
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
    """Return whether an encode drops frames on purpose.

    An encode has at most 60 frames per second, or fewer where the level of the codec allows fewer.
    """
    target = compared.target
    return not target.copies and target.size is not None and is_thinned(compared.job.picture.video, fastest(target))


def _moments(compared: Compared, size: tuple[int, int]) -> int:
    """Return how many frames an encode that drops frames has to show.

    Packets of interlaced video may be half frames. If there are more than ``MOST_AT_ONE_MOMENT`` packets in a 60th of a
    second, the times are wrong. The result is then high enough to report the lost frames.
    """
    picture, wish = compared.job.picture, compared.target.wish
    assert wish is not None  # noqa: S101 — it has a size
    found = picture.track.pictures // (2 if is_interlaced(picture.video) else 1)
    most = max(1, round(picture.track.seconds * frames_a_second(size, ceiling(wish))))
    return max(min(found, most), picture.track.packets // MOST_AT_ONE_MOMENT)


def _has_all_that_is_heard(compared: Compared) -> Finding | None:
    """Return a finding if the result has less audio than the samples of the source last.

    The length of the source's track is no evidence where its timestamps are too close together.
    """
    if compared.heard is None or compared.sound is None:
        return None
    found = _pairs(compared)[-1][2].seconds
    if found + LEAST_TOLERANCE >= compared.heard:
        return None
    return _failed(f"its audio lasts {found:.2f} s, but {compared.heard:.2f} s of the source's audio can be decoded")


def _is_as_much_in_step(compared: Compared) -> Finding | None:
    if compared.target.wish is None or compared.sound is None:
        return None
    wanted, found = compared.job.offset, _step(compared)
    if abs(found - wanted) <= LEAST_TOLERANCE:
        return None
    return _failed(f"its audio starts {found:+.2f} s from the video, but the source's starts {wanted:+.2f} s from it")


def _step(compared: Compared) -> float:
    """Return the seconds from the start of the result's video to the start of its audio."""
    video, audio = (track for _, _, track in _pairs(compared))
    return (audio.start or 0.0) - (video.start or 0.0)


def _has_no_new_gaps(compared: Compared) -> Finding | None:
    for name, source, result in _pairs(compared):
        wanted, found = _pauses(name, source), _pauses(name, result)
        if found > wanted + compared.tolerance(name):
            return _failed(f"its {name} has pauses of {found:.2f} s in total, but the source's has {wanted:.2f} s")
    return None


def _pauses(name: str, track: Track) -> float:
    return track.still if name == "video" else track.gaps


_FORM = (_has_the_streams, _has_a_head, _has_the_size, _complies, _has_its_colors)
_CONTENT = (_is_as_long, _has_all_that_is_heard, _has_the_pictures, _is_as_much_in_step, _has_no_new_gaps)


def loss(compared: Compared) -> str:
    """Return a message with the seconds of video and audio that are lost in the result of a damaged source, compared
    with the source's header. The seconds include pauses that only the result has."""
    told = []
    for (name, source, result), promised in zip(_pairs(compared), _promised(compared), strict=True):
        pauses = max(0.0, _pauses(name, result) - _pauses(name, source))
        lost = max(0.0, max(source.seconds, promised) - result.seconds) + pauses
        if lost >= LEAST_TOLERANCE:
            told.append(f"{lost:.1f} s of {name}")
    if told:
        return f"the source is damaged: {' and '.join(told)} are lost"
    kept = "as they were" if compared.target.copies else "as far as they could be decoded"
    return f"the source is damaged: the damaged places are in the result {kept}"


def _promised(compared: Compared) -> list[float]:
    """Return the length in seconds that the source's header declares for each stream of the result."""
    video, audio = compared.job.promised
    return [*([video] if compared.target.wish else []), *([audio] if compared.sound else [])]


def difference_of_damaged(compared: Compared) -> Finding | None:
    """Return the first difference between a result and its damaged source, or None.

    The result may be shorter than the source, but never longer. Audio and video must still be in sync. The tolerance is
    as many seconds as are missing.
    """
    if found := first_finding(_FORM, compared):
        return found
    missing = 0.0
    for name, source, result in _pairs(compared):
        if result.packets == 0:
            return _failed(f"nothing of its {name} is left")
        if result.seconds > source.seconds + compared.tolerance(name):
            return _failed(f"its {name} lasts {result.seconds:.2f} s, but the source's lasts {source.seconds:.2f} s")
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
