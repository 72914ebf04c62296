"""What one run makes of a source: files, their sizes, their words, and what must be true of several files."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.output_options import Output, VideoOutput
from videoimport.api.reasons import Reason
from videoimport.media.source.packet_scan import Track, declared
from videoimport.media.source.probe import address, guarded, probe_argv
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.transcode import color, command
from videoimport.media.transcode.compliance import why_encode_audio_file, why_encode_video, why_not_compliant
from videoimport.media.transcode.encoder_arguments import capped_kbps, ceiling, encoding, level_name, scaled_kbps
from videoimport.media.transcode.filter_graph import Filter, chain
from videoimport.media.transcode.job import Inputs, Job, audio_delay, offset
from videoimport.media.transcode.mp4_codecs import why_not_held
from videoimport.media.transcode.output_files import Target, head_bytes, targets_of
from videoimport.media.transcode.plan import Picture, Sound, decide, filters, framed, scaled

VIDEO = Video(
    0, "h264", profile="High", level=41, pixels="yuv420p", width=1920, height=1080, field_order="progressive",
    rate=Fraction(25),
)  # fmt: skip
TRACK = Track(packets=250, size=5_000_000, start=0.0, end=10.0)
AAC = Audio(1, "aac", profile="LC", channels=2, sample_rate=48000)
PICTURE, SOUND = Picture(VIDEO, TRACK), Sound(AAC, Track(packets=469, size=160_000, start=0.0, end=10.0))
ONE_FILE = Inputs("/s/in", "/s/in")


def wish(**fields: Any) -> Output:
    return Output.model_validate(fields)


def job(output: Output, video: Video = VIDEO, sound: Sound | None = SOUND, **more: Any) -> Job:
    picture = Picture(video, TRACK)
    return Job(decide(picture, sound, output), picture, sound, more.pop("inputs", ONE_FILE), output, **more)


def made(of: Job, *, growing: bool = False) -> tuple[Target, ...]:
    return targets_of(of.plan, of.picture, of.sound, of.output, "/o", growing=growing)


def argv(of: Job, *, growing: bool = False) -> list[str]:
    return command.transcode_argv(of, made(of, growing=growing))


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def chained(filters: tuple[Filter, ...]) -> str:
    """A chain as it stands in the graph of all pictures."""
    return chain(filters).replace("[s", "[v")


LADDER = wish(renditions=[{"name": "360p", "height": 360, "crf": 28}, {"name": "720p", "height": 720}])


class TestTargets:
    def test_the_video_comes_first_and_everything_lies_where_its_key_says(self) -> None:
        output = LADDER.model_copy(update={"audio_file": wish(audioFile={}).audio_file})
        names = [(target.kind, target.name, target.object_name, target.content_type) for target in made(job(output))]
        assert names == [
            ("video", "video", "video.mp4", "video/mp4"),
            ("rendition", "360p", "renditions/360p.mp4", "video/mp4"),
            ("rendition", "720p", "renditions/720p.mp4", "video/mp4"),
            ("audio", "audio", "audio.m4a", "audio/mp4"),
        ]
        assert all(target.path == f"/o/{target.object_name}" for target in made(job(output)))

    def test_a_rendition_has_its_own_size_crf_and_cap(self) -> None:
        small = made(job(LADDER))[1]
        assert small.size == (640, 360)
        assert small.wish is not None
        assert (small.wish.crf, small.wish.max_height) == (28, 360)
        assert small.wish.max_bitrate_kbps == round(12000 * (1 / 9) ** 0.75)

    def test_no_rendition_is_larger_than_its_source(self) -> None:
        source = replace(VIDEO, width=320, height=180)
        assert [target.size for target in made(job(LADDER, source))] == [(320, 180)] * 3

    def test_an_original_makes_nothing(self) -> None:
        original = job(wish(mode="Original"))
        assert made(original) == ()
        assert original.plan.mode == "Original"

    def test_without_audio_there_is_no_audio_file_and_the_plan_says_so(self) -> None:
        silent = job(wish(audioFile={"format": "mp3"}), sound=None)
        assert [target.kind for target in made(silent)] == ["video"]
        assert "there is no audio for audioFile" in silent.plan.why


class TestCommand:
    def test_all_sizes_come_of_one_decode_each_from_the_next_larger(self) -> None:
        encode = LADDER.model_copy(update={"mode": "Encode"})
        words = argv(job(encode))
        graph = after(words, "-filter_complex")
        assert graph == (
            f"[0:0]{chained(filters(PICTURE.video, (1920, 1080)))}[v5];[v5]split=2[v6][v7];"
            "[v6]settb=expr=1/25[v8];"
            "[v7]scale=flags=bicubic:h=720:w=1280[v9];[v9]setsar=sar=1[v10];[v10]split=2[v11][v12];"
            "[v12]scale=flags=bicubic:h=360:w=640[v13];[v13]setsar=sar=1[v14];[v14]settb=expr=1/25[v15];"
            "[v11]settb=expr=1/25[v16]"
        )
        assert [words[at + 1] for at, word in enumerate(words) if word == "-map"][::2] == ["[v8]", "[v15]", "[v16]"]
        assert words.count("-i") == 1

    def test_a_copied_video_is_decoded_for_its_renditions_only(self) -> None:
        words = argv(job(LADDER))
        assert words[words.index("-map") : words.index("-map") + 4] == ["-map", "0:0", "-c:v", "copy"]
        assert after(words, "-filter_complex").startswith(f"[0:0]{chained(filters(PICTURE.video, (1280, 720)))}[")
        assert words.count("libx264") == 2

    def test_an_audio_file_has_no_picture(self) -> None:
        words = argv(job(wish(audioFile={"format": "mp3", "bitrateKbps": 192})))
        last = words[words.index("file:/o/video.mp4") :]
        assert "0:0" not in last
        assert (after(last, "-c:a"), after(last, "-b:a"), after(last, "-f")) == ("libmp3lame", "192k", "mp3")

    def test_growing_files_keep_room_for_their_heads_and_finished_ones_move_them(self) -> None:
        output = wish(audioFile={})
        assert argv(job(output), growing=True).count("-moov_size") == 2
        assert "-movflags" not in argv(job(output), growing=True)
        assert argv(job(output)).count("+faststart") == 2

    def test_a_growing_source_is_read_from_our_own_server_in_one_go(self) -> None:
        url = "http://127.0.0.1:4711/token/video"
        words = argv(job(Output(), inputs=Inputs(url, "/s/audio")))
        assert (after(words, "-protocol_whitelist"), after(words, "-seekable")) == ("http,tcp", "0")
        assert [words[at + 1] for at, word in enumerate(words) if word == "-i"] == [url, "file:/s/audio"]
        assert after(argv(job(Output(), inputs=Inputs(url, url, seekable=True))), "-seekable") == "1"

    def test_no_other_address_is_an_address(self) -> None:
        for place in ("http://example.com/v", "http://127.0.0.10:80/v", "https://127.0.0.1:80/v"):
            assert address(place) == f"file:{place}"
            assert guarded(place)[1] == "file"
        assert probe_argv("http://127.0.0.1:1/t", seekable=True)[-1] == "http://127.0.0.1:1/t"

    @pytest.mark.parametrize(("delay", "moved"), [(0.5, "/s/a"), (-0.5, "/s/v")])
    def test_what_starts_later_is_moved_for_what_starts_before_zero_is_cut(self, delay: float, moved: str) -> None:
        words = argv(job(Output(), inputs=Inputs("/s/v", "/s/a", delay)))
        assert words.count("-itsoffset") == 1
        assert after(words[words.index("-itsoffset") :], "-i") == f"file:{moved}"

    def test_a_tolerant_run_does_not_stop_at_errors(self) -> None:
        words = argv(job(Output(), is_tolerant=True))
        assert "-xerror" not in words
        assert (after(words, "-err_detect"), after(words, "-max_error_rate")) == ("ignore_err", "1")
        assert "-xerror" in argv(job(Output()))

    def test_a_head_that_overflowed_is_told_by_ffmpegs_words(self) -> None:
        assert command.head_overflowed("[mp4 @ 0x1] reserved_moov_size is too small, needed 1234 additional")
        assert not command.head_overflowed("Invalid data found")

    def test_encoders_are_known_before_the_source_is(self) -> None:
        assert command.surely_needed_encoders(wish(video={"codec": "av1"})) == {"libsvtav1", "aac"}
        assert command.surely_needed_encoders(wish(mode="Remux")) == frozenset()
        assert command.surely_needed_encoders(wish(mode="Original")) == frozenset()
        remux = wish(mode="Remux", renditions=[{"name": "a", "height": 360}], audioFile={"format": "mp3"})
        assert command.surely_needed_encoders(remux) == {"libx264", "libmp3lame"}

    def test_encoders_of_a_run_are_those_of_its_targets(self) -> None:
        copied = job(LADDER.model_copy(update={"audio_file": wish(audioFile={"format": "mp3"}).audio_file}))
        assert command.needed_encoders(copied, made(copied)) == {"libx264", "libmp3lame"}
        assert command.needed_filters(copied, made(copied)) == frozenset()

    def test_a_still_picture_is_upright_square_and_full_range(self) -> None:
        turned = replace(VIDEO, rotation=90, transfer="smpte2084")
        words = command.thumbnail_argv("/s/v", turned, 1.5, "/o/001.jpg", is_exact=True)
        size = (1080, 1920)
        upright = (*scaled(turned, size), *color.ordinary(turned), framed(size))
        assert after(words, "-vf") == chain((color.named(color.assumed(turned)), *upright, *color.still(turned)))
        assert "tonemap" in after(words, "-vf")
        assert after(words, "-vf").endswith("format=pix_fmts=yuvj420p")
        (full, _) = color.still(turned)
        assert (full.options["in_range"], full.options["out_range"]) == ("limited", "full")
        assert "-noaccurate_seek" in command.thumbnail_argv("/s/v", turned, 1.5, "/o/001.jpg", is_exact=False)


class TestHeadRoom:
    def test_it_is_64_kib_and_20_bytes_a_packet(self) -> None:
        assert head_bytes(PICTURE, SOUND, copied=True) == 65_536 + 20 * (250 + 469)

    def test_an_encode_has_at_most_60_frames_a_second(self) -> None:
        fast = Picture(replace(VIDEO, rate=Fraction(120)), TRACK)
        assert head_bytes(fast, None, copied=True) == 65_536 + 20 * 1200
        assert head_bytes(fast, None, copied=False) == 65_536 + 20 * 600

    def test_an_unknown_rate_counts_as_60_and_an_uneven_one_has_longer_tables(self) -> None:
        assert head_bytes(Picture(replace(VIDEO, rate=None), TRACK), None, copied=False) == 65_536 + 20 * 600
        assert head_bytes(Picture(replace(VIDEO, is_uneven=True), TRACK), None, copied=False) == 65_536 + 32 * 250


HEVC = replace(VIDEO, codec="hevc", profile="Main", level=123)
AV1 = replace(VIDEO, codec="av1", profile="Main", level=9)


class TestCodecs:
    @pytest.mark.parametrize(("codec", "video"), [("hevc", HEVC), ("av1", AV1)])
    def test_what_complies_with_the_wished_codec_is_copied(self, codec: str, video: Video) -> None:
        assert why_encode_video(video, TRACK, wish(video={"codec": codec})) is None

    @pytest.mark.parametrize(
        ("codec", "video", "word"),
        [
            ("hevc", replace(HEVC, profile="Main 10"), "profile is Main 10, above Main"),
            ("hevc", replace(HEVC, level=150), "level is 5.0, above 4.1"),
            ("hevc", replace(HEVC, level=0), "level is unknown"),
            ("av1", replace(AV1, level=12), "level is 5.0, above 4.1"),
            ("av1", replace(AV1, level=-99), "level is unknown"),
            ("av1", replace(AV1, pixels="yuv420p10le"), "yuv420p10le"),
            ("av1", HEVC, "video codec is hevc, not av1"),
        ],
    )
    def test_each_codec_has_its_own_bounds(self, codec: str, video: Video, word: str) -> None:
        assert word in (why_encode_video(video, TRACK, wish(video={"codec": codec})) or "")

    def test_the_lowest_level_of_av1_is_a_level(self) -> None:
        assert why_not_compliant(replace(AV1, level=0), VideoOutput(codec="av1")) is None

    def test_levels_are_named_as_people_write_them(self) -> None:
        assert [level_name("h264", 42), level_name("hevc", 153), level_name("av1", 13)] == ["4.2", "5.1", "5.1"]

    def test_words_of_each_encoder(self) -> None:
        hevc = list(encoding(VideoOutput(codec="hevc")))
        assert (after(hevc, "-tag:v"), after(hevc, "-preset")) == ("hvc1", "veryfast")
        assert after(hevc, "-x265-params") == "log-level=error:level-idc=4.1"
        av1 = list(encoding(VideoOutput(codec="av1", preset="slow", crf=63)))
        assert (after(av1, "-c:v"), after(av1, "-preset"), after(av1, "-crf")) == ("libsvtav1", "5", "63")
        assert (after(av1, "-maxrate"), after(av1, "-bufsize")) == ("12000k", "24000k")

    @pytest.mark.parametrize(("codec", "kbps"), [("h264", 62_500), ("hevc", 20_000), ("av1", 20_000)])
    def test_a_cap_beyond_the_level_is_the_levels(self, codec: Any, kbps: int) -> None:
        assert capped_kbps(VideoOutput(codec=codec, max_bitrate_kbps=200_000)) == kbps

    @given(some.integers(2, 4000), some.integers(2, 4000), some.sampled_from(["h264", "hevc", "av1"]))
    def test_a_smaller_picture_has_a_smaller_cap_but_some(self, width: int, height: int, codec: Any) -> None:
        video = VideoOutput(codec=codec)
        assert 100 <= scaled_kbps(video, (width, height), (1920, 1080)) <= video.max_bitrate_kbps
        assert scaled_kbps(video, (1920, 1080), (1920, 1080)) == video.max_bitrate_kbps

    @pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
    def test_a_level_holds_what_it_is_for_at_60_frames(self, codec: Any) -> None:
        for height, size in ((1080, (1920, 1080)), (2160, (3840, 2160)), (4320, (7680, 4320))):
            limit = ceiling(VideoOutput(codec=codec, max_height=height))
            assert limit.holds(*size)
            assert limit.holds(*size[::-1])
            assert limit.area_a_second >= 60 * limit.counted(*size)


class TestCopyingAudio:
    def test_an_m4a_takes_aac_as_it_is(self) -> None:
        assert why_encode_audio_file(AAC, SOUND.track, wish(audioFile={})) is None

    @pytest.mark.parametrize(
        ("output", "audio", "word"),
        [
            ({"audioFile": {"format": "mp3"}}, AAC, "mp3"),
            ({"audioFile": {}, "mode": "Encode"}, AAC, "Encode"),
            ({"audioFile": {"bitrateKbps": 96}}, AAC, "128 kbps is above 96"),
            ({"audioFile": {}}, replace(AAC, channels=6), "6 channels"),
        ],
    )
    def test_else_it_is_encoded(self, output: dict[str, Any], audio: Audio, word: str) -> None:
        assert word in (why_encode_audio_file(audio, SOUND.track, wish(**output)) or "")

    def test_remux_copies_any_audio_into_the_video_but_not_into_an_m4a(self) -> None:
        surround = Sound(replace(AAC, codec="ac3", channels=6), SOUND.track)
        plan = job(wish(mode="Remux", audioFile={}), sound=surround).plan
        assert (plan.copy_video, plan.copy_audio, plan.copy_audio_file) == (True, True, False)


class TestRemux:
    def test_everything_is_copied(self) -> None:
        plan = job(wish(mode="Remux"), replace(VIDEO, codec="vp9", pixels="yuv420p10le")).plan
        assert (plan.mode, plan.copy_video, plan.copy_audio) == ("Remux", True, True)

    @pytest.mark.parametrize(
        ("video", "audio", "word"),
        [("vp8", "aac", "video codec is vp8"), ("h264", "pcm_s16le", "audio codec is pcm_s16le")],
    )
    def test_what_no_mp4_can_hold_is_refused_by_name(self, video: str, audio: str, word: str) -> None:
        found = why_not_held(Picture(replace(VIDEO, codec=video), TRACK), Sound(replace(AAC, codec=audio), TRACK))
        assert found is not None
        assert found.reason is Reason.UNSUPPORTED_FORMAT
        assert word in found.message

    def test_frames_without_times_get_some(self) -> None:
        untimed = replace(job(wish(mode="Remux")), picture=Picture(VIDEO, replace(TRACK, untimed=3)))
        assert after(argv(untimed), "-fflags") == "+genpts"


TS, MP4, BARE = (Media(demuxer, 10.0, start=0.0) for demuxer in ("mpegts", "mov,mp4,m4a,3gp,3g2,mj2", "aac"))


class TestTwoFiles:
    @pytest.mark.parametrize(
        ("video", "audio", "delay"),
        [
            (replace(TS, start=10.0), replace(TS, start=10.25), 0.25),
            (replace(TS, start=10.25), replace(TS, start=10.0), -0.25),
            (replace(TS, start=10.0), BARE, 0.0),
            (replace(TS, start=10.0), replace(TS, start=500.0), 0.0),
            (MP4, replace(MP4, start=None), 0.0),
            (replace(MP4, duration=None, start=1.0), replace(MP4, start=31.0), 30.0),
        ],
    )
    def test_the_clocks_of_two_files(self, video: Media, audio: Media, delay: float) -> None:
        assert audio_delay(video, audio) == pytest.approx(delay)

    def test_the_offset_counts_from_each_files_own_start(self) -> None:
        picture = Picture(VIDEO, Track(start=10.0, end=20.0))
        bare = Sound(AAC, Track(start=0.0, end=10.0))
        assert offset(picture, bare, (10.0, 0.0), 0.0) == 0.0
        same_clock = Sound(AAC, Track(start=10.25, end=20.0))
        assert offset(picture, same_clock, (10.0, 10.25), 0.25) == pytest.approx(0.25)
        one_file = Sound(AAC, Track(start=10.5, end=20.0))
        assert offset(picture, one_file, (10.0, 10.0), 0.0) == pytest.approx(0.5)


class TestDecidingByTheHead:
    MEDIA = Media("mov", 10.0, (replace(VIDEO, duration=10.0, bit_rate=4_000_000),), (replace(AAC, duration=9.9),))

    def test_declared_lengths_and_sizes_stand_for_packets(self) -> None:
        tracks = declared(self.MEDIA)
        assert (tracks[0].seconds, tracks[0].size) == (10.0, 5_000_000)
        assert tracks[1].seconds == pytest.approx(9.9)

    def test_a_stream_without_a_length_or_rate_takes_the_files(self) -> None:
        media = replace(self.MEDIA, videos=(VIDEO,), bit_rate=800_000)
        assert (declared(media)[0].seconds, declared(media)[0].size) == (10.0, 1_000_000)

    def test_packets_may_prove_it_wrong(self) -> None:
        by_head = job(Output())
        assert by_head.agrees_with(job(Output(), is_tolerant=True))
        heavy = Picture(VIDEO, replace(TRACK, size=50_000_000))
        whole = replace(by_head, plan=decide(heavy, SOUND, Output()), picture=heavy)
        assert not by_head.agrees_with(whole)
