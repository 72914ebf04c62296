"""When streams are copied, how large an encode is, and what ffmpeg is told then."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.output_options import Output, VideoOutput
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Video
from videoimport.media.transcode import command
from videoimport.media.transcode.compliance import why_encode_audio, why_encode_video
from videoimport.media.transcode.encoder_arguments import ceiling
from videoimport.media.transcode.filter_graph import Filter, chain
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.output_files import targets_of
from videoimport.media.transcode.plan import (
    Picture,
    Sound,
    TranscodePlan,
    decide,
    encode_instead,
    filters,
    fitted,
    frames_a_second,
    scaled,
)

GOOD = Video(
    0, "h264", profile="High", level=41, pixels="yuv420p", width=1920, height=1080, field_order="progressive",
    rate=Fraction(25),
)  # fmt: skip
TRACK = Track(packets=250, size=5_000_000, start=0.0, end=10.0)
AAC = Audio(1, "aac", profile="LC", channels=2, sample_rate=48000)
SOUND = Sound(AAC, Track(packets=400, start=0.0, end=10.0))


def wish(**video: Any) -> Output:
    return Output(video=VideoOutput.model_validate(video))


def test_what_complies_is_copied() -> None:
    plan = decide(Picture(GOOD, TRACK), SOUND, Output())
    assert (plan.copy_video, plan.copy_audio, plan.mode) == (True, True, "Remux")
    assert plan.size == (1920, 1080)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"codec": "hevc"}, "codec is hevc"),
        ({"pixels": "yuv420p10le"}, "yuv420p10le"),
        ({"pixels": "yuv422p"}, "yuv422p"),
        ({"profile": "High 4:4:4 Predictive"}, "profile"),
        ({"level": 51}, "level is 5.1, above 4.2"),
        ({"field_order": "tt"}, "interlaced"),
        ({"transfer": "arib-std-b67"}, "HDR"),
        ({"sample_aspect": Fraction(64, 45)}, "64:45"),
        ({"height": 1440, "width": 2560}, "height 1440 is above maxHeight 1080"),
    ],
)
def test_each_rule_of_the_stream_asks_for_an_encode(change: dict[str, Any], word: str) -> None:
    why = why_encode_video(replace(GOOD, **change), TRACK, Output())
    assert why is not None
    assert word in why


@pytest.mark.parametrize(
    ("track", "word"),
    [
        (Track(size=50_000_000, start=0.0, end=10.0), "bitrate 40000 kbps is above maxBitrateKbps 12000"),
        (Track(size=1, start=0.0, end=10.0, hidden=0.2), "hidden by an edit list"),
        (Track(size=1, start=0.0, end=10.0, backwards=1), "backwards"),
        (Track(size=1, start=0.0, end=10.0, untimed=1), "lack timestamps"),
    ],
)
def test_each_rule_of_the_packets_asks_for_an_encode(track: Track, word: str) -> None:
    why = why_encode_video(GOOD, track, Output())
    assert why is not None
    assert word in why


def test_the_first_broken_rule_is_told() -> None:
    broken = replace(GOOD, codec="vp9", field_order="tt", height=2160)
    assert why_encode_video(broken, TRACK, Output()) == "video codec is vp9, not h264"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"codec": "mp3"}, "mp3"), ({"profile": "HE-AAC"}, "HE-AAC"), ({"channels": 6}, "6 channels")],
)
def test_audio_has_rules_of_its_own(change: dict[str, Any], word: str) -> None:
    audio = replace(AAC, **change)
    why = why_encode_audio(audio, SOUND.track, Output())
    assert why is not None
    assert word in why
    plan = decide(Picture(GOOD, TRACK), Sound(audio, SOUND.track), Output())
    assert (plan.copy_video, plan.copy_audio, plan.mode) == (True, False, "Remux")
    assert word in plan.why


def test_mode_encode_copies_nothing() -> None:
    plan = decide(Picture(GOOD, TRACK), SOUND, Output(mode="Encode"))
    assert (plan.copy_video, plan.copy_audio, plan.why) == (False, False, "mode Encode asks for it")


def test_a_copy_that_failed_is_encoded_once_and_in_mode_auto_only() -> None:
    plan = decide(Picture(GOOD, TRACK), None, Output())
    assert plan.copy_video
    again = encode_instead(plan, Picture(GOOD, TRACK), Output(), "The result has no pictures.")
    assert again is not None
    assert (again.copy_video, again.copy_audio, again.mode) == (False, False, "Encode")
    assert again.why.startswith("a copy was made first and failed (The result has no pictures)")
    assert encode_instead(again, Picture(GOOD, TRACK), Output(), "It failed again.") is None
    assert encode_instead(plan, Picture(GOOD, TRACK), Output(mode="Remux"), "It failed.") is None
    assert encode_instead(plan, Picture(GOOD, TRACK), Output(), "x" * 900) is not None


def test_every_why_fits_the_status() -> None:
    odd = replace(GOOD, codec="x" * 100)
    assert len(decide(Picture(odd, TRACK), SOUND, Output()).why) <= 256


@pytest.mark.parametrize(
    ("video", "most", "size"),
    [
        (GOOD, 720, (1280, 720)),
        (GOOD, 1080, (1920, 1080)),
        (replace(GOOD, rotation=90), 720, (720, 1280)),
        (replace(GOOD, width=720, height=576, sample_aspect=Fraction(64, 45)), 1080, (1024, 576)),
        (replace(GOOD, width=641, height=361), 1080, (640, 360)),
        (replace(GOOD, width=3840, height=2160), 2160, (3840, 2160)),
    ],
)
def test_sizes(video: Video, most: int, size: tuple[int, int]) -> None:
    assert fitted(video, wish(maxHeight=most).video) == size


@given(
    some.integers(16, 8192), some.integers(16, 8192), some.integers(144, 4320), some.sampled_from([0, 90]),
    some.fractions(Fraction(1, 2), Fraction(2), max_denominator=60),
)  # fmt: skip
def test_an_encode_is_even_never_larger_and_within_its_level(
    width: int, height: int, most: int, rotation: int, aspect: Fraction
) -> None:
    video = Video(0, "vp9", width=width, height=height, rotation=rotation, sample_aspect=aspect)
    output = VideoOutput(max_height=most)
    wide, high = fitted(video, output)
    assert wide % 2 == high % 2 == 0
    assert wide <= max(2, video.shown[0])
    assert high <= max(2, video.shown[1])
    assert min(wide, high) <= most
    assert ceiling(output).holds(wide, high)
    assert 1 <= frames_a_second((wide, high), ceiling(output)) <= 60


def test_an_ultrawide_picture_is_fitted_into_the_level() -> None:
    wide, high = fitted(replace(GOOD, width=3440, height=1440), VideoOutput())
    assert wide * high <= 8704 * 256
    assert abs(wide / high - 3440 / 1440) < 0.01


ONE_FILE = Inputs("/s/in", "/s/in")


def argv(
    plan: TranscodePlan, video: Video = GOOD, sound: Sound | None = SOUND, output: Output | None = None,
    inputs: Inputs = ONE_FILE,
) -> list[str]:  # fmt: skip
    job = Job(plan, Picture(video, TRACK), sound, inputs, output or Output())
    return command.transcode_argv(job, targets_of(plan, job.picture, sound, job.output, "/s/out"))


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


COPY = TranscodePlan(copy_video=True, copy_audio=True, why="", size=(1920, 1080))
ENCODE = TranscodePlan(copy_video=False, copy_audio=False, why="", size=(1280, 720))


def test_every_command_stops_at_the_first_error_and_reads_local_files_only() -> None:
    for words in (argv(COPY), argv(ENCODE), command.decode_argv("/s/in", keyframes_only=True)):
        assert "-xerror" in words
        assert "-nostdin" in words
        before = words[: words.index("-i")]
        assert after(before, "-protocol_whitelist") == "file"
        assert "-format_whitelist" in before


def test_a_copy_touches_no_stream() -> None:
    words = argv(COPY)
    assert (after(words, "-c:v"), after(words, "-c:a")) == ("copy", "copy")
    assert "-filter_complex" not in words
    assert after(words, "-movflags") == "+faststart"


def test_an_encode_is_capped_and_plays_everywhere() -> None:
    words = argv(ENCODE, output=wish(crf=20, preset="fast", maxBitrateKbps=3000))
    assert (after(words, "-crf"), after(words, "-preset")) == ("20", "fast")
    assert (after(words, "-maxrate"), after(words, "-bufsize")) == ("3000k", "6000k")
    assert (after(words, "-profile:v"), after(words, "-level:v")) == ("high", "4.2")
    assert (after(words, "-fps_mode:v"), after(words, "-enc_time_base:v")) == ("vfr", "1:25")
    bt709 = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
    colours = Filter("setparams", {"range": "tv"} | bt709)
    place = {"x": "2*trunc((ow-iw)/4)", "y": "2*trunc((oh-ih)/4)"}
    pixels = (Filter("format", {"pix_fmts": "yuv420p"}), Filter("setsar", {"sar": 1}), colours)
    framed = Filter("pad", {"w": 1280, "h": 720, **place, "eval": "frame"})
    wanted = (colours, *scaled(GOOD, (1280, 720)), *pixels, framed, Filter("settb", {"expr": "1/25"}))
    assert after(words, "-filter_complex") == f"[0:0]{chain(wanted).replace('[s', '[v')}[v6]"
    assert after(words, "-map") == "[v6]"


def test_a_bitrate_beyond_the_level_is_the_levels() -> None:
    assert after(argv(ENCODE, output=wish(maxBitrateKbps=200000)), "-maxrate") == "62500k"


def test_filters_follow_what_the_source_is() -> None:
    assert filters(replace(GOOD, field_order="bb"), (1280, 720))[1].name == "bwdif"
    mapped = list(filters(replace(GOOD, transfer="smpte2084"), (1280, 720)))
    names = [each.name for each in mapped]
    ordinary = mapped.index(Filter("format", {"pix_fmts": "yuv420p"}))
    assert names.index("scale") < names.index("tonemap") < ordinary


def test_video_and_audio_apart_are_two_inputs() -> None:
    words = argv(COPY, inputs=Inputs("/s/v", "/s/a"))
    assert [words[at + 1] for at, word in enumerate(words) if word == "-i"] == ["file:/s/v", "file:/s/a"]
    assert [words[at + 1] for at, word in enumerate(words) if word == "-map"] == ["0:0", "1:1"]


def test_a_silent_source_has_no_audio_options() -> None:
    words = argv(ENCODE, sound=None)
    assert "-c:a" not in words
    assert words.count("-map") == 1


@pytest.mark.parametrize(("rate", "told"), [(48000, "48000"), (44100, "44100"), (96000, "48000"), (0, "48000")])
def test_sample_rates_are_those_aac_has(rate: int, told: str) -> None:
    assert after(argv(ENCODE, sound=Sound(replace(AAC, sample_rate=rate), TRACK)), "-ar") == told


@pytest.mark.parametrize(("channels", "told"), [(1, "1"), (2, "2"), (6, "2")])
def test_mono_stays_mono_and_more_becomes_stereo(channels: int, told: str) -> None:
    assert after(argv(ENCODE, sound=Sound(replace(AAC, channels=channels), TRACK)), "-ac") == told


def needs(
    plan: TranscodePlan, video: Video = GOOD, sound: Sound | None = SOUND
) -> tuple[frozenset[str], frozenset[str]]:
    job = Job(plan, Picture(video, TRACK), sound, Inputs("/s/in", "/s/in"), Output())
    targets = targets_of(plan, job.picture, sound, job.output, "/s/out")
    return command.needed_encoders(job, targets), command.needed_filters(job, targets)


def test_what_a_plan_stands_on_is_known_before_it_runs() -> None:
    assert needs(COPY) == (frozenset(), frozenset())
    assert needs(ENCODE)[0] == {"libx264", "aac"}
    assert needs(ENCODE, sound=None)[0] == {"libx264"}
    assert needs(ENCODE, replace(GOOD, transfer="smpte2084", field_order="tt"))[1] == {"zscale", "tonemap", "bwdif"}


def test_encoders_are_in_the_list_of_codecs() -> None:
    listed = """Codecs:
 D..... = Decoding supported
 .E.... = Encoding supported
 -------
 DEV.LS h264                 H.264 / AVC (decoders: h264 h264_qsv ) (encoders: libx264 libx264rgb )
 D.V.L. vp9                  Google VP9 (decoders: vp9 libvpx-vp9 )
 DEA.L. aac                  AAC (Advanced Audio Coding) (decoders: aac aac_fixed )
 .EA.L. mp3                  MP3 (encoders: libmp3lame )
