"""Which streams are imported: program, then length and size, default flag, and order."""

from dataclasses import replace

import pytest

from videoimport.media.source.stream_choice import Choice
from videoimport.media.source.streams import Audio, Media, Other, Video, with_lengths

FILM = Video(1, "h264", width=640, height=360, duration=6.0)
PREVIEW = Video(0, "mjpeg", width=160, height=90, duration=6.0, is_default=True)
SOUND = Audio(2, "aac", channels=2, duration=6.0)
MONO = Audio(2, "pcm_s16le", channels=1, sample_rate=48000, duration=6.0)


def choice(*streams: Video | Audio | Other, programs: tuple[frozenset[int], ...] = ()) -> Choice:
    videos = tuple(one for one in streams if isinstance(one, Video))
    audios = tuple(one for one in streams if isinstance(one, Audio))
    others = tuple(one for one in streams if isinstance(one, Other))
    return Media("mov", videos=videos, audios=audios, others=others, programs=programs).choice


def why(found: Choice) -> dict[int, str]:
    return {one.index: one.why for one in found.left_out}


def test_a_preview_is_left_out_whatever_its_flag() -> None:
    found = choice(PREVIEW, FILM, SOUND)
    assert found.video == FILM
    assert "preview" in why(found)[0]


def test_the_default_flag_counts_among_pictures_of_about_one_size() -> None:
    other = replace(FILM, index=3, width=480, height=270, is_default=True)
    found = choice(FILM, other)
    assert found.video == other
    assert why(found)[1] == "another track is the default one"


def test_the_larger_then_the_longer_then_the_first_counts_without_flags() -> None:
    larger, longer = replace(FILM, index=3, width=1280, height=720), replace(FILM, index=3, duration=7.0)
    assert choice(FILM, larger).video == larger
    assert choice(FILM, longer).video == longer
    assert choice(FILM, replace(FILM, index=3)).video == FILM


def test_a_single_picture_of_full_size_is_too_short() -> None:
    still = replace(FILM, index=0, width=1920, height=1080, duration=0.04, is_default=True)
    assert choice(still, FILM).video == FILM


def test_a_track_that_is_cut_short_is_not_exchanged_for_another_one() -> None:
    media = with_lengths(Media("mov", videos=(PREVIEW, FILM)), {0: 6.0, 1: 1.0})
    assert media.choice.video is not None
    assert media.choice.video.index == FILM.index


def test_picture_and_sound_are_of_one_program() -> None:
    radio = replace(SOUND, index=0, is_default=True)
    found = choice(radio, FILM, SOUND, programs=(frozenset({0}), frozenset({1, 2})))
    assert (found.video, found.audio) == (FILM, SOUND)
    assert why(found)[0] == "another program"


def test_a_program_with_sound_comes_before_a_larger_one_without() -> None:
    silent = replace(FILM, index=0, width=1920, height=1080)
    found = choice(silent, FILM, SOUND, programs=(frozenset({0}), frozenset({1, 2})))
    assert (found.video, found.audio) == (FILM, SOUND)


def test_a_program_without_sound_gets_none_of_another_one() -> None:
    found = choice(FILM, SOUND, programs=(frozenset({1}), frozenset({2})))
    assert found.audio is None


def test_what_no_program_names_belongs_to_every_one() -> None:
    assert choice(FILM, SOUND, programs=(frozenset({1}),)).audio == SOUND


@pytest.mark.parametrize("first", [{"is_special": True, "is_default": True}, {"channels": 0}, {"duration": 1.0}])
def test_sound_that_is_not_for_everybody_or_not_all_there_is_left_out(first: dict[str, object]) -> None:
    found = choice(FILM, replace(SOUND, **first), replace(SOUND, index=3))  # type: ignore[arg-type]
    assert found.audio is not None
    assert found.audio.index == 3
    assert 2 in why(found)


def test_two_mono_tracks_of_one_recording_are_two_sides() -> None:
    found = choice(FILM, MONO, replace(MONO, index=3), replace(MONO, index=4))
    assert found.second == replace(MONO, index=3)
    assert list(why(found)) == [4]


@pytest.mark.parametrize(
    "other",
    [{"channels": 2}, {"language": "fra"}, {"duration": 3.1}, {"start": 0.5}, {"is_special": True}, {"codec": "aac"}],
)
def test_other_tracks_are_no_second_side(other: dict[str, object]) -> None:
    found = choice(FILM, MONO, replace(MONO, index=3, **other))  # type: ignore[arg-type]
    assert found.second is None
    assert len(found.left_out) == 1


def test_every_stream_is_taken_or_left_out_with_a_reason() -> None:
    streams = (PREVIEW, FILM, SOUND, replace(SOUND, index=3), Other(4, "subtitle", "subrip"), Other(5, "data"))
    found = choice(*streams)
    assert sorted(why(found)) == [0, 3, 4, 5]
    assert all(why(found).values())


def test_a_file_without_picture_has_no_video() -> None:
    found = choice(replace(PREVIEW, is_picture=True), SOUND)
    assert (found.video, found.audio) == (None, SOUND)
