"""Parser of MPEG transport streams (ISO/IEC 13818-1): the tables that name the streams, and the packets' clocks."""

import re
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field

from videoimport.media.container.mp4_boxes import Read

PACKET = 188
NULL_PID = 0x1FFF
TICKS = 90_000
"""Ticks in a second of the PTS and DTS clock. PTS and DTS are numbers modulo 2**33."""
WRAP = 1 << 33
_SYNC = re.compile(rb"\x47(?=.{187}\x47.{187}\x47.{187}\x47)", re.S)
_LAST_SYNC = 3 * PACKET
_VIDEO = {
    0x01: "mpeg1video", 0x02: "mpeg2video", 0x10: "mpeg4", 0x1B: "h264", 0x24: "hevc", 0x33: "vvc", 0x42: "cavs",
    0xD1: "dirac", 0xD2: "avs2", 0xD4: "avs3", 0xEA: "vc1",
}  # fmt: skip
_AUDIO = {
    0x03: "mp2", 0x04: "mp2", 0x0F: "aac", 0x11: "aac_latm", 0x1C: "aac", 0x81: "ac3", 0x82: "dts", 0x83: "truehd",
    0x87: "eac3", 0x8A: "dts",
}  # fmt: skip
_BLU_RAY = b"HDMV"
_BLU_RAY_AUDIO = {0x80: "pcm_bluray", 0x84: "eac3", 0x85: "dts", 0x86: "dts", 0xA1: "eac3", 0xA2: "dts"}
"""Audio types of a program that is registered as Blu-ray, as on discs and from AVCHD cameras.

In other programs, type 0x86 is SCTE 35 data.
"""
_NAME = "type {:#04x}"
_PRIVATE = 0x06
PRIVATE = _NAME.format(_PRIVATE)
"""Codec name for private data without a descriptor of its type."""
_PRIVATE_AUDIO = {0x6A: "ac3", 0x7A: "eac3", 0x7B: "dts", 0x7C: "aac"}
"""Codecs of DVB descriptors, which name the type of private data."""
_REGISTERED = {
    b"AC-3": "ac3", b"EAC3": "eac3", b"Opus": "opus", b"BSSD": "s302m", b"DTS1": "dts", b"DTS2": "dts", b"DTS3": "dts",
    b"HEVC": "hevc", b"AV01": "av1", b"VC-1": "vc1", b"drac": "dirac",
}  # fmt: skip
_REGISTERED_VIDEO = {"hevc", "av1", "vc1", "dirac"}
_REGISTRATION = 0x05
_LAST_AC3 = 10
"""Highest ``bsid`` of AC-3. E-AC-3 has higher values (ETSI TS 102 366)."""
_CHUNK = PACKET * 8192
_HEAD_BYTES = 4096
FORMS = ((PACKET, 0), (192, 4), (204, 0))
"""Bytes from one packet to the next packet, and the offset of the packet in these bytes."""
_IN_A_ROW = 8
"""Number of sync bytes that prove a packet format. A single byte 0x47 can occur anywhere."""


@dataclass(frozen=True, slots=True)
class Elementary:
    """A stream of a program."""

    pid: int
    kind: str
    """``video``, ``audio`` or ``data``."""
    codec: str


@dataclass(frozen=True, slots=True)
class Program:
    """The streams that a program map table names."""

    number: int
    clock_pid: int
    streams: tuple[Elementary, ...]

    def of(self, kind: str) -> tuple[Elementary, ...]:
        """Return the streams of one kind, in their order in the table."""
        return tuple(one for one in self.streams if one.kind == kind)


