"""Retry policy: whether and when another run follows a failed run.

The decision depends first on the retry class of the reason. For a run that counts toward maxAttempts, the decision
also depends on the reason's own limit and on maxAttempts.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport_status import Attempts, HostBackoff
from videoimport.core.settings import Settings

_MAX_DOUBLINGS = 20
_MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class Context:
    """The facts that a verdict depends on, apart from the reason."""

    uid: str
    run: int
    attempts: Attempts
    now: datetime
    settings: Settings
    since: datetime
    """Start time of the first run of this series."""
    backoff: HostBackoff | None = None
    """Backoff of the host after this run; set for reasons of class HostBackoff."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about the next run."""

    attempts: Attempts
    """Attempts including this run. ``next_retry_time`` is set if another run follows."""
    given_up: str = ""
    """Why no other run follows. The value is empty if the reason itself excludes another run."""

    @property
    def requeue_at(self) -> datetime | None:
        """Start time of the next run, or None if no run follows."""
        return self.attempts.next_retry_time


def judge(reason: Reason, context: Context) -> Verdict:
    """Return the verdict on a run that ended with this reason. Raises ValueError if the reason's class is
    HostBackoff and ``context.backoff`` is None."""
    retry = info(reason).retry
    if retry is RetryClass.UNCHARGED:
        return _retry_uncounted(context)
    if retry is RetryClass.LATER:
        return _retry_later(context)
    if retry is RetryClass.HOST:
        return _retry_after_host(context)
    return (
        _retry_counted(reason, context)
        if retry is RetryClass.RETRIED
        else Verdict(_count_attempt(reason, context.attempts))
    )


def explain_exhaustion(attempts: Attempts) -> str:
    """Return why the attempts are used up. The result is empty if attempts are left. A user may have changed
    ``attempts.max`` meanwhile."""
    used = len(attempts.reasons)
    return f"Given up after {used} of {attempts.max} attempts" if used >= attempts.max else ""


def _retry_uncounted(context: Context) -> Verdict:
    count = context.attempts.uncharged + 1
    attempts = context.attempts.model_copy(update={"uncharged": count, "next_retry_time": None})
    if count > context.settings.max_uncharged:
        lost = f"Given up after {count} runs that do not count toward maxAttempts"
        return Verdict(attempts, lost if count > 1 else "")
    delay = timedelta(0) if count == 1 else _compute_backoff(context, count - 1)
    return _retry_after_delay(delay, attempts, context)


def _retry_later(context: Context) -> Verdict:
    """Return the verdict that waits for a premiere, which may be days away. The run does not count toward maxAttempts,
    but the wait has a limit."""
    waited, cap = context.now - context.since, context.settings.later_cap
    attempts = context.attempts.model_copy(update={"next_retry_time": None})
    if waited >= cap:
        return Verdict(attempts, _explain_wait_limit(cap))
    return _retry_after_delay(context.settings.later, attempts, context)


def _retry_after_host(context: Context) -> Verdict:
    """Return the verdict that waits for the host's backoff, like other imports of the host. The run does not count
    toward maxAttempts, but the wait has a limit."""
    backoff, cap = context.backoff, context.settings.later_cap
    if backoff is None:
        raise ValueError("RateLimited needs the host's backoff, which states for how long no run starts")
    attempts = context.attempts.model_copy(update={"next_retry_time": None})
    if backoff.since is not None and context.now - backoff.since >= cap:
        return Verdict(attempts, _explain_wait_limit(cap))
    return Verdict(attempts.model_copy(update={"next_retry_time": backoff.until}))


def _explain_wait_limit(cap: timedelta) -> str:
    """Return why no other run follows. The result is empty if no wait is allowed, as without a cluster."""
    days, seconds = cap // timedelta(days=1), cap // timedelta(seconds=1)
    span = f"{days} days" if days > 1 else f"{seconds} seconds"
    return f"Given up after {span}" if seconds else ""


def _retry_counted(reason: Reason, context: Context) -> Verdict:
    attempts = _count_attempt(reason, context.attempts)
    same, most = attempts.reasons.count(reason), info(reason).max_retries
    if most is not None and same > most:
        return Verdict(attempts, f"Given up after {same} runs that ended as {reason}")
    if given_up := explain_exhaustion(attempts):
        return Verdict(attempts, given_up if attempts.max > 1 else "")  # a single attempt needs no number
    return _retry_after_delay(_compute_backoff(context, len(attempts.reasons)), attempts, context)


def _count_attempt(reason: Reason, attempts: Attempts) -> Attempts:
    reasons = (*attempts.reasons, reason)[-_MAX_REASONS:]
    return attempts.model_copy(update={"reasons": reasons, "next_retry_time": None})


def _retry_after_delay(delay: timedelta, attempts: Attempts, context: Context) -> Verdict:
    at = context.now + timedelta(
        seconds=math.ceil(delay.total_seconds() * (0.8 + 0.4 * compute_jitter(context.uid, context.run)))
    )
    return Verdict(attempts.model_copy(update={"next_retry_time": at}))


def _compute_backoff(context: Context, nth: int) -> timedelta:
    settings = context.settings
    doubled: timedelta = settings.backoff_base * 2 ** min(nth - 1, _MAX_DOUBLINGS)
    return min(doubled, settings.backoff_cap)


def compute_jitter(uid: str, run: int) -> float:
    """Return a value from 0 to 1 that is constant for a run. With this value, imports that fail together retry at
    different times."""
    return int.from_bytes(hashlib.sha256(f"{uid}/{run}".encode()).digest()[:4]) / 2**32
