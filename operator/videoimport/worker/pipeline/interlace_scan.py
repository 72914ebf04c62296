"""Detection of interlaced video. The worker decodes the samples that ``media.source.interlace`` chooses."""

from videoimport.media.source import interlace
from videoimport.media.source.interlace import Counts
from videoimport.media.source.streams import Video
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined


def field_order(children: Children, file: Examined, video: Video) -> str:
    """Return the field order of a video whose stream does not state one. The result is empty for progressive video."""
    counts = Counts()
    for at in interlace.moments(file.track(video.index)):
        counts += interlace.counted(children.run(interlace.sample_argv(str(file.path), video, at)).stderr)
    return interlace.field_order(counts)
