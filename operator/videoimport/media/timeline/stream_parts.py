"""The parts of a transport stream: where its tables, its streams or its clock begin again."""

from collections.abc import Collection
from dataclasses import dataclass, field

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import PRIVATE, TICKS, Elementary, Program, Tables

BACK_SECONDS = 0.2
"""A clock that goes back by more than this starts again."""
MOST_PARTS = 10_000
RATE = 25
"""Pictures a second where a part has but one."""
PICTURE_SHARE = 4
"""Two pictures overlap when their times do so by more than one picture's time divided by this."""
_MOST_WAITING = 1000
"""Access units between a table and the first picture after it; more than that belong to no start of a part."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit: a picture or some frames of sound. Times are ticks of its part's clock."""

    pid: int
    shown: int
    decoded: int
    offset: int
    """Where in the file it begins."""


@dataclass(slots=True)
class Part:
    """A part of the file, from ``offset`` on. Times are ticks of its own clock."""

    offset: int
    programs: tuple[Program, ...]
    """Those with a picture."""
    first: dict[int, int] = field(default_factory=dict)
    """The first decoding time by PID."""
    last: dict[int, int] = field(default_factory=dict)
    step: dict[int, int] = field(default_factory=dict)
    """Ticks between the last two decoding times, by PID."""
    shown_first: dict[int, int] = field(default_factory=dict)
    """The earliest time at which a unit is shown, by PID: encoders reorder pictures."""
    shown_last: dict[int, int] = field(default_factory=dict)
    last_at: dict[int, int] = field(default_factory=dict)
    """Where in the file the last access unit begins, by PID."""
    follows_late: bool = False
    """The streams of the part before went on after the tables that named these."""
    has_late_sound: bool = False
    """A sound was added to pictures without any."""

    @property
    def pids(self) -> frozenset[int]:
        """Its pictures and sounds."""
        return frozenset(one.pid for one in media(self.programs))

    @property
    def private_pids(self) -> frozenset[int]:
        """Private data of which no descriptor says what it is."""
        return frozenset(one.pid for program in self.programs for one in program.of("data") if one.codec == PRIVATE)

    @property
    def video_pid(self) -> int | None:
        """The picture whose clock counts: the first one that has times."""
        videos = [one.pid for program in self.programs for one in program.of("video")]
        return next((pid for pid in videos if pid in self.first), None)

    def step_of(self, pid: int) -> int:
        """Return how long the last unit of a stream lasts, in ticks, as far as decoding times tell."""
        return self.step.get(pid, TICKS // RATE)

    def note(self, unit: Unit) -> None:
        """Count an access unit."""
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
    """Return the pictures and sounds of programs."""
    return [one for program in programs for one in program.streams if one.kind != "data"]


def parts(read: Read, size: int, restarts: Collection[int] = ()) -> list[Part]:
    """Return the parts of a transport stream, one where nothing changes; none where no table names a picture.

    ``restarts`` are the offsets of tables behind which all streams count their packets anew. A recording may begin
    there, so that a picture need not be far back to start a part.
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
    """What a walk over the starts of access units and tables has found."""

    def __init__(self, restarts: frozenset[int], private: dict[int, str]) -> None:
        self.tables, self.found = Tables(private=private), list[Part]()
        self.private_audio: dict[int, str] = {}
        """The codec by PID of what the tables call private data, and is audio."""
        self._restarts = restarts
        self._association = 0
        """Where the last table of programs begins."""
        self._waiting: list[Unit] = []
        """Units since then. The next picture shows whether they belong to the part, or begin the next one."""

    def take(self, offset: int, packet: bytes) -> None:
        """Count a packet."""
        pid = transport.pid_of(packet)
        if pid == 0:
            self.note_waiting()
            self._association = offset
        if self.tables.names(pid):
            if self.tables.add(packet):
                self.note_waiting()
                _change(self.found, _pictured(self.tables), offset)
        elif self.found and (places := transport.times_at(packet)):
            shown, decoded = (transport.read_time(packet, place) for place in (places[0], places[-1]))
            self._add(Unit(pid, shown, decoded, offset))
            if pid in self.found[-1].private_pids and (codec := transport.private_audio(packet)):
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
        """Count the units that wait for the part that begins last."""
        for unit in self._waiting:
            _note(self.found, unit)
        self._waiting.clear()


def _is_picture(part: Part, pid: int) -> bool:
    return any(one.pid == pid and one.kind == "video" for one in media(part.programs))


def _note(found: list[Part], unit: Unit) -> None:
    """Count an access unit for the part that it belongs to: tables may name a stream before the one before it ends."""
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
    """Begin a part where the pictures and sounds are no longer those of the part before."""
    if not programs:
        return
    if found and not found[-1].first:
        found[-1].programs = programs  # more programs become known before any of them begins
    elif not found or _are_gone(media(found[-1].programs), media(programs)):
        found.append(Part(offset, programs))
    else:
        found[-1].has_late_sound |= _has_audio(programs) and not any(_has_audio(part.programs) for part in found)
        found[-1].programs = programs


def _has_audio(programs: tuple[Program, ...]) -> bool:
    return any(program.of("audio") for program in programs)


def _are_gone(before: list[Elementary], now: list[Elementary]) -> bool:
    """Whether a stream ended, or has become another one. A stream that is added changes nothing for the others."""
    return any(one not in now for one in before)
