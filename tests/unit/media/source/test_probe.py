"""ffprobe's answers as values; the JSON is cut from real answers of ffprobe 5.1."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.media.source.probe import GUARDS, parse_probe, probe_argv
from videoimport.media.source.streams import Video

VIDEO: dict[str, Any] = {
    "index": 0,
    "codec_name": "h264",
    "profile": "High",
    "codec_type": "video",
    "width": 1280,
    "height": 720,
    "sample_aspect_ratio": "1:1",
    "pix_fmt": "yuv420p",
    "level": 31,
    "field_order": "progressive",
    "r_frame_rate": "30000/1001",
    "avg_frame_rate": "30000/1001",
    "duration": "10.010000",
    "disposition": {"default": 1, "attached_pic": 0},
}
AUDIO: dict[str, Any] = {
    "index": 1,
    "codec_name": "aac",
    "profile": "LC",
    "codec_type": "audio",
    "sample_rate": "48000",
    "channels": 2,
    "disposition": {"default": 1},
}


def media(*streams: dict[str, Any], **shape: str) -> Any:
    return parse_probe(json.dumps({"streams": streams, "format": {"format_name": "mov,mp4", **shape}}))


def test_a_plain_file_is_read() -> None:
    found = media(VIDEO, AUDIO, duration="10.01")
    assert found.duration == 10.01
    assert (found.video.codec, found.video.profile, found.video.level) == ("h264", "High", 31)
    assert found.video.rate == Fraction(30000, 1001)
    assert (found.audio.channels, found.audio.sample_rate) == (2, 48000)


def test_what_ffprobe_does_not_know_is_none() -> None:
    found = media({**VIDEO, "avg_frame_rate": "0/0", "r_frame_rate": "0/0", "duration": "N/A"}, duration="N/A")
    assert found.video.rate is None
    assert found.video.duration is None
    assert found.duration is None


def test_the_real_rate_stands_in_for_a_missing_average() -> None:
    assert media({**VIDEO, "avg_frame_rate": "0/0"}).video.rate == Fraction(30000, 1001)


@pytest.mark.parametrize(("ratio", "shown"), [("64:45", (1820, 720)), ("0:1", (1280, 720)), ("1:1", (1280, 720))])
def test_pixels_that_are_not_square_change_the_displayed_width(ratio: str, shown: tuple[int, int]) -> None:
    assert media({**VIDEO, "sample_aspect_ratio": ratio}).video.shown == shown


@pytest.mark.parametrize(
    ("rotation", "shown"), [(-90, (720, 1280)), (90, (720, 1280)), (180, (1280, 720)), (0, (1280, 720))]
)
def test_rotation_turns_what_is_displayed(rotation: int, shown: tuple[int, int]) -> None:
    video = media({**VIDEO, "side_data_list": [{"side_data_type": "Display Matrix", "rotation": rotation}]}).video
    assert video.shown == shown
    assert video.short_side == 720


def test_the_default_stream_wins_over_the_first() -> None:
    other = {**AUDIO, "index": 2, "disposition": {"default": 1}}
    first = {**AUDIO, "disposition": {"default": 0}}
    assert media(VIDEO, first, other).audio.index == 2


def test_a_cover_is_no_video() -> None:
    cover = {**VIDEO, "disposition": {"default": 1, "attached_pic": 1}}
    assert media(cover, AUDIO).video is None
    assert media(cover, {**VIDEO, "index": 2, "disposition": {}}).video.index == 2


def test_dolby_vision_is_seen() -> None:
    assert media({**VIDEO, "side_data_list": [{"dv_profile": 5}]}).video.dolby_vision == 5


def test_every_input_is_guarded_by_real_containers_and_local_files() -> None:
    argv = probe_argv("/scratch/a file.mp4")
    assert argv[-1] == "file:/scratch/a file.mp4"
    assert set(GUARDS) <= set(argv)
    listed = GUARDS[GUARDS.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "dash", "concat", "applehttp", "image2", "lavfi", "tty"} & set(listed)


@given(some.integers(2, 8192), some.integers(2, 8192), some.sampled_from([0, 90, 180, 270]))
def test_the_short_side_never_depends_on_rotation(width: int, height: int, rotation: int) -> None:
    video = Video(0, "h264", width=width, height=height, rotation=rotation)
    assert video.short_side == min(width, height)
