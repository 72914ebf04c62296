"""Still images of a finished video."""

from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.transcode import command
from videoimport.media.transcode.stills import moments
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, words

CONTENT_TYPE = "image/jpeg"


def make(children: Children, result: Examined, count: int, folder: Path) -> tuple[Path, ...]:
    """Write ``count`` images to the files 001.jpg, 002.jpg and so on in ``folder``. The times of the images have
    equal distances. Return their paths. Raises ImportFailure TRANSCODE_FAILED.

    ffmpeg runs once for each image. One run for all images would keep a decoder of large frames in memory for each of
    them.
    """
    video = result.media.video
    assert video is not None, "verified"  # noqa: S101
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, at in enumerate(moments(result.track(video.index).seconds, count), start=1):
        made.append(folder / f"{number:03}.jpg")
        for is_exact in (True, False):
            ended = children.run(command.thumbnail_argv(str(result.path), video, at, str(made[-1]), is_exact=is_exact))
            if made[-1].exists():
                break
        else:
            told = words(ended.stderr, result.path)
            raise ImportFailure(Reason.TRANSCODE_FAILED, f"No thumbnail could be made at {at:.1f} s: {told}")
    return tuple(made)
