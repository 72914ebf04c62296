"""Transport streams of several parts: where each begins, and what its packets become."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.reasons import Reason
from videoimport.media.container import mpegts as transport
from videoimport.media.container.mpegts import PACKET, TICKS, WRAP, Tables
from videoimport.media.source.findings import Finding
from videoimport.media.timeline import joins, transport_stream_parts

H264, HEVC, AAC, MP2, PRIVATE = 0x1B, 0x24, 0x0F, 0x03, 0x06
ADTS = b"\xff\xf1frames"
STEP = TICKS // 25


def packet(pid: int, payload: bytes, counter: int = 0, *, starts: bool = True) -> bytes:
    """A packet, filled up by an adaptation field."""
    spare = PACKET - 4 - len(payload)
    head = bytes([0x47, 0x40 * starts | pid >> 8, pid & 0xFF])
    if not spare:
        return head + bytes([0x10 | counter]) + payload
    field = bytes([spare - 1]) + (b"\x00" + b"\xff" * (spare - 2) if spare > 1 else b"")
    return head + bytes([0x30 | counter]) + field + payload


def section(table: int, number: int, content: bytes) -> bytes:
    length = len(content) + 9
    return b"\x00" + bytes([table, 0xB0, length]) + number.to_bytes(2) + b"\xc1\x00\x00" + content + b"crc!"


def tables(streams: dict[int, int], number: int = 1) -> bytes:
    named = b"".join(bytes([kind, 0xE0 | pid >> 8, pid & 0xFF, 0xF0, 0]) for pid, kind in streams.items())
    clock = next(iter(streams)).to_bytes(2)
    return packet(0, section(0, 1, number.to_bytes(2) + b"\xf0\x00")) + packet(
        0x1000, section(2, number, clock + b"\xf0\x00" + named)
    )


def unit(pid: int, ticks: int, counter: int = 0, content: bytes = b"picture!") -> bytes:
    place = bytearray(b"\x21\x00\x01\x00\x01")
    transport.write_time(place, 0, ticks)
    return packet(pid, b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + bytes(place) + content, counter)


def part(streams: dict[int, int], start: int, count: int = 4) -> bytes:
    """Private data is AAC here."""
    pictures = (
        unit(pid, start + number * STEP, number, ADTS if kind == PRIVATE else b"picture!")
        for number in range(count)
        for pid, kind in streams.items()
    )
    return tables(streams) + b"".join(pictures)


def found(content: bytes, restarts: tuple[int, ...] = ()) -> list[transport_stream_parts.Part]:
    return transport_stream_parts.parts(
        lambda offset, length: content[offset : offset + length], len(content), restarts
    )


def whole(content: bytes, restarts: tuple[int, ...] = ()) -> bytes:
    def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    made = joins.joins(found(content, restarts), read, len(content))
    assert not isinstance(made, Finding)
    return b"".join(one for _, one in joins.joined(read, len(content), made))


def times(content: bytes, pid: int) -> list[int]:
    packets = transport.packets(lambda offset, length: content[offset : offset + length], len(content))
    return [
        transport.read_time(one, places[-1])
        for _, one in packets
        if transport.pid_of(one) == pid and (places := transport.times_at(one))
    ]


def counters(content: bytes, pid: int) -> list[int]:
    packets = transport.packets(lambda offset, length: content[offset : offset + length], len(content))
    return [one[3] & 15 for _, one in packets if transport.pid_of(one) == pid]


FIRST = {0x100: H264, 0x101: MP2}


@given(some.integers(0, WRAP - 1), some.binary(min_size=5, max_size=5))
def test_a_time_is_read_as_it_was_written(ticks: int, before: bytes) -> None:
    place = bytearray(before)
    transport.write_time(place, 0, ticks)
    assert transport.read_time(bytes(place), 0) == ticks
    assert place[0] & 0xF1 == before[0] & 0xF1


@given(some.integers(0, WRAP - 1), some.integers(-WRAP + 1, WRAP - 1), some.integers(0, 127))
def test_a_clock_is_moved_and_its_extension_kept(base: int, ticks: int, rest: int) -> None:
    place = bytearray((base >> 1).to_bytes(4) + bytes([(base & 1) << 7 | rest]) + b"\x55")
    transport.shift_clock(place, 0, ticks)
    assert int.from_bytes(place[:4]) << 1 | place[4] >> 7 == (base + ticks) % WRAP
    assert (place[4] & 127, place[5]) == (rest, 0x55)


def test_one_recording_is_one_part() -> None:
    assert len(found(part(FIRST, 0))) == 1


def test_a_clock_that_wraps_is_no_new_part() -> None:
    assert len(found(part(FIRST, WRAP - 2 * STEP))) == 1


@pytest.mark.parametrize(
    ("second", "start"),
    [
        ({0x200: H264, 0x201: MP2}, 0),
        ({0x200: H264, 0x201: MP2}, 5_000_000),
        ({0x101: H264, 0x100: MP2}, 0),
        ({0x201: MP2, 0x200: H264}, 0),
    ],
)
def test_later_parts_get_the_pids_counters_and_clock_of_the_first(second: dict[int, int], start: int) -> None:
    content = whole(part(FIRST, 0) + part(second, start))
    shown = times(content, 0x100)
    assert len(shown) == 8
    assert shown == sorted(shown)
    assert 3 * STEP < shown[4] <= 5 * STEP + joins.MARGIN_TICKS
    assert counters(content, 0x100) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert len(times(content, 0x101)) == 8


@pytest.mark.parametrize("overlap", [STEP // 3, STEP, 4 * STEP])
def test_pictures_that_overlap_where_packets_count_anew_begin_a_part(overlap: int) -> None:
    first = part(FIRST, 0)
    content, restarts = first + part(FIRST, 4 * STEP - overlap), (len(first),)
    assert [one.offset for one in found(content, restarts)][1:] == [len(first)]
    shown = times(whole(content, restarts), 0x100)
    assert [later - before for before, later in itertools.pairwise(shown)][3] >= STEP


@pytest.mark.parametrize(("start", "restarts"), [(4 * STEP, True), (4 * STEP - STEP // 5, True), (3 * STEP, False)])
def test_pictures_that_go_on_begin_no_part(start: int, restarts: bool) -> None:
    """HLS segments may each count anew while the clock goes on; without that a late time is an encoder's mistake."""
    first = part(FIRST, 0)
    assert len(found(first + part(FIRST, start), (len(first),) if restarts else ())) == 1


