"""When pictures are shown: on the source's own grid, never on one of more than the most frames a second."""

from fractions import Fraction

import pytest

from support.every_case import every_case
from videoimport.api.output_options import VideoOutput
from videoimport.media.source.probe import parse_probe
from videoimport.media.source.streams import Video
from videoimport.media.transcode import frame_pacing as pacing
from videoimport.media.transcode.encoder_arguments import encoding
from videoimport.media.transcode.filter_graph import Filter

MOST = 60


def video(average: str | None, base: str | None) -> Video:
    return Video(0, "h264", rate=average and Fraction(average), base_rate=base and Fraction(base))


@every_case(
    ("average", "base", "rate", "thinned"),
    [
        pytest.param("25", "25", "25", False, id="steady"),
        pytest.param("30000/1001", "30000/1001", "30000/1001", False, id="ntsc"),
        pytest.param("60", "60", "60", False, id="as-fast-as-may-be"),
        pytest.param("21", "25", "25", False, id="uneven"),
        pytest.param("61", "61", "60", True, id="just-too-fast"),
        pytest.param("120", "120", "60", True, id="too-fast"),
        pytest.param("24", "90000", "60", True, id="uneven-beyond-any-rate"),
        pytest.param("2", "14", "60", False, id="slow-and-uneven"),
        pytest.param("1/10", "1/10", "60", False, id="slides"),
        pytest.param("1/2", "1/3", "60", False, id="two-slides"),
        pytest.param("25", None, "25", False, id="only-an-average"),
        pytest.param("25", "25/4", "25", False, id="few-timestamps"),
        pytest.param("126/5", "25", "25", False, id="an-inexact-average"),
        pytest.param(None, None, "60", True, id="unknown"),
    ],
)
def test_the_grid_is_the_sources_own_within_the_cap(
    average: str | None, base: str | None, rate: str, thinned: bool
) -> None:
    found = video(average, base)
    wanted = Fraction(rate)
    assert pacing.grid(found, MOST) == wanted
    assert pacing.is_thinned(found, MOST) == thinned
    assert pacing.filters(found, MOST)[0] == Filter("settb", {"expr": f"{wanted.denominator}/{wanted.numerator}"})
    assert len(pacing.filters(found, MOST)) == 1 + thinned
    assert pacing.words(found, MOST) == (
        "-fps_mode:v",
        "vfr",
        "-enc_time_base:v",
        f"{wanted.denominator}:{wanted.numerator}",
    )


@pytest.mark.parametrize(
    ("average", "base", "rate"),
    [
        ("300", "300", "60"),
        ("24", "90000", "24"),
        (None, None, "60"),
        ("25", "25", None),
        ("3600000/90097", "90000", "40"),
    ],
)
def test_the_encoder_is_promised_the_rate_it_gets(average: str | None, base: str | None, rate: str | None) -> None:
    promised = pacing.promised_rate(video(average, base), MOST)
    assert (promised is None) == (rate is None)
    assert promised is None or (round(promised) == int(rate or 0) and promised.denominator <= 1001)


def test_encoders_that_share_out_bits_by_the_rate_are_told_it() -> None:
    hevc, av1, h264 = (encoding(VideoOutput(codec=name), Fraction(60)) for name in ("hevc", "av1", "h264"))
    assert hevc[hevc.index("-x265-params") + 1].endswith(":fps=60/1")
    assert av1[av1.index("-svtav1-params") + 1] == "fps-num=60:fps-denom=1"
    assert h264 == encoding(VideoOutput())
    assert "-svtav1-params" not in encoding(VideoOutput(codec="av1"))


def test_both_rates_are_read() -> None:
    streams = '{"streams": [{"index": 0, "codec_type": "video", "avg_frame_rate": "24/1", "r_frame_rate": "90000/1"}]}'
    found = parse_probe(streams).videos[0]
    assert (found.rate, found.base_rate, found.is_uneven) == (Fraction(24), Fraction(90000), True)
