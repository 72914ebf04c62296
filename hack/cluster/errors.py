"""The errors of this tool.

ClusterError                    what the user reads as one line, without a trace
└── CommandFailedError          a program ended with a non-zero code; its output is in a log
"""

from collections.abc import Sequence
from pathlib import Path


class ClusterError(Exception):
    """An error that the user can correct; the message explains how."""


class CommandFailedError(ClusterError):
    """Raised when a program failed. `log` is the file with its output, if there is one."""

    def __init__(self, argv: Sequence[str], code: int, log: Path | None) -> None:
        super().__init__(f"{argv[0]} ended with exit code {code}")
        self.log = log
