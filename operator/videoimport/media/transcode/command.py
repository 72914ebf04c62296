"""ffmpeg's argument lists for encodes, copies, repairs, checks and still pictures.

Each command reads local files or the worker's loopback server. Encodes, copies and checks stop at the first error,
unless damage is tolerated.
"""

import re

from videoimport.api.output_options import Output
from videoimport.media.source.packet_scan import SAME_SECONDS
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Audio, Video
from videoimport.media.timeline.clock_repair import Repair, audio_filters, most_reordered, video_filters
from videoimport.media.transcode import channels, color, metadata
from videoimport.media.transcode import frame_pacing as pacing
from videoimport.media.transcode.compliance import is_interlaced
from videoimport.media.transcode.encoder_arguments import encoding, known, tags
from videoimport.media.transcode.filter_graph import Filter, apply, chain, compose, join, read_stream
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import Sound, even, filters
from videoimport.media.transcode.scale_graph import graph

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_START = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error")
_STEADY = ("-dts_delta_threshold", "1000000")
"""Options that let ffmpeg accept pauses in the times. The value is in seconds.

Without these options, ffmpeg treats a slide's long frame as a clock restart and closes the pause. Real clock restarts
are repaired before. See ``repair``.
"""
_HEAD = (*_START, *_STEADY, "-xerror")
_TOLERANT = (*_START, *_STEADY, "-max_error_rate", "1")


def transcode_argv(job: Job, targets: tuple[Target, ...]) -> list[str]:
    """Return one ffmpeg command for all targets. Each target has at most one video stream and at most one audio stream.

    No other streams of the source are in a target. ffmpeg decodes an encoded video stream only once.
    """
    pictures = tuple(target for target in targets if target.wish and not target.copies)
    composed, links = graph(job.picture.video, pictures, len(job.inputs.paths)) if pictures else ("", ())
    link_of = dict(zip((target.path for target in pictures), links, strict=True))
    return [
        *(_TOLERANT if job.is_tolerant else _HEAD),
        *_inputs(job),
        *(("-filter_complex", composed) if pictures else ()),
        *(word for target in targets for word in _made(job, target, link_of.get(target.path, ""))),
    ]  # fmt: skip


def _inputs(job: Job) -> list[str]:
    words: list[str] = []
    for path, delay in zip(job.inputs.paths, job.inputs.delays, strict=True):
        words += ("-err_detect", "ignore_err") if job.is_tolerant else ()
        # Copied frames without times (AVI) get the times of a steady rate, because MP4 requires times.
        words += ("-fflags", "+genpts") if job.plan.copy_video and job.picture.track.untimed else ()
        words += ("-itsoffset", f"{delay:.6f}") if delay else ()
        words += (*guarded(path, seekable=job.inputs.seekable), "-i", address(path))
    return words


def _made(job: Job, target: Target, link: str) -> list[str]:
    """Return the arguments for one file. ``link`` is the filter graph's output for an encoded video."""
    return [
        *_video(job, target, link),
        *_audio(job, target),
        *metadata.told(job, job.sound), "-sn", "-dn", "-map_chapters", "-1", "-max_muxing_queue_size", "4096",
        *_container(target),
        *(("-progress", "pipe:1", "-stats_period", "0.5", "-nostats") if target.kind == "video" else ()),
        "-y", f"file:{target.path}",
    ]  # fmt: skip


def _container(target: Target) -> tuple[str, ...]:
    if not target.is_mp4:
        return ("-f", "mp3")
    if target.head_bytes is None:
        return ("-movflags", "+faststart", "-f", "mp4")
    return ("-moov_size", str(target.head_bytes), "-f", "mp4")


def head_overflowed(stderr: str) -> bool:
    """Return whether ffmpeg failed because the space reserved for an index was too small. The file of such a run is
    unusable."""
    return "reserved_moov_size is too small" in stderr


def _video(job: Job, target: Target, link: str) -> tuple[str, ...]:
    if target.wish is None or target.size is None:
        return ()
    video = job.picture.video
    if target.copies:
        return ("-map", f"0:{video.index}", "-c:v", "copy", *color.tagging(video), *tags(video.codec))
    most = pacing.fastest(target)
    encoder = encoding(target.wish, pacing.promised_rate(video, most))
    return ("-map", link, *encoder, *pacing.words(video, most))


def _audio(job: Job, target: Target) -> tuple[str, ...]:
    sound = job.sound
    if sound is None:
        return ()
    file = len(job.inputs.paths) - 1
    if copies_audio(job, target):
        return ("-map", f"{file}:{sound.audio.index}", "-c:a", "copy")
    wish = job.output.audio_file if target.kind == "audio" else None
    kbps = (wish.bitrate_kbps if wish else None) or job.output.audio.bitrate_kbps
    return (*_heard(sound, file, target), *_encode_audio(sound, kbps, is_mp3=not target.is_mp4))


