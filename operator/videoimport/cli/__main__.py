"""The program `kubectl videoimport`, or `kubectl-videoimport` on a machine without kubectl.

This module imports only small parts of the standard library. The commands need about a second for their imports, and a
user may press Ctrl-C in that time.
"""

import atexit
import os
import signal
from types import FrameType

from videoimport.cli.errors import INTERRUPTED


def main() -> None:
    """Run the console script."""
    signal.signal(signal.SIGINT, end_at_once)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the interpreter resets handlers before it ends
    from videoimport.cli.command_line import run_program

    try:
        run_program()
    finally:
        signal.signal(signal.SIGINT, end_quietly)


def end_at_once(_number: int, _frame: FrameType | None) -> None:
    """End the program before its command began. Nothing is left to clean up."""
    os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def end_quietly(_number: int, _frame: FrameType | None) -> None:
    """End the program whose command has ended."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
