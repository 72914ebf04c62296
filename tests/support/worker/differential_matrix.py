"""The files of the differential test: containers, codecs, track orders, changes on the way, clocks and damages.

Each is made of one recording with numbered pictures (``numbered``). What a plain decode by ffmpeg shows of it must come
out of an import; where a documented rule says otherwise, the case names the rule.
"""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.worker import numbered_pictures

PICTURES = 100
HALF = PICTURES // 2 / numbered_pictures.RATE
ALL = tuple(range(PICTURES))
SIZE = (320, 180)
Make = Callable[[Path, Path], None]
"""Given the recording and the file to be written."""


@dataclass(frozen=True)
class Case:
    """A file, and what must come of it."""

    name: str
    make: Make
    video: str = "V:0"
    """The streams that the rules take, for the plain decode."""
    audio: str = "a:0"
    reason: str | None = None
    """The reason of the refusal; None for an import."""
    numbers: tuple[int, ...] | None = None
    """The pictures, where a rule says something else than a plain decode."""
    beeps: tuple[float, ...] | None = None
    """The same for sound."""
    turned_at: float | None = None
    """From then on the picture stands upright in the middle of the first size."""
    late: float = 0.0
    """Seconds that the pictures of a later part may come later, since the sound of the part before it lasts longer."""
    output: dict[str, Any] = field(default_factory=dict)
    is_quick: bool = False
    """Part of every test run."""
    rule: str = ""
    """What docs/videoimports.md says of it."""


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *words], check=True)


