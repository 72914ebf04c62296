"""What a program map says of its streams, by type, descriptors and registration."""

import pytest

from videoimport.media.container.mpegts import PACKET, Elementary, Tables

BLU_RAY = b"\x05\x04HDMV"
PID = 0x1100


def packet(pid: int, section: bytes) -> bytes:
    content = b"\x00" + section + b"crc!"
    return bytes([0x47, 0x40 | pid >> 8, pid & 0xFF, 0x10]) + content + b"\xff" * (PACKET - 4 - len(content))


def section(table: int, number: int, content: bytes) -> bytes:
    return bytes([table, 0xB0, len(content) + 9]) + number.to_bytes(2) + b"\xc1\x00\x00" + content


def sized(content: bytes) -> bytes:
    return (0xF000 | len(content)).to_bytes(2) + content


def stream(stream_type: int, descriptors: bytes = b"", program: bytes = b"") -> Elementary:
    """What a program of one stream says of it."""
    tables = Tables()
    tables.add(packet(0, section(0, 1, b"\x00\x01\xf0\x00")))
    named = bytes([stream_type]) + (0xE000 | PID).to_bytes(2) + sized(descriptors)
    tables.add(packet(0x1000, section(2, 1, b"\xf1\x00" + sized(program) + named)))
    return tables.programs[1].streams[0]


@pytest.mark.parametrize(
    ("stream_type", "codec"),
    [(0x80, "pcm_bluray"), (0x81, "ac3"), (0x83, "truehd"), (0x84, "eac3"), (0x86, "dts"), (0xA2, "dts")],
)
def test_blu_rays_types_count_in_its_programs(stream_type: int, codec: str) -> None:
    assert stream(stream_type, program=b"\x09\x02\x00\x00" + BLU_RAY) == Elementary(PID, "audio", codec)


@pytest.mark.parametrize("stream_type", [0x80, 0x84, 0x86, 0x90, 0xA1])
def test_elsewhere_they_are_data(stream_type: int) -> None:
    assert stream(stream_type).kind == "data"
    assert stream(0x90, program=BLU_RAY).kind == "data"


@pytest.mark.parametrize(
    ("descriptors", "kind", "codec"),
    [
        (b"\x05\x04BSSD", "audio", "s302m"),
        (b"\x05\x04Opus\x7f\x02\x80\x02", "audio", "opus"),
        (b"\x0a\x04deu\x00\x6a\x01\x00", "audio", "ac3"),
        (b"\x05\x04HEVC", "video", "hevc"),
        (b"\x59\x08deu\x10\x00\x01\x00\x01", "data", "type 0x06"),
        (b"", "data", "type 0x06"),
        (b"\x05\xffDTS1", "audio", "dts"),
    ],
)
def test_private_data_is_what_its_descriptors_say(descriptors: bytes, kind: str, codec: str) -> None:
    assert stream(0x06, descriptors) == Elementary(PID, kind, codec)
