"""The plan of a repair before an import: the new times that make the clock continuous, and the new start of the source.

The functions are pure. The input is what ``media.source.packet_scan`` found. The output is the new times of all
packets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from videoimport.media.source.packet_scan import SAME_SECONDS, Track
from videoimport.media.source.streams import Video
from videoimport.media.timeline.clock_restarts import Stretch

MUXERS = {
    "mpegts": "mpegts", "mpeg": "mpegts", "flv": "flv", "matroska,webm": "matroska",
    "mov,mp4,m4a,3gp,3g2,mj2": "mov",
}  # fmt: skip
"""Muxer for the repaired copy, by ffprobe's name of the source's demuxer. The copy has the same time base, so that no
time is rounded."""
MOST_PARTS = 500
"""Maximum number of parts of a clock. Each part adds a term to an expression that ffmpeg evaluates for each packet."""
MOST_LEADING = 32
"""Maximum number of packets after a keyframe that may be shown before it. This is twice the limit of H.264 and H.265
for reordered frames."""
_NO_TIME = "1e18"
"""Bound for a missing time. ffmpeg stores a missing time as the lowest 64-bit integer, which is nine times as far from
0 as this bound."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of a stream's times by ``seconds``, from packet number ``first`` on. The first packet has the number
    0."""

    first: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Repair:
    """The changes to the packets of a source."""

    video: tuple[Shift, ...]
    audio: tuple[Shift, ...]
    """The moves of the audio packets. Empty where the source has no audio, or where the audio is in a file of its own.
    """
    is_cut: bool
    """Whether the start is cut. A cut drops all frames before the first decodable frame, which is then shown at 0."""
    before_keyframe: int
    """Number of video packets before the first keyframe, where the start is cut."""
    joints: int
    """Number of times that the clock starts again."""
    why: str
    """The reason for the repair, as a clause for ``stages[].why``."""


def repair(video: Track, audio: Track | None) -> Repair | None:
    """Return the repair of a source's times and start. Return None if nothing needs repair or no repair is possible.

    If a packet has no time, the clock cannot be repaired. If there is no keyframe, the start cannot be repaired.
    """
    tracks = [video, *([audio] if audio else [])]
    if not all(track.stretches for track in tracks):
        return None
    parts = sorted({stretch.part for track in tracks for stretch in track.stretches})
    is_cut = video.keyframe is not None and (video.before_keyframe > 0 or video.decodable is not None)
    if len(parts) > 1 and (any(track.is_apart for track in tracks) or not _are_shared(tracks, parts)):
        return None
    if len(parts) == 1 and not is_cut:
        return None
    offsets = _offsets(tracks, parts)
    cut = 0.0
    if is_cut:
        shown = video.keyframe if video.decodable is None else video.decodable
        begin = _moved(video, video.before_keyframe, shown or 0.0, offsets)
        cut = begin - _moved(video, 0, min(video.first or 0.0, video.start or 0.0), offsets)
        offsets = {part: offset - begin for part, offset in offsets.items()}
    return Repair(
        _shifts(video.stretches, offsets),
        _shifts(audio.stretches, offsets) if audio else (),
        is_cut,
        video.before_keyframe if is_cut else 0,
        len(parts) - 1,
        _why(cut, len(parts) - 1),
    )


def _are_shared(tracks: Iterable[Track], parts: list[int]) -> bool:
    """Return whether the clock of all streams starts again together.

    A step in one stream alone is an error of that stream. Moving that stream would change its distance from the other.
    """
    kept = [{stretch.part for stretch in track.stretches} for track in tracks]
    return len(parts) <= MOST_PARTS and all(
        part in own or part < min(own) or part > max(own) for own in kept for part in parts
    )


def _offsets(tracks: list[Track], parts: list[int]) -> dict[int, float]:
    """Return the seconds by which each part moves.

    The first part moves to 0. Each later part moves so that no stream overlaps its own previous part.
    """
    stretches = [stretch for track in tracks for stretch in track.stretches]
    offsets = {parts[0]: -min(stretch.start for stretch in stretches if stretch.part == parts[0])}
    for part in parts[1:]:
        needed = [need for track in tracks if (need := _needed(track.stretches, part, offsets)) is not None]
        begin = min(stretch.start for stretch in stretches if stretch.part == part)
        end = max(stretch.end + offsets[stretch.part] for stretch in stretches if stretch.part in offsets)
        offsets[part] = max(needed, default=end - begin)
    return offsets


def _needed(stretches: list[Stretch], part: int, offsets: Mapping[int, float]) -> float | None:
    """Return the lowest offset of a part at which a stream does not overlap its previous parts. Return None if the
    stream has no packets in the part, or none before it."""
    last = next((stretch for stretch in reversed(stretches) if stretch.part in offsets), None)
    own = next((stretch for stretch in stretches if stretch.part == part), None)
    if last is None or own is None:
        return None
    return max(last.end - own.start, last.dts_end - own.dts_start) + offsets[last.part]


def _moved(track: Track, packet: int, time: float, offsets: Mapping[int, float]) -> float:
    part = next((each.part for each in reversed(track.stretches) if each.first <= packet), track.stretches[0].part)
    return time + offsets[part]


def _shifts(stretches: list[Stretch], offsets: Mapping[int, float]) -> tuple[Shift, ...]:
    return tuple(Shift(stretch.first, offsets[stretch.part]) for stretch in stretches)


def _why(cut: float, restarts: int) -> str:
    told = [f"the first {cut:.2f} s before a keyframe are cut"] if cut else []
    if restarts:
        told.append(f"the clock starts again {'once' if restarts == 1 else f'{restarts} times'} and is made to go on")
    return " and ".join(told)


def video_filters(repair: Repair, reordered: float | None = None) -> str:
    """Return ffmpeg's bitstream filters for the video. The filters shift the times and drop the frames that cannot
    be decoded. Packets that follow a keyframe but are displayed before the keyframe need earlier data. ``reordered``
    is the maximum number of seconds from the decoding of a frame to its display. It is for a container format
    without decoding times."""
    moving = _moving(repair.video) + (f",{_decoded(reordered)}" if reordered else "")
    if not repair.is_cut:
        return moving
    leading = f"lt(n,{repair.before_keyframe + MOST_LEADING})*lt(pts*tb,{-SAME_SECONDS})"
    return f"{moving},noise=drop='lt(n,{repair.before_keyframe})+{leading}'"


def _decoded(reordered: float) -> str:
    """Return an ffmpeg filter that makes decoding times increase and stay early enough before display.

    The times that ffmpeg guesses after a restart of the clock go back. Its muxers would then move the display times
    too.
    """
    return f"setts=pts=PTS:dts='if(lt(abs(PTS),{_NO_TIME}),max(PREV_OUTDTS+1,PTS-round({reordered:.6f}/TB)),DTS)'"


def most_reordered(video: Video) -> float:
    """Return the maximum seconds from the decoding of a frame to its display."""
    return max(1.0, MOST_LEADING / 2 * video.frame_seconds)


def audio_filters(repair: Repair) -> str:
    """Return ffmpeg's bitstream filters for the audio. The filters shift the times and drop the audio before the
    first video frame."""
    moving = _moving(repair.audio)
    return f"{moving},noise=drop='lt(pts*tb,{-SAME_SECONDS})'" if repair.is_cut else moving


def _moving(shifts: tuple[Shift, ...]) -> str:
    before = (0.0, *(shift.seconds for shift in shifts))
    steps = (f"gte(N,{shift.first})*({shift.seconds - last:.6f})" for shift, last in zip(shifts, before, strict=False))
    sum_of_steps = f"round(({'+'.join(steps)})/TB)"
    pts, dts = (f"if(lt(abs({time}),{_NO_TIME}),{time}+{sum_of_steps},{time})" for time in ("PTS", "DTS"))
    return f"setts=pts='{pts}':dts='{dts}'"
