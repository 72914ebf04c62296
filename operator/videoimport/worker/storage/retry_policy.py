"""The time for which a run waits for a destination that does not answer, and the number of times that it uploads a file
again.

Before the run has results, it ends soon, because a new run costs little. Later, the run has encoded files, and a
new run would have to encode again. Then a request is repeated as long as other work of the run makes progress, such as
the encode, and ``WAIT_SECONDS`` longer.

A repeated upload and a repeated publication move bytes, which is progress too. So both are also limited by the time
since their first failure.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from videoimport.worker.runtime.errors import DestinationFault, Remedy
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.s3.answer_limits import UnusableAnswerError
from videoimport.worker.storage.s3.errors import ErrorKind, error_code, error_kind, operation_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIRST_SECONDS = 15.0
"""Seconds for which a request is repeated before the run has made anything."""
WAIT_SECONDS = 300.0
"""Maximum number of seconds for which a request is repeated while nothing else makes progress. A store that restarts or
fails over takes a minute or two. The limit is at most half of the time after which a run is ``Stalled``. So the message
names the store and not the stage."""
RESENDS = 2
"""Number of times that a file is uploaded again after the destination lost or damaged it."""
MOST_COPIES = 10
"""Maximum number of tries of one file that moved bytes and ended because the destination did not answer."""
READ_SECONDS = 60.0
"""Seconds for which a store may send nothing before it has answered a request."""
_LEAST_READ_SECONDS = 5.0
_PAUSE = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)
_LOOK_SECONDS = 0.1
_TRANSIENT = (ErrorKind.AWAY, ErrorKind.BUSY, ErrorKind.CLOCK)
_MOST_DAMAGED = 3
"""Maximum number of answers to one request that report a damaged request body."""

Result = TypeVar("Result")


def patience(stall_seconds: float) -> float:
    """Return the seconds for which a request is repeated once the run has results. A run is ``Stalled`` after
    ``stall_seconds`` without progress."""
    return min(WAIT_SECONDS, stall_seconds / 2)


def read_timeout(stall_seconds: float) -> float:
    """Return the maximum seconds for which a store may send nothing. With this limit, the last request and its
    repetition by boto3 end before the run is ``Stalled``."""
    return min(READ_SECONDS, max(_LEAST_READ_SECONDS, patience(stall_seconds) / 4))


class Reach:
    """The number of bytes that the current try of one file has sent."""

    def __init__(self) -> None:
        self._bytes = 0

    def __call__(self, done: int) -> None:
        """Record the number of bytes that the current try has sent so far. Any thread may call this method."""
        self._bytes = max(self._bytes, done)

    def take(self) -> int:
        """Return the number of bytes that the last try sent, and set the number to 0."""
        reached, self._bytes = self._bytes, 0
        return reached


class _Failures:
    """The failures of one operation at a destination that does not answer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None
        self._furthest = self._copies = 0

    def is_enough(self, now: float, reached: int = 0) -> bool:
        """Count a failure at ``now``, in seconds, after ``reached`` bytes. Return whether to give up: the operation
        made no progress for ``seconds``, or moved bytes ``MOST_COPIES`` times."""
        if self._since is None or reached > self._furthest:
            self._since, self._furthest = now, reached
        self._copies += reached > 0
        return now - self._since >= self._seconds or self._copies >= MOST_COPIES


