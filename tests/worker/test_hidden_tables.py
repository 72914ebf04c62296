"""Sample tables at places where ffmpeg finds them and a strict reader of boxes does not look."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from support.worker import hostile_media as media
from support.worker.hostile_media import box, table
from videoimport.api.reasons import Reason
from videoimport.media.container import mp4_tables as tables
from videoimport.worker.pipeline import join_parts as joining
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import probe as examine

BILLION = {b"stsz": table(1, 2**30)}


def split(content: bytes) -> tuple[bytes, bytes]:
    """What stands before the moov box, and that box's content."""
    start = content.index(b"moov") - 4
    return content[:start], content[start + 8 :]


def long_box(name: bytes, content: bytes) -> bytes:
    """With its size in 64 bits."""
    return struct.pack(">I4sQ", 1, name, len(content) + 16) + content


def in_moov(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        before, moov = split(content)
        return before + box(b"moov", change(moov))

    return changed


def written(wrap: Callable[[bytes], bytes], *names: bytes) -> Callable[[bytes], bytes]:
    """The boxes so named, written anew with their header and content."""

    def within(content: bytes) -> bytes:
        made, offset = b"", 0
        while offset < len(content):
            length, name = struct.unpack_from(">I4s", content, offset)
            inner = content[offset + 8 : offset + length]
            inner = within(inner) if name in (b"trak", b"mdia", b"minf", b"stbl") else inner
            made += wrap(box(name, inner)) if name in names else box(name, inner)
            offset += length
        return made

    return in_moov(within)


def as_long(old: bytes) -> bytes:
    return long_box(old[4:8], old[8:])


def moov_as(make: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: split(content)[0] + make(split(content)[1])


def packed(moov: bytes) -> bytes:
    """QuickTime's compressed movie header."""
    whole = box(b"moov", moov)
    inner = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(whole)) + zlib.compress(whole))
    return box(b"moov", box(b"cmov", inner))


def loose_trak(content: bytes) -> bytes:
    """The trak box beside the moov box."""
    before, moov = split(content)
    start = moov.index(b"trak") - 4
    (length,) = struct.unpack_from(">I", moov, start)
    rest = moov[:start] + moov[start + length :]
    return before + box(b"moov", rest) + moov[start : start + length]


def one_step_each(content: bytes) -> bytes:
    """Each picture lasts one unit, as each moment of sound does in a track of PCM."""
    return media.changed(content, {b"stts": table(1, 2**30, 1)})


def sound_in_chunks(content: bytes) -> bytes:
    """A track of sound whose chunks have billions of moments each."""

    def as_sound(old: bytes) -> bytes:
        return old[:8] + b"soun" + old[12:]

    return media.changed(
        content,
        {
            b"hdlr": as_sound,
            b"stts": table(1, 2**30, 1),
            b"stsc": table(1, 1, 2**32 - 1, 1),
            b"stco": table(1000, *[48] * 1000),
        },
    )


