"""Whatever ffprobe repeats of a hostile header leads to a decision or to one of the reasons, never to an exception."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from support.examples import examples
from videoimport.api.output_options import AudioFile, Output
from videoimport.api.requirements import Requirements
from videoimport.media.source import requirements
from videoimport.media.source.findings import Finding
from videoimport.media.source.packet_scan import Track, declared, walk
from videoimport.media.source.probe import MOST_LISTED, parse_probe
from videoimport.media.source.probe_bounds import LATEST_SECONDS, MOST_ANSWER, MOST_NAME
from videoimport.media.source.streams import Media
from videoimport.media.source.truncation import find_truncation
from videoimport.media.timeline.clock_repair import repair
from videoimport.media.transcode import command
from videoimport.media.transcode.job import Inputs, Job, audio_delay, offset
from videoimport.media.transcode.output_files import MOST_HEAD_BYTES, targets_of
from videoimport.media.transcode.plan import Picture, Sound, decide
from videoimport.media.transcode.progress import output_seconds, percent
from videoimport.media.verify import compare as verify
from videoimport.media.verify.compare import Compared
from videoimport.worker.pipeline.source_facts import metadata
from videoimport.worker.source.probe import Examined

ODD = [
    None, True, "", "N/A", "nan", "inf", "-inf", "0/0", "1/0", "0/1", "-1/2", "1:", "²", "٣", "1e30", "-1e30", "1e999",
    "-5", "9" * 30, "9" * 5000, "2147483647/1", "1/2147483647", "4294967296/1", "1000000:1", "1:1000000",
    "a\x00\x1b[31m\u202eb", "x" * 5000, [], [[]], [None], {}, {"a": []}, 0, -1, 1, 2**31, 2**70, -(2**70), 1e30,
    float("nan"), float("inf"), 1.5, "640", "25/1", "30000/1001", "48000", "10.5", "h264", "aac", "yuv420p", "High",
    "LC", "progressive",
]  # fmt: skip
odd = some.one_of(some.sampled_from(ODD), some.integers(), some.floats(), some.text(max_size=20))

FIELDS = (
    "codec_name", "profile", "level", "pix_fmt", "width", "height", "sample_aspect_ratio", "field_order",
    "color_transfer", "avg_frame_rate", "r_frame_rate", "duration", "start_time", "bit_rate", "channels", "sample_rate",
    "disposition", "side_data_list",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "width": 1280, "height": 720, "avg_frame_rate": "25/1", "r_frame_rate": "25/1", "codec_name": "h264",
    "pix_fmt": "yuv420p", "profile": "High", "level": 31, "duration": "10", "channels": 2, "sample_rate": "48000",
}  # fmt: skip
flags = some.one_of(odd, some.dictionaries(some.sampled_from(["default", "attached_pic", "timed_thumbnails"]), odd))
side_data = some.one_of(
    odd, some.lists(some.one_of(odd, some.dictionaries(some.sampled_from(["rotation", "dv_profile"]), odd)), max_size=3)
)


def stream(kind: str, index: int) -> some.SearchStrategy[dict[str, Any]]:
    """A stream that is good but for some of its fields."""
    named = {"disposition": flags, "side_data_list": side_data}
    spoiled = some.fixed_dictionaries({}, optional={name: named.get(name, odd) for name in FIELDS})
    return spoiled.map(lambda fields: {**GOOD, "index": index, "codec_type": kind, **fields})


formats = some.fixed_dictionaries(
    {}, optional=dict.fromkeys(("format_name", "duration", "start_time", "bit_rate"), odd)
)
answers = some.one_of(
    odd,
    some.fixed_dictionaries({"streams": some.one_of(odd, some.lists(odd, max_size=3))}, optional={"format": odd}),
    some.fixed_dictionaries(
        {"streams": some.tuples(stream("video", 0), stream("audio", 1)).map(list), "format": formats}
    ),
)
times = some.one_of(
    some.sampled_from(["", "N/A", "nan", "-inf", "1e308", "-1e308", "1e-320", "9" * 400, "-3", "0", "²", "x"]),
    some.floats(-10, 20).map(str),
    some.floats().map(str),
)
indices = some.sampled_from(["0", "1", "1", "²", "-1", "9" * 20, "70000"])
packet = some.tuples(indices, times, times, times, times, some.just("K_")).map(",".join)
packet_lines = some.lists(some.one_of(some.text(max_size=30), packet), max_size=12)
outputs = some.sampled_from([
    Output(), Output(mode="Encode"), Output(mode="Remux"), Output(mode="Original"),
    Output(audioFile=AudioFile(format="m4a")),
])  # fmt: skip


def parsed(answer: Any) -> Media | None:
    try:
        return parse_probe(json.dumps(answer))
    except ValueError:
        return None


def follow(media: Media, tracks: dict[int, Track], output: Output, wanted: Requirements | None) -> Finding | None:
    """What the worker asks of a source and of its result, in its order; a finding ends it."""
    video = media.video
    seconds = tracks.get(video.index, Track()).seconds if video else 0.0
    examined = Examined(Path("source"), 1, None, media, tracks, ())
    status = metadata(examined, examined, 1, seconds, None)
    assert status.model_validate_json(status.model_dump_json(by_alias=True)) == status
    found = find_truncation(lambda _offset, _length: b"", (), 1, media.demuxer)
    found = requirements.refusal(requirements.CheckedSource(media, None, seconds, 1, wanted)) or found
    early = requirements.early_refusal(requirements.CheckedSource(media, None, seconds, 1, wanted), lists_streams=True)
    assert early is None or isinstance(early, Finding)
    if video is None or not video.has_size:
        assert found is not None
        return found
    audio = media.audio
    repair(tracks.get(video.index, Track()), tracks.get(audio.index, Track()) if audio else None)
    job = job_of(media, tracks, output)
    for target in targets_of(job.plan, job.picture, job.sound, output, "out", growing=True):
        assert target.head_bytes is None or 0 < target.head_bytes <= MOST_HEAD_BYTES
        compared = Compared(job, target, media, tracks, ())
        for finding in (verify.difference(compared), verify.difference_of_damaged(compared)):
            assert finding is None or isinstance(finding, Finding)
        assert verify.loss(compared)
    command.transcode_argv(job, targets_of(job.plan, job.picture, job.sound, output, "out"))
    return found


def job_of(media: Media, tracks: dict[int, Track], output: Output) -> Job:
    video, audio = media.video, media.audio
    assert video is not None
    picture = Picture(video, tracks.get(video.index, Track()))
    sound = Sound(audio, tracks.get(audio.index, Track())) if audio else None
    starts = (media.start, media.start)
    step = offset(picture, sound, starts, audio_delay(media, media)) if sound else 0.0
    return Job(decide(picture, sound, output), picture, sound, Inputs("in", "in"), output, step)


@examples(400)
@given(answers, packet_lines, outputs, some.sampled_from([None, Requirements()]))
def test_any_answer_and_any_packets_lead_to_a_decision(
    answer: Any, lines: list[str], output: Output, wanted: Requirements | None
) -> None:
    media = parsed(answer)
    if media is not None:
        follow(media, walk(lines, media.demuxer), output, wanted)
        follow(media, declared(media), output, wanted)


@examples(300)
@given(answers)
def test_every_field_is_within_its_bounds(answer: Any) -> None:
    media = parsed(answer)
    for one in (*media.videos, *media.audios, media) if media else ():
        assert one.duration is None or 0 <= one.duration <= LATEST_SECONDS
        assert one.start is None or abs(one.start) <= LATEST_SECONDS
        assert one.bit_rate is None or one.bit_rate >= 0
        for name in ("codec", "profile", "pixels", "field_order", "transfer", "demuxer"):
            text = getattr(one, name, "")
            assert len(text) <= MOST_NAME
            assert text.isprintable()
            assert text.isascii()
    for video in media.videos if media else ():
        assert 0 <= video.short_side < 2**38
        assert video.rotation in (0, 90, 180, 270)
        assert video.frame_seconds > 0
        assert video.rate is None or len(f"{video.rate.numerator}/{video.rate.denominator}") <= 32


@given(packet_lines)
def test_every_track_is_within_its_bounds(lines: list[str]) -> None:
    for index, track in walk(lines).items():
        assert 0 <= index < MOST_LISTED
        assert 0 <= track.seconds <= 3 * LATEST_SECONDS
        assert min(track.gaps, track.still, track.hidden, track.size) >= 0


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "1", '"x"', "[" * 100_000, '{"a": "' + "x" * MOST_ANSWER + '"}']
)
def test_what_is_no_object_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_probe(text)


def test_no_more_streams_are_looked_at_than_are_needed_to_refuse_them() -> None:
    many = [{**GOOD, "codec_type": "video", "index": index} for index in range(5000)]
    assert requirements.MOST_STREAMS < len(parse_probe(json.dumps({"streams": many})).videos) <= MOST_LISTED


@given(some.lists(some.one_of(some.text(), some.text().map("out_time_us={}".format), odd.map("out_time_us={}".format))))
def test_progress_is_never_negative_nor_beyond_its_bound(lines: list[str]) -> None:
    assert all(0 <= seconds <= LATEST_SECONDS for seconds in output_seconds(lines))


@given(some.floats(0, LATEST_SECONDS), some.one_of(some.none(), some.floats(-1, 3 * LATEST_SECONDS)))
def test_a_percentage_is_one(done: float, total: float | None) -> None:
    assert 0 <= percent(done, total) <= 100
