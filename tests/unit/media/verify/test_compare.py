"""A result that is not its source is seen, whatever ffmpeg's exit code was."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from videoimport.api.output_options import Output
from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import Box
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.output_files import Target, targets_of
from videoimport.media.transcode.plan import Picture, Sound, TranscodePlan
from videoimport.media.transcode.progress import output_seconds, percent
from videoimport.media.verify.compare import Compared, difference, difference_of_damaged, loss, must_count
from videoimport.media.verify.picture_count import Count

VIDEO = Video(
    0, "h264", profile="High", level=42, pixels="yuv420p", width=1280, height=720, rate=Fraction(25), duration=10.0,
    primaries="bt709", transfer="bt709", matrix="bt709", range="tv",
)  # fmt: skip
AUDIO = Audio(1, "aac", profile="LC", channels=2, duration=10.0)
WHOLE = Track(packets=250, start=0.0, end=10.0)
HEAD_FIRST = (Box(b"ftyp", 0, 24), Box(b"moov", 24, 100), Box(b"mdat", 100, 1000))
PLAN = TranscodePlan(copy_video=False, copy_audio=False, why="", size=(1280, 720))
JOB = Job(PLAN, Picture(VIDEO, WHOLE), Sound(AUDIO, WHOLE), Inputs("/s/in", "/s/in"), Output())
GOOD = Compared(
    job=JOB,
    target=targets_of(PLAN, JOB.picture, JOB.sound, JOB.output, "/s/out")[0],
    result=Media("mov,mp4", 10.0, (VIDEO,), (AUDIO,)),
    tracks={0: WHOLE, 1: WHOLE},
    boxes=HEAD_FIRST,
)


def beside(**source: Any) -> Compared:
    """The result beside another source."""
    return replace(GOOD, job=replace(JOB, **source))


def said(compared: Compared) -> str:
    found = difference(compared)
    assert found is not None
    assert found.reason is Reason.VERIFICATION_FAILED
    return found.message


def test_a_faithful_result_passes() -> None:
    assert difference(GOOD) is None


@pytest.mark.parametrize("index", [0, 1])
def test_a_short_stream_is_seen_even_if_the_other_is_whole(index: int) -> None:
    assert "lasts 3.90 s" in said(replace(GOOD, tracks={**GOOD.tracks, index: Track(start=0.0, end=3.9)}))


def test_a_tenth_of_a_second_is_forgiven_and_two_frames_of_a_slow_film() -> None:
    assert difference(replace(GOOD, tracks={**GOOD.tracks, 0: replace(WHOLE, end=9.91)})) is None
    slow = beside(picture=Picture(replace(VIDEO, rate=Fraction(2)), WHOLE))
    assert difference(replace(slow, tracks={**GOOD.tracks, 0: replace(WHOLE, end=9.1)})) is None


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1, 1_000_000)])
def test_a_rate_however_low_forgives_a_second_of_video_and_nothing_of_audio(rate: Fraction) -> None:
    slow = beside(picture=Picture(replace(VIDEO, rate=rate), WHOLE))
    assert difference(replace(slow, tracks={0: replace(WHOLE, end=9.1), 1: WHOLE})) is None
    assert "its video lasts" in said(replace(slow, tracks={0: replace(WHOLE, end=8.9), 1: WHOLE}))
    assert "its audio lasts" in said(replace(slow, tracks={0: WHOLE, 1: replace(WHOLE, end=9.8)}))
    assert "audio starts" in said(replace(slow, tracks={0: WHOLE, 1: replace(WHOLE, start=0.2, end=10.2)}))
    assert "its audio has pauses" in said(replace(slow, tracks={0: WHOLE, 1: replace(WHOLE, gaps=0.2)}))


class TestPicturesAndSoundThatAreLost:
    SOURCE = replace(WHOLE, pictures=250)

    def test_every_second_picture_is_missed_though_the_length_is_right(self) -> None:
        seen = beside(picture=Picture(VIDEO, self.SOURCE))
        assert difference(replace(seen, tracks={0: WHOLE, 1: WHOLE})) is None
        assert "125 frames, but the source's has 250" in said(
            replace(seen, tracks={0: replace(WHOLE, packets=125), 1: WHOLE})
        )

    def test_no_more_pictures_are_wanted_than_an_encode_may_have(self) -> None:
        fast = replace(self.SOURCE, packets=2400, pictures=600)
        seen = beside(picture=Picture(replace(VIDEO, rate=Fraction(240)), fast))
        assert difference(replace(seen, tracks={0: replace(WHOLE, packets=600), 1: WHOLE})) is None

    def test_pictures_that_all_come_at_once_are_missed(self) -> None:
        burst = Track(packets=250, pictures=1, start=0.0, end=0.001)
        seen = beside(picture=Picture(VIDEO, burst), sound=None)
        result = replace(seen, result=SILENT, tracks={0: Track(packets=1, start=0.0, end=0.02)})
        assert "its video has 1 frames" in said(result)

    def test_one_picture_that_is_lost_or_doubled_is_missed(self) -> None:
        for count in (249, 251):
            beside = replace(GOOD, tracks={0: replace(WHOLE, packets=count), 1: WHOLE})
            assert must_count(beside)
            assert f"its video has {count} frames, but the source's has 250" in said(beside)
            assert f"its video has {count} frames, but the source's has 250" in said(
                replace(beside, decoded=Count(250))
            )

    def test_one_packet_that_is_lost_of_a_copy_is_missed(self) -> None:
        copied = replace(PLAN, copy_video=True, copy_audio=True)
        made = targets_of(copied, JOB.picture, JOB.sound, JOB.output, "/s/out")[0]
        result = replace(GOOD, target=made, tracks={0: replace(WHOLE, packets=249), 1: WHOLE})
        assert "its video has 249 frames, but the source's has 250" in said(
            replace(result, job=replace(JOB, plan=copied))
        )
        late = Picture(VIDEO, replace(WHOLE, keyframe=0.04, before_keyframe=1))
        assert difference(replace(result, job=replace(JOB, plan=copied, picture=late))) is None

    def test_packets_without_a_picture_are_told_by_a_decode(self) -> None:
        result = replace(GOOD, tracks={0: replace(WHOLE, packets=247), 1: WHOLE})
        assert difference(replace(result, decoded=Count(247))) is None
        assert not must_count(replace(result, decoded=Count(247)))

    def test_pictures_without_a_moment_of_their_own_may_be_left_out(self) -> None:
        seen = beside(picture=Picture(VIDEO, replace(WHOLE, crowded=2)))
        assert difference(replace(seen, tracks={0: replace(WHOLE, packets=248), 1: WHOLE})) is None
        assert "has 247 frames" in said(replace(seen, tracks={0: replace(WHOLE, packets=247), 1: WHOLE}))

    def test_half_pictures_count_half(self) -> None:
        seen = beside(picture=Picture(replace(VIDEO, field_order="tt"), replace(self.SOURCE, pictures=500)))
        assert difference(replace(seen, tracks={0: WHOLE, 1: WHOLE})) is None

    def test_sound_without_room_is_held_against_what_decodes(self) -> None:
        heard = replace(GOOD, heard=20.0)
        assert "10.00 s, but 20.00 s of the source's audio can be decoded" in said(heard)
        assert difference(replace(GOOD, heard=10.05)) is None


@pytest.mark.parametrize("tag", ["primaries", "transfer", "matrix", "range"])
def test_an_encode_says_what_its_colours_are(tag: str) -> None:
    unnamed = replace(GOOD.result, videos=(replace(VIDEO, **{tag: ""}),))  # type: ignore[arg-type]
    assert "its colours are tagged as" in said(replace(GOOD, result=unnamed))


def test_audio_out_of_step_is_seen() -> None:
    shifted = {0: WHOLE, 1: Track(start=0.5, end=10.5)}
    assert "audio starts +0.50 s" in said(replace(GOOD, tracks=shifted))
    late = beside(sound=Sound(AUDIO, Track(start=0.5, end=10.5)), offset=0.5)
    assert difference(replace(late, tracks=shifted)) is None


def test_a_pause_the_source_has_not_is_seen() -> None:
    frozen, paused = replace(WHOLE, still=2.0), replace(WHOLE, gaps=2.0)
    assert "its video has pauses of 2.00 s" in said(replace(GOOD, tracks={0: frozen, 1: WHOLE}))
    assert difference(replace(beside(picture=Picture(VIDEO, frozen)), tracks={0: frozen, 1: WHOLE})) is None
    assert "its audio has pauses of 2.00 s" in said(replace(GOOD, tracks={0: WHOLE, 1: paused}))
    assert difference(replace(beside(sound=Sound(AUDIO, paused)), tracks={0: WHOLE, 1: paused})) is None


def test_durations_of_frames_make_no_pauses() -> None:
    assert difference(replace(GOOD, tracks={0: replace(WHOLE, gaps=2.0), 1: replace(WHOLE, still=2.0)})) is None


def test_lost_and_added_streams_are_seen() -> None:
    assert "streams" in said(replace(GOOD, result=Media("mov,mp4", 10.0, (VIDEO,), ())))
    assert "streams" in said(beside(sound=None))


def test_a_head_at_the_end_is_seen() -> None:
    assert "index" in said(replace(GOOD, boxes=HEAD_FIRST[::-1]))


def test_another_size_is_seen() -> None:
    turned = replace(VIDEO, rotation=90)
    assert "displayed" in said(replace(GOOD, result=Media("mov,mp4", 10.0, (turned,), (AUDIO,))))


def test_a_result_that_breaks_our_own_rules_is_seen() -> None:
    tens = replace(VIDEO, pixels="yuv420p10le")
    assert "yuv420p10le" in said(replace(GOOD, result=Media("mov,mp4", 10.0, (tens,), (AUDIO,))))


def test_how_long_the_last_slide_stands_is_forgiven_and_a_lost_slide_is_not() -> None:
    def slides(times: list[float], end: float) -> Track:
        track = Track()
        for time in times:
            track.add(time, time, 0.04, 1, hidden=False)
        track.finish()
        track.end = end
        return track

    silent = replace(beside(picture=Picture(VIDEO, slides([0.0, 3.0], 4.0)), sound=None), result=SILENT)
    assert difference(replace(silent, tracks={0: slides([0.0, 3.0], 6.0)})) is None
    assert "lasts 6.00 s" in said(replace(silent, tracks={0: slides([0.0], 6.0)}))
    assert "lasts 6.00 s" in said(replace(silent, tracks={0: slides([0.0, 5.0], 6.0)}))


SILENT = Media("mov,mp4", 10.0, (VIDEO,), ())


def target(**output: Any) -> Target:
    """The last target of a wish."""
    wish = Output.model_validate(output)
    return targets_of(PLAN, JOB.picture, JOB.sound, wish, "/s/out")[-1]


def test_an_mp3_has_no_head_and_no_picture() -> None:
    audio = replace(GOOD, target=target(audioFile={"format": "mp3"}), result=Media("mp3", 10.0, (), (AUDIO,)), boxes=())
    assert difference(audio) is None
    assert "its audio lasts" in said(replace(audio, tracks={1: replace(WHOLE, end=4.0)}))


def test_a_rendition_is_held_against_its_own_size() -> None:
    small = replace(GOOD, target=target(renditions=[{"name": "360p", "height": 360}]))
    assert "displayed" in said(small)
    shrunk = replace(VIDEO, width=640, height=360)
    assert difference(replace(small, result=Media("mov,mp4", 10.0, (shrunk,), (AUDIO,)))) is None


def test_mode_remux_keeps_whatever_codec_there_is_but_that_one() -> None:
    odd = replace(VIDEO, codec="vp9", pixels="yuv422p", profile="")
    copied = TranscodePlan(copy_video=True, copy_audio=True, why="", size=(1280, 720))
    wish = Output(mode="Remux")
    remux = beside(plan=copied, picture=Picture(odd, WHOLE), output=wish)
    remux = replace(remux, target=targets_of(copied, JOB.picture, JOB.sound, wish, "/s/out")[0])
    assert difference(replace(remux, result=Media("mov,mp4", 10.0, (odd,), (AUDIO,)))) is None
    assert "codec is h264, but the source's is vp9" in said(remux)


class TestToleratedDamage:
    DAMAGED = beside(is_tolerant=True, is_damaged=True, promised=(10.0, 10.0))

    def test_there_may_be_less_but_not_more(self) -> None:
        short = replace(self.DAMAGED, tracks={0: Track(1, start=0.0, end=6.0), 1: Track(1, start=0.0, end=7.0)})
        assert difference(short) is not None
        assert difference_of_damaged(short) is None
        long = replace(self.DAMAGED, tracks={0: Track(1, start=0.0, end=12.0), 1: Track(1, start=0.0, end=10.0)})
        assert difference_of_damaged(long) is not None

    def test_it_says_what_was_lost(self) -> None:
        short = replace(
            self.DAMAGED, tracks={0: Track(1, start=0.0, end=6.0), 1: Track(1, start=0.0, end=7.0, gaps=1.0)}
        )
        assert loss(short) == "the source is damaged: 4.0 s of video and 4.0 s of audio are lost"
        whole = replace(self.DAMAGED, tracks={0: WHOLE, 1: WHOLE})
        assert (
            loss(whole) == "the source is damaged: the damaged places are in the result as far as they could be decoded"
        )

    def test_what_is_left_is_still_in_step(self) -> None:
        off = replace(self.DAMAGED, tracks={0: WHOLE, 1: replace(WHOLE, start=0.5, end=10.5)})
        assert "audio starts" in str(difference_of_damaged(off))
        cut = replace(self.DAMAGED, tracks={0: WHOLE, 1: replace(WHOLE, start=0.5, end=10.0)})
        assert difference_of_damaged(cut) is None

    def test_nothing_left_is_refused(self) -> None:
        assert "nothing of its audio is left" in str(difference_of_damaged(replace(self.DAMAGED, tracks={0: WHOLE})))

    def test_its_form_is_held_like_any_others(self) -> None:
        assert "index" in str(difference_of_damaged(replace(self.DAMAGED, boxes=HEAD_FIRST[::-1])))


def test_progress_is_read_from_its_blocks() -> None:
    blocks = "frame=1\nout_time_us=N/A\nprogress=continue\nout_time_us=1500000\nout_time_us=-20\nprogress=end\n"
    assert list(output_seconds(blocks.splitlines())) == [1.5, 0.0]


@pytest.mark.parametrize(("done", "total", "shown"), [(0, 10, 0), (5, 10, 50), (11, 10, 100), (5, None, 0), (5, 0, 0)])
def test_percents_are_whole_and_bounded(done: float, total: float | None, shown: int) -> None:
    assert percent(done, total) == shown
