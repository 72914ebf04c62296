"""When a list is given up because too much of it fails. Counted anew each time: with a raised bound, or a new token,
under which the failures count no more, it continues."""

from videoimport.api.bulkimport import FailurePolicy

EXCEEDED_REASON = "FailurePolicyExceeded"
"""Of the conditions."""
_ADVICE = "Raise it, or change retryToken to try the failed again"


def check_failure_policy(policy: FailurePolicy | None, failed: int, total: int, *, complete: bool) -> str:
    """Why it is given up, in words; empty while it is not. A part of a list proves nothing about a percentage."""
    if policy is None:
        return ""
    most, percent = policy.max_failed, policy.max_failed_percent
    if most is not None and failed > most:
        return f"{failed} failed and failurePolicy.maxFailed is {most}. {_ADVICE}"
    if percent is not None and complete and failed * 100 > percent * total:
        return f"{failed} of {total} failed and failurePolicy.maxFailedPercent is {percent}. {_ADVICE}"
    return ""
