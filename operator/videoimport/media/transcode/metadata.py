"""The metadata that ffmpeg keeps from a source.

Phones write the location and the device into a video, and results are often public. Unless ``Keep`` is set, ffmpeg
keeps only the title and the languages, because video players show these values.
"""

from videoimport.media.transcode.job import Job
from videoimport.media.transcode.plan import Sound


def told(job: Job, sound: Sound | None) -> tuple[str, ...]:
    """Return ffmpeg's metadata arguments for one result with this audio. If the result is empty, ffmpeg copies the
    source's tags. No result contains data streams (timecodes, positions), attachments or chapters."""
    if job.output.metadata == "Keep":
        return ()
    language = sound.audio.language if sound else ""
    return (
        "-map_metadata", "-1",
        *(("-metadata", f"title={job.title}") if job.title else ()),
        *(("-metadata:s:a:0", f"language={language}") if language else ()),
    )  # fmt: skip
