"""Parameters that change on the way, by what ffprobe 5.1 and ffmpeg 5.1 print."""

from videoimport.media.source.stream_changes import change, frame_shapes, has_one_header, sound_shapes
from videoimport.media.source.streams import Audio

FRAME = "best_effort_timestamp_time={at}|width={width}|height=360|pix_fmt=yuv420p|sample_aspect_ratio={aspect}|\n"
SHOWN = (
    "[Parsed_ashowinfo_1 @ 0x557d] n:0 pts:133594 pts_time:{at} pos:-1 fmt:fltp channels:{channels} chlayout:stereo "
    "rate:{rate} nb_samples:1024 checksum:1E13A310 plane_checksums: [ D958592A 510F49E6 ]\n"
)


def frames(*shapes: tuple[float, int, str]) -> list[str]:
    return [line for at, width, aspect in shapes for line in (FRAME.format(at=at, width=width, aspect=aspect), "\n")]


def test_a_size_that_changes_is_told_with_its_time() -> None:
    lines = frames((1.4, 640, "N/A"), (2.4, 640, "1:1"), (4.4, 320, "1:1"), (5.4, 640, "1:1"))
    assert change(frame_shapes(lines), "video", 1.4) == "video changes from 640x360 yuv420p to 320x360 yuv420p at 3.0 s"


def test_an_aspect_ratio_that_changes_is_told() -> None:
    assert "pixels of 3:4" in change(frame_shapes(frames((0, 640, "0:1"), (1, 640, "3:4"))), "video", None)


def test_square_pixels_have_many_names() -> None:
    assert change(frame_shapes(frames((0, 640, "0:1"), (1, 640, "1:1"), (2, 640, "N/A"))), "video", 0.0) == ""


def test_a_rate_that_changes_is_told() -> None:
    told = SHOWN.format(at=0, channels=2, rate=48000) + SHOWN.format(at=3.03, channels=2, rate=44100)
    assert change(sound_shapes(told), "audio", None) == (
        "audio changes from 48000 Hz with 2 channels to 44100 Hz with 2 channels at 3.0 s"
    )


def test_nothing_is_told_of_nothing() -> None:
    assert change(sound_shapes("Error while decoding"), "audio", None) == ""
    assert change(frame_shapes(["", "width=N/A|", "rubbish"]), "video", None) == ""


def test_aac_in_an_mp4_has_its_parameters_once() -> None:
    assert has_one_header("mov,mp4,m4a,3gp,3g2,mj2", Audio(1, "aac"))
    assert not has_one_header("mpegts", Audio(1, "aac"))
