"""A planned transcode: all values from which the ffmpeg command and the checks of the results are built."""

from dataclasses import dataclass

from videoimport.api.output_options import Output
from videoimport.media.source.streams import Media
from videoimport.media.transcode import color
from videoimport.media.transcode.compliance import is_interlaced
from videoimport.media.transcode.plan import Picture, Sound, TranscodePlan


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that have the chosen streams.

    A web page may offer video and audio as two files, which are not merged before the encode. Each value is a path, or
    the loopback URL of a file that is still growing.
    """

    video_path: str
    audio_path: str
    """Path or URL of the audio. Equal to ``video_path`` if one file contains both streams."""
    audio_delay: float = 0.0
    """Seconds by which the audio of two files starts after the video. Negative if the audio starts first."""
    seekable: bool = False
    """True if ffmpeg may read URLs in any order.

    The end of an MP4 with its index last then arrives before the middle.
    """

    @property
    def paths(self) -> tuple[str, ...]:
        """The distinct files, with the video first."""
        return (self.video_path,) if self.audio_path == self.video_path else (self.video_path, self.audio_path)

    @property
    def delays(self) -> tuple[float, ...]:
        """For each file, the seconds that are added to its timestamps.

        No value is negative, because ffmpeg cuts content with timestamps below 0.
        """
        return (max(0.0, -self.audio_delay), max(0.0, self.audio_delay))[: len(self.paths)]


@dataclass(frozen=True, slots=True)
class Job:
    """A planned transcode."""

    plan: TranscodePlan
    picture: Picture
    sound: Sound | None
    inputs: Inputs
    output: Output
    offset: float = 0.0
    """Seconds by which the audio of the result must start after the video."""
    is_tolerant: bool = False
    """True if a damaged source is accepted with the parts that can be read."""
    is_damaged: bool = False
    """True if the source contains less than its header declares."""
    demuxer: str = ""
    """ffprobe's name of the audio file's container format."""
    mended: str = ""
    """The errors in the times or the start of the source, for which ffmpeg reads a repaired copy. See ``repair``."""
    begins_open: bool = False
    """True if the video begins with a keyframe whose leading frames are missing. See ``is_clean``."""
    promised: tuple[float, float] = (0.0, 0.0)
    """Seconds of video and of audio that the header declares."""
    parts: int = 1
    """Number of parts from which the source was joined. Each part has its own clock and streams."""
    places: tuple[int, ...] = ()
    """Offset where the tables of the video's file end, then the offsets where its parts begin. Empty for a file that
    was not joined."""

    @property
    def streams(self) -> tuple[int | None, ...]:
        """Indexes of the video stream, the audio stream and the second audio stream. A missing stream is None."""
        sound = self.sound
        sides = (sound.audio, sound.second) if sound else (None, None)
        return self.picture.video.index, *(one.index if one else None for one in sides)

    title: str = ""
    """Title from the source's container format."""

    def agrees_with(self, other: "Job") -> bool:
        """Return whether both jobs make the same result.

        The first job comes from a source's first bytes, and the second from its packets. If both jobs make the same
        result, the results of the first job stay valid.
        """

        def made(job: "Job") -> tuple[object, ...]:
            plan, video = job.plan, job.picture.video
            copied = plan.copy_video, plan.copy_audio, plan.copy_audio_file
            read = job.inputs.audio_delay, job.streams, job.parts, job.mended
            return plan.mode, copied, plan.size, read, color.assumed(video), is_interlaced(video)

        return made(self) == made(other)


_UNCLOCKED = ("mp3", "aac", "flac", "wav")
"""ffprobe's names of plain audio files, whose start times have no meaning."""


def audio_delay(video: Media, audio: Media) -> float:
    """Return the seconds between the starts of two files if the times of both files come from one clock. Return 0
    otherwise.

    A stream without a clock starts with the video. Two streams that would not overlap also start together.
    """
    if video.start is None or audio.start is None or {video.demuxer, audio.demuxer} & set(_UNCLOCKED):
        return 0.0
    delay = audio.start - video.start
    earlier = audio if delay < 0 else video
    return delay if earlier.duration is None or abs(delay) < earlier.duration else 0.0


def offset(picture: Picture, sound: Sound, starts: tuple[float | None, float | None], delay: float) -> float:
    """Return the seconds between the first video frame and the first audio, if each file starts at 0.

    ``starts`` has the start time of the video's file, then the start time of the audio's file. Both times are equal
    if there is only one file.
    """
    video = (picture.track.start or 0.0) - (starts[0] or 0.0)
    audio = (sound.track.start or 0.0) - (starts[1] or 0.0)
    return audio - video + delay
