"""The check of the versions of ffmpeg and ffprobe: the log warns of an unknown one, and the run continues."""

import contextlib
from collections.abc import Sequence

from videoimport.media.source import ffmpeg_versions as versions
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.subprocesses import Children


def warn_of_unknown(children: Children, programs: Sequence[str] = versions.PROGRAMS) -> None:
    """Log a warning for each program whose version is not known. What cannot be run fails where it is needed."""
    for program in programs:
        with contextlib.suppress(ImportFailure):
            version = versions.named_version(children.run(versions.version_argv(program)).stdout)
            if sentence := versions.doubt(program, version):
                log().warning(sentence, program=program, version=version)
