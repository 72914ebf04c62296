"""Evidence that a file ends early: hostile bytes end a look at them and never raise."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from videoimport.media.container import truncated_matroska as ebml
from videoimport.media.container import truncated_mp4 as samples
from videoimport.media.container import truncated_other_formats as chunks
from videoimport.media.container.mp4_boxes import top_level

DEMUXERS = ("mpegts", "flv", "avi", "ogg", "mpeg", "asf", "mxf", "dv", "mp3")
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


def reading(content: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: content[offset : offset + length]


@pytest.mark.parametrize("demuxer", DEMUXERS)
@given(content=some.binary(max_size=400))
@example(content=b"OggS\x00")
@example(content=b"RIFF\x00\x00\x00\x00AVI " * 3)
@example(content=b"\x06\x0e\x2b\x34" + b"\xff" * 40)
@example(content=b"\x00\x00\x01\xba" * 8)
@example(content=ASF + b"\xff" * 80)
@example(content=b"\x47" * 189)
def test_no_bytes_of_an_old_container_raise(demuxer: str, content: bytes) -> None:
    chunks.why_cut(reading(content), len(content), demuxer)


@given(some.binary(max_size=400))
@example(b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7)
@example(b"\x11\x4d\x9b\x74\x83\x4d\xbb\xff")
def test_no_elements_raise(content: bytes) -> None:
    ebml.why_cut(reading(content), len(content))


def box(name: bytes, content: bytes, more: int = 0) -> bytes:
    return (len(content) + 8 + more).to_bytes(4, "big") + name + content


@given(
    some.sampled_from([b"stsz", b"stsc", b"stco", b"co64", b"hdlr", b"tkhd", b"tfhd", b"trun", b"sidx"]), some.binary()
)
def test_no_tables_raise(name: bytes, content: bytes) -> None:
    table = box(b"trak", box(name, content)) if name[:1] in b"sch" else box(b"traf", box(name, content))
    file = box(b"moov", table) + box(b"moof", table) + box(b"sidx", content) + box(b"mdat", b"")
    read = reading(file)
    assert samples.missing_bytes(read, tuple(top_level(read, len(file))), len(file)) >= 0


def movie(sizes: list[int], offset: int, handler: bytes = b"vide") -> bytes:
    """A moov box with one track whose samples lie in one chunk."""

    def numbers(*values: int) -> bytes:
        return b"".join(value.to_bytes(4, "big") for value in values)

    tables = (
        box(b"stsz", numbers(0, 0, len(sizes), *sizes))
        + box(b"stsc", numbers(0, 1, 1, len(sizes), 1))
        + box(b"stco", numbers(0, 1, offset))
    )
    media = box(b"hdlr", bytes(8) + handler + bytes(12)) + box(b"minf", box(b"stbl", tables))
    return box(b"moov", box(b"trak", box(b"mdia", media)))


@pytest.mark.parametrize(
    ("sizes", "handler", "longer", "missing"),
    [
        ([10, 20, 30], b"vide", 0, 0),
        ([10, 20, 30], b"vide", 8, 0),
        ([10, 20, 31], b"vide", 0, 1),
        ([10, 20, 31], b"soun", 0, 1),
        ([10, 20, 31], b"text", 0, 0),
    ],
    ids=["whole", "a box that is too long", "cut video", "cut audio", "cut text"],
)
def test_samples_are_evidence_and_lengths_of_boxes_are_not(
    sizes: list[int], handler: bytes, longer: int, missing: int
) -> None:
    head = len(movie(sizes, 0)) + 8
    file = movie(sizes, head, handler) + box(b"mdat", bytes(60), longer)
    read = reading(file)
    assert samples.missing_bytes(read, tuple(top_level(read, len(file))), len(file)) == missing
