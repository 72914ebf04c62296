"""Clocks that start again and starts that cannot be decoded: what is moved, what is dropped, what is left alone."""

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.media.source.packet_scan import Track, walk
from videoimport.media.timeline.clock_repair import Repair, audio_filters, repair, video_filters

VIDEO, AUDIO = 0, 1


def part(start: float, seconds: float, *, video: bool = True, audio: bool = True, key: bool = True) -> list[str]:
    """Packets of a recording, as they lie in its file; only the first picture of it is a keyframe."""
    pictures = [
        (time, f"{VIDEO},{time},{time},0.04,1000,{'K' if time == start and key else '_'}_")
        for time in (start + number / 25 for number in range(round(seconds * 25)))
    ]
    sounds = [
        (start + number / 50, f"{AUDIO},{start + number / 50},{start + number / 50},0.02,100,K_")
        for number in range(round(seconds * 50))
    ]
    return [line for _, line in sorted(chain(pictures if video else (), sounds if audio else ()))]


def found(*parts: list[str], demuxer: str = "mpegts") -> tuple[dict[int, Track], Repair | None]:
    tracks = walk(chain(*parts), demuxer)
    return tracks, repair(tracks[VIDEO], tracks.get(AUDIO))


@pytest.mark.parametrize("demuxer", ["mpegts", "flv", "mov,mp4,m4a,3gp,3g2,mj2"])
def test_an_ordinary_file_is_left_alone(demuxer: str) -> None:
    assert found(part(1.4, 3), demuxer=demuxer)[1] is None


@pytest.mark.parametrize("second", [0.0, 1.4, 4.0, 4000.0])
def test_each_part_follows_the_one_before(second: float) -> None:
    mended = found(part(1.4, 3), part(second, 2))[1]
    assert mended is not None
    assert mended.joints == 1
    assert [(shift.first, pytest.approx(shift.seconds)) for shift in mended.video] == [(0, -1.4), (75, 3 - second)]
    assert [shift.seconds for shift in mended.audio] == [shift.seconds for shift in mended.video]


def test_a_long_pause_is_a_clock_only_where_times_are_a_clock() -> None:
    assert found(part(0, 1), part(500, 1), demuxer="matroska,webm")[1] is None
    assert found(part(0, 1), part(50, 1), demuxer="mpegts")[1] is None


def test_a_step_back_of_one_stream_is_no_new_clock() -> None:
    assert found(part(0, 3), part(1, 2, video=False), part(3, 2, audio=False))[1] is None
    assert found(part(0, 3), part(100, 2, audio=False), part(3, 2, video=False))[1] is None


def test_an_edit_list_sets_its_clock_on_purpose() -> None:
    assert found(part(5, 3), part(0, 2), demuxer="mov,mp4,m4a,3gp,3g2,mj2")[1] is None


def test_a_guessed_clock_starts_again_at_keyframes_only() -> None:
    """Matroska has no decoding times. ffmpeg guesses them, and behind a join it takes those of the pictures."""
    guessed = [f"{VIDEO},{time},{time},0.04,1000,__" for time in (0.04, 0.24, 0.08, 0.12, 0.4, 0.24, 0.28)]
    mended = found(part(0, 3), part(0, 0.04), guessed, demuxer="matroska,webm")[1]
    assert mended is not None
    assert [(shift.first, pytest.approx(shift.seconds)) for shift in mended.video] == [(0, 0), (75, 3)]


def test_reordered_packets_before_the_first_decoding_time_are_moved_too() -> None:
    early = [f"{VIDEO},{time},N/A,0.04,1000,{flag}_" for time, flag in ((5.0, "K"), (5.12, "_"))]
    mended = found(early, part(5, 3), part(0, 2), demuxer="matroska,webm")[1]
    assert mended is not None
    assert mended.video[0].first == 0


def test_a_stream_that_begins_in_a_later_part_moves_with_it() -> None:
    mended = found(part(0, 2, audio=False), part(0, 2))[1]
    assert mended is not None
    assert [(shift.first, shift.seconds) for shift in mended.audio] == [(0, pytest.approx(2.0))]


def test_what_comes_before_the_first_keyframe_is_dropped_with_its_sound() -> None:
    tracks, mended = found(part(10, 1, key=False), part(11, 2))
    assert tracks[VIDEO].before_keyframe == 25
    assert mended is not None
    assert mended.before_keyframe == 25
    assert mended.why == "the first 1.00 s before a keyframe are cut"
    assert "lt(n,25)" in video_filters(mended)
    assert "drop" in audio_filters(mended)


def test_without_any_keyframe_there_is_no_better_start() -> None:
    assert found(part(10, 1, key=False))[1] is None


def test_untimed_packets_before_the_first_are_counted() -> None:
    late = ["0,N/A,N/A,0.04,10,__"] * 3
    assert found(late, part(0, 1, key=False), part(1, 1))[1] is not None


@given(some.lists(some.tuples(some.floats(0, 90_000), some.floats(0.2, 5)), min_size=2, max_size=6))
def test_no_part_overlaps_another_whatever_the_clock_did(parts: list[tuple[float, float]]) -> None:
    tracks, mended = found(*(part(start, seconds) for start, seconds in parts))
    if mended is None:
        return
    for stretches, shifts in ((tracks[VIDEO].stretches, mended.video), (tracks[AUDIO].stretches, mended.audio)):
        moved = [
            (each.start + shift.seconds, each.end + shift.seconds)
            for each, shift in zip(stretches, shifts, strict=True)
        ]
        assert all(later[0] >= earlier[1] - 1e-6 for earlier, later in pairwise(moved))
