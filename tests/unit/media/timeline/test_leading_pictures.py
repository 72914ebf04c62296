"""Pictures at the start of a part that need pictures before it, and what is left out with them."""

import itertools

import pytest

from unit.media.timeline.test_joins import FIRST, H264, HEVC, MP2, STEP, counters, found, packet, part, tables, whole
from videoimport.media.container import mpegts as transport
from videoimport.media.timeline.leading_pictures import PartOpening, find_opening

MPEG2 = 0x02
VIDEO, SOUND = 0x100, 0x101
HEADS = {
    MPEG2: {
        "open": b"\0\0\1\xb3" + bytes(8) + b"\0\0\1\xb8\0\x08\0\0" + b"\0\0\1\0\0\x08\0",
        "closed": b"\0\0\1\xb3" + bytes(8) + b"\0\0\1\xb8\0\x08\0\x40" + b"\0\0\1\0\0\x08\0",
        "leading": b"\0\0\1\0\0\x18\0", "next": b"\0\0\1\0\0\x10\0",
    },
    HEVC: {
        "open": b"\0\0\1\x2a\1", "closed": b"\0\0\1\x26\1", "leading": b"\0\0\1\x10\1",
        "next": b"\0\0\1\2\1",
    },
    H264: {
        "open": b"\0\0\1\x06\x06\x01\xc4\x80\0\0\1\x61\x88", "closed": b"\0\0\1\x65\x88",
        "leading": b"\0\0\1\x01\x9e", "next": b"\0\0\1\x61\x9a",
    },
}  # fmt: skip
ORDER = {"key": 3, "leading": 1, "leading too": 2, "next": 6, "b": 4, "b too": 5}
"""Pictures in the order of decoding, and when each is shown."""


def unit(pid: int, shown: int, decoded: int, head: bytes, counter: int) -> bytes:
    places = bytearray(b"\x31\0\1\0\1\x11\0\1\0\1")
    transport.write_time(places, 0, shown)
    transport.write_time(places, 5, decoded)
    return packet(pid, b"\0\0\1\xe0\0\0\x80\xc0\x0a" + bytes(places) + head, counter)


def recording(kind: int, key: str, start: int = 0, *, has_sound: bool = True) -> bytes:
    """A keyframe, two pictures that are shown before it, and three after it; a sound may come with each."""
    heads = HEADS[kind]
    units = b""
    for number, (name, shown) in enumerate(ORDER.items()):
        head = heads[key] if name == "key" else heads["leading" if "leading" in name or "b" in name else "next"]
        decoded = start + number * STEP
        units += unit(VIDEO, start + (shown + 1) * STEP, decoded, head, number)
        heard = start + (number + 1) * STEP
        units += unit(SOUND, heard, heard, b"sound", number) if has_sound else b""
    return tables({VIDEO: kind, SOUND: MP2} if has_sound else {VIDEO: kind}) + units


def opening(content: bytes) -> PartOpening:
    (one,) = found(content)
    return find_opening(one, lambda offset, length: content[offset : offset + length], len(content))


def shown(content: bytes) -> list[int]:
    packets = transport.packets(lambda offset, length: content[offset : offset + length], len(content))
    return [
        transport.read_time(one, places[0]) // STEP
        for _, one in packets
        if transport.pid_of(one) == VIDEO and (places := transport.times_at(one))
    ]


@pytest.mark.parametrize("kind", HEADS)
def test_leading_pictures_of_an_open_group_are_left_out(kind: int) -> None:
    begun = opening(recording(kind, "open"))
    assert len(begun.dropped) == 2
    assert begun.part.shown_first[VIDEO] == 4 * STEP
    assert begun.part.first[VIDEO] == 2 * STEP, "the keyframe is decoded right before the next picture that is kept"
    assert begun.must_be_closed is (kind == H264)
    assert bool(begun.links) is (kind == HEVC)


@pytest.mark.parametrize("kind", [MPEG2, HEVC])
def test_leading_pictures_of_a_closed_group_stay(kind: int) -> None:
    content = recording(kind, "closed")
    if kind == HEVC:
        content = content.replace(HEADS[HEVC]["leading"], b"\0\0\1\x0c\1")
    begun = opening(content)
    assert (begun.dropped, begun.must_be_closed, begun.must_be_alone) == (frozenset(), False, False)
    assert begun.part.shown_first[VIDEO] == 2 * STEP


def test_a_part_without_any_keyframe_stays_as_it_is() -> None:
    assert opening(recording(MPEG2, "next")).dropped == frozenset()


def test_pictures_before_the_first_keyframe_are_left_out() -> None:
    head = tables({VIDEO: MPEG2, SOUND: MP2})
    before = b"".join(unit(VIDEO, at * STEP, at * STEP, HEADS[MPEG2]["next"], at) for at in range(2))
    content = head + before + recording(MPEG2, "closed", 2 * STEP)[len(head) :]
    assert len(opening(content).dropped) == 2


def test_a_codec_whose_heads_are_not_read_stays_as_it_is() -> None:
    assert opening(part(FIRST, 0)).dropped == frozenset()


def test_a_part_that_begins_open_follows_without_a_pause_and_counts_on() -> None:
    parts = recording(MPEG2, "closed", 900 * STEP, has_sound=False), recording(MPEG2, "open", has_sound=False)
    content = whole(b"".join(parts))
    times = sorted(shown(content))
    assert len(times) == 10
    assert {later - before for before, later in itertools.pairwise(times)} == {1}
    assert counters(content, VIDEO) == list(range(10))