_WITHOUT_GAPS = Filter("aresample", {"async": 1, "min_hard_comp": "0.1"})
"""Filter that fills gaps with silence.

Without the filter, the encoder would close the gaps, and later audio would be early.
"""


def _heard(sound: Sound, file: int, target: Target) -> tuple[str, ...]:
    """Return the arguments for decoded audio from one track, or from two mono tracks as left and right channel.

    ffmpeg keeps the tags of a track only with ``-af``. The output of a graph with several inputs has no tags.
    """
    if sound.second is None:
        return ("-map", f"{file}:{sound.audio.index}", "-af", chain((*channels.mix(sound.audio), _WITHOUT_GAPS)))
    sides = tuple(apply(read_stream(file, audio.index), _WITHOUT_GAPS) for audio in (sound.audio, sound.second))
    joined = join(sides, Filter("join", {"inputs": 2, "channel_layout": "stereo"}))
    composed, (link,) = compose(file + 1, (joined,), f"{target.kind}-{target.name}-")
    return ("-filter_complex", composed, "-map", link)


def copies_audio(job: Job, target: Target) -> bool:
    """Return whether a target contains a copy of the source's own audio."""
    copied = job.plan.copy_audio_file if target.kind == "audio" else job.plan.copy_audio
    return copied and job.sound is not None


def _encode_audio(sound: Sound, kbps: int, *, is_mp3: bool) -> tuple[str, ...]:
    rates = MP3_RATES if is_mp3 else AAC_RATES
    rate = sound.audio.sample_rate if sound.audio.sample_rate in rates else 48000
    codec = ("libmp3lame", "-b:a", f"{min(kbps, 320)}k") if is_mp3 else ("aac", "-b:a", f"{kbps}k")
    return (
        "-c:a", *codec, "-ac", str(min(channels.MOST, sound.audio.channels)), "-ar", str(rate),
    )  # fmt: skip


def mend_argv(path: str, video: Video, audio: Audio | None, repair: Repair, mended: str, muxer: str) -> list[str]:
    """Return the command that copies a source's chosen streams into another file, with the times and the start of
    ``repair``.

    ``-copyts`` takes the times from the file unchanged, so that ffmpeg does not correct the clock itself. The ``muxer``
    must have the source's time base, because packet filters may get the time base of either file.
    """
    sound = ("-map", f"0:{audio.index}", "-c:a", "copy", "-bsf:a", audio_filters(repair)) if audio else ()
    reordered = most_reordered(video) if muxer == "matroska" else None
    return [
        *_START, "-copyts", "-fflags", "+genpts", *guarded(path), "-i", address(path),
        "-map", f"0:{video.index}", "-c:v", "copy", "-copyinkf:v", "-bsf:v", video_filters(repair, reordered),
        *sound, "-sn", "-dn", "-map_chapters", "-1", "-max_muxing_queue_size", "4096",
        "-muxdelay", "0", "-muxpreload", "0", "-f", muxer, "-y", f"file:{mended}",
    ]  # fmt: skip


PART_ENCODER = "libx264"
_PART_CRF = "10"
"""CRF of a rewritten part. At this quality, no loss is visible, although the import encodes the part once more."""


def part_argv(path: str, video: Video, written: str, first_pid: int, start: float, *, encodes: bool) -> list[str]:
    """Return the command that rewrites a part of a transport stream. All times stay unchanged.

    The audio begins at ``start``, in seconds of the part's clock. ``encodes`` is true for an H.264 part that must begin
    with an IDR frame. ffmpeg prints the number of decoded frames on its error stream.
    """
    fields = ("-flags:v", "+ildct+ilme") if is_interlaced(video) else ()
    encoding = ("-preset", "veryfast", "-crf", _PART_CRF, "-bf", "0", *fields, "-fps_mode", "passthrough",
                "-enc_time_base:v", "1:90000")  # fmt: skip
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "verbose", "-copyts", *guarded(path),
        "-i", address(path), "-map", f"0:{video.index}", "-map", "0:a?", "-c:a", "copy",
        "-bsf:a", f"noise=drop='lt(pts*tb,{start - SAME_SECONDS:.6f})'",
        *(("-c:v", PART_ENCODER, *encoding) if encodes else ("-c:v", "copy")),
        "-muxdelay", "0", "-muxpreload", "0", "-mpegts_start_pid", str(first_pid), "-f", "mpegts", "-y",
        f"file:{written}",
    ]  # fmt: skip


EVERYTHING = ("0:V?", "0:a?")
"""Streams of a file that are decoded in a check: all video and audio streams except cover pictures."""


