"""The part of a source's metadata that a result has. Phones write the place and the device into a video, and results
are often public. So only the title and the languages stay, which players show, unless ``Keep`` is set."""

from videoimport.media.transcode.job import Job
from videoimport.media.transcode.plan import Sound


def told(job: Job, sound: Sound | None) -> tuple[str, ...]:
    """ffmpeg's arguments for one result with this audio; without arguments, it writes tags of the source by itself.

    Streams of data (timecodes, positions), attachments and chapters are never mapped into a result.
    """
    if job.output.metadata == "Keep":
        return ()
    language = sound.audio.language if sound else ""
    return (
        "-map_metadata", "-1",
        *(("-metadata", f"title={job.title}") if job.title else ()),
        *(("-metadata:s:a:0", f"language={language}") if language else ()),
    )  # fmt: skip
