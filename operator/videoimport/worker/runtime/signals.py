"""Handling of the events that end a run early: SIGTERM, the deadline and the watchdog.

The report is written within seconds, even if the main thread is blocked.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import TypeVar

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import Interruption
from videoimport.worker.runtime.stop_request import Stop

GRACE_SECONDS = 4.0
"""Seconds to abort the upload and write the report. After this time a timer thread writes the report and ends the
process."""

LastWords = Callable[[Interruption], int]
"""Function that writes the report in place of the main thread and returns the exit code."""
Result = TypeVar("Result")
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


class Interrupts:
    """Signal handlers that raise an Interruption in the main thread at the first signal. Later signals have no effect.

    The signal is also recorded. So ``run`` raises the Interruption even if other code has caught the exception.
    """

    def __init__(self, stop: Stop, kill_children: Callable[[], None], last_words: LastWords) -> None:
        self._stop = stop
        self._kill_children = kill_children
        self._last_words = last_words
        self._process = os.getpid()
        self._own: Interruption | None = None
        self._raises = False
        self._is_settled = False
        self._is_over = False
        self._ending = threading.Lock()

    def run(self, timeout_seconds: float, work: Callable[[], Result]) -> Result:
        """Run ``work`` with the signal handlers and the deadline, and return its result. The deadline starts now.

        Raises the Interruption if a stop was requested. Otherwise raises the exceptions of ``work``. A signal raises
        an exception only during this call.
        """
        try:
            self._raises = True
            self._install(timeout_seconds)
            result = work()
        except Exception as error:
            self._check(error)
            raise
        else:
            self._check()
            return result
        finally:
            self._raises = False

    def _check(self, error: Exception | None = None) -> None:
        """Raise the Interruption that was requested, unless the result is final."""
        if self._stop.cause is not None and not self._is_settled:
            raise self._stop.cause from error

    def settle(self) -> None:
        """Mark the result as final. After this call, no signal changes the result. If a signal arrives, the
        remaining work must finish within the grace period."""
        self._raises = False
        self._is_settled = True

    def interrupt(self, interruption: Interruption) -> None:
        """End the run. Any thread of this process may call this method."""
        self._own = interruption
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def close(self) -> None:
        """Mark the run as over. After this call, only the main thread writes the report. If the timer thread is
        already writing a report, this method waits, and the timer thread ends the process."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        with self._ending:
            self._is_over = True

    def _install(self, timeout_seconds: float) -> None:
        for number in _HANDLED:
            signal.signal(number, lambda caught, _: self._on(_interruption(caught, timeout_seconds)))
        signal.signal(signal.SIGUSR1, lambda _, __: self._on(self._own) if self._own else None)
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds)

    def _on(self, interruption: Interruption) -> None:
        is_fork = os.getpid() != self._process  # a forked child that has not called exec yet
        if is_fork or self._is_over or self._stop.cause is not None:
            return
        self._stop.request(interruption)
        self._arm(interruption)
        self._kill_children()
        if self._raises and not self._stop.is_deferred:
            raise interruption

    def _arm(self, interruption: Interruption) -> None:
        def end() -> None:
            with self._ending:
                if not self._is_over:
                    os._exit(self._last_words(interruption))

        timer = threading.Timer(GRACE_SECONDS, end)
        timer.daemon = True
        timer.start()


def _interruption(number: int, timeout_seconds: float) -> Interruption:
    if number == signal.SIGALRM:
        message = f"The run took longer than timeoutSeconds, {timeout_seconds:.0f} s, and was ended."
        return Interruption(Reason.DEADLINE_EXCEEDED, message)
    name = signal.Signals(number).name
    return Interruption(Reason.WORKER_LOST, f"The worker was terminated ({name}) before it was done.")