def plain(read: Read, size: int) -> tuple[Read, int] | None:
    """Return a reader of the packets without extra bytes, and their total length. Each packet then has 188 bytes.

    Return None if the file is not a transport stream. Blu-ray discs have four bytes before each packet. Some
    broadcasters add 16 bytes of parity after each packet.
    """
    head = read(0, _HEAD_BYTES)
    for wide, lead in FORMS:
        syncs = head[lead::wide][:_IN_A_ROW]
        if len(head) > lead and syncs == b"\x47" * len(syncs) and len(syncs) > 2:
            return (read, size) if wide == PACKET else (_without_extras(read, wide, lead), size // wide * PACKET)
    return (read, size) if _SYNC.search(head) else None


def _without_extras(read: Read, wide: int, lead: int) -> Read:
    def read_packets(offset: int, length: int) -> bytes:
        first, last = offset // PACKET, -(-(offset + length) // PACKET)
        content = read(first * wide, (last - first) * wide)
        whole = b"".join(content[at + lead : at + lead + PACKET] for at in range(0, len(content), wide))
        return whole[offset - first * PACKET :][:length]

    return read_packets


def packets(read: Read, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield every packet with its offset. Bytes between packets, as in damaged files, are skipped."""
    for offset, chunk in _aligned(read, size):
        for at in range(0, len(chunk), PACKET):
            yield offset + at, chunk[at : at + PACKET]


def unit_starts(read: Read, size: int, unfinished: Sized) -> Iterator[tuple[int, bytes]]:
    """Yield the packets in which a table or an access unit begins.

    While ``unfinished`` is not empty, yield all packets. This function takes a tenth of the time of ``packets``,
    because it checks only one byte of most packets.
    """
    for offset, chunk in _aligned(read, size):
        for number, head in enumerate(chunk[1::PACKET]):
            if head & 0x40 or unfinished:
                yield offset + number * PACKET, chunk[number * PACKET : (number + 1) * PACKET]


def _aligned(read: Read, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield runs of whole packets with their offsets. A run has at most ``_CHUNK`` bytes."""
    offset = 0
    while offset + PACKET <= size:
        chunk = read(offset, min(_CHUNK, size - offset))
        usable = len(chunk) - len(chunk) % PACKET
        if not usable:
            return
        good = _whole_packets(chunk[:usable:PACKET]) * PACKET
        yield offset, chunk[:good]
        if good < usable:
            found = _SYNC.search(chunk, good)
            good = found.start() if found else max(good + PACKET, usable - _LAST_SYNC)
        offset += good


def _whole_packets(first_bytes: bytes) -> int:
    """Return the number of packets with a valid first byte, up to the first packet with another byte."""
    return len(first_bytes) - len(first_bytes.lstrip(b"\x47"))


def pid_of(packet: bytes | bytearray) -> int:
    """Return the PID of a packet. The PID identifies the stream."""
    return (packet[1] & 0x1F) << 8 | packet[2]


def starts_unit(packet: bytes | bytearray) -> bool:
    """Return whether a table or an access unit begins in this packet."""
    return bool(packet[1] & 0x40)


def payload_at(packet: bytes | bytearray) -> int:
    """Return the offset of the payload in a packet. Return the packet's length if there is no payload."""
    control = packet[3] >> 4 & 3
    if not control & 1:
        return PACKET
    return min(PACKET, 5 + packet[4]) if control & 2 else 4


def clock_at(packet: bytes | bytearray) -> int | None:
    """Return the offset of the PCR (the program's clock) in a packet, or None if the packet has no PCR."""
    return 6 if packet[3] & 0x20 and packet[4] >= 7 and packet[5] & 0x10 else None


def times_at(packet: bytes | bytearray) -> tuple[int, ...]:
    """Return the offsets of PTS and DTS in a packet that begins an access unit.

    If there is no DTS, the result has only the offset of the PTS. The result is empty if no access unit begins in
    the packet.
    """
    at = payload_at(packet)
    if not starts_unit(packet) or packet[at : at + 3] != b"\x00\x00\x01" or at + 9 > PACKET:
        return ()
    places = {2: (at + 9,), 3: (at + 9, at + 14)}.get(packet[at + 7] >> 6, ())
    return places if all(place + 5 <= PACKET for place in places) else ()


def read_time(packet: bytes | bytearray, at: int) -> int:
    """Return a PTS or DTS in ticks."""
    first, second, third, fourth, fifth = packet[at : at + 5]
    return (first >> 1 & 7) << 30 | second << 22 | (third >> 1) << 15 | fourth << 7 | fifth >> 1


def write_time(packet: bytearray, at: int, ticks: int) -> None:
    """Replace a PTS or DTS in the packet. The marker bits of the field are kept."""
    ticks %= WRAP
    packet[at] = packet[at] & 0xF1 | ticks >> 29 & 0x0E
    packet[at + 1] = ticks >> 22 & 0xFF
    packet[at + 2] = ticks >> 14 & 0xFE | 1
    packet[at + 3] = ticks >> 7 & 0xFF
    packet[at + 4] = ticks << 1 & 0xFE | 1


def shift_clock(packet: bytearray, at: int, ticks: int) -> None:
    """Add ``ticks`` to a PCR.

    The PCR base has 33 bits of ticks, and its last bit is the first bit of the fifth byte.
    """
    moved = ((int.from_bytes(packet[at : at + 4]) << 1 | packet[at + 4] >> 7) + ticks) % WRAP
    packet[at : at + 4] = (moved >> 1).to_bytes(4)
    packet[at + 4] = packet[at + 4] & 0x7F | (moved & 1) << 7


_ADTS_HERTZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_ADTS_SAMPLES = 1024


def adts_ticks(content: bytes | bytearray) -> int:
    """Return the ticks of the AAC frames in an access unit (ISO/IEC 13818-7, ADTS).

    The unit begins with a PES header.
    """
    at, ticks = 9 + content[8] if len(content) > 8 else 0, 0.0
    while at + 7 <= len(content) and content[at] == 0xFF and content[at + 1] & 0xF0 == 0xF0:
        index, length = content[at + 2] >> 2 & 15, (int.from_bytes(content[at + 3 : at + 6]) >> 5) & 0x1FFF
        if index >= len(_ADTS_HERTZ) or length < 7:
            break
        ticks += _ADTS_SAMPLES * TICKS / _ADTS_HERTZ[index]
        at += length
    return round(ticks)


def since(earlier: int, later: int) -> int:
    """Return the ticks from ``earlier`` to ``later``. The function handles the overflow of the clock, which has 33
    bits.

    The result is negative if ``later`` is before ``earlier``.
    """
    return (later - earlier + WRAP // 2) % WRAP - WRAP // 2


@dataclass(slots=True)
class Tables:
    """The tables that are valid at the last packet that was added. The caller adds the packets in order."""

    programs: dict[int, Program] = field(default_factory=dict)
    """Programs by number whose program map table was read."""
    map_pids: dict[int, int] = field(default_factory=dict)
    """Number of the program by the PID of its program map table."""
    private: dict[int, str] = field(default_factory=dict)
    """Codec by PID of private data that is known to be audio, although no descriptor names the type."""
    unfinished: dict[int, bytearray] = field(default_factory=dict)
    """Beginnings of incomplete tables by PID. The other packets of these tables are still to come."""

    def names(self, pid: int) -> bool:
        """Return whether packets with this PID carry tables."""
        return pid == 0 or pid in self.map_pids

    def add(self, packet: bytes) -> bool:
        """Read a packet of a table. Return whether the packet completed a table that differs from the current table."""
        section = self._section(packet)
        if section is None:
            return False
        return self._associate(section) if pid_of(packet) == 0 else self._map(section)

    def _section(self, packet: bytes) -> bytes | None:
        pid, payload = pid_of(packet), packet[payload_at(packet) :]
        if starts_unit(packet) and payload:
            self.unfinished[pid] = bytearray(payload[1 + payload[0] :])
        elif pid in self.unfinished:
            self.unfinished[pid] += payload
        held = self.unfinished.get(pid, bytearray())
        length = 3 + (int.from_bytes(held[1:3]) & 0x0FFF) if len(held) >= 3 else 0
        if not length or len(held) < length:
            return None
        return bytes(self.unfinished.pop(pid)[: length - 4])

    def _associate(self, section: bytes) -> bool:
        """Read a program association table: pairs of program number and PID from byte 8 on."""
        if section[0] != 0x00 or not section[5] & 1:
            return False
        pairs = (section[at : at + 4] for at in range(8, len(section) - 3, 4))
        found = {int.from_bytes(pair[2:]) & 0x1FFF: int.from_bytes(pair[:2]) for pair in pairs}
        found = {pid: number for pid, number in found.items() if number}
        if found == self.map_pids:
            return False
        self.map_pids = found
        self.programs = {number: self.programs[number] for number in found.values() if number in self.programs}
        return False  # a program is used only after its map is read

    def _map(self, section: bytes) -> bool:
        if section[0] != 0x02 or len(section) < 12 or not section[5] & 1:
            return False
        number = int.from_bytes(section[3:5])
        streams = tuple(self._known(one) for one in _streams(section))
        found = Program(number, int.from_bytes(section[8:10]) & 0x1FFF, streams)
        if self.programs.get(number) == found or number not in self.map_pids.values():
            return False
        self.programs[number] = found
        return True

    def _known(self, one: Elementary) -> Elementary:
        return Elementary(one.pid, "audio", self.private[one.pid]) if one.pid in self.private else one


def private_audio(packet: bytes) -> str | None:
    """Return the codec of audio in a private data stream, from the sync word at the start of an access unit. Return
    None if there is no known sync word.

    ffmpeg also detects this audio by its sync word.
    """
    at = payload_at(packet)
    content = packet[at + 9 + packet[at + 8] :] if at + 9 < PACKET else b""
    word = int.from_bytes(content[:2])
    if content.startswith(b"\x7f\xfe\x80\x01"):
        return "dts"
    if word == 0x0B77 and len(content) > 5:
        return "ac3" if content[5] >> 3 <= _LAST_AC3 else "eac3"
    if word & 0xFFF6 == 0xFFF0:
        return "aac"
    if word & 0xFFE0 == 0x56E0:
        return "aac_latm"
    return "mp2" if word & 0xFFE0 == 0xFFE0 and word & 6 else None


def _streams(section: bytes) -> Iterator[Elementary]:
    at = 12 + (int.from_bytes(section[10:12]) & 0x0FFF)
    is_blu_ray = any(content[:4] == _BLU_RAY for tag, content in _descriptors(section[12:at]) if tag == _REGISTRATION)
    while at + 5 <= len(section):
        length = int.from_bytes(section[at + 3 : at + 5]) & 0x0FFF
        stream_type, descriptors = section[at], section[at + 5 : at + 5 + length]
        pid = int.from_bytes(section[at + 1 : at + 3]) & 0x1FFF
        if is_blu_ray and stream_type in _BLU_RAY_AUDIO:
            yield Elementary(pid, "audio", _BLU_RAY_AUDIO[stream_type])
        else:
            yield Elementary(pid, *_meaning(stream_type, descriptors))
        at += 5 + length


def _meaning(stream_type: int, descriptors: bytes) -> tuple[str, str]:
    if stream_type in _VIDEO:
        return "video", _VIDEO[stream_type]
    if stream_type in _AUDIO:
        return "audio", _AUDIO[stream_type]
    for tag, content in _descriptors(descriptors) if stream_type == _PRIVATE else ():
        codec = _REGISTERED.get(content[:4]) if tag == _REGISTRATION else _PRIVATE_AUDIO.get(tag)
        if codec:
            return ("video" if codec in _REGISTERED_VIDEO else "audio"), codec
    return "data", _NAME.format(stream_type)


def _descriptors(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the content of each descriptor."""
    at = 0
    while at + 2 <= len(content):
        yield content[at], content[at + 2 : at + 2 + content[at + 1]]
        at += 2 + content[at + 1]
