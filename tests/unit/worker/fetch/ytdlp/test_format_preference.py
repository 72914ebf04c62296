"""What yt-dlp's formats become by what HLS and DASH manifests say."""

from typing import Any
from xml.etree import ElementTree

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.ytdlp.format_preference import (
    number_equal_formats,
    prefer_dash_roles,
    prefer_first_audio,
    prefer_hls_defaults,
    whole_formats,
)
from videoimport.worker.runtime.errors import ImportFailure

URL = "https://media.example/a/master.m3u8"


def sound(name: str, more: str = "") -> str:
    return f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="{name}"{more},URI="{name}.m3u8"\n'


def marked(manifest: str, *, acodec: str | None = None) -> dict[str, dict[str, Any]]:
    formats: list[dict[str, Any]] = [
        {"url": f"https://media.example/a/{name}.m3u8", "vcodec": "none"} for name in ("en", "de", "described")
    ]
    formats.append({"url": "https://media.example/a/seen.m3u8", "acodec": acodec})
    prefer_hls_defaults(manifest, URL, formats)
    return {one["url"].rpartition("/")[2].removesuffix(".m3u8"): one for one in formats}


VARIANT = '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="g"\nseen.m3u8\n'


def test_a_variant_that_names_sounds_has_none_itself() -> None:
    assert marked("#EXTM3U\n" + sound("en") + VARIANT)["seen"]["acodec"] == "none"


def test_a_variant_whose_default_sound_is_within_it_keeps_it() -> None:
    within = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="main",DEFAULT=YES\n'
    assert marked("#EXTM3U\n" + within + sound("de") + VARIANT)["seen"]["acodec"] is None


def test_a_variant_that_names_no_sounds_is_left_alone() -> None:
    plain = "#EXT-X-STREAM-INF:BANDWIDTH=1\nseen.m3u8\n"
    assert marked("#EXTM3U\n" + sound("en") + plain)["seen"]["acodec"] is None


def test_the_default_sound_comes_first_wherever_it_stands() -> None:
    found = marked("#EXTM3U\n" + sound("de") + sound("en", ",DEFAULT=YES") + VARIANT)
    assert found["en"].get("preference", 0) > found["de"]["preference"]


def test_a_description_for_the_blind_comes_last() -> None:
    blind = ',CHARACTERISTICS="public.accessibility.describes-video"'
    found = marked("#EXTM3U\n" + sound("described", blind) + sound("de") + sound("en") + VARIANT)
    assert found["de"].get("preference", 0) > found["en"]["preference"] > found["described"]["preference"]


MPD = """<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>
<AdaptationSet><Role value="{role}"/>{more}<Representation id="one"/></AdaptationSet>
<AdaptationSet><Representation id="two"/></AdaptationSet></Period></MPD>"""


@pytest.mark.parametrize(
    ("role", "more", "is_lower"),
    [
        ("main", "", False),
        ("commentary", "", True),
        ("dub", "", True),
        ("main", '<EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/>', True),
        ("main", '<Accessibility value="1"/>', True),
    ],
)
def test_roles_of_dash_are_heeded(role: str, more: str, *, is_lower: bool) -> None:
    formats: list[dict[str, Any]] = [{"format_id": "dash-one"}, {"format_id": "two"}]
    prefer_dash_roles(ElementTree.fromstring(MPD.format(role=role, more=more)), [{"formats": formats}])
    assert (formats[0].get("preference", 0) < 0, formats[1].get("preference", 0)) == (is_lower, 0)


def formats(*ones: dict[str, Any]) -> dict[str, Any]:
    return {"formats": [{"format_id": str(number), **one} for number, one in enumerate(ones)]}


def period(*sizes: int) -> dict[str, Any]:
    return formats(*({"width": size, "vcodec": "h264", "acodec": "none"} for size in sizes))


def merged(*periods: dict[str, Any]) -> list[dict[str, Any]]:
    """What yt-dlp makes of them."""
    for one in periods:
        number_equal_formats(one["formats"])
    before = [[dict(one) for one in found["formats"]] for found in periods]
    found, _ = InfoExtractor(YoutubeDL())._merge_mpd_periods([{**one, "subtitles": {}} for one in periods])
    return whole_formats(before, found)


SOUND = {"vcodec": "none", "acodec": "mp4a"}


def test_a_period_that_no_stream_goes_through_is_refused() -> None:
    with pytest.raises(ImportFailure) as failure:
        merged(period(640), period(320))
    assert failure.value.reason is Reason.UNSUPPORTED_SOURCE
    assert "2 periods" in failure.value.message


@pytest.mark.parametrize("first", [{"tbr": 64, **SOUND}, {"vcodec": "h264", "width": 640, "acodec": "none"}])
def test_a_sound_that_not_all_periods_have_is_refused(first: dict[str, Any]) -> None:
    pictures = period(640)["formats"]
    with pytest.raises(ImportFailure, match="no audio exists in all of them"):
        merged({"formats": [*pictures, first]}, {"formats": [*map(dict, pictures), {"tbr": 128, **SOUND}]})


def test_what_goes_through_all_periods_is_kept_and_nothing_else() -> None:
    found = merged(period(640, 320), period(1280, 640))
    assert [one["width"] for one in found] == [640]


def test_periods_that_were_merged_are_accepted() -> None:
    assert sorted(one["width"] for one in merged(period(640, 320), period(640, 320))) == [320, 640]


def test_equal_formats_of_a_period_stay_apart() -> None:
    one = formats({**SOUND, "fragments": ["a1"]}, {**SOUND, "fragments": ["b1"]})
    other = formats({**SOUND, "fragments": ["a2"]}, {**SOUND, "fragments": ["b2"]})
    assert [found["fragments"] for found in merged(one, other)] == [["a1", "a2"], ["b1", "b2"]]


def preferred(*sounds: dict[str, Any]) -> list[bool]:
    found = formats(*({**SOUND, **sound} for sound in sounds))["formats"]
    number_equal_formats(found)
    prefer_first_audio(found)
    return [not one.get("preference") for one in found]


def test_the_first_sound_comes_before_others_that_are_not_its_forms() -> None:
    assert preferred({}, {}) == [True, False]
    assert preferred({"language": "en"}, {"language": "de"}, {"language": "en", "tbr": 64}) == [True, False, True]
    assert preferred({"preference": -2, "language": "en"}, {"language": "de"}) == [False, True]
