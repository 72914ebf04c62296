"""Retries of a download: their number, the time between them, and the final failure."""

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.runtime.errors import ImportFailure

MOST_FRUITLESS = 4
"""Maximum number of tries in a row without a new byte."""
MOST_RESTARTS = 3
"""Maximum number of restarts of a download from its first byte."""
_LONGEST_WAIT = 10.0
_LONGEST_ASKED = 30.0


class RetryPolicy:
    """The retries of one download. The number of retries has no limit as long as new bytes arrive."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._fruitless = 0
        self._restarts = 0
        self._has_changed = False

    def gained(self) -> None:
        """Record that new bytes have arrived."""
        self._fruitless = 0

    def restarted(self, has_changed: bool) -> None:
        """Record that the download started again. ``has_changed`` is true if the source has changed."""
        self._restarts += 1
        self._has_changed = self._has_changed or has_changed

    def attempts(self) -> Retrying:
        """Return an iterator of tries. Each try is a context manager.

        After the last try, the iterator raises ImportFailure in place of Interrupted.
        """
        self._fruitless = 0
        return Retrying(
            retry=retry_if_exception_type(Interrupted),
            stop=lambda _: self._fruitless > MOST_FRUITLESS or self._restarts > MOST_RESTARTS,
            wait=self._wait,
            sleep=self._sleep,
            before=lambda _: self._count(),
            retry_error_callback=self._give_up,
        )

    def _count(self) -> None:
        self._fruitless += 1

    def _wait(self, state: RetryCallState) -> float:
        """Return the seconds to wait: the server's Retry-After, else a time that grows with the fruitless tries in a
        row."""
        cause = state.outcome.exception() if state.outcome else None
        if isinstance(cause, Interrupted) and cause.retry_after:  # 0 (a date in the past) is ignored
            return min(cause.retry_after, _LONGEST_ASKED)
        return min(0.5 * 2.0 ** max(0, self._fruitless - 1), _LONGEST_WAIT) + wait_random(0, 0.5)(state)

    def _give_up(self, state: RetryCallState) -> None:
        cause = state.outcome.exception() if state.outcome else None
        assert isinstance(cause, Interrupted)  # noqa: S101
        if self._has_changed and self._restarts > MOST_RESTARTS:
            message = f"The source changed {self._restarts} times while it was read."
            raise ImportFailure(Reason.SOURCE_CHANGED, message)
        raise ImportFailure(cause.reason, f"The download failed several times in a row: {cause.why}.")
