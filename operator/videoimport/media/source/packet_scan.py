"""Facts about the packets of a file, read without decoding. These facts come from the packets, and not from the
header."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush

from videoimport.media.source.probe import GUARDS, MOST_LISTED
from videoimport.media.source.probe_bounds import MOST_BYTES, read_duration, read_integer, read_time
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.timeline.clock_restarts import GUESSED, JUMPING, Clock, Stretch

GAP_SECONDS = 0.1
"""A pause between two packets is a gap if it is longer than this many seconds."""
STILL_SECONDS = 0.1
"""A frame that is shown longer than this many seconds is still for the rest of its time."""
GRID_SECONDS = 1 / 60
"""Shortest time in seconds for which an encode shows a frame."""
MOST_REORDERED = 32
"""Maximum number of frames that are stored before a frame that is shown earlier: twice the limit of H.264 and H.265."""
SAME_SECONDS = 0.001
"""Two times that differ by less than this many seconds are equal. Matroska has this coarsest common clock."""


def walk_argv(path: str) -> list[str]:
    """Return ffprobe's command that prints one line for each packet."""
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
    """Facts about one stream, from its packets. Times are in seconds on the file's clock."""

    packets: int = 0
    size: int = 0
    start: float | None = None
    """Time at which the first packet is shown. Packets that an edit list hides are left out."""
    end: float | None = None
    """Time at which the last packet stops being shown."""
    gaps: float = 0.0
    """Seconds of all pauses between the end of a packet and the next packet. Used for audio, whose durations are exact.
    """
    still: float = 0.0
    """Seconds for which video frames are still in total.

    The seconds come from the steps between the display times of frames. Encoders write one duration for all frames, and
    some muxers invent durations. So durations are no evidence here.
    """
    hidden: float = 0.0
    """Seconds of packets that must be decoded but are not shown, as in a cut that was made without encoding."""
    backwards: int = 0
    """Number of packets whose decoding time is not after the decoding time of the packet before."""
    back: float = 0.0
    """Maximum seconds by which a decoding time is before the decoding time of the packet before."""
    hidden_packets: int = 0
    """Number of packets that must be decoded but are not shown."""
    crowded: int = 0
    """Number of frames that an encode at the stream's own frame rate may drop, because their times are too close
    together."""
    untimed: int = 0
    """Number of packets without a display time."""
    changes: str = ""
    """Changes within the stream, as a clause. The value is empty if there are none, or if the stream was not
    examined."""
    pictures: int = 0
    """Number of times at which a frame is shown, at most one in ``GRID_SECONDS``. No encode has more frames."""
    joints: int = 0
    """Number of times that the clock of the source started again before the repair."""
    first: float | None = None
    """Display time of the first packet of the file, hidden or not."""
    before_keyframe: int = 0
    """Number of packets before the first keyframe. All packets if there is no keyframe."""
    keyframe: float | None = None
    """Display time of the first keyframe."""
    decodable: float | None = None
    """Display time of the first frame that can be decoded. Set where frames before it need data that is missing: see
    ``note_start``."""
    begins_open: bool = False
    """Whether the stream begins with a keyframe whose leading frames are missing or cannot be decoded."""
    is_apart: bool = False
    """Whether the stream continued after the clock of other streams of the file had started again."""
    stretches: list[Stretch] = field(default_factory=list)
    """The packets by the parts of the file's clock. Most files have one part."""
    _step: float | None = None
    """Seconds from one frame to the next at the stream's own frame rate. The value is None if the stream has no rate.
    """
    _late: float = 0.0
    """Number of steps by which the last frame on the grid comes after its own time."""
    _last_dts: float | None = None
    _last_duration: float = 0.0
    _last_shown: float | None = None
    _last_moment: int | None = None
    _unplaced: float = 0.0
    """Seconds of the packets without a time since the last packet with a time."""
    _waiting: list[float] = field(default_factory=list)
    """A heap of display times. Packets that follow may still have earlier display times."""

    @property
    def seconds(self) -> float:
        """Seconds from the first display time to the end of the last frame."""
        return self.end - self.start if self.start is not None and self.end is not None else 0.0

    @property
    def until_last(self) -> float | None:
        """Seconds from the display time of the first frame to the display time of the last frame. The value is None
        if the facts come from a header."""
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
        """Add one packet to the facts.

        AVI has only decoding times, even if frames are reordered. Then the decoding times replace the missing
        display times. ``clock`` is the clock of the packet's file, or None if this clock never restarts.
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
        """Add the frames that are not sorted yet, and the packets without a time at the end.

        Call this method after the last packet.
        """
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
        """Place a frame on the grid of the stream's rate, and count the frame as crowded if the grid has no free place.

        ffmpeg does the same at a variable rate: a frame whose place is taken gets the next place, or ffmpeg drops the
        frame. The rounding depends on the start of the grid. So every frame that may be dropped is added to
        ``crowded``.
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
    """Return the tracks by stream index. Skip lines that describe no packet, and streams beyond ``MOST_LISTED``.

    ``demuxer`` is ffprobe's name of the container format. ``rates`` maps the index of a video stream to frames per
    second.
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
    """Return the tracks that a file's header declares for its chosen streams. These tracks are used until the
    packets have been read."""
    tracks: dict[int, Track] = {}
    for stream in (media.video, media.audio):
        if stream is not None:
            start, seconds = stream.start or 0.0, stream.duration or media.duration or 0.0
            tracks[stream.index] = Track(
                size=round(_bits(stream, media) * seconds / 8), start=start, end=start + seconds
            )
    return tracks


def _bits(stream: Video | Audio, media: Media) -> int:
    """Return the bits a second of a stream. For video, the bit rate of the file is the fallback: most of it is
    video."""
    return stream.bit_rate or (media.bit_rate if isinstance(stream, Video) else None) or 0
