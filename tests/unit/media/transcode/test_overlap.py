"""When stages overlap, and what is said where they do not."""

from dataclasses import replace

import pytest

from videoimport.media.container.mp4_boxes import Box
from videoimport.media.transcode.overlap import Head, is_fragmented, is_indexed, why_staged
from videoimport.media.transcode.plan import TranscodePlan

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
ENCODE = TranscodePlan(copy_video=False, copy_audio=True, why="mode Encode asks for it", size=(1280, 720))
COPY = replace(ENCODE, copy_video=True)


def boxes(*names: bytes) -> tuple[Box, ...]:
    return tuple(Box(name, 10 * number, 10 * number + 10) for number, name in enumerate(names))


FIRST = boxes(b"ftyp", b"moov", b"mdat")
LAST = boxes(b"ftyp", b"wide", b"mdat")
GOOD = Head(demuxer=MP4, boxes=FIRST, has_tail=False, seconds=60.0, plan=ENCODE, is_tolerant=False)


@pytest.mark.parametrize(
    "head",
    [
        GOOD,
        replace(GOOD, boxes=LAST, has_tail=True),
        replace(GOOD, demuxer="matroska,webm", boxes=()),
        replace(GOOD, demuxer="mpegts", boxes=()),
        replace(GOOD, boxes=boxes(b"ftyp", b"moov", b"moof")),
    ],
)
def test_what_will_be_encoded_and_reads_from_its_start_overlaps(head: Head) -> None:
    assert why_staged(head) is None


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (replace(GOOD, boxes=LAST), "the source's index is at its end, which could not be fetched first"),
        (replace(GOOD, demuxer="avi", boxes=()), "avi is not read before all of it is there"),
        (replace(GOOD, demuxer="", boxes=()), "the container is not read before all of it is there"),
        (replace(GOOD, seconds=None), "how long the source lasts is known only at its end"),
        (replace(GOOD, plan=COPY), "the video may be copied, so all of it is checked first"),
        (replace(GOOD, is_tolerant=True), "damage is tolerated, and only the whole source shows what is lost"),
    ],
)
def test_everything_else_is_staged_and_says_why(head: Head, why: str) -> None:
    assert why_staged(head) == why


def test_an_index_counts_only_before_the_media_data() -> None:
    assert is_indexed(FIRST)
    assert not is_indexed(LAST)
    assert not is_indexed(boxes(b"ftyp", b"mdat", b"moov"))
    assert not is_indexed(())


def test_fragments_are_known_by_their_boxes() -> None:
    assert is_fragmented(boxes(b"ftyp", b"moov", b"moof"))
    assert is_fragmented(boxes(b"styp", b"sidx", b"moov"))
    assert not is_fragmented(FIRST)
