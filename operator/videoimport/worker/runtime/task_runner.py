"""Base class that runs a task of the worker. It handles signals, child processes, the report and the exit code."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from videoimport.api.reasons import Reason
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.errors import ImportFailure, Interruption, unexpected
from videoimport.worker.runtime.signals import Interrupts
from videoimport.worker.runtime.stop_request import Stop
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.runtime.termination_message import exit_code

LOG_SECONDS = 2.0
"""Maximum number of seconds for the last log lines, after the report is written. A pipe without a reader cannot delay
the end longer."""


class _Result(Protocol):
    @property
    def reason(self) -> Reason | None: ...


Result = TypeVar("Result", bound=_Result)


class TaskRunner(ABC, Generic[Result]):
    """Runs one task, always writes a report, and returns the exit code of the report's reason."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        stop = Stop()
        self.children = Children(stop, may_copy=True)  # the task's Secrets are read later
        self.interrupts = Interrupts(stop, self.children.kill_all, self._end_late)
        self._completed: Result | None = None

    @abstractmethod
    def work(self) -> Result:
        """Do the task, in the main thread and with the signal handlers active. Raises ImportFailure or Interruption."""

    @abstractmethod
    def describe(self, end: ImportFailure | Interruption) -> Result:
        """Return the result for a task that ended with the exception ``end``. Any thread may call this method."""

    @abstractmethod
    def write(self, result: Result) -> None:
        """Write the report of a result."""

    @abstractmethod
    def log(self, result: Result) -> None:
        """Log how the task ended."""

    def close(self, result: Result) -> None:
        """Hook for subclasses. It is called after all child processes have ended and before the report is written."""

    def complete(self, result: Result) -> None:
        """Make a result final. No later event turns it into a failure."""
        self.interrupts.settle()
        self._completed = result

    def run(self) -> int:
        """Run the task, write its report and return the exit code."""
        outcome = self._outcome()
        result = self._completed or outcome
        self.interrupts.close()
        self.children.kill_all()
        self.close(result)
        return self._leave(result)

    def _outcome(self) -> Result:
        try:
            return self.interrupts.run(self._timeout_seconds, self.work)
        except (ImportFailure, Interruption) as end:
            return self.describe(end)
        except Exception as error:  # noqa: BLE001 — the outermost handler: a bug becomes a report
            logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
            return self.describe(unexpected(error))

    def _leave(self, result: Result) -> int:
        """Write the report, then the log, and return the exit code.

        The report comes first, because the reader of the log may be gone or blocked.
        """
        self.write(result)
        log_within_time(lambda: self.log(result))
        return exit_code(result.reason)

    def _end_late(self, interruption: Interruption) -> int:
        """Write the report in place of a main thread that does not finish in time, and return the exit code."""
        return self._leave(self._completed or self.describe(interruption))


def log_within_time(log: Callable[[], None]) -> None:
    """Call ``log`` in a thread, and stop waiting for that thread after LOG_SECONDS."""
    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    thread.join(LOG_SECONDS)
