"""Streams that cannot be decoded: which are left out, and what is said of one that is needed."""

from dataclasses import replace

import pytest

from videoimport.api.reasons import Reason
from videoimport.media.source.decoders import decodable, usable, why_not_decoded
from videoimport.media.source.streams import Audio, Media, Video

KNOWN = frozenset(("h264", "mjpeg", "aac"))
FILM = Video(0, "h264", width=1920, height=1080)
PREVIEW = Video(1, "mjpeg", width=160, height=90)
UNKNOWN = Audio(2, "unknown", channels=2, tag="fpcm")
AAC = Audio(3, "aac", channels=2)


def test_codecs_that_ffmpeg_decodes_have_a_d() -> None:
    listed = " D..... = Decoding supported\n -------\n D.V.L. vp9\n ..V.L. vvc\n DEA.L. aac\n .EV.L. odd\n"
    assert decodable(listed) >= {"vp9", "aac"}
    assert decodable(listed).isdisjoint({"vvc", "odd"})


def test_sound_that_is_not_decoded_gives_way_to_other_sound() -> None:
    assert usable(Media("mov", audios=(UNKNOWN, AAC)), KNOWN).audios == (AAC,)
    assert usable(Media("mov", audios=(AAC, replace(AAC, index=4))), KNOWN, frozenset((3,))).audio == replace(
        AAC, index=4
    )
    assert usable(Media("mov", audios=(UNKNOWN,)), KNOWN).audios == (UNKNOWN,)


@pytest.mark.parametrize("encrypted", [frozenset((0,)), frozenset[int]()])
def test_a_preview_does_not_stand_for_a_film(encrypted: frozenset[int]) -> None:
    film = FILM if encrypted else replace(FILM, codec="vvc")
    assert usable(Media("mov", videos=(film, PREVIEW)), KNOWN, encrypted).video == film


def test_a_small_extra_video_is_left_out() -> None:
    extra = replace(PREVIEW, codec="vvc")
    assert usable(Media("mov", videos=(extra, FILM)), KNOWN).videos == (FILM,)


def test_covers_stay() -> None:
    cover = replace(PREVIEW, codec="unknown", is_picture=True)
    assert usable(Media("mov", videos=(FILM, cover)), KNOWN).videos == (FILM, cover)


@pytest.mark.parametrize(
    ("stream", "named"),
    [
        (replace(FILM, codec="vvc"), "video codec is vvc"),
        (replace(FILM, codec="unknown", tag="vvc1"), "video codec is vvc1"),
        (UNKNOWN, "audio codec is fpcm"),
        (replace(UNKNOWN, tag=""), "audio codec is unknown"),
    ],
)
def test_the_codec_is_named(stream: Video | Audio, named: str) -> None:
    found = why_not_decoded(stream, KNOWN)
    assert found is not None
    assert found.reason is Reason.UNSUPPORTED_FORMAT
    assert named in found.message


def test_a_codec_that_is_decoded_is_fine() -> None:
    assert why_not_decoded(FILM, KNOWN) is None
