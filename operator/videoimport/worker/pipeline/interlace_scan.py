"""Looks for fields in the pictures of a video: runs the samples of ``media.interlace``."""

from videoimport.media.source import interlace
from videoimport.media.source.interlace import Counts
from videoimport.media.source.streams import Video
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined


def field_order(children: Children, file: Examined, video: Video) -> str:
    """The order of the fields of a video that has no flag of it; empty for whole pictures."""
    counts = Counts()
    for at in interlace.moments(file.track(video.index)):
        counts += interlace.counted(children.run(interlace.sample_argv(str(file.path), video, at)).stderr)
    return interlace.field_order(counts)
