"""Exceptions that end a run early:

    Exception
      ImportFailure          a reason and a message, set by the worker
        DestinationFault     a fault of the destination; ``remedy`` is what the same run may still do
        ScratchError         a fault of scratch
    BaseException
      Interruption           SIGTERM or the deadline, with the reason WorkerLost or DeadlineExceeded

An Interruption is a BaseException, so that no library's ``except Exception`` catches it.

The module that calls a library turns the library's exceptions into ImportFailure: ``fetch.http`` (urllib3),
``fetch.s3_failures`` (boto3), ``fetch.ytdlp.errors`` (yt-dlp) and ``storage`` (botocore and file systems). Every other
exception is a bug and ends as Internal.
"""

from enum import Enum, auto

from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_text
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.media.source.findings import Finding


class ImportFailure(Exception):  # noqa: N818 — a failure of the import, not of the program
    """A failure that ends the run with ``reason``.

    ``message`` is one sentence about what was found. ``advice`` is one sentence about what to do, if that is more exact
    than the reason's default advice. The constructor removes secrets from both, so that a later cut leaves no part of a
    secret.
    """

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None, *, advice: str = "") -> None:
        self.reason = reason
        self.message = shown_text(message)
        self.advice = shown_text(advice)
        super().__init__(f"{reason}: {self.message}")
        self.retry_after = None if retry_after is None else min(int(retry_after), MAX_RETRY_AFTER)
        """Seconds from the source's Retry-After header. The value is None if the source sent no such header."""

    @property
    def text(self) -> str:
        """Message and advice, for outputs that have one field for both."""
        return f"{self.message} {self.advice}".strip()


class Remedy(Enum):
    """The action that the same run can still take after a fault of the destination. The result files still exist in
    scratch."""

    NONE = auto()
    """Do nothing, because another try would fail again."""
    WAIT = auto()
    """Repeat the same request later."""
    RESEND = auto()
    """Send the file again, from its first byte."""


class DestinationFault(ImportFailure):
    """A failure that the destination caused."""

    def __init__(self, reason: Reason, message: str, *, advice: str = "", remedy: Remedy = Remedy.NONE) -> None:
        super().__init__(reason, message, advice=advice)
        self.remedy = remedy


class ScratchError(ImportFailure):
    """A file that the run wrote to scratch cannot be read. ``what`` is the cause, such as the name of an errno."""

    def __init__(self, what: str) -> None:
        message = f"A file in scratch cannot be read again: {what}."
        advice = "Check the disk of the node, or the volume of spec.worker.scratch."
        super().__init__(Reason.INTERNAL, message, advice=advice)


class Interruption(BaseException):
    """A signal or the deadline ended the run. ``message`` and ``advice`` have the same form as in ImportFailure."""

    def __init__(self, reason: Reason, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.advice = advice
        self.retry_after: int | None = None


def refuse(finding: Finding | None) -> None:
    """Raise ImportFailure for a finding. Do nothing if ``finding`` is None."""
    if finding is not None:
        raise ImportFailure(finding.reason, finding.message, advice=finding.advice)


def unexpected(error: Exception) -> ImportFailure:
    """Return an unexpected exception as an internal failure.

    The text of the exception is left out, because it may contain a secret.
    """
    return ImportFailure(Reason.INTERNAL, f"The worker ended with an unexpected {type(error).__name__}.")
