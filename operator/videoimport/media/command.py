"""ffmpeg's argument lists. Every one reads local files only and stops at the first error."""

from dataclasses import dataclass

from videoimport.api.output import Output
from videoimport.media.compliance import ceiling, is_hdr, is_interlaced
from videoimport.media.plan import Picture, Plan, Sound, filters, frames_a_second
from videoimport.media.probe import GUARDS

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_HEAD = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-xerror")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the streams lie: a page may give video and audio as two files, which are then never merged before."""

    video_path: str
    audio_path: str
    """The same path where one file has both."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Each file once."""
        return (self.video_path,) if self.audio_path == self.video_path else (self.video_path, self.audio_path)


def transcode_argv(
    plan: Plan, picture: Picture, sound: Sound | None, output: Output, inputs: Inputs, target: str
) -> list[str]:
    """One faststart MP4 with one video stream and at most one audio stream; nothing else of the source comes along."""
    return [
        *_HEAD,
        *_inputs(inputs.paths),
        "-map", f"0:{picture.video.index}",
        *(("-map", f"{len(inputs.paths) - 1}:{sound.audio.index}") if sound else ()),
        "-sn", "-dn", "-map_chapters", "-1",
        *(("-c:v", "copy") if plan.copy_video else _encode_video(plan, picture, output)),
        *(() if sound is None else ("-c:a", "copy") if plan.copy_audio else _encode_audio(sound, output)),
        "-max_muxing_queue_size", "4096",
        "-movflags", "+faststart", "-f", "mp4",
        "-progress", "pipe:1", "-stats_period", "0.5", "-nostats",
        "-y", f"file:{target}",
    ]  # fmt: skip


def _inputs(paths: tuple[str, ...]) -> list[str]:
    return [word for path in paths for word in (*GUARDS, "-i", f"file:{path}")]


COARSE_SECONDS = 0.2
"""Frames that last longer are not put onto a grid of their own rate: it may move each by half of this."""


def _encode_video(plan: Plan, picture: Picture, output: Output) -> tuple[str, ...]:
    wish, limit = output.video, ceiling(output.video)
    kbps = min(wish.max_bitrate_kbps, limit.kbps)
    fastest = frames_a_second(plan.size, limit)
    grid = ("-enc_time_base", f"1:{fastest}") if picture.video.frame_seconds > COARSE_SECONDS else ()
    return (
        "-c:v", "libx264", "-preset", wish.preset, "-crf", str(wish.crf),
        "-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k",
        "-profile:v", "high", "-level:v", f"{limit.level / 10}",
        "-vf", ",".join(filters(picture.video, plan.size)),
        "-fps_mode", "vfr", "-fpsmax", str(fastest), *grid,
    )  # fmt: skip


def _encode_audio(sound: Sound, output: Output) -> tuple[str, ...]:
    rate = sound.audio.sample_rate if sound.audio.sample_rate in AAC_RATES else 48000
    return (
        "-c:a", "aac", "-b:a", f"{output.audio.bitrate_kbps}k",
        "-ac", str(min(2, sound.audio.channels)), "-ar", str(rate),
        # Silence for gaps: the encoder would close them, and everything after would be early.
        "-af", "aresample=async=1:min_hard_comp=0.1",
    )  # fmt: skip


def decode_argv(path: str, *, keyframes_only: bool) -> list[str]:
    """Decode everything, or the keyframes and all audio, into nothing: silent and 0 when the file is clean.

    ``vfr`` drops frames whose times go backwards, of which the muxer would complain as if the file were damaged. Only a
    full decode proves damage: keyframes of open GOPs refer to frames that a decoder of keyframes alone has not seen.
    """
    skip = ("-skip_frame", "nokey") if keyframes_only else ()
    return [*_HEAD, *skip, *GUARDS, "-i", f"file:{path}", "-map", "0:v?", "-map", "0:a?", "-fps_mode", "vfr",
            "-f", "null", "-"]  # fmt: skip


ENCODERS_ARGV = ("ffmpeg", "-hide_banner", "-v", "error", "-encoders")
FILTERS_ARGV = ("ffmpeg", "-hide_banner", "-v", "error", "-filters")


def needed_encoders(plan: Plan, sound: Sound | None) -> frozenset[str]:
    """ffmpeg's names of the encoders a plan stands on."""
    video = () if plan.copy_video else ("libx264",)
    audio = () if plan.copy_audio or sound is None else ("aac",)
    return frozenset((*video, *audio))


def needed_filters(plan: Plan, picture: Picture) -> frozenset[str]:
    """ffmpeg's names of the filters that not every build has and this plan stands on."""
    if plan.copy_video:
        return frozenset()
    colours = ("zscale", "tonemap") if is_hdr(picture.video) else ()
    return frozenset((*colours, *(("bwdif",) if is_interlaced(picture.video) else ())))


def listed_names(text: str) -> frozenset[str]:
    """The second word of each line of ``-encoders`` or ``-filters``: flags come first, then the name."""
    return frozenset(words[1] for line in text.splitlines() if len(words := line.split()) > 1)
