"""Walking packets: times, gaps, order."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.media.source.packet_scan import Track, walk


def line(index: int, pts: object, dts: object, duration: object = 0.04, flags: str = "K_") -> str:
    return f"{index},{pts},{dts},{duration},1000,{flags}\n"


def even(count: int, index: int = 0, start: float = 0.0) -> list[str]:
    return [line(index, start + number * 0.04, start + number * 0.04) for number in range(count)]


def test_an_even_stream_is_as_long_as_its_packets() -> None:
    track = walk(even(25))[0]
    assert track.packets == 25
    assert track.size == 25_000
    assert track.seconds == pytest.approx(1.0)
    assert (track.gaps, track.backwards, track.untimed) == (0, 0, 0)


def test_streams_are_kept_apart() -> None:
    tracks = walk([*even(5), *even(3, index=1, start=1.5)])
    assert (tracks[0].packets, tracks[1].packets) == (5, 3)
    assert tracks[1].start == 1.5


def test_a_pause_is_a_gap() -> None:
    track = walk([*even(5), *even(5, start=2.0)])[0]
    assert track.gaps == pytest.approx(1.8)


def test_frames_shown_out_of_decoding_order_are_neither_gap_nor_backwards() -> None:
    track = walk([line(0, 0.0, -0.08), line(0, 0.12, -0.04), line(0, 0.04, 0.0), line(0, 0.08, 0.04)])[0]
    assert (track.gaps, track.backwards) == (0, 0)
    assert track.seconds == pytest.approx(0.16)


@pytest.mark.parametrize("duration", [0.04, 1.0, "N/A"])
def test_a_picture_stands_still_whatever_the_durations_say(duration: object) -> None:
    """Frames with one duration in an order of decoding, as an encoder writes them."""
    shown = [0.0, 1.6, 0.12, 1.64, 4.8]
    decoded = [-1.6, -1.48, 0.0, 0.12, 1.6]
    track = walk([line(0, pts, dts, duration) for pts, dts in zip(shown, decoded, strict=True)])[0]
    assert track.still == pytest.approx(0.02 + 1.38 + 3.06)


def test_a_slow_film_of_even_pace_stands_still_as_much_whoever_wrote_it() -> None:
    theirs = walk([line(0, number, number, 1.0) for number in range(100)])[0]
    ours = walk([line(0, number, number, 0.04) for number in range(100)])[0]
    assert theirs.still == pytest.approx(ours.still)


@given(some.permutations(range(30)))
def test_the_order_of_decoding_does_not_matter_to_what_is_shown(order: list[int]) -> None:
    assert walk([line(0, number * 0.1, number * 0.1) for number in order])[0].still == pytest.approx(0.0, abs=1e-6)


def test_what_an_edit_list_hides_does_not_stand_still() -> None:
    assert walk([line(0, -5.0, -5.0, flags="KD"), *even(5)])[0].still == 0.0


def test_hidden_packets_count_apart() -> None:
    track = walk([line(0, -0.08, -0.08, flags="KD"), line(0, -0.04, -0.04, flags="_D"), *even(5)])[0]
    assert track.hidden == pytest.approx(0.08)
    assert track.start == 0.0


def test_missing_and_backward_times_are_counted() -> None:
    track = walk([line(0, 0.0, 0.0), line(0, "N/A", 0.04), line(0, 0.08, 0.02), line(0, 0.12, "N/A", "N/A")])[0]
    assert track.untimed == 1
    assert track.backwards == 1


def test_decoding_times_stand_for_missing_ones() -> None:
    track = walk([line(0, "N/A", number * 0.04, 0.02) for number in range(250)])[0]
    assert track.untimed == 250
    assert (track.start, track.end) == (0.0, pytest.approx(9.98))


def test_packets_without_any_time_last_as_long_as_they_say() -> None:
    later = [line(0, "N/A", "N/A") for _ in range(14)]
    track = walk([line(0, 0.0, 0.0), *later, line(0, 0.6, 0.6), *later])[0]
    assert (track.start, track.end) == (0.0, pytest.approx(1.2))


def test_lines_that_are_no_packets_are_passed_over() -> None:
    assert walk(["", "side_data,foo", "x,1,2,3,4,5", "0,1"]) == {}


@given(some.lists(some.floats(0, 1000), min_size=1, max_size=50))
def test_a_track_starts_and_ends_around_all_its_packets(times: list[float]) -> None:
    track = Track()
    for time in times:
        track.add(time, None, 0.5, 1, hidden=False)
    assert track.start == min(times)
    assert track.end == max(times) + 0.5


def crowded(times: list[float]) -> int:
    return walk([line(0, time, time) for time in times], rates={0: Fraction(25)})[0].crowded


@pytest.mark.parametrize(
    "times",
    [
        [number / 25 for number in range(50)],
        [7.02 + round(number / 25 + (number % 3 - 1) * 0.015, 3) for number in range(50)],
        [0.0, 0.04, 1.0, 1.04, 5.0],
    ],
)
def test_pictures_at_their_own_moments_are_not_crowded(times: list[float]) -> None:
    assert crowded(times) == 0


def test_pictures_without_a_moment_are_counted() -> None:
    assert crowded([0.0, 0.04, 0.045, 0.08]) == 0, "the second of one moment takes the next one's"
    assert crowded([0.0, 0.001, 0.002, 0.003, 0.2]) == 2
    assert crowded([number / 50 for number in range(100)]) == 49
