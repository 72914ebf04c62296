"""The message about a full file system: its size, and the free space."""

import errno
import os
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a write that found no room: on the disk, for another file, or within a quota."""
_SOME_BYTES = 2**20
"""As much may be free on a full disk: what found no room was removed again."""
_SCRATCH = (
    "Raise spec.worker.scratch.size to the size of the source and of the results, or give scratch a volume by "
    "spec.worker.scratch.storageClassName."
)


def size_of(folder: Path) -> str:
    """Such as ``it has 8388608 bytes, of which 0 are free``. If bytes are free and inodes are not, it names the inodes;
    empty if the file system does not report them."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return ""
    free = found.f_bavail * found.f_frsize
    told = f"it has {found.f_blocks * found.f_frsize} bytes, of which {free} are free"
    if free < _SOME_BYTES or not found.f_files:
        return told
    return f"{told}, and {found.f_files} inodes, of which {found.f_favail} are free"


def is_full(error: BaseException) -> bool:
    """Whether an error means that there is no space."""
    return isinstance(error, OSError) and error.errno in FULL


def scratch_full(folder: Path, what: str) -> ImportFailure:
    """The failure for a write to scratch that found no space; ``what`` names the written content and its size."""
    told = ", ".join(word for word in (size_of(folder), what) if word)
    return ImportFailure(Reason.SCRATCH_FULL, f"Scratch is full: {told}.", advice=_SCRATCH)
