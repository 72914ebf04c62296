"""Where the clock of a file starts again: recordings that were joined, channels that were changed, streams that broke.

Times are seconds on the file's clock. A *part* is what lies between two starts of it, numbered from 0 for all streams.
"""

from dataclasses import dataclass, field

BACK_SECONDS = 0.1
"""A decoding time this much earlier than the one before starts a part: ffmpeg's own limit for transport streams."""
JUMP_SECONDS = 60.0
"""So does one this much later, in containers whose times are a clock and not a place in the video."""
_INTERLEAVED = 50
"""Packets that a stream may still have of a part when another stream is in the next one."""
GUESSED_BACK_SECONDS = 1.0
"""For one that ffmpeg guesses: behind a clock that started again, it guesses those of reordered pictures badly."""
_NEAR_SECONDS = 5.0
"""Streams of one part are no further apart than this where they are multiplexed."""
JUMPING = ("mpegts", "mpeg")
"""ffprobe's names of the containers whose clock may jump forwards; a long pause is meant in any other."""
GUESSED = "matroska,webm"
"""The container without decoding times: ffmpeg guesses them from those at which pictures are shown."""


@dataclass(slots=True)
class Stretch:
    """The packets of one stream in one part."""

    part: int
    first: int
    """How many packets of the stream come before."""
    start: float
    """The earliest time at which one is shown."""
    end: float
    """The latest at which one stops being shown."""
    dts_start: float
    dts_end: float
    """When the last one has been decoded."""
    last: int = 0
    """The number of the last one among all packets of the file."""

    def take(self, shown: float, dts: float, duration: float) -> None:
        """Add a packet."""
        self.start, self.end = min(self.start, shown), max(self.end, shown + duration)
        self.dts_end = dts + duration


@dataclass(slots=True)
class Clock:
    """What the streams of one file share."""

    restarts: bool = True
    """False for an MP4: an edit list sets its clock on purpose."""
    jumps_forward: bool = False
    is_guessed: bool = False
    """Decoding times are guessed, so a small step back starts a part only at a keyframe."""
    latest: list[float] = field(default_factory=lambda: [0.0])
    """The last decoding time that was seen of each part."""
    begun: list[int] = field(default_factory=lambda: [0])
    """How many packets of the file come before each part."""
    packets: int = 0

    def has_gone_on(self, stretch: Stretch) -> bool:
        """Whether the stream of its last stretch went on in the file when later parts had begun."""
        return any(begun + _INTERLEAVED < stretch.last for begun in self.begun[stretch.part + 1 :])

    def place(
        self, stretches: list[Stretch], before: int, shown: float, dts: float, duration: float, *, is_key: bool
    ) -> None:
        """Put a packet of a stream into its stretch; ``before`` packets of the stream come before it."""
        if stretches and not self._restarts(dts - stretches[-1].dts_end + duration, is_key=is_key):
            stretches[-1].take(shown, dts, duration)
            part = stretches[-1].part
        else:
            part = self._part_of(dts, stretches[-1].part if stretches else None)
            first = before if stretches else 0  # reordered packets before it may have no decoding time
            stretches.append(Stretch(part, first, shown, shown + duration, dts, dts + duration))
        self.latest[part] = dts
        self.packets += 1
        stretches[-1].last = self.packets

    def _restarts(self, step: float, *, is_key: bool) -> bool:
        back = GUESSED_BACK_SECONDS if self.is_guessed and not is_key else BACK_SECONDS
        return self.restarts and (step < -back or (self.jumps_forward and step > JUMP_SECONDS))

    def _part_of(self, dts: float, own: int | None) -> int:
        """The part that a stream enters: the one another stream is in already, else a new one."""
        last = len(self.latest) - 1
        if own is None or (own < last and abs(dts - self.latest[last]) < _NEAR_SECONDS):
            return last
        self.latest.append(dts)
        self.begun.append(self.packets)
        return last + 1
