"""Files that were joined of several, each with a header of its own."""

import pytest

from support.every_case import every_case
from videoimport.media.container.joined_headers import why_not_one
from videoimport.media.container.mp4_boxes import top_level
from videoimport.media.container.truncated_other_formats import ASF_HEADER
from videoimport.media.source.packet_scan import Track


def box(name: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


def tag(size: int) -> bytes:
    return b"\x09" + size.to_bytes(3) + bytes(7) + bytes(size) + (size + 11).to_bytes(4)


FLV = b"FLV\x01\x05" + (9).to_bytes(4) + bytes(4)
FILM = box(b"ftyp") + box(b"moov", b"film") + box(b"mdat", b"x")
PART = box(b"ftyp") + box(b"moov", b"film") + box(b"moof") + box(b"mdat", b"x")
AD = box(b"ftyp") + box(b"moov", b"advertisement") + box(b"moof") + box(b"mdat", b"y")


def asf(name: bytes, content: bytes = b"") -> bytes:
    return name + (24 + len(content)).to_bytes(8, "little") + content


WMV = asf(ASF_HEADER, bytes(90)) + asf(b"data object 16 b", bytes(500)) + asf(b"index object 16b", bytes(40))


def ogg(serial: int, flags: int = 0) -> bytes:
    return (
        b"OggS\x00" + bytes([flags]) + bytes(8) + serial.to_bytes(4, "little") + bytes(8) + b"\x02\xff\x0a" + bytes(265)
    )


OGG = ogg(1, flags=2) + ogg(2, flags=2) + ogg(1) + ogg(2) + ogg(2) + ogg(1)


def klv(kind: bytes, content: bytes) -> bytes:
    return bytes.fromhex("060e2b34") + kind + b"\x83" + len(content).to_bytes(3) + content


PARTITION = bytes.fromhex("020501010d01020101")
MXF = (
    klv(PARTITION + b"\x02\x04\x00", bytes(88))
    + klv(bytes.fromhex("01020101") + b"essence!", bytes(900))
    + klv(PARTITION + b"\x04\x04\x00", bytes(88))
)
DAMAGED_OGG = ogg(1, flags=2) + ogg(2, flags=2) + ogg(1) + ogg(2)[1:] + ogg(2) + ogg(1)
NEXT = OGG.replace(b"\x01\x00\x00\x00", b"\x03\x00\x00\x00")


def message(content: bytes, back: float = 0.0) -> str:
    def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    boxes = tuple(top_level(read, len(content))) if content[4:8] == b"ftyp" else ()
    found = why_not_one(read, len(content), boxes, [Track(back=back)])
    return found.message if found else ""


@every_case(
    "content",
    [
        FILM,
        PART,
        PART + PART,
        FLV + tag(5) + tag(0),
        FLV + tag(5)[:-3],
        WMV,
        WMV[:-50],
        OGG,
        DAMAGED_OGG,
        MXF,
        MXF[:-70],
        b"",
    ],
)
def test_one_recording_is_accepted(content: bytes) -> None:
    assert message(content) == ""


@pytest.mark.parametrize(
    "content", [FILM + AD, AD + PART, FLV + tag(5) + FLV + tag(5), WMV + WMV, OGG + NEXT, OGG + OGG, MXF + MXF]
)
def test_a_second_header_is_refused(content: bytes) -> None:
    assert "a header of its own" in message(content)


def test_a_clock_that_goes_back_is_refused_in_fragments_only() -> None:
    assert "goes back by 2.0 s" in message(PART, back=2.0)
    assert message(FILM, back=2.0) == ""
