"""How a run can end before its time:

    Exception
      ImportFailure          a reason and a sentence, decided by us; the run ends with it
    BaseException
      Interruption           from outside: SIGTERM or the deadline. No library's ``except Exception`` swallows it
        reason, message      WorkerLost or DeadlineExceeded

Adapters turn what libraries raise into ImportFailure where it is raised: ``destination.translated`` (botocore),
``fetch.http`` (urllib3), ``fetch.ranges`` (boto3), ``fetch.classify`` (yt-dlp). Everything else is a bug and ends as
Internal.
"""

from videoimport.api.reasons import Reason
from videoimport.api.report import MAX_RETRY_AFTER
from videoimport.media.findings import Finding


class ImportFailure(Exception):  # noqa: N818 — a failure of the import, which need be nobody's error
    """The run ends with this reason. The message holds no secret and no signed URL."""

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.retry_after = None if retry_after is None else min(int(retry_after), MAX_RETRY_AFTER)
        """Seconds for which the source wants to be left alone, where it says so."""


class Interruption(BaseException):
    """The run is ended from outside, by a signal."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def refuse(finding: Finding | None) -> None:
    """Raise ImportFailure for a finding; nothing found, nothing done."""
    if finding is not None:
        raise ImportFailure(finding.reason, finding.message)