"""
    assert command.encoders_of(listed) - {"="} == {"libx264", "libx264rgb", "aac", "libmp3lame"}


def test_filters_are_the_second_words() -> None:
    listed = " ... zscale  V->V Apply resizing\n .S. tonemap  V->V Conversion\n"
    assert command.filters_of(listed) == {"zscale", "tonemap"}


@pytest.mark.parametrize("keyframes_only", [True, False])
def test_no_muxer_complains_while_decoding(keyframes_only: bool) -> None:
    words = command.decode_argv("/s/in", keyframes_only=keyframes_only)
    assert after(words, "-fps_mode") == "vfr"
    assert ("-skip_frame" in words) == keyframes_only


def test_each_frame_is_fitted_by_its_own_shape() -> None:
    (scale,) = scaled(replace(GOOD, width=640, height=360), (640, 360))
    assert scale.name == "scale"
    assert str(scale.options["w"]).startswith("if(lt(abs(dar/1.777778-1),0.01),640,")
    assert scale.options["eval"] == "frame"


def test_what_changes_on_the_way_is_encoded() -> None:
    change = "video changes from 640x360 yuv420p to 360x640 yuv420p at 3.0 s"
    plan = decide(Picture(GOOD, replace(TRACK, changes=change)), SOUND, Output())
    assert (plan.copy_video, plan.copy_audio, plan.why) == (False, True, change)


def test_sound_that_changes_on_the_way_is_encoded() -> None:
    plan = decide(Picture(GOOD, TRACK), replace(SOUND, track=replace(SOUND.track, changes="audio changes")), Output())
    assert (plan.copy_video, plan.copy_audio) == (True, False)


def test_two_mono_tracks_are_joined_and_never_copied() -> None:
    sound = Sound(replace(AAC, channels=2), SOUND.track, replace(AAC, index=2, channels=1))
    plan = decide(Picture(GOOD, TRACK), sound, Output())
    assert not plan.copy_audio
    assert "two mono tracks are joined to stereo" in plan.why
