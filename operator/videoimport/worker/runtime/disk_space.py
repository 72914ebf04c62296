"""Detection of a full file system, and the message with its size and free space."""

import errno
import os
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a write that failed because the disk, the number of files or a quota is exhausted."""
_SOME_BYTES = 2**20
"""Bytes that may be free on a disk that is full, because the file that did not fit was removed again."""
_SCRATCH = (
    "Raise spec.worker.scratch.size to the size of the source and of the results, or give scratch a volume by "
    "spec.worker.scratch.storageClassName."
)


def size_of(folder: Path) -> str:
    """Return a clause with the size of a file system, such as ``it has 8388608 bytes, of which 0 are free``. If many
    bytes are free, the clause also has the number of inodes. Return an empty string if the file system does not
    report its size."""
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
    """Return whether an error means that the file system has no space left."""
    return isinstance(error, OSError) and error.errno in FULL


def scratch_full(folder: Path, what: str) -> ImportFailure:
    """Return the failure for a write to scratch that failed for lack of space.

    ``what`` describes the written content and its size.
    """
    told = ", ".join(word for word in (size_of(folder), what) if word)
    return ImportFailure(Reason.SCRATCH_FULL, f"Scratch is full: {told}.", advice=_SCRATCH)
