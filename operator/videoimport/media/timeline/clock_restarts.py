"""Detection of restarts of a file's clock: in joined recordings, after a change of channel, or after a broken stream.

Times are seconds on the file's clock. A *part* has the packets between two starts of the clock. Parts are numbered from
0, with the same numbers for all streams.
"""

from dataclasses import dataclass, field

BACK_SECONDS = 0.1
"""A decoding time starts a new part when it is more than this many seconds before the expected time. ffmpeg has the
same limit for transport streams."""
JUMP_SECONDS = 60.0
"""A decoding time also starts a new part when it is more than this many seconds after the previous one. This is for
container formats in ``JUMPING`` only."""
_INTERLEAVED = 50
"""Maximum number of packets that a stream may still have in a part after another stream began the next part."""
GUESSED_BACK_SECONDS = 1.0
"""The limit instead of ``BACK_SECONDS`` for decoding times that ffmpeg guesses. After a restart of the clock, ffmpeg
guesses the times of reordered frames badly."""
_NEAR_SECONDS = 5.0
"""Maximum seconds between the streams of one part where the streams are multiplexed."""
JUMPING = ("mpegts", "mpeg")
"""ffprobe's names of the container formats whose clock may jump forwards. In other formats, a long pause is intended.
"""
GUESSED = "matroska,webm"
"""ffprobe's name of the container format without decoding times. ffmpeg guesses these times from the display times."""


@dataclass(slots=True)
class Stretch:
    """The packets of one stream in one part."""

    part: int
    first: int
    """Number of packets of the stream before this stretch."""
    start: float
    """The earliest time at which a packet is shown."""
    end: float
    """The latest time at which a packet stops being shown."""
    dts_start: float
    dts_end: float
    """The time at which the decoding of the last packet ends."""
    last: int = 0
    """The number of the stretch's last packet, counted over all packets of the file."""

    def take(self, shown: float, dts: float, duration: float) -> None:
        """Add a packet to the stretch."""
        self.start, self.end = min(self.start, shown), max(self.end, shown + duration)
        self.dts_end = dts + duration


@dataclass(slots=True)
class Clock:
    """The clock that all streams of one file share."""

    restarts: bool = True
    """Whether the clock can start again. False for an MP4 file, where an edit list sets the clock on purpose."""
    jumps_forward: bool = False
    is_guessed: bool = False
    """Whether ffmpeg guesses the decoding times. A small step back then starts a part only at a keyframe."""
    latest: list[float] = field(default_factory=lambda: [0.0])
    """The last decoding time that was read from each part."""
    begun: list[int] = field(default_factory=lambda: [0])
    """Number of packets of the file before each part."""
    packets: int = 0

    def has_gone_on(self, stretch: Stretch) -> bool:
        """Return whether the stream continued in this part after later parts had begun. ``stretch`` is the last
        stretch of the stream."""
        return any(begun + _INTERLEAVED < stretch.last for begun in self.begun[stretch.part + 1 :])

    def place(
        self, stretches: list[Stretch], before: int, shown: float, dts: float, duration: float, *, is_key: bool
    ) -> None:
        """Add a packet to the last stretch of its stream, or begin a new stretch.

        ``before`` is the number of packets of the stream before this packet.
        """
        if stretches and not self._restarts(dts - stretches[-1].dts_end + duration, is_key=is_key):
            stretches[-1].take(shown, dts, duration)
            part = stretches[-1].part
        else:
            part = self._part_of(dts, stretches[-1].part if stretches else None)
            first = before if stretches else 0  # reordered packets before this one may have no decoding time
            stretches.append(Stretch(part, first, shown, shown + duration, dts, dts + duration))
        self.latest[part] = dts
        self.packets += 1
        stretches[-1].last = self.packets

    def _restarts(self, step: float, *, is_key: bool) -> bool:
        back = GUESSED_BACK_SECONDS if self.is_guessed and not is_key else BACK_SECONDS
        return self.restarts and (step < -back or (self.jumps_forward and step > JUMP_SECONDS))

    def _part_of(self, dts: float, own: int | None) -> int:
        """Return the part that a stream enters: the part that another stream is already in, or a new part."""
        last = len(self.latest) - 1
        if own is None or (own < last and abs(dts - self.latest[last]) < _NEAR_SECONDS):
            return last
        self.latest.append(dts)
        self.begun.append(self.packets)
        return last + 1
