"""Encryption is seen in the container: sample entries, scrambling bits, objects of ASF."""

import pytest

from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import Box
from videoimport.media.source.encryption import Encrypted, encrypted_tracks, protection, scrambled
from videoimport.media.source.probe import parse_probe
from videoimport.media.source.streams import Audio, Media, Video


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


def track(*entries: bytes) -> bytes:
    described = b"\0\0\0\0" + len(entries).to_bytes(4, "big") + b"".join(entries)
    stbl = box(b"stbl", box(b"stsd", described))
    return box(b"trak", box(b"tkhd", b"\0" * 84) + box(b"mdia", box(b"mdhd", b"\0" * 24) + box(b"minf", stbl)))


def entry(name: bytes, scheme: bytes = b"") -> bytes:
    protected = (
        box(b"sinf", box(b"frma", b"avc1") + box(b"schm", b"\0\0\0\0" + scheme + b"\0\1\0\0")) if scheme else b""
    )
    return box(name, b"\0" * 78 + protected)


def found(*tracks: bytes) -> tuple[Encrypted, ...]:
    content = box(b"moov", box(b"mvhd", b"\0" * 100) + b"".join(tracks))
    return encrypted_tracks(lambda offset, length: content[offset : offset + length], (Box(b"moov", 0, len(content)),))


@pytest.mark.parametrize("scheme", ["cenc", "cens", "cbc1", "cbcs"])
def test_each_scheme_is_named(scheme: str) -> None:
    assert found(track(entry(b"avc1")), track(entry(b"enca", scheme.encode()))) == (Encrypted(1, scheme),)


@pytest.mark.parametrize("name", [b"encv", b"enca", b"drmi", b"drms"])
def test_a_track_that_begins_clear_is_encrypted_too(name: bytes) -> None:
    assert [one.index for one in found(track(entry(b"avc1"), entry(name)), track(entry(b"mp4a")))] == [0]


def test_clear_and_broken_boxes_are_not_encrypted() -> None:
    assert found(track(entry(b"avc1")), box(b"trak", b""), box(b"trak", b"\xff" * 40)) == ()


def test_only_a_chosen_stream_matters() -> None:
    media = Media("mov,mp4")
    tracks = (Encrypted(1, "cbcs"),)
    assert protection(media, tracks, Video(0, "h264")) is None
    told = protection(media, tracks, Audio(1, "aac"))
    assert told is not None
    assert (told.reason, told.message) == (Reason.DRM_PROTECTED, "The source's audio is encrypted (cbcs).")


def test_matroska_names_a_key() -> None:
    assert protection(Media("matroska,webm"), (), Video(0, "vp9", has_key=True)) is not None
    assert protection(Media("mov,mp4"), (), Video(0, "h264", has_key=True)) is None


def test_a_key_without_a_name_is_a_complaint_of_the_demuxer() -> None:
    text = '{"streams": [{"index": 0, "codec_type": "video", "tags": {"ENC_KEY_ID": "a"}}]}'
    assert parse_probe(text).videos[0].has_key
    plain = text.replace("ENC_KEY_ID", "title")
    assert not parse_probe(plain).videos[0].has_key
    assert parse_probe(plain, "[matroska,webm @ 0x1] Unsupported encoding type").videos[0].has_key


def packets(size: int, scrambling: int, share: float) -> bytes:
    stamp = b"\0" * (size - 188)
    return b"".join(
        stamp + b"\x47\x01\x00" + bytes([0x10 | (scrambling << 6 if number < 100 * share else 0)]) + b"\0" * 184
        for number in range(100)
    )


@pytest.mark.parametrize("size", [188, 192])
@pytest.mark.parametrize("scrambling", [2, 3])
def test_scrambled_transport_streams(size: int, scrambling: int) -> None:
    assert scrambled(packets(size, scrambling, 0.95)) is not None
    assert scrambled(packets(size, scrambling, 0.05)) is None


def test_asf_objects_of_encryption() -> None:
    start = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    keys = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    header = start + (200).to_bytes(8, "little") + b"\0" * 20 + keys
    assert scrambled(header) is not None
    assert scrambled(start + (30).to_bytes(8, "little") + b"\0" * 20 + keys) is None, "beyond the header it is data"
