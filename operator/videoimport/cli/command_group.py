"""The group of all commands. The group prints the problems of a command that could not start."""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from videoimport.cli.errors import INTERRUPTED, UnusableError
from videoimport.cli.progress_display import say

NOTHING_STARTED = 2
"""Exit code of a command that could not start."""
IN_A_CLUSTER = "Imports in a cluster"
"""Heading of the help above the commands that need a cluster."""


class CommandGroup(TyperGroup):
    """A group of commands that may raise UnusableError. The group prints each problem of the error on one line of the
    error stream."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises typer.Exit with the exit code 2 after UnusableError, and 130 after Ctrl-C."""
        try:
            return super().invoke(ctx)
        except UnusableError as error:
            for problem in error.problems:
                say(Console(stderr=True), f"error: {problem}")
            raise typer.Exit(NOTHING_STARTED) from None
        except KeyboardInterrupt:
            say(Console(stderr=True), "Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