def test_sound_before_the_first_picture_belongs_to_its_part() -> None:
    first = part(FIRST, 1_000_000)
    second = tables(FIRST) + b"".join(
        unit(pid, 500_000 + number * STEP, number) for number in range(4) for pid in (0x101, 0x100)
    )
    one, other = found(first + second)
    assert one.last[0x101] == 1_000_000 + 3 * STEP
    assert other.first[0x101] == 500_000


def test_a_clock_that_starts_again_begins_a_part_with_the_same_pids() -> None:
    content = part(FIRST, 1_000_000, count=30) + part(FIRST, 0)
    assert len(found(content)) == 2
    assert times(whole(content), 0x100) == sorted(times(whole(content), 0x100))


def test_a_clock_that_goes_on_is_left_alone() -> None:
    content = whole(part(FIRST, 0) + part({0x200: H264, 0x201: MP2}, 4 * STEP))
    assert times(content, 0x100) == [number * STEP for number in range(8)]


def test_a_sound_that_is_added_begins_no_part() -> None:
    assert len(found(part(FIRST, 0) + part(FIRST | {0x102: MP2}, 4 * STEP))) == 1


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (FIRST, {0x200: HEVC, 0x201: MP2}, "video changes from h264 to hevc"),
        (FIRST, {0x100: H264, 0x101: AAC}, "audio changes from mp2 to aac"),
        ({0x100: H264}, {0x200: H264, 0x201: AAC}, "no audio at first"),
    ],
)
def test_parts_of_other_codecs_are_refused(first: dict[int, int], second: dict[int, int], words: str) -> None:
    content = part(first, 0) + part(second, 0)

    def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    refusal = joins.joins(found(content), read, len(content))
    assert isinstance(refusal, Finding)
    assert refusal.reason is Reason.UNSUPPORTED_SOURCE
    assert words in refusal.message


def test_bytes_between_packets_are_passed_over() -> None:
    content = part(FIRST, 0)
    broken = content[: 4 * PACKET] + b"rubbish" + content[4 * PACKET :]
    assert whole(broken + part({0x200: H264, 0x201: MP2}, 0)).count(b"picture!") == 16


@given(some.lists(some.binary(min_size=1, max_size=184), max_size=8))
def test_tables_of_rubbish_name_nothing(payloads: Iterable[bytes]) -> None:
    read = Tables()
    for payload in payloads:
        read.add(packet(0, payload))
    assert read.programs == {}


