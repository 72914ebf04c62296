"""The meaning of a file system's errors for an import."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.disk_space import FULL, size_of
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy

_SHUT = (errno.EACCES, errno.EPERM)
_IN_THE_WAY = (errno.ENOTDIR, errno.ELOOP, errno.EISDIR)
_PASSING = (
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ENOTCONN, errno.ECONNRESET,
    errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH,
)  # fmt: skip
"""Errors of a network file system whose server is unavailable or has restarted."""
_CLAIM = "spec.destination.persistentVolumeClaim"


def failure_of(
    number: int | None, claim: str, doing: str, *, root: Path | None = None, needed: int | None = None
) -> ImportFailure:
    """Return the failure for an errno. ``doing`` completes "The volume did not let the worker …". ``needed`` is the
    number of bytes of the failed write, or None if the number is unknown."""
    name = errno.errorcode.get(number or 0, "an unknown error")
    said = f"The volume of claim {claim!r} did not let the worker {doing}: {name}"
    if number in FULL:
        return _full(number, claim, f"{doing}: {name}", root, needed)
    if number == errno.EROFS:
        advice = f"Name a claim that the worker may write to in {_CLAIM}.claimName, then change retryToken."
        return DestinationFault(
            Reason.DESTINATION_DENIED, f"The volume of claim {claim!r} is read-only ({doing}: {name}).", advice=advice
        )
    if number in _SHUT:
        advice = "Let the user of the worker write there, then change retryToken."
        return DestinationFault(Reason.DESTINATION_DENIED, f"{said}.", advice=advice)
    if number in _IN_THE_WAY:
        advice = "Remove the link or file that is in the place of a folder, then change retryToken."
        message = f"{said}: a file or link is where a folder is needed; links are not followed."
        return DestinationFault(Reason.DESTINATION_DENIED, message, advice=advice)
    if number == errno.ENAMETOOLONG:
        advice = "Shorten destination.name: a name in a volume has at most 255 bytes."
        return DestinationFault(Reason.INVALID_SPEC, f"{said}.", advice=advice)
    if number == errno.EFBIG:
        advice = "Choose a smaller output, or a volume whose file system accepts larger files."
        return DestinationFault(
            Reason.UNSUPPORTED_DESTINATION, f"{said}: the file is too large for the file system.", advice=advice
        )
    remedy = Remedy.WAIT if number in _PASSING else Remedy.NONE
    advice = f"Check the volume of {_CLAIM}.claimName and the server that it is on."
    return DestinationFault(Reason.DESTINATION_UNAVAILABLE, f"{said}.", advice=advice, remedy=remedy)


def _full(number: int | None, claim: str, doing: str, root: Path | None, needed: int | None) -> ImportFailure:
    """Return the failure for a full volume. There is no retry: the bytes written so far are removed, and the next try
    would find the same free space."""
    told = size_of(root) if root else ""
    if number == errno.EDQUOT:
        told = ", ".join(word for word in ("its quota is used up", told) if word)
    needs = f"at least {needed} bytes were to be written" if needed is not None else ""
    facts = ", ".join(word for word in (told, needs) if word)
    message = f"The volume of claim {claim!r} is full{': ' if facts else ''}{facts} ({doing})."
    advice = f"Delete files from the volume or enlarge the claim, or name another claim in {_CLAIM}.claimName."
    return DestinationFault(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)


@contextmanager
def translated(claim: str, doing: str, root: Path | None = None, needed: int | None = None) -> Iterator[None]:
    """Convert OSErrors inside the ``with`` block to failures. The parameters are those of ``failure_of``."""
    try:
        yield
    except OSError as error:
        raise failure_of(error.errno, claim, doing, root=root, needed=needed) from None
