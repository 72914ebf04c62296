"""What ffmpeg makes of a file, without the rest of a run."""

from pathlib import Path
from typing import Any

from videoimport.api.output_options import Output
from videoimport.media.transcode.job import Job
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline import verify as verification
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.files import Source, Sources
from videoimport.worker.source.probe import Examined, examine

QUICK = {"preset": "ultrafast"}


def source(path: Path) -> Source:
    return Source(path, seekable=True, size=path.stat().st_size, finished=True)


def job(video: Path, audio: Path | None = None, /, *, is_tolerant: bool = False, **output: Any) -> Job:
    children = Children()
    found = examine(children, video)
    heard = examine(children, audio) if audio else found
    wish = Output.model_validate({"video": QUICK, **output})
    sources = Sources(source(video), source(audio) if audio else None)
    return transcode.prepare(found, heard, sources, wish, is_tolerant=is_tolerant)


def made(of: Job, folder: Path, *, growing: bool = False) -> dict[str, Examined]:
    """The results by name, each verified."""
    children = Children()
    targets = transcode.targets(of, folder, growing=growing)
    complaint = transcode.run(children, of, targets, lambda part: None)
    return {target.name: result for target, result in verification.verified(children, of, targets, complaint).items()}
