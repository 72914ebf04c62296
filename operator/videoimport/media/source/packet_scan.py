"""A walk over a file's packets. Nothing is decoded, and the result is from the packets, not from the header."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush

from videoimport.media.source.probe import GUARDS, MOST_LISTED
from videoimport.media.source.probe_bounds import MOST_BYTES, read_duration, read_integer, read_time
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.timeline.clock_restarts import GUESSED, JUMPING, Clock, Stretch

GAP_SECONDS = 0.1
"""A pause between packets is a gap when it is this much longer than the packet before it lasts."""
STILL_SECONDS = 0.1
"""A picture that is shown longer than this counts as still for the rest of its time."""
GRID_SECONDS = 1 / 60
"""The shortest time that an encode shows a frame."""
MOST_REORDERED = 32
"""Frames that may be stored before one that is shown earlier: twice the most H.264 and H.265 allow."""
SAME_SECONDS = 0.001
"""Seconds below which two times are the same: the coarsest common clock, that of Matroska."""


def walk_argv(path: str) -> list[str]:
    """ffprobe's command for one line a packet."""
    fields = "packet=stream_index,pts_time,dts_time,duration_time,size,flags"
    return [
        "ffprobe",
        "-hide_banner",
        "-v",
        "error",
        *GUARDS,
        "-show_entries",
        fields,
        "-of",
        "csv=p=0",
        f"file:{path}",
    ]


