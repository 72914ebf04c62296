"""A walk over a file's packets: cheap (nothing is decoded) and honest (what is there, not what the header declares)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from videoimport.media.probe import GUARDS, Audio, Media, Video

GAP_SECONDS = 0.1
"""A pause between packets is a gap when it is this much longer than the packet before it lasts."""
STILL_SECONDS = 0.1
"""A picture that is shown longer than this stands still for the rest of its time."""
MOST_REORDERED = 32
"""Frames that may be stored before one that is shown earlier: twice the most H.264 and H.265 allow."""


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
    """What was seen of one stream. Times are seconds on the file's clock."""

    packets: int = 0
    size: int = 0
    start: float | None = None
    """When the first packet is shown; packets that an edit list hides do not count."""
    end: float | None = None
    """When the last one stops being shown."""
    gaps: float = 0.0
    """Sum of the pauses between a packet's end and the next one: for audio, whose durations are what it holds."""
    still: float = 0.0
    """Sum of the time that pictures stand still: for video, from the steps between the times at which frames are shown.

    Encoders write one duration for all frames and containers make up others, so durations say nothing here.
    """
    hidden: float = 0.0
    """Seconds that must be decoded but are not shown (a cut made without encoding)."""
    backwards: int = 0
    """Packets whose decoding time is not after the one before."""
    untimed: int = 0
    """Packets without a time to be shown at."""
    _last_dts: float | None = None
    _last_duration: float = 0.0
    _last_shown: float | None = None
    _waiting: list[float] = field(default_factory=list)
    """A heap of the times to be shown that may yet be preceded by others."""

    @property
    def seconds(self) -> float:
        """How long this stream is shown."""
        return self.end - self.start if self.start is not None and self.end is not None else 0.0

    @property
    def until_last(self) -> float | None:
        """Seconds from the first picture to the last one, however long that stands; None for a header's word only."""
        return self._last_shown - self.start if self._last_shown is not None and self.start is not None else None

    def add(self, pts: float | None, dts: float | None, duration: float | None, size: int, *, hidden: bool) -> None:
        """Count one packet. AVI gives only decoding times where frames are reordered; they stand for the others."""
        self.packets += 1
        self.size += size
        self._follow(dts, duration or 0.0)
        self.untimed += pts is None
        shown = dts if pts is None else pts
        if shown is None:
            return
        if hidden:
            self.hidden += duration or 0.0
        else:
            self._place(shown, duration or 0.0)

    def _place(self, shown: float, duration: float) -> None:
        self.start = shown if self.start is None else min(self.start, shown)
        self.end = shown + duration if self.end is None else max(self.end, shown + duration)
        heappush(self._waiting, shown)
        if len(self._waiting) > MOST_REORDERED:
            self._show()

    def finish(self) -> None:
        """Count what still waits; to be called after the last packet."""
        while self._waiting:
            self._show()

    def _show(self) -> None:
        shown = heappop(self._waiting)
        if self._last_shown is not None:
            self.still += max(0.0, shown - self._last_shown - STILL_SECONDS)
        self._last_shown = shown

    def _follow(self, dts: float | None, duration: float) -> None:
        if dts is None:
            return
        if self._last_dts is not None:
            step = dts - self._last_dts
            self.backwards += step <= 0
            pause = step - self._last_duration
            self.gaps += pause if pause > GAP_SECONDS else 0.0
        self._last_dts, self._last_duration = dts, duration


def walk(lines: Iterable[str]) -> dict[int, Track]:
    """Tracks by stream index. Lines that are no packet are passed over."""
    tracks: dict[int, Track] = {}
    for line in lines:
        fields = line.strip().split(",")
        if len(fields) < 6 or not fields[0].isdigit():
            continue
        index, pts, dts, duration, size, flags = fields[:6]
        track = tracks.setdefault(int(index), Track())
        track.add(_time(pts), _time(dts), _time(duration), int(size) if size.isdigit() else 0, hidden="D" in flags)
    for track in tracks.values():
        track.finish()
    return tracks


def declared(media: Media) -> dict[int, Track]:
    """What a file's header says of its chosen streams, where their packets are not there yet: lengths and sizes."""
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


def _time(text: str) -> float | None:
    return None if text in ("", "N/A") else float(text)
