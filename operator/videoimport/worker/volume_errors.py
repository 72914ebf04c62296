"""What a file system's errors mean to an import."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHUT = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.ENOTDIR, errno.ELOOP, errno.EISDIR)


def failure_of(number: int | None, claim: str, doing: str) -> ImportFailure:
    """Our failure for an errno."""
    name = errno.errorcode.get(number or 0, "an unknown error")
    said = f"The volume of claim {claim!r} did not let us {doing}: {name}"
    if number in _FULL:
        message = f"The volume of claim {claim!r} is full ({doing}: {name}); make room or enlarge the claim."
        return ImportFailure(Reason.DESTINATION_UNAVAILABLE, message)
    if number in _SHUT:
        return ImportFailure(Reason.DESTINATION_DENIED, f"{said}; let the worker's user write there.")
    if number in _IN_THE_WAY:
        message = f"{said}; a link or a file stands where a folder is needed, and links are not followed."
        return ImportFailure(Reason.DESTINATION_DENIED, message)
    if number == errno.ENAMETOOLONG:
        message = f"{said}; a volume takes at most 255 bytes between two slashes: shorten destination.name."
        return ImportFailure(Reason.INVALID_SPEC, message)
    return ImportFailure(Reason.DESTINATION_UNAVAILABLE, f"{said}.")


@contextmanager
def translated(claim: str, doing: str) -> Iterator[None]:
    """OSErrors inside become ours; ``doing`` completes "The volume did not let us …"."""
    try:
        yield
    except OSError as error:
        raise failure_of(error.errno, claim, doing) from None
