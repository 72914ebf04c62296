"""Sources, sounds and outputs whose argument lists for ffmpeg are frozen: with each kind of filter and of branch."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from videoimport.api.output_options import Output
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Video
from videoimport.media.transcode import command
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.output_files import targets_of
from videoimport.media.transcode.plan import Picture, Sound, decide

TRACK = Track(packets=250, size=5_000_000, start=0.0, end=10.0)
PLAIN = Video(0, "vp9", pixels="yuv420p", width=1920, height=1080, field_order="progressive", rate=Fraction(25))
HEIGHTS = [{"name": "360p", "height": 360, "crf": 28}, {"name": "720p", "height": 720}]

VIDEOS = {
    "plain": PLAIN,
    "another-index": replace(PLAIN, index=3),
    "top-field-first": replace(PLAIN, field_order="tt"),
    "combed": replace(PLAIN, combed="bb"),
    "pq": replace(PLAIN, pixels="yuv420p10le", transfer="smpte2084", primaries="bt2020", matrix="bt2020nc"),
    "hlg": replace(PLAIN, pixels="yuv420p10le", transfer="arib-std-b67"),
    "proven-hdr": replace(PLAIN, pixels="yuv420p10le", hdr="smpte2084"),
    "wide": replace(PLAIN, primaries="bt2020", matrix="bt2020nc"),
    "linear": replace(PLAIN, transfer="linear"),
    "grey": replace(PLAIN, pixels="gray"),
    "rgb": replace(PLAIN, pixels="gbrp"),
    "palette": replace(PLAIN, pixels="pal8"),
    "full-range": replace(PLAIN, range="pc"),
    "pal": replace(PLAIN, width=720, height=576, sample_aspect=Fraction(64, 45)),
    "ntsc": replace(PLAIN, width=720, height=480, rate=Fraction(30000, 1001), base_rate=Fraction(30000, 1001)),
    "portrait": replace(PLAIN, rotation=90),
    "odd": replace(PLAIN, width=641, height=361),
    "fast": replace(PLAIN, rate=Fraction(120)),
    "slides": replace(PLAIN, rate=Fraction(1, 3)),
    "unknown-rate": replace(PLAIN, rate=None),
}
STEREO = Audio(1, "opus", channels=2, layout="stereo", sample_rate=48000, language="deu")
SOUNDS = {
    "none": None,
    "mono": replace(STEREO, channels=1, layout="mono"),
    "one-side": replace(STEREO, channels=1, layout="1 channels (FL)"),
    "low-rate": replace(STEREO, sample_rate=11025),
    "5.1": replace(STEREO, channels=6, layout="5.1(side)"),
    "7.1": replace(STEREO, channels=8, layout="7.1"),
    "unnamed": replace(STEREO, channels=3, layout=""),
    "custom": replace(STEREO, channels=5, layout="5 channels (FL+FR+LFE+BC+TC)"),
}
OUTPUTS: dict[str, dict[str, Any]] = {
    "video": {},
    "renditions": {"renditions": HEIGHTS},
    "equal-renditions": {"renditions": [{"name": "a", "height": 360}, {"name": "b", "height": 360}]},
    "audio-file": {"audioFile": {"format": "mp3"}},
    "all": {"renditions": HEIGHTS, "audioFile": {}, "metadata": "Keep"},
    "hevc": {"video": {"codec": "hevc"}},
    "av1": {"video": {"codec": "av1", "maxHeight": 720}},
    "remux": {"mode": "Remux"},
    "remux-with-renditions": {"mode": "Remux", "renditions": HEIGHTS},
}
ONE_FILE, TWO_FILES = Inputs("/s/in", "/s/in"), Inputs("/s/v", "/s/a", 0.5)
PLACES = {"one-file": ONE_FILE, "two-files": TWO_FILES, "growing": Inputs(*["http://127.0.0.1:4711/t/v"] * 2)}


def lists() -> dict[str, list[str]]:
    """Return the argument list of each case."""
    sound = _sound(STEREO)
    joined = Sound(replace(STEREO, channels=2), TRACK, replace(STEREO, index=2, channels=1, layout="mono"))
    found = {f"source-{name}": _list(video, None, OUTPUTS["video"]) for name, video in VIDEOS.items()}
    found |= {f"sound-{name}": _list(PLAIN, _sound(audio), OUTPUTS["audio-file"]) for name, audio in SOUNDS.items()}
    found |= {f"output-{name}": _list(PLAIN, sound, fields) for name, fields in OUTPUTS.items()}
    found |= {f"joined-{name}": _list(PLAIN, joined, OUTPUTS["all"], inputs) for name, inputs in PLACES.items()}
    found |= {f"from-{name}": _list(PLAIN, sound, OUTPUTS["all"], inputs) for name, inputs in PLACES.items()}
    found["tolerant"] = _list(PLAIN, sound, OUTPUTS["all"], is_tolerant=True, title="A lecture")
    return found | {f"thumbnail-{name}": _thumbnail(video) for name, video in VIDEOS.items()}


def _sound(audio: Audio | None) -> Sound | None:
    return Sound(audio, TRACK) if audio else None


def _list(
    video: Video, sound: Sound | None, fields: dict[str, Any], inputs: Inputs = ONE_FILE, **more: Any
) -> list[str]:
    output, picture = Output.model_validate({"mode": "Encode"} | fields), Picture(video, TRACK)
    job = Job(decide(picture, sound, output), picture, sound, inputs, output, **more)
    growing = inputs.video_path.startswith("http")
    return command.transcode_argv(job, targets_of(job.plan, picture, sound, output, "/o", growing=growing))


def _thumbnail(video: Video) -> list[str]:
    return command.thumbnail_argv("/s/v", video, 1.5, "/o/001.jpg", is_exact=True)
