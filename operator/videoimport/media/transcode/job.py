"""A decided transcode: all that the command and the checks of its results are built from."""

from dataclasses import dataclass

from videoimport.api.output_options import Output
from videoimport.media.source.streams import Media
from videoimport.media.transcode import color
from videoimport.media.transcode.compliance import is_interlaced
from videoimport.media.transcode.plan import Picture, Sound, TranscodePlan


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of the streams: a page may give video and audio as two files, which are then never merged before.

    Each is a path, or the loopback URL of a file that is still growing.
    """

    video_path: str
    audio_path: str
    """The same where one file has both."""
    audio_delay: float = 0.0
    """Seconds that two files' audio starts after the video, or before it (negative)."""
    seekable: bool = False
    """URLs may be read in any order: the end of a moov-last MP4 is there before its middle."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Each file once, video first."""
        return (self.video_path,) if self.audio_path == self.video_path else (self.video_path, self.audio_path)

    @property
    def delays(self) -> tuple[float, ...]:
        """Seconds by which each file is moved: never back, for what starts before 0 is cut."""
        return (max(0.0, -self.audio_delay), max(0.0, self.audio_delay))[: len(self.paths)]


@dataclass(frozen=True, slots=True)
class Job:
    """A decided transcode."""

    plan: TranscodePlan
    picture: Picture
    sound: Sound | None
    inputs: Inputs
    output: Output
    offset: float = 0.0
    """Seconds that the audio of the result must start after its video."""
    is_tolerant: bool = False
    """A damaged source is taken for what there is of it."""
    is_damaged: bool = False
    """The source has less than its header promises."""
    demuxer: str = ""
    """ffprobe's name of the container of the audio."""
    mended: str = ""
    """What was wrong with the times or the start of the source, so that a copy of it is read; see ``repair``."""
    begins_open: bool = False
    """The video begins with a keyframe whose leading pictures are not there: see ``is_clean``."""
    promised: tuple[float, float] = (0.0, 0.0)
    """Seconds of video and of audio by the header."""
    parts: int = 1
    """Of how many parts, each with a clock and streams of its own, the source was joined."""
    places: tuple[int, ...] = ()
    """Where in the file of the video its tables end, and where each of these parts begins; empty for another file."""

    @property
    def streams(self) -> tuple[int | None, ...]:
        """The indexes of picture, sound and the sound's other side."""
        sound = self.sound
        sides = (sound.audio, sound.second) if sound else (None, None)
        return self.picture.video.index, *(one.index if one else None for one in sides)

    title: str = ""
    """The source's own, of its container."""

    def agrees_with(self, other: "Job") -> bool:
        """Whether the same would be made: a decision by a file's head holds when its packets lead to the same one."""

        def made(job: "Job") -> tuple[object, ...]:
            plan, video = job.plan, job.picture.video
            copied = plan.copy_video, plan.copy_audio, plan.copy_audio_file
            read = job.inputs.audio_delay, job.streams, job.parts, job.mended
            return plan.mode, copied, plan.size, read, color.assumed(video), is_interlaced(video)

        return made(self) == made(other)


_UNCLOCKED = ("mp3", "aac", "flac", "wav")
"""Files of bare audio: they start when they start."""


def audio_delay(video: Media, audio: Media) -> float:
    """Seconds between the starts of two files, where both were written by one clock.

    A stream without a clock starts with the video, and so do two that would never be played together.
    """
    if video.start is None or audio.start is None or {video.demuxer, audio.demuxer} & set(_UNCLOCKED):
        return 0.0
    delay = audio.start - video.start
    earlier = audio if delay < 0 else video
    return delay if earlier.duration is None or abs(delay) < earlier.duration else 0.0


def offset(picture: Picture, sound: Sound, starts: tuple[float | None, float | None], delay: float) -> float:
    """Seconds between the first picture and the first sound when each file's own start is its 0.

    ``starts`` are those of the file of the video and of the file of the audio; of one file they are the same.
    """
    video = (picture.track.start or 0.0) - (starts[0] or 0.0)
    audio = (sound.track.start or 0.0) - (starts[1] or 0.0)
    return audio - video + delay
