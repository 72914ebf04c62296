"""Transport streams that were joined of parts: where one ends and the next one begins, and how they become one.

Each part may have PIDs and a clock of its own: two encoders, or an advertisement before a film. ffmpeg takes the first
part's streams only, so the later parts get its PIDs, and times that go on where it ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from videoimport.api.reasons import Reason
from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import TICKS, Elementary, Program, Tables
from videoimport.media.source.findings import Finding
from videoimport.media.timeline.continuity_counters import Counters

BACK_SECONDS = 0.2
"""A clock that goes back by more than this starts again."""
AHEAD_SECONDS = 10.0
"""With other PIDs, a clock that goes ahead by more than this is another one; ffmpeg has the same bound."""
MOST_PARTS = 10_000
RATE = 25
"""Pictures a second where a part has but one."""
MARGIN_TICKS = TICKS // 100
"""Between two sounds that follow one another: a decoder's first frame may begin some samples early."""


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
    last_at: dict[int, int] = field(default_factory=dict)
    """Where in the file the last access unit begins, by PID."""
    follows_late: bool = False
    """The streams of the part before went on after the tables that named these."""
    has_late_sound: bool = False
    """A sound was added to pictures without any."""

    @property
    def pids(self) -> frozenset[int]:
        """Its pictures and sounds."""
        return frozenset(one.pid for one in _media(self.programs))

    @property
    def video_pid(self) -> int | None:
        """The picture whose clock counts: the first one that has times."""
        videos = [one.pid for program in self.programs for one in program.of("video")]
        return next((pid for pid in videos if pid in self.first), None)

    def note(self, pid: int, ticks: int, offset: int) -> None:
        """Count the decoding time of an access unit at an offset."""
        if pid in self.last:
            self.step[pid] = transport.since(self.last[pid], ticks)
        self.first.setdefault(pid, ticks)
        self.last[pid] = ticks
        self.last_at[pid] = offset


@dataclass(frozen=True, slots=True)
class Join:
    """What happens to the packets of a part."""

    offset: int
    pids: dict[int, int]
    """The first part's PIDs by this part's."""
    shift: int
    """Ticks to be added to its times."""


def _media(programs: tuple[Program, ...]) -> list[Elementary]:
    return [one for program in programs for one in program.streams if one.kind != "data"]


def parts(read: Read, size: int) -> list[Part]:
    """The parts of a transport stream, one where nothing changes; empty where no table names a picture."""
    tables, found = Tables(), list[Part]()
    association = 0
    for offset, packet in transport.unit_starts(read, size, tables.unfinished):
        pid = transport.pid_of(packet)
        if pid == 0:
            association = offset
        if tables.names(pid):
            if tables.add(packet):
                _change(found, _pictured(tables), offset)
        elif found and (places := transport.times_at(packet)):
            ticks = transport.read_time(packet, places[-1])
            if _starts_again(found[-1], pid, ticks):
                begun = found[-1].offset
                found.append(Part(association if association > begun else offset, found[-1].programs))
            _note(found, pid, ticks, offset)
        if len(found) > MOST_PARTS:
            break
    return [part for part in found if part.first]


def _note(found: list[Part], pid: int, ticks: int, offset: int) -> None:
    """Count an access unit for the part that it belongs to: tables may name a stream before the one before it ends."""
    part = found[-1]
    if pid in part.pids:
        is_first_picture = part.video_pid is None
        part.note(pid, ticks, offset)
        if part.follows_late and is_first_picture and part.video_pid is not None:
            part.offset = offset
    elif len(found) > 1 and pid in found[-2].pids and part.video_pid is None:
        found[-2].note(pid, ticks, offset)
        part.follows_late = True


def _pictured(tables: Tables) -> tuple[Program, ...]:
    return tuple(program for _, program in sorted(tables.programs.items()) if program.of("video"))


def _change(found: list[Part], programs: tuple[Program, ...], offset: int) -> None:
    """Begin a part where the pictures and sounds are no longer those of the part before."""
    if not programs:
        return
    if found and not found[-1].first:
        found[-1].programs = programs  # more programs become known before any of them begins
    elif not found or _are_gone(_media(found[-1].programs), _media(programs)):
        found.append(Part(offset, programs))
    elif not any(program.of("audio") for program in found[-1].programs):
        found[-1].has_late_sound = any(program.of("audio") for program in programs)


def _are_gone(before: list[Elementary], now: list[Elementary]) -> bool:
    """Whether a stream ended, or has become another one. A stream that is added changes nothing for the others."""
    return any(one not in now for one in before)


def _starts_again(part: Part, pid: int, ticks: int) -> bool:
    is_video = any(one.pid == pid and one.kind == "video" for one in _media(part.programs))
    return is_video and pid in part.last and transport.since(part.last[pid], ticks) < -BACK_SECONDS * TICKS


def joins(found: list[Part], read: Read, size: int) -> list[Join] | Finding:
    """How the parts become one, or why they cannot."""
    if len(found) > MOST_PARTS:
        return refusal(f"The source's streams change more than {MOST_PARTS} times")
    first, made = found[0], [Join(found[0].offset, {}, 0)]
    ends = _ends(first, made[0], read, found[1].offset if len(found) > 1 else size)
    for part, limit in zip(found[1:], [*(after.offset for after in found[2:]), size], strict=True):
        matched = _matched(first, part)
        if isinstance(matched, Finding):
            return matched
        made.append(Join(part.offset, matched, _shift(part, matched, ends)))
        ends |= _ends(part, made[-1], read, limit)
    return made


