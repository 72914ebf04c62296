"""What the heads of coded pictures say of the pictures that they need, in the bytes of the standards."""

from hypothesis import given
from hypothesis import strategies as some

from support.every_case import every_case
from videoimport.media.container.frame_headers import FrameHeader, broken_links, read_head

START = b"\x00\x00\x01"
SEQUENCE = START + b"\xb3" + bytes(8)
RECOVERY, LATE_RECOVERY, OTHER_MESSAGE = b"\x06\x01\xc4\x80", b"\x06\x01\x60\x80", b"\x05\x02\xff\xff\x80"


def group(*, is_closed: bool) -> bytes:
    return START + b"\xb8" + bytes([0, 8, 0, 0x40 * is_closed])


def mpeg(kind: int) -> bytes:
    return START + bytes([0, 0, kind << 3, 0, 0])


def h264(kind: int, body: bytes = b"\x88\x84") -> bytes:
    return b"\x00" + START + bytes([0x60 | kind]) + body


def hevc(kind: int) -> bytes:
    return START + bytes([kind << 1, 1]) + b"\xaf\x00"


OPEN, IDR, NONE = FrameHeader(is_key=True, is_open=True), FrameHeader(is_key=True), FrameHeader()


@every_case(
    ("codec", "content", "head"),
    [
        ("mpeg2video", SEQUENCE + group(is_closed=False) + mpeg(1), OPEN),
        ("mpeg2video", SEQUENCE + group(is_closed=True) + mpeg(1), IDR),
        ("mpeg1video", SEQUENCE + mpeg(1), OPEN),
        ("mpeg2video", group(is_closed=True) + mpeg(1), NONE),
        ("mpeg2video", mpeg(3), NONE),
        ("h264", h264(9, b"\x10") + h264(5), IDR),
        ("h264", h264(6, RECOVERY) + h264(1), OPEN),
        ("h264", h264(6, OTHER_MESSAGE[:-1] + RECOVERY) + h264(1), OPEN),
        ("h264", h264(6, LATE_RECOVERY) + h264(1), NONE),
        ("h264", h264(6, OTHER_MESSAGE) + h264(1), NONE),
        ("hevc", hevc(35) + hevc(21), FrameHeader(is_key=True, is_open=True, may_need_earlier=False)),
        ("hevc", hevc(20), FrameHeader(is_key=True, may_need_earlier=False)),
        ("hevc", hevc(8), NONE),
        ("hevc", hevc(6), FrameHeader(may_need_earlier=False)),
        ("vc1", START + b"\x0d", None),
        ("h264", h264(9, b"\x10"), None),
    ],
)
def test_a_head_tells_where_decoding_may_begin(codec: str, content: bytes, head: FrameHeader | None) -> None:
    assert read_head(codec, content) == head


@given(some.sampled_from(["mpeg2video", "h264", "hevc"]), some.lists(some.binary(max_size=12), max_size=12))
def test_rubbish_is_read_without_an_error(codec: str, units: list[bytes]) -> None:
    read_head(codec, START.join([b"", *units]))


def test_a_clean_random_access_picture_becomes_one_with_a_broken_link() -> None:
    content = bytearray(hevc(35) + hevc(21) + hevc(21) + hevc(39))
    for place, byte in broken_links(bytes(content)).items():
        content[place] = byte
    assert bytes(content) == hevc(35) + hevc(16) + hevc(16) + hevc(39)
    assert broken_links(hevc(20) + hevc(8)) == {}
