"""Continuity counters of transport streams, which say whether a packet is missing (ISO/IEC 13818-1, 2.4.3.3).

Segments of HLS may each count anew. Where one follows another, ffmpeg takes that for lost packets.
"""

from collections.abc import Iterator

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read


class Counters:
    """Counters that go on from part to part; a loss within a part stays one."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._deltas: dict[int, int] = {}

    def begin(self) -> None:
        """A part begins: what is counted next follows what was counted last."""
        self._deltas.clear()

    def keep(self, pid: int, packet: bytes) -> None:
        """Count a packet that stays as it is."""
        self._last[pid] = packet[3] & 15

    def drop(self, pid: int, packet: bytes) -> None:
        """Count a packet that is left out: those after it count one less."""
        if pid in self._deltas:
            self._deltas[pid] -= packet[3] >> 4 & 1

    def renumber(self, packet: bytearray, pid: int) -> bytearray:
        """Write the counter of a packet; only one with a payload counts up."""
        counts = packet[3] >> 4 & 1
        if pid not in self._deltas:
            self._deltas[pid] = self._last.get(pid, -1) + counts - (packet[3] & 15)
        self._last[pid] = (packet[3] & 15) + self._deltas[pid] & 15
        packet[3] = packet[3] & 0xF0 | self._last[pid]
        return packet


def segments(read: Read, size: int) -> list[int]:
    """Where segments begin that count anew; empty for a stream that counts on.

    There, behind a table of programs, each stream begins a unit with the counter that the file began with. A loss of
    packets looks otherwise: it is within a unit, or in some streams only.
    """
    found, now = list[int](), _Segment(0)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for offset, packet in transport.packets(read, size):
        if not packet[3] & 0x10:
            continue
        pid, counter = transport.pid_of(packet), packet[3] & 15
        if pid == 0 and transport.starts_unit(packet):
            if now.counts_anew:
                found.append(now.offset)
            now = _Segment(offset)
        if pid not in now.seen:
            now.add(pid, packet, is_first=first.setdefault(pid, counter) == counter, before=last.get(pid))
        last[pid] = counter
    return [*found, now.offset] if now.counts_anew else found


class _Segment:
    """What begins at a table of programs: the first packet of each stream behind it."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.seen: set[int] = set()
        self._is_whole = True
        self._steps = 0
        """Streams whose counter does not go on."""

    @property
    def counts_anew(self) -> bool:
        return self._is_whole and self._steps > 0

    def add(self, pid: int, packet: bytes, *, is_first: bool, before: int | None) -> None:
        """Take the first packet of a stream; ``before`` is the counter of its last one."""
        self.seen.add(pid)
        self._is_whole = self._is_whole and is_first and transport.starts_unit(packet)
        self._steps += before is not None and packet[3] & 15 != before + 1 & 15


def counted_on(read: Read, size: int, begins: list[int]) -> Iterator[bytes]:
    """The packets of the whole, whose counters go on where segments begin."""
    counters, waiting = Counters(), list(begins)
    for offset, packet in transport.packets(read, size):
        while waiting and offset >= waiting[0]:
            waiting.pop(0)
            counters.begin()
        pid = transport.pid_of(packet)
        if len(waiting) == len(begins):
            counters.keep(pid, packet)
            yield packet
        else:
            yield bytes(counters.renumber(bytearray(packet), pid))