def are_needed(made: list[Join]) -> bool:
    """Whether a packet would be changed: a program may lose a sound for a while and nothing else."""
    return not keep_pids(made) or any(join.shift for join in made)


def keep_pids(made: list[Join]) -> bool:
    """Whether only clocks are moved."""
    return all(pid == target for join in made for pid, target in join.pids.items())


def _ends(part: Part, join: Join, read: Read, limit: int) -> dict[int, int]:
    """When each stream of a part stops, by the first part's PIDs and on the joined clock."""
    ends = {}
    for one in _media(part.programs):
        if one.pid in part.last:
            length = part.step.get(one.pid, TICKS // RATE)
            if one.kind == "audio":
                length = _sound_ticks(one, part, read, limit)
            ends[join.pids.get(one.pid, one.pid)] = part.last[one.pid] + length + join.shift
    return ends


def _sound_ticks(one: Elementary, part: Part, read: Read, limit: int) -> int:
    """How long the last access unit of a sound lasts: encoders put several frames into one, and fewer into the last."""
    longest = part.step.get(one.pid, 0)
    if one.codec != "aac":
        return longest + MARGIN_TICKS
    content = bytearray()
    start = part.last_at[one.pid]
    for _, packet in transport.packets(lambda offset, length: read(start + offset, length), limit - start):
        if transport.pid_of(packet) == one.pid:
            if content and transport.starts_unit(packet):
                break
            content += packet[transport.payload_at(packet) :]
    return transport.adts_ticks(content) + MARGIN_TICKS


def _shift(part: Part, pids: dict[int, int], ends: dict[int, int]) -> int:
    """0 where the clock goes on by itself, else what lets the part's first picture follow the last one. Where the
    sound before it lasts longer, it follows as much later: sounds must not overlap."""
    pid = part.video_pid
    if pid is None:
        return 0
    shift = transport.since(part.first[pid], ends.get(pids.get(pid, pid), 0))
    if -AHEAD_SECONDS * TICKS <= shift <= TICKS // 10:
        shift = 0
    sounds = [one for one in part.first if one != pid and pids.get(one) in ends]
    late = max((transport.since(part.first[one] + shift, ends[pids[one]]) for one in sounds), default=0)
    return shift + late if late > MARGIN_TICKS else shift


def _matched(first: Part, part: Part) -> dict[int, int] | Finding:
    """The first part's PIDs by those of ``part``: streams of a kind in their order, program by program."""
    pids: dict[int, int] = {}
    for before, now in _pairs(first, part):
        for kind in ("video", "audio"):
            old, new = before.of(kind), now.of(kind)
            if new and not old:
                return refusal(f"The source has no {kind} at first, and {new[0].codec} later")
            kept = [one for one in old if one in new]
            pids |= {one.pid: one.pid for one in kept}
            others = ([one for one in streams if one not in kept] for streams in (old, new))
            for one, other in zip(*others, strict=False):
                if one.codec != other.codec:
                    return refusal(f"The source's {kind} changes from {one.codec} to {other.codec} on the way")
                pids[other.pid] = one.pid
        pids.setdefault(now.clock_pid, before.clock_pid)
    if not pids:
        return refusal("The source's programs change on the way")
    return pids


def _pairs(first: Part, part: Part) -> Iterator[tuple[Program, Program]]:
    """Programs of one number, else in their order."""
    numbered = {program.number: program for program in part.programs}
    if all(program.number in numbered for program in first.programs):
        yield from ((program, numbered[program.number]) for program in first.programs)
    else:
        yield from zip(first.programs, part.programs, strict=False)


def refusal(found: str) -> Finding:
    """UNSUPPORTED_SOURCE for parts that cannot follow one another; ``found`` is what tells, without a full stop."""
    advice = "Import each part by itself, or give a copy that was encoded as one."
    return Finding(Reason.UNSUPPORTED_SOURCE, f"{found}; such parts are not joined.", advice)


def joined(read: Read, size: int, made: list[Join]) -> Iterator[bytes]:
    """The packets of the whole: one set of tables, PIDs and counters, one clock."""
    tables, waiting, now = Tables(), list(made[1:]), made[0]
    counters = Counters()
    for offset, packet in transport.packets(read, size):
        if waiting and offset >= waiting[0].offset:
            now = waiting.pop(0)
            counters.begin()
        pid = transport.pid_of(packet)
        is_table = tables.names(pid)
        if is_table:
            tables.add(packet)
        if now is made[0]:
            counters.keep(pid, packet)
            yield packet
        elif not is_table and (target := now.pids.get(pid)) is not None:
            yield bytes(counters.renumber(_moved(packet, target, now.shift), target))


def _moved(packet: bytes, pid: int, shift: int) -> bytearray:
    moved = bytearray(packet)
    moved[1] = moved[1] & 0xE0 | pid >> 8
    moved[2] = pid & 0xFF
    if shift:
        if (clock := transport.clock_at(packet)) is not None:
            transport.shift_clock(moved, clock, shift)
        for at in transport.times_at(packet):
            transport.write_time(moved, at, transport.read_time(packet, at) + shift)
    return moved