def decode_argv(path: str, *, keyframes_only: bool, streams: tuple[str, ...] = EVERYTHING) -> list[str]:
    """Return the command that decodes streams without output. The command decodes all frames, or only the video
    keyframes, and always all audio.

    For a file without damage, ffmpeg prints nothing and exits with code 0. ``vfr`` drops frames whose times go
    backwards, because the muxer would report them as errors. Resampling does the same for audio. Only a complete decode
    proves damage. Keyframes of open GOPs refer to frames that a decoder of keyframes alone has not decoded.
    """
    skip = ("-skip_frame", "nokey") if keyframes_only else ()
    mapped = [word for stream in streams for word in ("-map", stream)]
    return [*_HEAD, *skip, *guarded(path), "-i", address(path), *mapped, "-fps_mode", "vfr",
            "-af", chain((_WITHOUT_GAPS,)), "-f", "null", "-"]  # fmt: skip


def imported_streams(job: Job, path: str) -> tuple[str, ...]:
    """Return the streams that an import uses from one of its inputs, as ffmpeg's stream specifiers.

    Damage in other streams does not affect the import.
    """
    inputs, sound = job.inputs, job.sound
    heard = (sound.audio, sound.second) if sound and path == inputs.paths[-1] else ()
    return (
        *((f"0:{job.picture.video.index}",) if path == inputs.video_path else ()),
        *(f"0:{audio.index}" for audio in heard if audio),
    )


def sample_argv(path: str, start: float, length: float, stream: str) -> list[str]:
    """Return the command that decodes ``length`` seconds of the video from ``start`` on.

    ffmpeg also decodes the frames between the previous keyframe and ``start``.
    """
    return [*_HEAD, "-ss", f"{start:.3f}", *guarded(path), "-i", address(path), "-map", stream, "-t", f"{length:.3f}",
            "-fps_mode", "vfr", "-f", "null", "-"]  # fmt: skip


def thumbnail_argv(path: str, video: Video, at: float, picture: str, *, is_exact: bool) -> list[str]:
    """Return the command for one JPEG of the first frame at or after ``at`` seconds.

    The JPEG is upright, with square pixels and ordinary colours. Without ``is_exact``, the JPEG shows the last
    keyframe before ``at``. Use this for a time near the end of the video, because there may be no frame after this
    time. After a seek, decoders print errors about frames that depend on earlier frames. These errors are ignored.
    """
    size = (even(video.shown[0]), even(video.shown[1]))
    composed = chain((*filters(video, size), *color.still(video)))
    return [
        *_START, *(() if is_exact else ("-noaccurate_seek",)), "-ss", f"{at:.3f}", *guarded(path), "-i", address(path),
        "-map", f"0:{video.index}", "-frames:v", "1", "-vf", composed, "-c:v", "mjpeg", "-q:v", "3",
        "-f", "image2", "-update", "1", "-y", f"file:{picture}",
    ]  # fmt: skip


FILTERS_ARGV = ("ffmpeg", "-hide_banner", "-v", "error", "-filters")


def surely_needed_encoders(output: Output) -> frozenset[str]:
    """Return the encoders that an output needs for any source, so that they can be checked before the source is
    fetched. In mode Auto, some sources need no encoder. The result still includes the encoders of mode Auto, because
    an import of another source would fail later."""
    encodes = output.mode in ("Auto", "Encode")
    audio = output.audio_file
    return frozenset((
        *((known(output.video).encoder, "aac") if encodes else ()),
        *((known(output.video).encoder,) if output.renditions else ()),
        *(("libmp3lame",) if audio and audio.format == "mp3" else ()),
    ))  # fmt: skip


def needed_encoders(job: Job, targets: tuple[Target, ...]) -> frozenset[str]:
    """Return ffmpeg's names of the encoders that a run needs."""
    videos = {known(target.wish).encoder for target in targets if target.wish and not target.copies}
    return frozenset(videos | {_audio_encoder(job, target) for target in targets} - {""})


def _audio_encoder(job: Job, target: Target) -> str:
    words = _audio(job, target)
    named = words[words.index("-c:a") + 1] if words else "copy"
    return "" if named == "copy" else named


def needed_filters(job: Job, targets: tuple[Target, ...]) -> frozenset[str]:
    """Return ffmpeg's names of the filters that a run needs and that some ffmpeg builds lack."""
    if not any(target.wish and not target.copies for target in targets):
        return frozenset()
    video = job.picture.video
    return color.needed_filters(video) | frozenset(("bwdif",) if is_interlaced(video) else ())


def encoders_of(text: str) -> frozenset[str]:
    """Return the names of the encoders in the output of ``ffmpeg -codecs``.

    The second flag of a line is E if ffmpeg can encode the codec. The line ends with the list of its encoders, unless
    the only encoder has the name of the codec.
    """
    found = (_ENCODED.match(line) for line in text.splitlines())
    return frozenset(name for match in found if match for name in (match[2] or match[1]).split())


_ENCODED = re.compile(r" *[D.]E\S+ (\S+) (?:.*\(encoders: ([^)]+)\))?")


def filters_of(text: str) -> frozenset[str]:
    """Return the names in the output of ``ffmpeg -filters``. Each line begins with flags, then the name."""
    return frozenset(words[1] for line in text.splitlines() if len(words := line.split()) > 1)
