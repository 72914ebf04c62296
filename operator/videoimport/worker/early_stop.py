"""A stop while the worker starts: nothing has begun, so the process ends at once.

Imports only small parts of the standard library: imports before the handlers delay a stop.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from itertools import pairwise

EXIT_CODE = 95
"""Of ``Reason.WORKER_LOST``. The module that knows it takes too long to import here."""
MESSAGE_PATH = "/dev/termination-log"
"""``api.task.TERMINATION_MESSAGE_PATH``, likewise."""
_OPTION = "--termination-message"
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_REPORT = (
    '{"schemaVersion":1,"kind":"Report","uid":"","run":0,"specHash":"","outcome":"Failed","reason":"WorkerLost",'
    '"message":"The worker was terminated (%s) before it began.","finishedAt":"%s"}'
)
"""Of ``api.report.Report``. The task is not read yet, so it names no import."""


def end_when_stopped(argv: Sequence[str]) -> None:
    """End the process at SIGTERM and SIGINT, until ``signals.Interrupts`` replaces the handlers.

    The image starts the worker with both blocked, because process 1 of a container loses a signal that has no handler.
    """
    path = _message_path(argv)
    for number in _STOPPING:
        signal.signal(number, lambda caught, _: _end(caught, path))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)


def _message_path(argv: Sequence[str]) -> str:
    """Return the last one that the command line names."""
    named = [after for option, after in pairwise(argv) if str(option) == _OPTION]
    return named[-1] if named else MESSAGE_PATH


def _end(number: int, path: str) -> None:
    report = _REPORT % (signal.Signals(number).name, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    _write(path, report)
    os._exit(EXIT_CODE)


def _write(path: str, text: str) -> None:
    """Where it cannot be written, the exit code still shows the outcome."""
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.write(file, text.encode())
