"""Joining of the parts of a transport stream into one stream.

Each part may have PIDs and a clock of its own, for example an advertisement before a film. ffmpeg reads the streams
of the first part only. So this module gives the PIDs of the first part to the later parts. It also shifts their
times, so that each part begins at the end of the previous part.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import TICKS, Elementary, Program, Tables
from videoimport.media.source.findings import Finding
from videoimport.media.timeline.continuity_counters import Counters
from videoimport.media.timeline.leading_pictures import PartOpening, find_opening
from videoimport.media.timeline.transport_stream_parts import MOST_PARTS, PICTURE_SHARE, RATE, Part, media

AHEAD_SECONDS = 10.0
"""Maximum seconds by which a part with other PIDs may begin after the end of the part before it.

A part that begins later has another clock. ffmpeg has the same bound.
"""
_DECODED_BACK_TICKS = TICKS // 10
"""Maximum ticks by which decoding times may go back where the displayed frames do not overlap. Encoders reorder frames
by at most this time."""
MARGIN_TICKS = TICKS // 100
"""Ticks between the audio of two parts. The first frame of an audio decoder may begin some samples early."""


@dataclass(frozen=True, slots=True)
class Join:
    """The changes to the packets of one part."""

    offset: int
    pids: dict[int, int]
    """PIDs of the first part by the PIDs of this part."""
    shift: int
    """Ticks to add to all times of the part."""
    opening: PartOpening
    """The first frames of the part that are dropped or changed."""


def joins(found: list[Part], read: Read, size: int) -> list[Join] | Finding:
    """Return the changes that join the parts into one stream, or a finding if the parts cannot be joined."""
    if len(found) > MOST_PARTS:
        return refusal(f"The source's streams change more than {MOST_PARTS} times")
    first, made, ends = found[0], list[Join](), dict[int, _StreamEnd]()
    for part, limit in zip(found, [*(after.offset for after in found[1:]), size], strict=True):
        matched = _matched(first, part) if made else {}
        if isinstance(matched, Finding):
            return matched
        begun = find_opening(part, read, limit)
        shift = _shift(begun.part, matched, ends) if made else 0
        made.append(Join(part.offset, matched, shift, begun))
        ends |= _ends(begun.part, made[-1], read, limit)
    return made


def are_needed(made: list[Join]) -> bool:
    """Return whether joining changes any packet.

    If an audio stream is only missing in some parts, no packet needs a change.
    """
    return not keep_pids(made) or any(join.shift or join.opening.dropped for join in made)


def keep_pids(made: list[Join]) -> bool:
    """Return whether joining changes only times, so that it drops no packet and changes no PID."""
    return not any(join.opening.dropped for join in made) and all(
        pid == target for join in made for pid, target in join.pids.items()
    )


@dataclass(frozen=True, slots=True)
class _StreamEnd:
    """The end of one stream in the parts so far, in ticks of the joined clock."""

    decoded: int
    shown: int
    unit: int
    """Duration of the last access unit in ticks."""


def _ends(part: Part, join: Join, read: Read, limit: int) -> dict[int, _StreamEnd]:
    """Return the end of each stream of a part, by the PIDs of the first part."""
    ends = {}
    for one in media(part.programs):
        if one.pid in part.last:
            unit = part.step_of(one.pid) if one.kind == "video" else _sound_ticks(one, part, read, limit)
            moved = join.shift + unit
            end = _StreamEnd(part.last[one.pid] + moved, part.shown_last[one.pid] + moved, unit)
            ends[join.pids.get(one.pid, one.pid)] = end
    return ends


def _sound_ticks(one: Elementary, part: Part, read: Read, limit: int) -> int:
    """Return the duration of the last access unit of an audio stream in ticks, plus ``MARGIN_TICKS``.

    Encoders put several AAC frames into one unit and fewer into the last unit.
    """
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


def _shift(part: Part, pids: dict[int, int], ends: dict[int, _StreamEnd]) -> int:
    """Return the ticks to add to the times of a part; 0 where its clock continues by itself.

    The first frame of the part follows the last frame before it. The whole part moves later where the audio before it
    lasts longer, because audio must not overlap.
    """
    pid = part.video_pid
    if pid is None:
        return 0
    shift = _picture_shift(part, pid, ends.get(pids.get(pid, pid), _StreamEnd(0, 0, TICKS // RATE)))
    sounds = [one for one in part.first if one != pid and pids.get(one) in ends]
    late = max((transport.since(part.first[one] + shift, ends[pids[one]].decoded) for one in sounds), default=0)
    return shift + late if late > MARGIN_TICKS else shift


def _picture_shift(part: Part, pid: int, end: _StreamEnd) -> int:
    """Return the ticks after which the first frame is decoded, and the earliest frame is shown, when the last frame of
    the parts before it ends. Return 0 where the times need no shift."""
    decoded = transport.since(part.first[pid], end.decoded)
    shown = transport.since(part.shown_first[pid], end.shown)
    is_apart = shown <= end.unit // PICTURE_SHARE and decoded <= _DECODED_BACK_TICKS
    return 0 if is_apart and decoded >= -AHEAD_SECONDS * TICKS else max(decoded, shown)


def _matched(first: Part, part: Part) -> dict[int, int] | Finding:
    """Map the PIDs of ``part`` to the PIDs of the first part, or return the reason why this is not possible.

    Programs are compared pair by pair. Streams of one kind are paired in their order.
    """
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
                    return refusal(f"The source's {kind} changes from {one.codec} to {other.codec} midway")
                pids[other.pid] = one.pid
        pids |= {one.pid: one.pid for one in now.of("data") if one in before.of("data")}
        pids.setdefault(now.clock_pid, before.clock_pid)
    if not pids:
        return refusal("The source's programs change midway")
    return pids


def _pairs(first: Part, part: Part) -> Iterator[tuple[Program, Program]]:
    """Yield pairs of programs with the same number. Pair the programs in their order where a number is missing."""
    numbered = {program.number: program for program in part.programs}
    if all(program.number in numbered for program in first.programs):
        yield from ((program, numbered[program.number]) for program in first.programs)
    else:
        yield from zip(first.programs, part.programs, strict=False)


def refusal(found: str) -> Finding:
    """Return an UNSUPPORTED_SOURCE finding for parts that cannot be joined. ``found`` is the cause, without a full
    stop."""
    advice = "Import each part by itself, or give a copy that was encoded as one."
    return Finding(Reason.UNSUPPORTED_SOURCE, f"{found}; the worker cannot join such parts.", advice)


def joined(read: Read, size: int, made: list[Join]) -> Iterator[tuple[Join, bytes]]:
    """Yield the packets of the joined stream. Each packet comes with the changes (``Join``) of its part.

    The joined stream has one set of tables, one set of PIDs and continuity counters, and one clock.
    """
    tables, waiting, now = Tables(), list(made[1:]), made[0]
    counters, silent = Counters(), set[int]()
    for offset, packet in transport.packets(read, size):
        if waiting and offset >= waiting[0].offset:
            now = waiting.pop(0)
            counters.begin()
            silent.clear()
        pid = transport.pid_of(packet)
        is_table = tables.names(pid)
        if is_table:
            tables.add(packet)
        elif now.opening.dropped and _is_dropped(now.opening, silent, offset, packet):
            counters.drop(now.pids.get(pid, pid), packet)
            continue
        if now is made[0] and not now.opening.dropped:
            counters.keep(pid, packet)
            yield now, packet
        elif now is made[0]:
            yield now, bytes(counters.renumber(bytearray(packet), pid))
        elif not is_table and (target := now.pids.get(pid)) is not None:
            yield now, bytes(counters.renumber(_moved(now.opening.changed(offset, packet), target, now.shift), target))


def part_alone(read: Read, join: Join, limit: int) -> Iterator[bytes]:
    """Yield the tables, and then the packets of a part from its first decodable frame on.

    The tables may be before the part. A part may begin with its program map, or with an access unit if only the clock
    restarts there.
    """
    counters, silent = Counters(), set[int]()
    before, named = dict[int, bytes](), Tables()
    for offset, packet in transport.packets(read, limit):
        pid = transport.pid_of(packet)
        if offset < join.offset and named.names(pid):
            named.add(packet)
            before[pid] = packet
        elif offset >= join.offset:
            yield from (table for at, table in before.items() if at == 0 or not named.names(pid))
            before.clear()
            if _is_dropped(join.opening, silent, offset, packet):
                counters.drop(pid, packet)
            else:
                yield bytes(counters.renumber(bytearray(join.opening.changed(offset, packet)), pid))


def _is_dropped(opening: PartOpening, silent: set[int], offset: int, packet: bytes) -> bool:
    """Return whether a packet belongs to a dropped access unit. ``silent`` keeps the PIDs that are within such
    a unit."""
    pid = transport.pid_of(packet)
    if transport.times_at(packet):
        silent.discard(pid)
        if offset in opening.dropped:
            silent.add(pid)
    return pid in silent


def _moved(packet: bytes | bytearray, pid: int, shift: int) -> bytearray:
    moved = bytearray(packet)
    moved[1] = moved[1] & 0xE0 | pid >> 8
    moved[2] = pid & 0xFF
    if shift:
        if (clock := transport.clock_at(packet)) is not None:
            transport.shift_clock(moved, clock, shift)
        for at in transport.times_at(packet):
            transport.write_time(moved, at, transport.read_time(packet, at) + shift)
    return moved
