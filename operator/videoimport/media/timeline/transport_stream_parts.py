"""Detection of the parts of a transport stream. A part begins where the program tables, the streams or the clock start
again."""

from collections.abc import Collection
from dataclasses import dataclass, field

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import PRIVATE, TICKS, Elementary, Program, Tables

BACK_SECONDS = 0.2
"""A clock that goes back by more than this number of seconds starts a new part."""
MOST_PARTS = 10_000
RATE = 25
"""Assumed frames per second for a part with only one frame."""
PICTURE_SHARE = 4
"""Divisor for the overlap of two frames.

Two frames overlap if their times overlap by more than the duration of a frame divided by this number.
"""
_MOST_WAITING = 1000
"""Maximum number of access units that wait for the next video frame after a table.

If there are more units, they are added to the current part.
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit: a video frame or some audio frames. Times are in ticks of the part's clock."""

    pid: int
    shown: int
    decoded: int
    offset: int
    """Offset in the file at which the unit begins."""


@dataclass(slots=True)
class Part:
    """A part of the file that begins at ``offset``. Times are in ticks of the part's clock."""

    offset: int
    programs: tuple[Program, ...]
    """Programs that have a video stream."""
    first: dict[int, int] = field(default_factory=dict)
    """First decoding time of each PID."""
    last: dict[int, int] = field(default_factory=dict)
    step: dict[int, int] = field(default_factory=dict)
    """Ticks between the last two decoding times of each PID."""
    shown_first: dict[int, int] = field(default_factory=dict)
    """Earliest time at which a unit of each PID is shown. Encoders reorder video frames."""
    shown_last: dict[int, int] = field(default_factory=dict)
    last_at: dict[int, int] = field(default_factory=dict)
    """Offset in the file of the last access unit of each PID."""
    follows_late: bool = False
    """True if streams of the previous part continued after the tables that named the streams of this part."""
    has_late_sound: bool = False
    """True if an audio stream was added to video that had no audio before."""

    @property
    def pids(self) -> frozenset[int]:
        """The PIDs of the video and audio streams."""
        return frozenset(one.pid for one in media(self.programs))

    @property
    def private_pids(self) -> frozenset[int]:
        """The PIDs of private data whose type no descriptor names."""
        return frozenset(one.pid for program in self.programs for one in program.of("data") if one.codec == PRIVATE)

    @property
    def video_pid(self) -> int | None:
        """The PID of the first video stream that has times. The clock of this stream is used for the part. The value
        is None if no video stream has times."""
        videos = [one.pid for program in self.programs for one in program.of("video")]
        return next((pid for pid in videos if pid in self.first), None)

    def step_of(self, pid: int) -> int:
        """Return the duration of a stream's last unit in ticks, computed from the decoding times."""
        return self.step.get(pid, TICKS // RATE)

    def note(self, unit: Unit) -> None:
        """Add an access unit to the part."""
        pid = unit.pid
        if pid in self.last:
            self.step[pid] = transport.since(self.last[pid], unit.decoded)
        self.first.setdefault(pid, unit.decoded)
        self.last[pid], self.last_at[pid] = unit.decoded, unit.offset
        if transport.since(self.shown_first.setdefault(pid, unit.shown), unit.shown) < 0:
            self.shown_first[pid] = unit.shown
        if transport.since(self.shown_last.setdefault(pid, unit.shown), unit.shown) > 0:
            self.shown_last[pid] = unit.shown


def media(programs: tuple[Program, ...]) -> list[Elementary]:
    """Return the video and audio streams of the programs."""
    return [one for program in programs for one in program.streams if one.kind != "data"]


def parts(read: Read, size: int, restarts: Collection[int] = ()) -> list[Part]:
    """Return the parts of a transport stream. A stream without changes has one part.

    The list is empty if no table names a video stream. ``restarts`` are the offsets of tables after which all streams
    restart their continuity counters. A new recording may begin at such a table. So a part begins there even if its
    first frame overlaps the frame before it.
    """
    walk = _scan(read, size, restarts, {})
    if walk.private_audio:
        walk = _scan(read, size, restarts, walk.private_audio)
    return [part for part in walk.found if part.first]


def _scan(read: Read, size: int, restarts: Collection[int], private: dict[int, str]) -> "_PartScan":
    walk = _PartScan(frozenset(restarts), private)
    for offset, packet in transport.unit_starts(read, size, walk.tables.unfinished):
        walk.take(offset, packet)
        if len(walk.found) > MOST_PARTS:
            break
    walk.note_waiting()
    return walk


class _PartScan:
    """Results of a scan over the packets that begin access units and tables."""

    def __init__(self, restarts: frozenset[int], private: dict[int, str]) -> None:
        self.tables, self.found = Tables(private=private), list[Part]()
        self.private_audio: dict[int, str] = {}
        """Audio codec by PID, for streams that the tables call private data."""
        self._private_pids = frozenset[int]()
        """Private data in the present tables."""
        self._restarts = restarts
        self._association = 0
        """Offset of the last program association table."""
        self._waiting: list[Unit] = []
        """Units since the last table.

        The next video frame shows whether the units belong to the current or to the next part.
        """

    def take(self, offset: int, packet: bytes) -> None:
        """Read a packet."""
        pid = transport.pid_of(packet)
        if pid == 0:
            self.note_waiting()
            self._association = offset
        if self.tables.names(pid):
            if self.tables.add(packet):
                self.note_waiting()
                _change(self.found, _pictured(self.tables), offset)
                self._private_pids = self.found[-1].private_pids if self.found else frozenset()
        elif self.found and (places := transport.times_at(packet)):
            shown, decoded = (transport.read_time(packet, place) for place in (places[0], places[-1]))
            self._add(Unit(pid, shown, decoded, offset))
            if pid in self._private_pids and (codec := transport.private_audio(packet)):
                self.private_audio[pid] = codec

    def _add(self, unit: Unit) -> None:
        part = self.found[-1]
        self._waiting.append(unit)
        if _is_picture(part, unit.pid):
            if self._starts_again(part, unit):
                begin = self._association if self._association > part.offset else unit.offset
                self.found.append(Part(begin, part.programs))
            self.note_waiting()
        elif len(self._waiting) > _MOST_WAITING:
            self.note_waiting()

    def _starts_again(self, part: Part, unit: Unit) -> bool:
        if unit.pid not in part.last:
            return False
        step = transport.since(part.last[unit.pid], unit.decoded)
        if step < -BACK_SECONDS * TICKS:
            return True
        is_first = part.last_at[unit.pid] < self._association
        if not is_first or self._association not in self._restarts:
            return False
        least = part.step_of(unit.pid) * (PICTURE_SHARE - 1) // PICTURE_SHARE
        return min(step, transport.since(part.shown_last[unit.pid], unit.shown)) < least

    def note_waiting(self) -> None:
        """Add the waiting units to the part that began last."""
        for unit in self._waiting:
            _note(self.found, unit)
        self._waiting.clear()


def _is_picture(part: Part, pid: int) -> bool:
    return any(one.pid == pid and one.kind == "video" for one in media(part.programs))


def _note(found: list[Part], unit: Unit) -> None:
    """Add an access unit to its part. Tables may name a new stream before the stream of the previous part ends."""
    part = found[-1]
    if unit.pid in part.pids:
        is_first_picture = part.video_pid is None
        part.note(unit)
        if part.follows_late and is_first_picture and part.video_pid is not None:
            part.offset = unit.offset
    elif len(found) > 1 and unit.pid in found[-2].pids and part.video_pid is None:
        found[-2].note(unit)
        part.follows_late = True


def _pictured(tables: Tables) -> tuple[Program, ...]:
    return tuple(program for _, program in sorted(tables.programs.items()) if program.of("video"))


def _change(found: list[Part], programs: tuple[Program, ...], offset: int) -> None:
    """Begin a new part if a video or audio stream of the previous part has ended or changed."""
    if not programs:
        return
    if found and not found[-1].first:
        found[-1].programs = programs  # the tables name more programs before any program begins
    elif not found or _are_gone(media(found[-1].programs), media(programs)):
        found.append(Part(offset, programs))
    else:
        found[-1].has_late_sound |= _has_audio(programs) and not any(_has_audio(part.programs) for part in found)
        found[-1].programs = programs


def _has_audio(programs: tuple[Program, ...]) -> bool:
    return any(program.of("audio") for program in programs)


def _are_gone(before: list[Elementary], now: list[Elementary]) -> bool:
    """Return whether a stream has ended or has changed. An added stream changes nothing for the other streams."""
    return any(one not in now for one in before)
