"""The top level of MP4 files, whole and cut."""

from hypothesis import given
from hypothesis import strategies as some

from videoimport.media.container.mp4_boxes import Box, has_head_first, missing_bytes, top_level


def box(name: bytes, size: int) -> bytes:
    return (size + 8).to_bytes(4, "big") + name + bytes(size)


def boxes(content: bytes) -> tuple[Box, ...]:
    return tuple(top_level(lambda offset, length: content[offset : offset + length], len(content)))


WHOLE = box(b"ftyp", 16) + box(b"moov", 100) + box(b"mdat", 1000)


def test_a_whole_file_lacks_nothing() -> None:
    found = boxes(WHOLE)
    assert [one.name for one in found] == [b"ftyp", b"moov", b"mdat"]
    assert missing_bytes(found, len(WHOLE)) == 0


@given(some.integers(1, 990))
def test_what_was_cut_off_is_counted(cut: int) -> None:
    content = WHOLE[:-cut]
    assert missing_bytes(boxes(content), len(content)) == cut


def test_a_box_may_reach_to_the_end_or_have_a_long_size() -> None:
    to_the_end = box(b"ftyp", 16) + b"\x00\x00\x00\x00mdat" + bytes(50)
    assert missing_bytes(boxes(to_the_end), len(to_the_end)) == 0
    long = b"\x00\x00\x00\x01mdat" + (66).to_bytes(8, "big") + bytes(40)
    assert missing_bytes(boxes(long), len(long)) == 10


def test_the_head_is_first_only_before_the_media_data() -> None:
    assert has_head_first(boxes(WHOLE))
    assert not has_head_first(boxes(box(b"ftyp", 16) + box(b"mdat", 50) + box(b"moov", 50)))
    assert not has_head_first(boxes(box(b"ftyp", 16) + box(b"mdat", 50)))


@given(some.binary(max_size=400))
def test_no_bytes_confuse_it(content: bytes) -> None:
    for one in boxes(content):
        assert one.end > one.start
