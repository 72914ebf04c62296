"""What speaks against an item before anything of it is fetched."""

import pytest

from support.every_case import every_case
from videoimport.api.prefilter import cheap
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements

FILM = "https://media.example.com/a.mp4"
USUAL = Requirements()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("https://x.example/photo.JPG?w=300", "a picture"),
        ("covers/front%20page.png", "a picture"),
        ("https://x.example/song.mp3#t=3", "audio"),
        ("talks/slides.pdf", "a document"),
        ("https://x.example/all%2Ezip", "an archive"),
        ("a/b/film.srt", "subtitles"),
        ("film.mp4.sha256", "a checksum"),
        ("film.mp4.part", "half-finished"),
        ("scripts/node.js", "a program"),
    ],
)
def test_what_is_no_video_by_its_name_is_said_so(name, what):
    reason, message = cheap(name)
    assert reason is Reason.NOT_VIDEO
    assert what in message


@every_case(
    "name",
    [
        FILM,
        "https://x.example/watch?v=photo.jpg",
        "https://x.example/",
        "https://x.example/live.m3u8",
        "films/old.avi",
        "films/film.ogg",
        "films/without-extension",
        "films/photo.jpg/film",
        ".mp3/film.mkv",
        "https://[broken/photo.jpg",
        "https://x.example/courses/intro-to-node.js",
        "https://x.example/films/mr.hollands.opus",
        "https://x.example/films/movie.part",
        "https://x.example/talks/what-is-readme.md",
        "https://x.example/shows/monday.night.raw",
    ],
)
def test_nothing_else_is_refused_for_its_name(name):
    assert cheap(name, requirements=USUAL) is None


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"width": 320, "height": 240}, Reason.UNSUPPORTED_RESOLUTION),
        ({"width": 240, "height": 320}, Reason.UNSUPPORTED_RESOLUTION),
        ({"height": 240}, Reason.UNSUPPORTED_RESOLUTION),
        ({"width": 3840, "height": 2160}, Reason.UNSUPPORTED_RESOLUTION),
        ({"duration_ms": 21_600_001}, Reason.UNSUPPORTED_DURATION),
        ({"size_bytes": 1025}, Reason.SOURCE_TOO_LARGE),
    ],
)
def test_what_a_listing_tells_is_held_against_the_requirements(known, reason):
    wanted = USUAL.model_copy(update={"max_size": "1Ki"})
    found = cheap(FILM, requirements=wanted, **known)
    assert found is not None
    assert found[0] is reason
    assert found[1].endswith(".")
    assert cheap(FILM, **known) is None


@pytest.mark.parametrize(
    "known",
    [
        {"width": 640, "height": 360},
        {"width": 1080, "height": 1920},
        {"height": 1920},
        {"duration_ms": 21_600_000},
        {"size_bytes": 1024},
        {"size_bytes": 0, "duration_ms": 0, "width": 0, "height": 0},
    ],
)
def test_what_meets_them_or_is_not_known_passes(known):
    assert cheap(FILM, requirements=USUAL.model_copy(update={"max_size": "1Ki"}), **known) is None


def test_what_a_site_names_one_of_its_videos_may_be_called_anything():
    assert cheap("https://x.example/song.mp3", is_named_by_site=True, requirements=USUAL) is None
    assert cheap("https://x.example/song.mp3", is_named_by_site=True, height=1, requirements=USUAL) is not None


def test_first_objection_is_the_names():
    assert cheap("a.jpg", height=1, requirements=USUAL)[0] is Reason.NOT_VIDEO
