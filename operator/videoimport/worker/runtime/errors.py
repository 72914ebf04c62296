"""How a run can end before its time:

    Exception
      ImportFailure          a reason and a sentence, set by the worker; the run ends with it
        DestinationFault     the destination's; ``remedy`` is what the run may still do
        ScratchError         scratch's
    BaseException
      Interruption           from outside: SIGTERM or the deadline. No library's ``except Exception`` swallows it
        reason, message      WorkerLost or DeadlineExceeded

Adapters turn what libraries raise into ImportFailure where it is raised: ``destination.translated`` (botocore),
``fetch.http`` (urllib3), ``fetch.ranges`` (boto3), ``fetch.classify`` (yt-dlp). Everything else is a bug and ends as
Internal.
"""

from enum import Enum, auto

from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_text
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.media.source.findings import Finding


class ImportFailure(Exception):  # noqa: N818 — a failure of the import, not of the program
    """The run ends with this reason. ``message`` is one sentence about what was found. ``advice`` is one about what to
    do, where that is more exact than the reason's own advice. Both lose their secrets here, so that a cut made later
    leaves no part of one."""

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None, *, advice: str = "") -> None:
        self.reason = reason
        self.message = shown_text(message)
        self.advice = shown_text(advice)
        super().__init__(f"{reason}: {self.message}")
        self.retry_after = None if retry_after is None else min(int(retry_after), MAX_RETRY_AFTER)
        """The source's Retry-After in seconds, if it sent one."""

    @property
    def text(self) -> str:
        """Message and advice, for where there is one field for them."""
        return f"{self.message} {self.advice}".strip()


class Remedy(Enum):
    """What the same run may still do about a fault of its destination. The files it made are still there."""

    NONE = auto()
    """Nothing: it would fail again."""
    WAIT = auto()
    """Repeat the same request later."""
    RESEND = auto()
    """Send the file again, from its first byte."""


class DestinationFault(ImportFailure):
    """The destination did not do its part."""

    def __init__(self, reason: Reason, message: str, *, advice: str = "", remedy: Remedy = Remedy.NONE) -> None:
        super().__init__(reason, message, advice=advice)
        self.remedy = remedy


class ScratchError(ImportFailure):
    """A file that the run had written to scratch cannot be read. ``what`` gives the cause: an errno's name, for
    example."""

    def __init__(self, what: str) -> None:
        message = f"A file in scratch cannot be read again: {what}."
        advice = "Check the disk of the node, or the volume of spec.worker.scratch."
        super().__init__(Reason.INTERNAL, message, advice=advice)


class Interruption(BaseException):
    """The run is ended from outside, by a signal. ``message`` and ``advice`` are as an ImportFailure's."""

    def __init__(self, reason: Reason, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.advice = advice
        self.retry_after: int | None = None


def refuse(finding: Finding | None) -> None:
    """Raise ImportFailure for a finding; nothing found, nothing done."""
    if finding is not None:
        raise ImportFailure(finding.reason, finding.message, advice=finding.advice)


def unexpected(error: Exception) -> ImportFailure:
    """An internal error, as a failure; its own text may hold a secret and is left out."""
    return ImportFailure(Reason.INTERNAL, f"The worker ended with an unexpected {type(error).__name__}.")
