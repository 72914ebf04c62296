"""How a source is mended before anything is made of it: its clock is made to go on, its undecodable start is cut.

Pure: what a walk over the packets found in, the times of all packets out.
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
"""What a source of ffprobe's container is mended into: of the same time base, so that no time is rounded."""
MOST_PARTS = 500
"""Starts of a clock; each is a term of an expression that ffmpeg evaluates for each packet."""
MOST_LEADING = 32
"""Packets after a keyframe that may be shown before it: twice the most frames that H.264 and H.265 reorder."""
_NO_TIME = "1e18"
"""ffmpeg gives a time that is not there as the least of 64 bits, which is nine times as far from 0."""


@dataclass(frozen=True, slots=True)
class Shift:
    """From packet ``first`` on, counted from 0, all times of a stream are moved by ``seconds``."""

    first: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Repair:
    """What happens to the packets of a source."""

    video: tuple[Shift, ...]
    audio: tuple[Shift, ...]
    """Empty where there is none, or it has a file of its own."""
    is_cut: bool
    """The start is dropped: what is shown before the first picture that can be decoded, which is shown at 0 then."""
    before_keyframe: int
    """Video packets of the start that come before the first keyframe."""
    joints: int
    """How often the clock starts again."""
    why: str
    """Half a sentence for ``stages[].why``."""


def repair(video: Track, audio: Track | None) -> Repair | None:
    """Return what is wrong with a source's times and start, and how it is mended; None for nothing that can be.

    Without a time for each packet there is no clock that could be mended, and without any keyframe no better start.
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
    """Whether all streams start again together: a step of one alone is a mistake in it, and moving it would change its
    distance from the other."""
    kept = [{stretch.part for stretch in track.stretches} for track in tracks]
    return len(parts) <= MOST_PARTS and all(
        part in own or part < min(own) or part > max(own) for own in kept for part in parts
    )


def _offsets(tracks: list[Track], parts: list[int]) -> dict[int, float]:
    """Seconds by which each part is moved: the first to 0, each other to where no stream overlaps what it has."""
    stretches = [stretch for track in tracks for stretch in track.stretches]
    offsets = {parts[0]: -min(stretch.start for stretch in stretches if stretch.part == parts[0])}
    for part in parts[1:]:
        needed = [need for track in tracks if (need := _needed(track.stretches, part, offsets)) is not None]
        begin = min(stretch.start for stretch in stretches if stretch.part == part)
        end = max(stretch.end + offsets[stretch.part] for stretch in stretches if stretch.part in offsets)
        offsets[part] = max(needed, default=end - begin)
    return offsets


def _needed(stretches: list[Stretch], part: int, offsets: Mapping[int, float]) -> float | None:
    """The least offset of a part with which a stream goes on after what it has; None where it has nothing before or in
    that part."""
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
    """ffmpeg's bitstream filters for the video: times are moved, then what cannot be decoded is dropped.

    Packets that follow a keyframe and are shown before it lean on what lies before it. ``reordered`` is for a container
    without decoding times: how many seconds a picture may be decoded before it is shown.
    """
    moving = _moving(repair.video) + (f",{_decoded(reordered)}" if reordered else "")
    if not repair.is_cut:
        return moving
    leading = f"lt(n,{repair.before_keyframe + MOST_LEADING})*lt(pts*tb,{-SAME_SECONDS})"
    return f"{moving},noise=drop='lt(n,{repair.before_keyframe})+{leading}'"


def _decoded(reordered: float) -> str:
    """Decoding times that go forwards and are early enough. Those that ffmpeg guesses behind a join go backwards, and
    its muxers would move the pictures' times to them."""
    return f"setts=pts=PTS:dts='if(lt(abs(PTS),{_NO_TIME}),max(PREV_OUTDTS+1,PTS-round({reordered:.6f}/TB)),DTS)'"


def most_reordered(video: Video) -> float:
    """How many seconds a picture may be decoded before it is shown."""
    return max(1.0, MOST_LEADING / 2 * video.frame_seconds)


def audio_filters(repair: Repair) -> str:
    """The same for the audio: what would be heard before the first picture is dropped with it."""
    moving = _moving(repair.audio)
    return f"{moving},noise=drop='lt(pts*tb,{-SAME_SECONDS})'" if repair.is_cut else moving


def _moving(shifts: tuple[Shift, ...]) -> str:
    before = (0.0, *(shift.seconds for shift in shifts))
    steps = (f"gte(N,{shift.first})*({shift.seconds - last:.6f})" for shift, last in zip(shifts, before, strict=False))
    sum_of_steps = f"round(({'+'.join(steps)})/TB)"
    pts, dts = (f"if(lt(abs({time}),{_NO_TIME}),{time}+{sum_of_steps},{time})" for time in ("PTS", "DTS"))
    return f"setts=pts='{pts}':dts='{dts}'"
