"""Counters of transport streams that were written segment by segment: where they count anew, and what is a loss."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import PACKET
from videoimport.media.timeline import continuity_counters as counters

STREAMS = (0x100, 0x101)


def packet(pid: int, counter: int, *, starts: bool = True, payload: bool = True) -> bytes:
    head = bytes([0x47, 0x40 * starts | pid >> 8, pid & 0xFF, (0x10 if payload else 0x20) | counter & 15])
    return head + bytes(PACKET - 4)


def segment(packets: int, first: int = 0) -> bytes:
    """Tables, then packets of two streams, each with its own counter from ``first`` on."""
    tables = packet(0, first) + packet(0x1000, first)
    return tables + b"".join(
        packet(pid, first + number, starts=number % 4 == 0) for number in range(packets) for pid in STREAMS
    )


def read_of(content: bytes) -> Read:
    return lambda offset, length: content[offset : offset + length]


def begins(content: bytes) -> list[int]:
    return counters.segments(read_of(content), len(content))


def steps(content: bytes, pid: int) -> set[int]:
    """By how much a stream's counter goes on."""
    found = [
        one[3] & 15 for _, one in transport.packets(read_of(content), len(content)) if transport.pid_of(one) == pid
    ]
    return {(after - before) % 16 for before, after in pairwise(found)}


@given(some.lists(some.integers(8, 40), min_size=2, max_size=5))
def test_segments_that_count_anew_are_counted_on(lengths: list[int]) -> None:
    content = b"".join(segment(length) for length in lengths)
    made = b"".join(counters.counted_on(read_of(content), len(content), begins(content)))
    assert len(made) == len(content)
    assert all(steps(made, pid) == {1} for pid in STREAMS)


def test_segments_that_count_on_are_left_alone() -> None:
    whole = segment(8)
    on = (
        packet(0, 1)
        + packet(0x1000, 1)
        + b"".join(packet(pid, 8 + number, starts=number % 4 == 0) for number in range(8) for pid in STREAMS)
    )
    assert begins(whole + on) == []


def test_a_loss_stays_a_loss() -> None:
    """Of some packets within a segment, at its end, and at its beginning."""
    whole = segment(8) + packet(0, 1) + packet(0x1000, 1)
    on = b"".join(packet(pid, 8 + number, starts=number % 4 == 0) for number in range(8) for pid in STREAMS)
    assert begins(segment(8)[: -4 * PACKET] + segment(8, 3)) == []
    assert begins(whole + on[2 * PACKET :]) == []
    assert begins(whole + on[:PACKET] + on[8 * PACKET :]) == []
    cut = segment(9) + segment(9)[: 5 * PACKET] + segment(9)[8 * PACKET :]
    made = b"".join(counters.counted_on(read_of(cut), len(cut), begins(cut)))
    assert steps(made, 0x101) != {1}


def test_packets_without_payload_count_for_nothing() -> None:
    spare = packet(0x100, 7, payload=False)
    assert begins(segment(9) + spare + segment(9)) == [20 * PACKET + PACKET]
