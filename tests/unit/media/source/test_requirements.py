"""Which sources are refused, with what words."""

from typing import Any

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements
from videoimport.media.source.requirements import CheckedSource, early_refusal, refusal
from videoimport.media.source.streams import Audio, Media, Video

LANDSCAPE = Video(0, "h264", width=1280, height=720)
PORTRAIT = Video(0, "h264", width=1280, height=720, rotation=90)


def examined(video: Video | None = LANDSCAPE, **more: Any) -> CheckedSource:
    videos = (video,) if video else ()
    given = {
        "media": Media("mov,mp4", videos=videos, audios=(Audio(1, "aac", channels=2),)),
        "container": "mp4",
        "seconds": 60.0,
        "size": 1000,
        "requirements": None,
        **more,
    }
    return CheckedSource(**given)


def reason(subject: CheckedSource) -> Reason | None:
    found = refusal(subject)
    return found.reason if found else None


def wanted(**values: Any) -> Requirements:
    return Requirements.model_validate(values)


def test_without_requirements_any_size_is_welcome() -> None:
    assert reason(examined(Video(0, "vp9", width=64, height=48))) is None
    assert reason(examined(Video(0, "vp9", width=7680, height=4320), container=None)) is None


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        (examined(Video(0, "h264", width=8192, height=8192)), None),
        (examined(Video(0, "h264", width=65535, height=65535)), Reason.UNSUPPORTED_RESOLUTION),
        (examined(Video(0, "h264", width=67_108_865, height=1)), Reason.UNSUPPORTED_RESOLUTION),
        (examined(seconds=7 * 24 * 3600.0), None),
        (examined(seconds=1e9), Reason.UNSUPPORTED_DURATION),
        (examined(media=Media("mov,mp4", videos=(LANDSCAPE,) * 257)), Reason.SOURCE_CORRUPT),
        (examined(media=Media("mov,mp4", videos=(LANDSCAPE,), audios=(Audio(1, "aac"),) * 255)), None),
    ],
)
def test_what_would_take_all_memory_is_refused_without_requirements_too(
    subject: CheckedSource, found: Reason | None
) -> None:
    assert reason(subject) is found
    early = early_refusal(subject, lists_streams=True)
    assert (early.reason if early else None) is found


@pytest.mark.parametrize(
    ("media", "word"),
    [
        (Media("mp3", audios=(Audio(0, "mp3", channels=2),)), "only audio"),
        (
            Media("mp4", videos=(Video(0, "mjpeg", is_picture=True),), audios=(Audio(1, "aac", channels=2),)),
            "cover picture",
        ),
        (Media("mp4", videos=(Video(0, "mjpeg", is_picture=True),)), "only a picture"),
        (Media("mp4"), "neither video nor audio"),
    ],
)
def test_what_has_no_moving_picture_is_no_video(media: Media, word: str) -> None:
    found = refusal(examined(media=media))
    assert found is not None
    assert found.reason is Reason.NOT_VIDEO
    assert word in found.message


def test_a_moment_is_no_duration() -> None:
    assert reason(examined(seconds=0.0)) is Reason.UNSUPPORTED_DURATION


def test_a_stream_without_a_size_is_damaged() -> None:
    assert reason(examined(Video(0, "h264"))) is Reason.SOURCE_CORRUPT


def test_dolby_vision_without_other_colours_is_refused() -> None:
    assert reason(examined(Video(0, "hevc", width=1920, height=1080, dolby_vision=5))) is Reason.UNSUPPORTED_FORMAT
    assert reason(examined(Video(0, "hevc", width=1920, height=1080, dolby_vision=8))) is None


@pytest.mark.parametrize("video", [LANDSCAPE, PORTRAIT])
def test_height_is_the_displayed_short_side(video: Video) -> None:
    assert reason(examined(video, requirements=wanted(minHeight=720, maxHeight=720))) is None
    assert reason(examined(video, requirements=wanted(minHeight=721, maxHeight=1080))) is Reason.UNSUPPORTED_RESOLUTION
    assert reason(examined(video, requirements=wanted(minHeight=1, maxHeight=719))) is Reason.UNSUPPORTED_RESOLUTION


def test_messages_hold_found_and_wanted_value() -> None:
    found = refusal(examined(requirements=wanted(minHeight=800)))
    assert found is not None
    assert all(word in found.message for word in ("1280x720", "720 pixels", "minHeight is 800"))


def test_a_format_is_what_the_file_is() -> None:
    assert reason(examined(container="mov", requirements=wanted(formats=["mp4"]))) is Reason.UNSUPPORTED_FORMAT
    assert reason(examined(container=None, requirements=wanted())) is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(("seconds", "refused"), [(10.0, False), (10.1, True)])
def test_the_duration_bound_is_inclusive(seconds: float, refused: bool) -> None:
    found = reason(examined(seconds=seconds, requirements=wanted(maxDurationSeconds=10)))
    assert (found is Reason.UNSUPPORTED_DURATION) == refused


@pytest.mark.parametrize(("size", "refused"), [(1024, False), (1025, True)])
def test_the_size_bound_is_inclusive(size: int, refused: bool) -> None:
    found = reason(examined(size=size, requirements=wanted(maxSize="1Ki")))
    assert (found is Reason.SOURCE_TOO_LARGE) == refused


def test_what_is_no_video_is_not_judged_by_its_format() -> None:
    media = Media("mp3", audios=(Audio(0, "mp3", channels=2),))
    assert reason(examined(media=media, container=None, requirements=wanted())) is Reason.NOT_VIDEO


class TestByTheHeadAlone:
    def early(self, *, lists_streams: bool = True, **more: Any) -> Reason | None:
        found = early_refusal(examined(**{"seconds": 0.0, "size": 0, **more}), lists_streams=lists_streams)
        return found.reason if found else None

    def test_an_unknown_length_is_no_length_of_zero(self) -> None:
        assert self.early() is None
        assert reason(examined(seconds=0.0)) is Reason.UNSUPPORTED_DURATION

    def test_what_the_head_proves_is_refused_before_the_rest_is_fetched(self) -> None:
        assert self.early(requirements=wanted(minHeight=721)) is Reason.UNSUPPORTED_RESOLUTION
        assert self.early(container="mov", requirements=wanted(formats=["mp4"])) is Reason.UNSUPPORTED_FORMAT
        long = self.early(seconds=11.0, requirements=wanted(maxDurationSeconds=10))
        assert long is Reason.UNSUPPORTED_DURATION
        assert self.early(size=1025, requirements=wanted(maxSize="1Ki")) is Reason.SOURCE_TOO_LARGE

    def test_streams_may_come_later_where_the_head_does_not_list_them(self) -> None:
        assert self.early(video=None, lists_streams=False) is None
        assert self.early(video=None) is Reason.NOT_VIDEO


def test_a_refused_container_names_what_to_add() -> None:
    found = refusal(examined(media=Media("mpegts", videos=(LANDSCAPE,)), container=None, requirements=wanted()))
    assert found is not None
    assert found.text == (
        "The source's container format is mpegts; requirements.formats accepts mp4, mkv, mov, webm. "
        "Add mpegts to requirements.formats, or convert the source."
    )


def test_damage_is_tolerated_in_any_container_that_is_named() -> None:
    tolerant = wanted(formats=["mpegts", "avi"], damage="Tolerate")
    for demuxer, finding in (("mpegts", None), ("avi", None), ("flv", Reason.UNSUPPORTED_FORMAT)):
        media = Media(demuxer, videos=(LANDSCAPE,))
        assert reason(examined(media=media, container=None, requirements=tolerant)) is finding
