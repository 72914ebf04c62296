"""Handlers for signals that arrive while the worker starts. They end the process at once, because no work has begun.

This module imports only small parts of the standard library. Each Python import before the handlers are installed
delays a stop.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from itertools import pairwise

EXIT_CODE = 95
"""Exit code of ``Reason.WORKER_LOST``. The value is repeated in this module, because importing ``api.reasons`` takes
too long."""
MESSAGE_PATH = "/dev/termination-log"
"""Copy of ``api.tasks.import_task.TERMINATION_MESSAGE_PATH``, because importing that module takes too long."""
_OPTION = "--termination-message"
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_REPORT = (
    '{"schemaVersion":1,"kind":"Report","uid":"","run":0,"specHash":"","outcome":"Failed","reason":"WorkerLost",'
    '"message":"The worker was terminated (%s) before it began.","finishedAt":"%s"}'
)
"""JSON text of an ``api.tasks.import_report.Report``. The task is not read yet, so ``uid`` is empty."""


def end_when_stopped(argv: Sequence[str]) -> None:
    """End the process at SIGTERM and SIGINT, until ``signals.Interrupts`` replaces the handlers.

    The image starts the worker with both signals blocked. Otherwise process 1 of a container would lose a signal that
    has no handler.
    """
    path = _message_path(argv)
    # A parent may have ignored this signal. The kernel would then drop the exit codes of child processes.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _STOPPING:
        signal.signal(number, lambda caught, _: _end(caught, path))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)


def _message_path(argv: Sequence[str]) -> str:
    """Return the path of the last ``--termination-message`` option, or the default path."""
    named = [after for option, after in pairwise(argv) if str(option) == _OPTION]
    return named[-1] if named else MESSAGE_PATH


def _end(number: int, path: str) -> None:
    report = _REPORT % (signal.Signals(number).name, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    _write(path, report)
    os._exit(EXIT_CODE)


def _write(path: str, text: str) -> None:
    """Write ``text`` to ``path``. If the write fails, the exit code still shows the outcome."""
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.write(file, text.encode())
