"""Looks for fields in the pictures of a video: runs the samples of ``media.interlace``."""

from videoimport.media import interlace
from videoimport.media.interlace import Counts
from videoimport.media.streams import Video
from videoimport.worker.examine import Examined
from videoimport.worker.processes import Children


def field_order(children: Children, file: Examined, video: Video) -> str:
    """The order of the fields of a video that has no flag of it; empty for whole pictures."""
    counts = Counts()
    for at in interlace.moments(file.track(video.index)):
        counts += interlace.counted(children.run(interlace.sample_argv(str(file.path), video, at)).stderr)
    return interlace.field_order(counts)
