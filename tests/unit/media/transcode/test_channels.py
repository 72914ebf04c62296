"""The gains of a mix: each channel has one, and no side is louder than full scale."""

import re

import pytest

from support.every_case import every_case
from videoimport.media.source.streams import Audio
from videoimport.media.transcode import channels
from videoimport.media.transcode.channels import mix
from videoimport.media.transcode.filter_graph import Filter

CUSTOM = ("5 channels (FL+FR+LFE+BC+TC)", "3 channels (SL+SR+LFE)", "2 channels (FC+LFE)", "ambisonic 1", "unknown", "")


def sides(audio: Audio) -> list[dict[int, float]]:
    """Of left and right, each channel's gain."""
    (filtered,) = mix(audio)
    assert filtered.name == "pan"
    told = str(filtered.options["args"]).removeprefix("stereo|").split("|")
    return [{int(at): float(gain) for gain, at in re.findall(r"([0-9.]+)\*c(\d+)", side)} for side in told]


def check(audio: Audio) -> list[dict[int, float]]:
    found = sides(audio)
    assert {at for side in found for at, gain in side.items() if gain > 0.01} == set(range(audio.channels))
    assert max(sum(side.values()) for side in found) == pytest.approx(1, abs=1e-3)
    assert all(sum(side.values()) <= 1 + 1e-9 for side in found)
    return found


@every_case("layout", [name for name in channels._LAYOUTS if name not in ("mono", "stereo", "downmix")])
def test_each_layout_is_mixed_whole(layout: str) -> None:
    count = len(channels._LAYOUTS[layout].split("+"))
    left, right = check(Audio(1, "ac3", channels=count, layout=layout))
    assert sum(left.values()) == pytest.approx(sum(right.values()), abs=1e-3)


@every_case("count", [*range(3, 65)])
def test_each_number_of_unnamed_channels_is_mixed_whole(count: int) -> None:
    check(Audio(1, "pcm_s16le", channels=count))


@pytest.mark.parametrize("layout", CUSTOM)
def test_layouts_that_are_listed_or_unknown(layout: str) -> None:
    listed = re.match(r"\d+", layout)
    check(Audio(1, "aac", channels=int(listed[0]) if listed else 4, layout=layout))


@pytest.mark.parametrize(("count", "layout"), [(1, "mono"), (1, ""), (2, "stereo"), (2, ""), (2, "downmix")])
def test_mono_and_stereo_are_kept(count: int, layout: str) -> None:
    assert mix(Audio(1, "aac", channels=count, layout=layout)) == ()


def test_a_single_channel_of_any_name_is_kept_as_loud_as_it_is() -> None:
    assert mix(Audio(1, "aac", channels=1, layout="1 channels (LFE)")) == (Filter("pan", {"args": "mono|c0=c0"}),)


def test_front_is_louder_than_centre_and_surround_and_those_than_low_frequencies() -> None:
    left, _ = sides(Audio(1, "ac3", channels=6, layout="5.1"))
    assert left[0] > left[2] == left[4] > left[3] > 0
    assert 1 not in left


def test_more_channels_than_ffmpeg_mixes_are_refused() -> None:
    assert channels.why_not_mixed(Audio(1, "pcm_s16le", channels=64)) is None
    found = channels.why_not_mixed(Audio(1, "pcm_s16le", channels=65))
    assert found is not None
    assert "65 channels" in found.message
