"""The check of ffmpeg's and ffprobe's versions.

For an unknown version, the log has a warning, and the run continues.
"""

import contextlib
from collections.abc import Sequence

from videoimport.media.source import ffmpeg_versions as versions
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.subprocesses import Children


def warn_of_unknown(children: Children, programs: Sequence[str] = versions.PROGRAMS) -> None:
    """Log a warning for each program whose version is not known. A program that cannot run is no error here. The run
    fails later if it needs the program."""
    for program in programs:
        with contextlib.suppress(ImportFailure):
            version = versions.named_version(children.run(versions.version_argv(program)).stdout)
            if sentence := versions.doubt(program, version):
                log().warning(sentence, program=program, version=version)