class Retries:
    """Retries of one run. Any thread may call every method."""

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self._seconds = FIRST_SECONDS
        self._idle: Callable[[], float] | None = None
        self._is_ending: Callable[[], bool] = lambda: False
        self._silence: Exception | None = None
        """The error of the last request if that request was given up without an answer."""

    def persist(self, idle: Callable[[], float], seconds: float, is_ending: Callable[[], bool]) -> None:
        """Wait longer for the destination from now on, because the run has results.

        ``idle`` returns the seconds since the last progress of the run. A request is given up when ``idle`` reaches
        ``seconds``. If ``is_ending`` returns True, nothing is repeated.
        """
        self._idle, self._seconds, self._is_ending = idle, seconds, is_ending

    def install(self, client: "S3Client") -> None:
        """Repeat this client's requests after transient errors. A body is read from its start each time.
        ``RetryAttempts`` of a response includes these repetitions.

        If a request was given up without a response, later requests fail at once with the same error. This ends when
        other work of the run makes progress. Otherwise each request that aborts an upload would wait, although the
        store does not answer.
        """
        made: Any = client
        send = made._make_api_call

        def repeated(operation: str, params: dict[str, Any]) -> Any:
            if self._silence is not None and self._is_idle():
                raise self._silence
            attempts = self._attempts(_is_transient, self._request_bound())
            try:
                answer = attempts(_once, send, operation, params, params.get("Body"))
            except Exception as error:
                if isinstance(error, ClientError):
                    _count(error.response, attempts)
                if isinstance(error, (ClientError, UnusableAnswerError)):
                    self._silence = None
                elif error_kind(error) is ErrorKind.AWAY:
                    self._silence = error
                raise
            self._silence = None
            _count(answer, attempts)
            return answer

        made._make_api_call = repeated

    def run(self, work: Callable[[], Result]) -> Result:
        """Run ``work``. If ``work`` raises a DestinationFault that may be temporary, run ``work`` again."""
        return self._attempts(_waits)(work)

    def run_whole(self, work: Callable[[], Result]) -> Result:
        """Run ``work``, which reports progress itself, such as the reading of an object. Repeat ``work`` by the
        rules of ``run``, but count the seconds from the first failure of ``work``."""
        failures = _Failures(self._seconds)

        def is_over(state: RetryCallState, began: float) -> bool:
            return self._is_over(state, began) or failures.is_enough(self._clock())

        return self._attempts(_waits, is_over)(work)

    def resends(self, is_stopped: Callable[[], bool], reach: Reach | None = None) -> Retrying:
        """Return an iterator of tries to upload one file. Each try starts at the first byte. ``reach`` has the
        number of bytes that each try has sent."""
        count, failures = 0, _Failures(self._seconds)

        def is_over(state: RetryCallState, began: float) -> bool:
            nonlocal count
            fault = state.outcome.exception() if state.outcome else None
            if isinstance(fault, DestinationFault) and fault.remedy is Remedy.RESEND:
                count += 1
                return count > RESENDS
            reached = reach.take() if reach else 0
            return self._is_over(state, began) or failures.is_enough(self._clock(), reached)

        def is_curable(error: BaseException) -> bool:
            return isinstance(error, DestinationFault) and error.remedy is not Remedy.NONE and not is_stopped()

        return self._attempts(is_curable, is_over, is_stopped)

    def _attempts(
        self,
        is_curable: Callable[[BaseException], bool],
        is_over: Callable[[RetryCallState, float], bool] | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Retrying:
        began, is_enough = self._clock(), is_over or self._is_over
        return Retrying(
            retry=retry_if_exception(is_curable),
            stop=lambda state: is_enough(state, began),
            wait=_PAUSE,
            sleep=lambda seconds: self._pause(seconds, is_stopped),
            before_sleep=_tell,
            reraise=True,
        )

    def _is_over(self, _state: RetryCallState, began: float) -> bool:
        if self._is_ending():
            return True
        return self._is_idle() if self._idle else self._clock() - began >= self._seconds

    def _is_idle(self) -> bool:
        """Return whether the run made no progress for so long that requests are given up."""
        return self._idle is not None and self._idle() >= self._seconds

    def _request_bound(self) -> Callable[[RetryCallState, float], bool]:
        """Return a function that returns whether one request was repeated often enough."""
        damaged = 0

        def is_over(state: RetryCallState, began: float) -> bool:
            nonlocal damaged
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, Exception) and error_kind(error) is ErrorKind.DAMAGED:
                damaged += 1
                return damaged >= _MOST_DAMAGED
            return self._is_over(state, began)

        return is_over

    def _pause(self, seconds: float, is_stopped: Callable[[], bool]) -> None:
        """Sleep in small steps, so that a run that must end does not wait."""
        end = self._clock() + seconds
        while not self._is_ending() and not is_stopped() and (left := end - self._clock()) > 0:
            self._sleep(min(left, _LOOK_SECONDS))


def _count(answer: Any, attempts: Retrying) -> None:
    told = answer.setdefault("ResponseMetadata", {})
    told["RetryAttempts"] = told.get("RetryAttempts", 0) + attempts.statistics["attempt_number"] - 1


def _once(send: Callable[..., Any], operation: str, params: dict[str, Any], body: Any) -> Any:
    if hasattr(body, "seek"):
        body.seek(0)
    try:
        return send(operation, dict(params))  # botocore replaces a body of bytes with a stream
    except Exception as error:  # botocore's connection errors do not name the request
        named: Any = error
        named.operation_name = operation
        raise


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, Exception) and error_kind(error) in (*_TRANSIENT, ErrorKind.DAMAGED)


def _waits(error: BaseException) -> bool:
    return isinstance(error, DestinationFault) and error.remedy is Remedy.WAIT


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    named = {"operation": operation_of(error)} if isinstance(error, Exception) and operation_of(error) else {}
    pause = state.next_action.sleep if state.next_action else 0.0
    log().warning("destination_retry", error=_word(error), retry_in_seconds=round(pause, 1), **named)


def _word(error: BaseException | None) -> str:
    if isinstance(error, DestinationFault):
        return error.message
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__
