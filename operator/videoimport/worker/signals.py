"""What ends a run before its time: SIGTERM, the deadline, the watchdog. Whatever it is doing, its report is written in
seconds."""

import os
import signal
import threading
from collections.abc import Callable

from videoimport.api.reasons import Reason, info
from videoimport.worker.errors import Interruption

GRACE_SECONDS = 4.0
"""For aborting the upload and writing the report; then the process ends as it is, the report written."""

LastWords = Callable[[Interruption], None]


class Interrupts:
    """Turns the first signal into an Interruption in the main thread; later ones change nothing."""

    def __init__(self, kill_children: Callable[[], None], last_words: LastWords) -> None:
        self._kill_children = kill_children
        self._last_words = last_words
        self._came = False
        self._own: Interruption | None = None

    def install(self, timeout_seconds: float) -> None:
        """From now on, for this process. The deadline counts from here."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, lambda caught, _: self._on(_interruption(caught, timeout_seconds)))
        signal.signal(signal.SIGUSR1, lambda _, __: self._on(self._own) if self._own else None)
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds)

    def interrupt(self, interruption: Interruption) -> None:
        """End the run from another thread of this process."""
        self._own = interruption
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def ignore(self) -> None:
        """The run is over: what it reports now stands."""
        self._came = True
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _on(self, interruption: Interruption) -> None:
        if self._came:
            return
        self._came = True
        self._kill_children()
        self._arm(interruption)
        raise interruption

    def _arm(self, interruption: Interruption) -> None:
        def end() -> None:
            self._last_words(interruption)
            os._exit(info(interruption.reason).exit_code or 1)

        timer = threading.Timer(GRACE_SECONDS, end)
        timer.daemon = True
        timer.start()


def _interruption(number: int, timeout_seconds: float) -> Interruption:
    if number == signal.SIGALRM:
        message = f"The run took longer than timeoutSeconds, {timeout_seconds:.0f} s, and was ended; raise it."
        return Interruption(Reason.DEADLINE_EXCEEDED, message)
    name = signal.Signals(number).name
    return Interruption(
        Reason.WORKER_LOST, f"The worker was terminated ({name}) before it was done; a new run goes on."
    )
