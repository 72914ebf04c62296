"""Failure policy: when a BulkImport ends because too many of its items failed.

Each reconcile counts the failures again. So a BulkImport continues after a user raises the limit. A new retryToken has
the same effect, because failures under an earlier token do not count.
"""

from videoimport.api.bulkimport import FailurePolicy

EXCEEDED_REASON = "FailurePolicyExceeded"
"""Reason of the conditions after too many failures."""
_ADVICE = "Raise the limit, or change retryToken to retry the failed items"


def check_failure_policy(policy: FailurePolicy | None, failed: int, total: int, *, complete: bool) -> str:
    """Return the message with the exceeded limit. The result is empty if no limit is exceeded. The percentage is
    checked only after the whole list is known."""
    if policy is None:
        return ""
    most, percent = policy.max_failed, policy.max_failed_percent
    if most is not None and failed > most:
        return f"{failed} failed and failurePolicy.maxFailed is {most}. {_ADVICE}"
    if percent is not None and complete and failed * 100 > percent * total:
        return f"{failed} of {total} failed and failurePolicy.maxFailedPercent is {percent}. {_ADVICE}"
    return ""
