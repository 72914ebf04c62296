"""Detection of the frames at the start of a part that need frames from before the part. A decoder cannot decode
these frames correctly. If such a part follows another part, a decoder would use frames of the other part instead.
The decoded frames would then be wrong. So these frames are dropped when parts are joined."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from videoimport.media.container import mpegts as transport
from videoimport.media.container.frame_headers import ENOUGH, FrameHeader, broken_links, read_head
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import Elementary
from videoimport.media.timeline.transport_stream_parts import Part, Unit, media

MOST_BEFORE = 3000
"""Maximum number of frames in which the first keyframe of a part is searched: one minute at 50 frames per second."""
MOST_LEADING = 32
"""Maximum number of frames after a keyframe that may be shown before it. This is twice the limit of H.264 and H.265 for
reordered frames."""


@dataclass(frozen=True, slots=True)
class PartOpening:
    """A part from its first decodable frame on, and the changes at its start. Positions are byte offsets in the
    file."""

    part: Part
    dropped: frozenset[int] = frozenset()
    """The places of the access units that are dropped."""
    decoded: Mapping[int, int] = field(default_factory=dict)
    """New decoding times by the places of their access units. The kept units take over the times of the dropped units.
    """
    links: Mapping[int, int] = field(default_factory=dict)
    """New values of bytes by their places: see ``broken_links``."""
    must_be_closed: bool = False
    """Whether the part is H.264 and begins without an IDR frame.

    H.264 has no mark for a splice at such a frame. After another part, a decoder would use frames of that part that
    have the same numbers.
    """

    last: int = -1
    """The last place where a byte or a time changes; -1 if nothing changes."""

    def changed(self, offset: int, packet: bytes) -> bytes | bytearray:
        """Return the packet at ``offset`` with the changes that it needs if it follows another part."""
        if offset > self.last:
            return packet
        written = bytearray(packet)
        for place, byte in self.links.items():
            if offset <= place < offset + transport.PACKET:
                written[place - offset] = byte
        if offset in self.decoded and len(places := transport.times_at(packet)) > 1:
            transport.write_time(written, places[1], self.decoded[offset])
        return written

    @property
    def must_be_alone(self) -> bool:
        """Whether the part must be written to a separate file before joining, because frames at its start are dropped.

        The value is False for a part with several programs.
        """
        return bool(self.dropped) and len(self.part.programs) == 1

    @property
    def seconds(self) -> float:
        """The display time of the first kept frame, in seconds on the part's clock."""
        pid = self.part.video_pid
        return self.part.shown_first[pid] / transport.TICKS if pid is not None else 0.0


def find_opening(part: Part, read: Read, limit: int) -> PartOpening:
    """Find the frames at the start of a part that cannot be decoded, and return the opening without these frames.
    ``limit`` is the offset where the part ends. A part without a keyframe is unchanged."""
    dropped, decoded, links = set[int](), dict[int, int](), dict[int, int]()
    must_be_closed = False
    for one in media(part.programs):
        if one.kind == "video" and one.pid in part.first:
            pictures = _first_pictures(part, one, read, limit)
            if lost := _undecodable(pictures):
                dropped |= lost
                kept = _closed_up([unit for unit, _ in pictures], lost)
                decoded |= {unit.offset: unit.decoded for unit in kept}
                part = _begun(part, one.pid, kept)
            if one.codec == "hevc":
                links |= _broken_links(pictures, read, limit)
            must_be_closed |= one.codec == "h264" and any(head.is_open for _, head in pictures)
    last = max((*decoded, *links), default=-1)
    return PartOpening(part, frozenset(dropped), decoded, links, must_be_closed, last)


def _closed_up(pictures: list[Unit], lost: set[int]) -> list[Unit]:
    """Return the kept frames with the decoding times of the last frames, so that no gap in decoding remains."""
    kept = [unit for unit in pictures if unit.offset not in lost]
    times = (unit.decoded for unit in pictures[len(lost) :])
    return [
        replace(unit, decoded=unit.shown if transport.since(time, unit.shown) < 0 else time)
        for unit, time in zip(kept, times, strict=True)
    ]


def _begun(part: Part, pid: int, kept: list[Unit]) -> Part:
    """Return the part with new first times for the stream ``pid``, which begins with the kept units."""
    shown = min((unit.shown for unit in kept), key=lambda time: transport.since(kept[0].shown, time))
    return replace(part, first=part.first | {pid: kept[0].decoded}, shown_first=part.shown_first | {pid: shown})


def _first_pictures(part: Part, video: Elementary, read: Read, limit: int) -> list[tuple[Unit, FrameHeader]]:
    """Return the frames of a part up to its first keyframe, and the later frames that may be shown before this
    keyframe.

    Return no frames if there is no keyframe, or if a header cannot be read.
    """
    found: list[tuple[Unit, FrameHeader]] = []
    key: int | None = None
    for unit, content in _units(part.offset, video.pid, read, limit):
        head = read_head(video.codec, content)
        if head is None:
            return []
        found.append((unit, head))
        if key is None and len(found) > MOST_BEFORE:
            return []
        if key is None and head.is_key:
            key = len(found)
            if not head.is_open:
                break
        if key is not None and len(found) - key >= MOST_LEADING:
            break
    return found if key is not None else []


def _undecodable(pictures: list[tuple[Unit, FrameHeader]]) -> set[int]:
    """Return the places of the frames that need frames from before the part."""
    at = next((number for number, (_, head) in enumerate(pictures) if head.is_key), 0)
    leading = (
        unit.offset
        for unit, head in pictures[at + 1 :]
        if head.may_need_earlier and transport.since(pictures[at][0].shown, unit.shown) < 0
    )
    return {*(unit.offset for unit, _ in pictures[:at]), *leading}


def _broken_links(pictures: list[tuple[Unit, FrameHeader]], read: Read, limit: int) -> dict[int, int]:
    """Return the bytes that mark the first keyframe as a frame with a broken link."""
    for unit, head in pictures:
        if head.is_key and head.is_open:
            content, places = bytearray(), list[int]()
            for offset, packet in _packets(unit.offset, unit.pid, read, limit):
                if content and transport.times_at(packet):
                    break
                at = transport.payload_at(packet)
                content += packet[at:]
                places += range(offset + at, offset + transport.PACKET)
            return {places[at]: byte for at, byte in broken_links(bytes(content)).items()}
    return {}


def _units(start: int, pid: int, read: Read, limit: int) -> Iterator[tuple[Unit, bytes]]:
    """Yield the access units of a stream that have a time, each with at least the first ``ENOUGH`` bytes of its
    content."""
    unit, content = None, bytearray()
    for offset, packet in _packets(start, pid, read, limit):
        if places := transport.times_at(packet):
            if unit is not None:
                yield unit, bytes(content)
            shown, decoded = (transport.read_time(packet, place) for place in (places[0], places[-1]))
            unit, content = Unit(pid, shown, decoded, offset), bytearray()
        if len(content) < ENOUGH:
            content += packet[transport.payload_at(packet) :]
    if unit is not None:
        yield unit, bytes(content)


def _packets(start: int, pid: int, read: Read, limit: int) -> Iterator[tuple[int, bytes]]:
    for offset, packet in transport.packets(lambda at, length: read(start + at, length), limit - start):
        if transport.pid_of(packet) == pid:
            yield start + offset, packet