HIDDEN: dict[str, Callable[[bytes], bytes]] = {
    "a moov box with a 64-bit size": moov_as(lambda moov: long_box(b"moov", moov)),
    "a trak box with a 64-bit size": written(as_long, b"trak"),
    "an mdia box with a 64-bit size": written(as_long, b"mdia"),
    "a table with a 64-bit size": written(as_long, b"stsz"),
    "all containers with a 64-bit size": written(as_long, b"trak", b"mdia", b"minf", b"stbl"),
    "behind a box in moov whose name is no text": in_moov(lambda moov: box(b"\x00\x01\x02\x03", b"") + moov),
    "behind a box in the file whose name is no text": moov_as(lambda moov: box(b"\x00abc", b"") + box(b"moov", moov)),
    "behind 100,001 empty boxes in moov": in_moov(lambda moov: box(b"free", b"") * 100_001 + moov),
    "behind 100,001 empty boxes in the file": moov_as(lambda moov: box(b"free", b"") * 100_001 + box(b"moov", moov)),
    "a moov box that is marked as free": moov_as(lambda moov: box(b"free", moov)),
    "a moov box that is longer than the file": moov_as(lambda moov: box(b"moov", moov + b"x" * 99)[:-99]),
    "a moov box that goes on to the file's end": moov_as(lambda moov: struct.pack(">I4s", 0, b"moov") + moov),
    "a packed moov box": moov_as(packed),
    "a track beside the moov box": loose_trak,
    "a table within udta": written(lambda old: box(b"udta", old), b"stsz"),
}
ALONE: dict[str, Callable[[bytes], bytes]] = {
    "pictures of one unit each": one_step_each,
    "chunks of sound without end": sound_in_chunks,
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return media.clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.mark.parametrize("name", [*HIDDEN, *ALONE])
def test_tables_are_found_wherever_ffmpeg_reads_them(clip: bytes, tmp_path: Path, name: str) -> None:
    content = (HIDDEN | ALONE)[name](media.changed(clip, BILLION))
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    found = examine.excess_of(path, len(content))
    assert found is not None
    assert found.reason is Reason.SOURCE_CORRUPT


@pytest.mark.parametrize("name", HIDDEN)
def test_the_same_places_with_sound_tables_are_fine(clip: bytes, name: str) -> None:
    assert _excess(HIDDEN[name](clip)) is None


def test_a_file_that_only_ffprobe_takes_for_mp4_is_refused(clip: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.bin"
    path.write_bytes(box(b"abcd", b"") + media.changed(clip, BILLION))
    with pytest.raises(ImportFailure) as caught:
        examine.examine(Children(), path)
    assert caught.value.reason is Reason.SOURCE_CORRUPT
    assert "samples up to track 1" in caught.value.message


@pytest.mark.parametrize("length", [1 << 40, 1 << 62, (1 << 63) - 1])
def test_an_index_that_claims_any_length_is_read_to_the_files_end(clip: bytes, tmp_path: Path, length: int) -> None:
    path, start = tmp_path / "clip.mp4", clip.rindex(b"moov") - 4
    path.write_bytes(clip[:start] + struct.pack(">I4sQ", 1, b"moov", length) + clip[start + 8 :])
    found = examine.examine(Children(), path)
    assert (len(found.media.videos), found.damage, found.encrypted) == (1, None, ())
    joining.refuse_parts(found, joining.Whole(path))


@pytest.mark.parametrize("offset", [0, 5, 1 << 40, 1 << 63, 1 << 64])
def test_beyond_the_end_of_a_file_nothing_is_read(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"1234567")
    with examine.reading(path) as read:
        assert read(offset, 1 << 62) == b"1234567"[offset:]


def test_boxes_within_boxes_are_opened_as_deep_as_ffmpeg_opens_them() -> None:
    nested = b""
    for _ in range(20_000):
        nested = struct.pack(">I4s", len(nested) + 8, b"mdia") + nested
    assert _excess(box(b"moov", box(b"trak", nested))) is None  # ffmpeg itself refuses it


def test_a_packed_index_is_unpacked_no_further_than_an_index_may_be_long() -> None:
    bomb = struct.pack(">I", 2**31) + zlib.compress(bytes(tables.MOST_INDEX_BYTES + 1))
    found = _excess(box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", bomb))))
    assert found is not None
    assert str(tables.MOST_INDEX_BYTES) in found.text


@pytest.mark.parametrize("name", [b"free", b"trak", b"udta"])
def test_boxes_without_number_are_refused(name: bytes) -> None:
    content = box(b"moov", box(name, b"") * (tables.MOST_BOXES + 1))
    found = _excess(content)
    assert found is not None
    assert found.reason is Reason.SOURCE_CORRUPT


def _excess(content: bytes) -> tables.Finding | None:
    def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    return tables.excess(read, tables.every_box(read, len(content)), len(content))
