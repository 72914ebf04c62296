"""What a source's colours are taken for, tag by tag, and what an encode's tags say."""

import itertools
from dataclasses import astuple, replace
from fractions import Fraction

import pytest

from videoimport.api.output_options import VideoOutput
from videoimport.media.source.probe import parse_probe
from videoimport.media.source.streams import Video
from videoimport.media.transcode import color
from videoimport.media.transcode.compliance import why_not_compliant

PLAIN = Video(0, "h264", profile="High", level=41, pixels="yuv420p", width=1920, height=1080, rate=Fraction(25))
HDR = replace(PLAIN, codec="hevc", pixels="yuv420p10le")


@pytest.mark.parametrize(
    ("width", "height", "rate", "found"),
    [
        (1920, 1080, 25, "bt709"),
        (1280, 536, 24, "bt709"),
        (1080, 1920, 30, "bt709"),
        (720, 576, 25, "bt470bg"),
        (640, 360, 25, "bt470bg"),
        (720, 480, 30, "smpte170m"),
        (640, 480, 15, "smpte170m"),
    ],
)
def test_what_names_nothing_is_judged_by_its_size(width: int, height: int, rate: int, found: str) -> None:
    video = replace(PLAIN, width=width, height=height, rate=Fraction(rate))
    taken = color.assumed(video)
    assert (taken.primaries, taken.matrix, taken.range) == (found, found, "tv")
    assert color.encoded(video) == taken


NAMED = {"primaries": "bt2020", "matrix": "bt2020nc"}


@pytest.mark.parametrize("transfer", color.HDR_TRANSFERS)
@pytest.mark.parametrize("named", [{}, *({name: value} for name, value in NAMED.items()), NAMED])
def test_the_transfer_of_hdr_says_the_rest(transfer: str, named: dict[str, str]) -> None:
    taken = color.assumed(replace(HDR, transfer=transfer, **named))  # type: ignore[arg-type]
    assert astuple(taken) == ("bt2020", transfer, "bt2020nc", "tv")


@pytest.mark.parametrize("named", [{"primaries": "bt2020"}, {"matrix": "bt2020nc"}, NAMED])
def test_wide_colours_without_a_transfer_are_no_hdr_unless_it_is_proven(named: dict[str, str]) -> None:
    video = replace(HDR, **named)  # type: ignore[arg-type]
    assert astuple(color.assumed(video)) == ("bt2020", "bt2020-10", "bt2020nc", "tv")
    assert color.assumed(replace(video, hdr="smpte2084")).transfer == "smpte2084"


TAGS = (
    "",
    "unknown",
    "reserved",
    "gbr",
    "bt709",
    "bt470bg",
    "smpte170m",
    "bt2020",
    "bt2020nc",
    "smpte240m",
    "smpte2084",
)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj444p", "gbrp10le", "rgb24", "pal8", "gray", "xyz12le"])
def test_whatever_is_named_an_encode_has_ordinary_colours_all_of_them_named(pixels: str) -> None:
    for primaries, transfer, matrix in itertools.product(TAGS, TAGS, TAGS):
        video = replace(PLAIN, pixels=pixels, primaries=primaries, transfer=transfer, matrix=matrix)
        told = color.encoded(video)
        assert told.primaries in color.ORDINARY
        assert told.matrix in color.ORDINARY
        assert told.range == "tv"
        assert (color.assumed(video).matrix == "gbr") == color.is_rgb(video)
        assert color.encoded(replace(PLAIN, **_tags(told))) == told, "an encode of an encode changes nothing"


def _tags(told: color.Color) -> dict[str, str]:
    return {"primaries": told.primaries, "transfer": told.transfer, "matrix": told.matrix, "range": told.range}


@pytest.mark.parametrize(
    ("codec", "pixels", "span", "found"),
    [
        ("h264", "yuv420p", "", "tv"),
        ("h264", "yuv420p", "pc", "pc"),
        ("h264", "yuvj420p", "", "pc"),
        ("h264", "gray", "", "tv"),
        ("ffv1", "gray", "", "pc"),
        ("png", "rgb24", "tv", "pc"),
    ],
)
def test_ranges(codec: str, pixels: str, span: str, found: str) -> None:
    assert color.assumed(replace(PLAIN, codec=codec, pixels=pixels, range=span)).range == found


@pytest.mark.parametrize("named", [{"matrix": "bt2020nc"}, {"primaries": "smpte432"}, {"matrix": "ycgco"}])
def test_a_copy_has_ordinary_colours(named: dict[str, str]) -> None:
    why = why_not_compliant(replace(PLAIN, **named), VideoOutput())  # type: ignore[arg-type]
    assert why is not None
    assert "colours" in why


def test_a_copy_names_only_what_is_missing() -> None:
    assert color.tagging(replace(PLAIN, primaries="bt709", transfer="bt709", matrix="bt709")) == ()
    partly = color.tagging(replace(PLAIN, matrix="bt709", transfer="iec61966-2-1"))
    assert partly == ("-color_primaries", "bt709", "-bsf:v", "h264_metadata=colour_primaries=1")
    assert "-bsf:v" not in color.tagging(PLAIN)


@pytest.mark.parametrize(
    ("side", "found"),
    [
        ('{"side_data_type": "Mastering display metadata", "max_luminance": "1/1"}', "smpte2084"),
        ('{"dv_profile": 8, "dv_bl_signal_compatibility_id": 4}', "arib-std-b67"),
        ('{"dv_profile": 8, "dv_bl_signal_compatibility_id": 2}', ""),
        ('{"rotation": 90}', ""),
    ],
)
def test_side_data_proves_hdr(side: str, found: str) -> None:
    media = parse_probe(f'{{"streams": [{{"index": 0, "codec_type": "video", "side_data_list": [{side}]}}]}}')
    assert media.videos[0].hdr == found