H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p")
VIDEO = {
    "h264": H264,
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"),
    "mpeg2": ("-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-g", "12"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "3"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"),
    "mjpeg": ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p"),
    "prores": ("-c:v", "prores_ks", "-profile:v", "1"),
}
AUDIO = {
    "aac": ("-c:a", "aac"), "mp3": ("-c:a", "libmp3lame"), "mp2": ("-c:a", "mp2"), "ac3": ("-c:a", "ac3"),
    "opus": ("-c:a", "libopus"), "vorbis": ("-c:a", "libvorbis"), "pcm": ("-c:a", "pcm_s16le"), "none": ("-an",),
}  # fmt: skip
PLAIN = (*H264, "-c:a", "aac")


def one(*words: str, before: Sequence[str] = ()) -> Make:
    """One run of ffmpeg over the recording."""
    return lambda base, target: ffmpeg(*before, "-i", base, *words, target)


def copied(*words: str, first: Sequence[str] = PLAIN, kind: str = "mkv") -> Make:
    """An encode of the recording, then a copy of that with other words."""

    def make(base: Path, target: Path) -> None:
        between = target.with_suffix(f".between.{kind}")
        ffmpeg("-i", base, *first, between)
        ffmpeg("-i", between, "-c", "copy", *words, target)

    return make


def halves(before: Sequence[str], after: Sequence[str], *, clock: bool = False) -> Make:
    """Two transport streams written one after the other; ``clock``: the second one's goes on where the first ended."""

    def make(base: Path, target: Path) -> None:
        parts = []
        for number, words in enumerate((before, after)):
            part = target.with_suffix(f".{number}.ts")
            cut = ("-ss", str(HALF)) if number else ("-t", str(HALF))
            shifted = ("-output_ts_offset", str(HALF)) if number and clock else ()
            ffmpeg(*cut, "-i", base, *words, *shifted, part)
            parts.append(part.read_bytes())
        target.write_bytes(b"".join(parts))

    return make


def listed(after: Sequence[str], first: Sequence[str] = PLAIN) -> Make:
    """Two encodes of one codec copied into one file, as ffmpeg's concat does: the same streams, other parameters."""

    def make(base: Path, target: Path) -> None:
        names = []
        for number, words in enumerate((first, after)):
            part = target.with_suffix(f".{number}.ts")
            ffmpeg(*(("-ss", str(HALF)) if number else ("-t", str(HALF))), "-i", base, *words, part)
            names.append(f"file '{part}'\n")
        names_file = target.with_suffix(".txt")
        names_file.write_text("".join(names))
        ffmpeg("-f", "concat", "-safe", "0", "-i", names_file, "-c", "copy", target)

    return make


def in_a_row(*first: str) -> Make:
    """Two whole files written one after the other."""

    def make(base: Path, target: Path) -> None:
        parts = []
        for number, cut in enumerate((("-t", str(HALF)), ("-ss", str(HALF)))):
            part = target.with_suffix(f".{number}{target.suffix}")
            ffmpeg(*cut, "-i", base, *PLAIN, *first, part)
            parts.append(part.read_bytes())
        target.write_bytes(b"".join(parts))

    return make


def preview(*flags: str) -> Make:
    """A preview track stands before the video."""

    def make(base: Path, target: Path) -> None:
        graph = "[0:v]split[s][v];[s]fps=1,scale=80:-2[p]"
        ffmpeg("-i", base, "-filter_complex", graph, "-map", "[p]", "-map", "[v]", "-map", "0:a", "-c:v:0", "mjpeg",
               *(word.replace("-c:v", "-c:v:1") for word in H264[:2]), "-preset:v:1", "veryfast", "-pix_fmt:v:1",
               "yuv420p", "-pix_fmt:v:0", "yuvj420p", "-c:a", "aac", *flags, target)  # fmt: skip

    return make


TONE = ("-f", "lavfi", "-i", f"sine=f=300:r=48000:d={PICTURES / numbered_pictures.RATE}")


def with_tone(*words: str) -> Make:
    """The recording with a second sound: a tone that never pauses."""
    return lambda base, target: ffmpeg("-i", base, *TONE, *words, target)


def damaged(first: Make, change: Callable[[bytes], bytes]) -> Make:
    def make(base: Path, target: Path) -> None:
        first(base, target)
        target.write_bytes(change(target.read_bytes()))

    return make


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


def _container(kind: str, video: str, audio: str, **more: Any) -> Case:
    words = (*VIDEO[video], *AUDIO[audio], *(("-strict", "-2") if kind == "mp4" else ()))
    return Case(f"{video}-{audio}.{kind}", one(*words), **more)


CONTAINERS = (
    _container("mp4", "h264", "aac", is_quick=True), _container("mov", "h264", "pcm"),
    _container("mkv", "h264", "opus"),
    _container("ts", "h264", "aac"), _container("flv", "h264", "mp3"), _container("mkv", "h264", "none"),
    _container("mp4", "hevc", "ac3"), _container("mkv", "hevc", "aac"), _container("ts", "hevc", "mp2"),
    _container("ts", "mpeg2", "ac3"), _container("mpg", "mpeg2", "mp2"), _container("mkv", "mpeg2", "mp2"),
    _container("avi", "mpeg4", "mp3"), _container("mp4", "mpeg4", "aac"), _container("webm", "vp8", "vorbis"),
    _container("webm", "vp9", "opus"), _container("mp4", "vp9", "opus"), _container("avi", "mjpeg", "pcm"),
    _container("mov", "mjpeg", "pcm"), _container("mov", "prores", "pcm"),
    Case("fragmented.mp4", one(*PLAIN, "-movflags", "frag_keyframe+empty_moov+default_base_moof")),
    Case("encoded.mp4", one(*PLAIN), output={"mode": "Encode"}),
)  # fmt: skip

ORDERS = (
    Case("sound-first.mp4", one(*PLAIN, "-map", "0:a", "-map", "0:v"), is_quick=True),
    Case("sound-first.ts", one(*PLAIN, "-map", "0:a", "-map", "0:v")),
    Case("preview-first.mp4", preview(), video="v:1", is_quick=True, rule="a preview is left out"),
    Case("preview-first.mkv", preview("-disposition:v:0", "default", "-disposition:v:1", "0"), video="v:1"),
    Case("default-second.mkv", with_tone("-map", "0:v", "-map", "1:a", "-map", "0:a", *PLAIN, "-disposition:a:0", "0",
         "-disposition:a:1", "default", "-metadata:s:a:0", "language=fra"), audio="a:1", rule="default flag"),
    Case("commentary-first.mkv", with_tone("-map", "0:v", "-map", "1:a", "-map", "0:a", *PLAIN, "-disposition:a:0",
         "comment", "-disposition:a:1", "0"), audio="a:1", rule="sound for a part of the audience is left out"),
    Case("short-sound-first.mkv", with_tone("-map", "0:v", "-map", "1:a", "-map", "0:a", *PLAIN, "-filter:a:0",
         "atrim=end=1", "-metadata:s:a:0", "language=fra"), audio="a:1", rule="a short track is left out"),
    Case("radio-first.ts", with_tone("-map", "1:a", "-map", "0:v", "-map", "0:a", *H264, "-c:a", "mp2", "-program",
         "title=radio:st=0", "-program", "title=tv:st=1:st=2"), audio="a:1", is_quick=True, rule="one program"),
    Case("two-mono.mp4", one(*PLAIN, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-ac", "1"), is_quick=True,
         rule="two mono tracks are joined"),
)  # fmt: skip


def segments(base: Path, target: Path) -> None:
    """Segments that each count their packets anew, written one after the other."""
    ffmpeg("-i", base, *PLAIN, "-f", "segment", "-segment_time", "1", "-segment_format", "mpegts",
           target.with_suffix(".%d.ts"))  # fmt: skip
    parts = [target.with_suffix(f".{number}.ts") for number in range(PICTURES // numbered_pictures.RATE)]
    target.write_bytes(b"".join(part.read_bytes() for part in parts))


UPRIGHT = ("-vf", "scale=180:320")
MPEG2 = (*VIDEO["mpeg2"], "-c:a", "mp2")
OTHER_PIDS = ("-mpegts_start_pid", "0x200")
M2TS = ("-mpegts_m2ts_mode", "1", "-f", "mpegts")
BLU_RAY = (*H264, "-c:a", "pcm_bluray", "-strict", "-2", "-ar", "48000", "-ac", "2", *M2TS)
S302M = (*H264, "-c:a", "s302m", "-strict", "-2", "-ar", "48000", "-ac", "2")
LAST_BEFORE_LOST = (*ALL[: PICTURES // 2 - 1], *ALL[PICTURES // 2 :])
EVERY_BEEP = (0.0, 1.0, 2.0, 3.0)
CHANGES = (
    Case("other-pids.ts", halves(PLAIN, (*PLAIN, *OTHER_PIDS)), numbers=ALL, beeps=EVERY_BEEP, is_quick=True,
         rule="parts are joined"),
    Case("segments.ts", segments, is_quick=True),
    Case("segments-encoded.ts", segments, output={"mode": "Encode"}),
    Case("same-pids.ts", halves(PLAIN, PLAIN), numbers=ALL, beeps=EVERY_BEEP, rule="parts are joined"),
    Case("swapped-pids.ts", halves(PLAIN, (*PLAIN, "-map", "0:a", "-map", "0:v")), numbers=ALL, beeps=EVERY_BEEP,
         rule="parts are joined"),
    Case("other-pids-clock-goes-on.ts", halves(PLAIN, (*PLAIN, *OTHER_PIDS), clock=True), numbers=ALL,
         beeps=EVERY_BEEP, rule="parts are joined"),
    Case("other-pids-far-clock.ts", halves(PLAIN, (*PLAIN, *OTHER_PIDS, "-output_ts_offset", "50000")), numbers=ALL,
         beeps=EVERY_BEEP, rule="parts are joined"),
    Case("other-pids-turned.ts", halves(PLAIN, (*PLAIN, *UPRIGHT, *OTHER_PIDS)), numbers=ALL, beeps=EVERY_BEEP,
         turned_at=HALF, rule="parts are joined"),
    Case("mpeg2-turned.ts", halves(MPEG2, (*MPEG2, *UPRIGHT, *OTHER_PIDS)), numbers=LAST_BEFORE_LOST,
         beeps=EVERY_BEEP, turned_at=HALF, late=0.03,
         rule="ffmpeg's MPEG-2 decoder drops the last picture before a new size"),
    Case("other-pids-other-rate.ts", halves(PLAIN, (*PLAIN, "-ar", "44100", *OTHER_PIDS)), numbers=ALL,
         beeps=EVERY_BEEP, rule="parts are joined"),
    Case("blu-ray-audio.m2ts", halves(BLU_RAY, BLU_RAY), numbers=ALL, beeps=EVERY_BEEP, rule="parts are joined"),
    Case("private-audio.m2ts", halves((*PLAIN, *M2TS), (*PLAIN, *M2TS)), numbers=ALL, beeps=EVERY_BEEP,
         rule="parts are joined"),
    Case("smpte-302m.ts", halves(S302M, (*S302M, *OTHER_PIDS)), numbers=ALL, beeps=EVERY_BEEP, rule="parts are joined"),
    Case("other-codec.ts", halves(PLAIN, (*MPEG2, *OTHER_PIDS)), reason="UnsupportedSource"),
    Case("other-codec-same-pids.ts", halves(PLAIN, MPEG2), reason="UnsupportedSource"),
    Case("sound-later.ts", halves((*H264, "-an"), (*PLAIN, *OTHER_PIDS)), reason="UnsupportedSource"),
    Case("in-a-row.mp4", in_a_row(), reason="UnsupportedSource"),
    Case("in-a-row.flv", in_a_row("-ar", "44100"), reason="UnsupportedSource"),
    Case("in-a-row.ogv", in_a_row("-c:v", "libtheora", "-c:a", "libvorbis"), reason="UnsupportedSource"),
    Case("in-a-row-fragments.mp4", in_a_row("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
         reason="UnsupportedSource"),
    Case("turned.ts", listed((*PLAIN, *UPRIGHT)), numbers=ALL, turned_at=HALF, is_quick=True, rule="fitted"),
    Case("turned.mp4", listed((*PLAIN, *UPRIGHT)), numbers=ALL, turned_at=HALF, rule="fitted"),
    Case("turned.mkv", listed((*MPEG2, *UPRIGHT), MPEG2), turned_at=HALF, rule="fitted"),
    Case("turned-copied.ts", listed((*PLAIN, *UPRIGHT)), reason="UnsupportedFormat", output={"mode": "Remux"}),
    Case("larger.ts", listed((*PLAIN, "-vf", "scale=640:360"))),
    Case("aspect.ts", listed((*PLAIN, "-vf", "setsar=81/256")), turned_at=HALF, numbers=ALL, rule="fitted"),
    Case("other-rate.ts", listed((*PLAIN, "-ar", "44100")), beeps=EVERY_BEEP, is_quick=True),
    Case("other-channels.ts", listed((*PLAIN, "-ac", "1")), beeps=EVERY_BEEP),
    Case("other-rate-copied.ts", listed((*PLAIN, "-ar", "44100")), reason="UnsupportedFormat",
         output={"mode": "Remux"}),
)  # fmt: skip

LATE = ("-itsoffset", "0.5")
TIMES = (
    Case("far-start.ts", one(*PLAIN, "-output_ts_offset", "3600")),
    Case("few-times.vob", one(*H264, "-c:a", "ac3", "-f", "dvd")),
    Case("far-start.mkv", copied("-output_ts_offset", "20")),
    Case("late-sound.mkv", lambda base, target: ffmpeg("-i", base, *LATE, "-i", base, "-map", "0:v", "-map", "1:a",
                                                       *PLAIN, target)),
    Case("late-picture.mkv", lambda base, target: ffmpeg("-i", base, *LATE, "-i", base, "-map", "1:v", "-map", "0:a",
                                                         *PLAIN, target)),
    Case("uneven.mkv", one(*PLAIN, "-vf", "select='not(mod(n\\,3))+lt(mod(n\\,20)\\,9)'", "-fps_mode", "vfr")),
    Case("cut.mp4", copied("-ss", "1.5", kind="mp4")),
    Case("sound-ends-early.mkv", one(*PLAIN, "-af", "atrim=end=2.5")),
)  # fmt: skip

DAMAGES = (
    Case("cut-short.mp4", damaged(one(*PLAIN, "-movflags", "+faststart"), _cut), reason="SourceTruncated",
         is_quick=True),
    Case("cut-short.mkv", damaged(one(*PLAIN), _cut), reason="SourceTruncated"),
)  # fmt: skip

CASES = (*CONTAINERS, *ORDERS, *CHANGES, *TIMES, *DAMAGES)