@dataclass(slots=True)
class Track:
    """The facts of one stream by its packets. Times are seconds on the file's clock."""

    packets: int = 0
    size: int = 0
    start: float | None = None
    """When the first packet is shown; packets that an edit list hides do not count."""
    end: float | None = None
    """When the last one stops being shown."""
    gaps: float = 0.0
    """Sum of the pauses between a packet's end and the next one: for audio, whose durations are what it holds."""
    still: float = 0.0
    """Sum of the time that pictures are still: for video, from the steps between the times at which frames are shown.

    Encoders write one duration for all frames and containers make up others, so durations prove nothing here.
    """
    hidden: float = 0.0
    """Seconds that must be decoded but are not shown (a cut made without encoding)."""
    backwards: int = 0
    """Packets whose decoding time is not after the one before."""
    back: float = 0.0
    """The most seconds that a decoding time is before the one before it."""
    hidden_packets: int = 0
    """The packets of these."""
    crowded: int = 0
    """Pictures for which the grid of the stream's own rate has no moment: an encode may leave them out."""
    untimed: int = 0
    """Packets without a time to be shown at."""
    changes: str = ""
    """Changes within the stream, as half a sentence; empty if there are none, or if it was not examined."""
    pictures: int = 0
    """Moments at which a frame is shown, at most one in ``GRID_SECONDS``: no encode has more."""
    joints: int = 0
    """How often the clock of the source started again before the repair."""
    first: float | None = None
    """When the first packet of the file is shown, hidden or not."""
    before_keyframe: int = 0
    """Packets before the first keyframe; all where there is none."""
    keyframe: float | None = None
    """When the first keyframe is shown."""
    decodable: float | None = None
    """When the first picture that can be decoded is shown, where others come before it that lean on what is not there;
    see ``note_start``."""
    begins_open: bool = False
    """It begins with a keyframe whose leading pictures are not there, or cannot be decoded."""
    is_apart: bool = False
    """It continued when the clock of other streams of the file had started again."""
    stretches: list[Stretch] = field(default_factory=list)
    """The packets by the parts of the file's clock; one for most files."""
    _step: float | None = None
    """Seconds between two moments of that grid, where the stream has a rate."""
    _late: float = 0.0
    """Moments by which the last picture comes after its own time."""
    _last_dts: float | None = None
    _last_duration: float = 0.0
    _last_shown: float | None = None
    _last_moment: int | None = None
    _unplaced: float = 0.0
    """Seconds of the packets without a time since the last one with a time."""
    _waiting: list[float] = field(default_factory=list)
    """A heap of the times to be shown that may yet be preceded by others."""

    @property
    def seconds(self) -> float:
        """How long this stream is shown."""
        return self.end - self.start if self.start is not None and self.end is not None else 0.0

    @property
    def until_last(self) -> float | None:
        """Seconds from the first picture to the last one, however long that is shown; None if only a header has it."""
        return self._last_shown - self.start if self._last_shown is not None and self.start is not None else None

    def add(
        self,
        pts: float | None,
        dts: float | None,
        duration: float | None,
        size: int,
        *,
        hidden: bool,
        is_key: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Count one packet. AVI gives only decoding times where frames are reordered; they replace the others.

        ``clock`` is the one of its file; None where it is known to go forwards.
        """
        self.packets += 1
        self.size += size
        self._follow(dts, duration or 0.0)
        self.untimed += pts is None
        shown = dts if pts is None else pts
        if shown is None:
            self._unplaced += duration or 0.0
            return
        self._unplaced = 0.0
        self.first = shown if self.first is None else self.first
        if self.keyframe is None:
            self.keyframe, self.before_keyframe = (shown if is_key else None), self.packets - is_key
        if clock is not None and dts is not None:
            clock.place(self.stretches, self.packets - 1, shown, dts, duration or 0.0, is_key=is_key)
        if hidden:
            self.hidden += duration or 0.0
            self.hidden_packets += 1
        else:
            self._place(shown, duration or 0.0)

    def _place(self, shown: float, duration: float) -> None:
        self.start = shown if self.start is None else min(self.start, shown)
        self.end = shown + duration if self.end is None else max(self.end, shown + duration)
        heappush(self._waiting, shown)
        if len(self._waiting) > MOST_REORDERED:
            self._show()

    def finish(self) -> None:
        """Count what still waits, and packets without a time behind the last one with a time. To be called after the
        last packet."""
        self.end = None if self.end is None else self.end + self._unplaced
        while self._waiting:
            self._show()

    def _show(self) -> None:
        shown = heappop(self._waiting)
        if self._last_shown is not None:
            self.still += max(0.0, shown - self._last_shown - STILL_SECONDS)
        self._put_on_grid(shown)
        self._last_shown = shown
        moment = round(shown / GRID_SECONDS)
        self.pictures += moment != self._last_moment
        self._last_moment = moment

    def _put_on_grid(self, shown: float) -> None:
        """As ffmpeg's variable rate does: a picture whose moment is taken gets the one after it, else it is left out.

        How moments are rounded depends on where the grid begins, so what may be left out counts as left out.
        """
        if self._step is not None and self._last_shown is not None:
            self._late = max(0.0, self._late + 1 - (shown - self._last_shown) / self._step)
            if self._late > 1:
                self.crowded += 1
                self._late -= 1

    def _follow(self, dts: float | None, duration: float) -> None:
        if dts is None:
            return
        if self._last_dts is not None:
            step = dts - self._last_dts
            self.backwards += step <= 0
            self.back = max(self.back, -step)
            pause = step - self._last_duration
            self.gaps += pause if pause > GAP_SECONDS else 0.0
        self._last_dts, self._last_duration = dts, duration


def walk(lines: Iterable[str], demuxer: str = "", rates: Mapping[int, Fraction] | None = None) -> dict[int, Track]:
    """Tracks by stream index. Lines that are no packet, or of a stream beyond ``MOST_LISTED``, are passed over.

    ``demuxer`` is ffprobe's name of the container; ``rates`` are pictures a second by the index of a video stream.
    """
    steps = {index: float(1 / rate) for index, rate in (rates or {}).items() if rate > 0}
    tracks: dict[int, Track] = {}
    clock = Clock(not demuxer.startswith("mov,"), jumps_forward=demuxer in JUMPING, is_guessed=demuxer == GUESSED)
    for line in lines:
        fields = line.strip().split(",")
        index = read_integer(fields[0])
        if len(fields) < 6 or index is None or index >= MOST_LISTED:
            continue
        pts, dts, duration, size, flags = fields[1:6]
        times, weight = (read_time(pts), read_time(dts), read_duration(duration)), read_integer(size, most=MOST_BYTES)
        track = tracks.setdefault(index, Track(_step=steps.get(index)))
        track.add(*times, weight or 0, hidden="D" in flags, is_key="K" in flags, clock=clock)
    for track in tracks.values():
        track.finish()
        track.is_apart = bool(track.stretches) and clock.has_gone_on(track.stretches[-1])
    return tracks


def declared(media: Media) -> dict[int, Track]:
    """The lengths and sizes of a file's chosen streams by its header, used while their packets are not there yet."""
    tracks: dict[int, Track] = {}
    for stream in (media.video, media.audio):
        if stream is not None:
            start, seconds = stream.start or 0.0, stream.duration or media.duration or 0.0
            tracks[stream.index] = Track(
                size=round(_bits(stream, media) * seconds / 8), start=start, end=start + seconds
            )
    return tracks


def _bits(stream: Video | Audio, media: Media) -> int:
    """A second; the whole file's are most of them the video's."""
    return stream.bit_rate or (media.bit_rate if isinstance(stream, Video) else None) or 0