@given(some.binary(max_size=2000))
def test_rubbish_has_no_parts(content: bytes) -> None:
    assert found(b"\x47" + content) == []


@pytest.mark.parametrize(("wide", "before"), [(188, 0), (192, 4), (204, 0)])
def test_packets_are_read_without_their_extras(wide: int, before: int) -> None:
    content = part(FIRST, 0)
    packed = b"".join(
        b"t" * before + content[at : at + PACKET] + b"p" * (wide - PACKET - before)
        for at in range(0, len(content), PACKET)
    )
    stream = transport.plain(lambda offset, length: packed[offset : offset + length], len(packed))
    assert stream is not None
    read, size = stream
    assert (read(0, size), size) == (content, len(content))
    assert read(300, 500) == content[300:800]


def test_a_recording_that_begins_within_a_packet_is_a_transport_stream() -> None:
    content = b"the rest of a packet" + part(FIRST, 0)
    assert transport.plain(lambda offset, length: content[offset : offset + length], len(content)) is not None


def test_another_file_is_none() -> None:
    assert transport.plain(lambda offset, length: bytes(length), 10_000) is None


def test_the_end_of_a_stream_may_come_after_the_tables_of_the_next_one() -> None:
    second = {0x200: H264, 0x201: MP2}
    late = b"".join(unit(0x100, number * STEP, number) for number in (4, 5))
    head = tables(second)
    content = whole(part(FIRST, 0) + head + late + part(second, 0)[len(head) :])
    assert times(content, 0x100)[:6] == [number * STEP for number in range(6)]
    assert len(times(content, 0x100)) == 10


def test_a_sound_that_is_gone_for_a_while_changes_no_packet() -> None:
    content = part(FIRST | {0x102: MP2}, 0) + part(FIRST, 4 * STEP)

    def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    made = joins.joins(found(content), read, len(content))
    assert not isinstance(made, Finding)
    assert (len(made), joins.are_needed(made)) == (2, False)


def test_a_sound_that_is_added_to_pictures_is_noticed() -> None:
    assert found(part({0x100: H264}, 0) + part(FIRST, 4 * STEP))[0].has_late_sound


@pytest.mark.parametrize("second", [{0x200: H264, 0x201: PRIVATE}, {0x100: H264, 0x101: PRIVATE}])
@pytest.mark.parametrize("kind", [AAC, PRIVATE])
def test_audio_that_tables_call_private_data_is_joined(kind: int, second: dict[int, int]) -> None:
    content = whole(part({0x100: H264, 0x101: kind}, 5_000_000) + part(second, 0))
    assert len(times(content, 0x101)) == 8
    assert times(content, 0x101) == sorted(times(content, 0x101))


def test_private_audio_of_another_codec_is_refused() -> None:
    content = part(FIRST, 0) + part({0x200: H264, 0x201: PRIVATE}, 0)
    refusal = joins.joins(found(content), lambda offset, length: content[offset : offset + length], len(content))
    assert isinstance(refusal, Finding)
    assert "audio changes from mp2 to aac" in refusal.message


def test_data_goes_on_where_its_pid_does() -> None:
    subtitles = {0x102: 0x90}
    content = whole(part(FIRST | subtitles, 5_000_000) + part(FIRST | subtitles, 0))
    assert times(content, 0x102)[4:] == times(content, 0x100)[4:]


@pytest.mark.parametrize("pids", [(0x100, 0x101), (0x200, 0x201)])
def test_a_sound_is_kept_behind_a_part_without_any(pids: tuple[int, int]) -> None:
    video, audio = pids
    later = part({video: H264}, 0) + part({video: H264, audio: MP2}, 4 * STEP)
    content = part(FIRST, 5_000_000) + later
    assert not any(one.has_late_sound for one in found(content))
    assert len(times(whole(content), 0x101)) == 8


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        (b"\xff\xf9", "aac"),
        (b"\x0b\x77\0\0\0\x40", "ac3"),
        (b"\x0b\x77\0\0\0\x80", "eac3"),
        (b"\x7f\xfe\x80\x01", "dts"),
        (b"\x56\xe0", "aac_latm"),
        (b"\xff\xfd", "mp2"),
        (b"\x10\x02", None),
        (b"\x20\x00\x0f", None),
        (b"", None),
    ],
)
def test_private_audio_is_known_by_its_sync_word(content: bytes, codec: str | None) -> None:
    assert transport.private_audio(unit(0x101, 0, content=content)) == codec
