"""Continuity counters of transport streams, which show whether a packet is missing (ISO/IEC 13818-1, 2.4.3.3).

Each HLS segment may restart the counters. ffmpeg treats such a restart as lost packets.
"""

from collections.abc import Iterator

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read


class Counters:
    """Writer of counters that continue from one part to the next. If packets are lost within a part, the gap in the
    counters stays."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._deltas: dict[int, int] = {}

    def begin(self) -> None:
        """Begin a part. The next counter follows the last counter of the previous part."""
        self._deltas.clear()

    def keep(self, pid: int, packet: bytes) -> None:
        """Record the counter of a packet that stays unchanged."""
        self._last[pid] = packet[3] & 15

    def drop(self, pid: int, packet: bytes) -> None:
        """Record a dropped packet. The counters of later packets are then one lower."""
        if pid in self._deltas:
            self._deltas[pid] -= packet[3] >> 4 & 1

    def renumber(self, packet: bytearray, pid: int) -> bytearray:
        """Write the new counter of a packet and return the packet.

        Only a packet with a payload increments the counter.
        """
        counts = packet[3] >> 4 & 1
        if pid not in self._deltas:
            self._deltas[pid] = self._last.get(pid, -1) + counts - (packet[3] & 15)
        self._last[pid] = (packet[3] & 15) + self._deltas[pid] & 15
        packet[3] = packet[3] & 0xF0 | self._last[pid]
        return packet


def segments(read: Read, size: int) -> list[int]:
    """Return the offsets of the segments that restart their counters. The result is empty if all counters are
    continuous.

    Each offset is the offset of a program association table. After the table, the first packet of each stream begins
    a unit. This packet has the same counter as the stream's first packet in the file. Lost packets do not match this
    pattern: the packets are missing within a unit, or only in some streams.
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
    """A program association table and the first packet of each stream after the table."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.seen: set[int] = set()
        self._is_whole = True
        self._steps = 0
        """Number of streams whose counter does not continue."""

    @property
    def counts_anew(self) -> bool:
        return self._is_whole and self._steps > 0

    def add(self, pid: int, packet: bytes, *, is_first: bool, before: int | None) -> None:
        """Add the first packet of a stream. ``before`` is the counter of the stream's previous packet."""
        self.seen.add(pid)
        self._is_whole = self._is_whole and is_first and transport.starts_unit(packet)
        self._steps += before is not None and packet[3] & 15 != before + 1 & 15


def counted_on(read: Read, size: int, begins: list[int]) -> Iterator[bytes]:
    """Yield all packets. The counters continue across the starts of the segments."""
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
