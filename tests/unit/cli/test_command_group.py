"""The ends of a command that did not do its work."""

import os
import signal
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from videoimport.cli.command_group import CommandGroup
from videoimport.cli.errors import UnusableError


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as the program handles it while a command runs, whatever pytest has installed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(command: object) -> tuple[int, str]:
    app = typer.Typer(cls=CommandGroup, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    app.command("work")(command)  # type: ignore[type-var]
    result = CliRunner().invoke(app, ["work"])
    return result.exit_code, result.stderr


def test_each_problem_is_a_line() -> None:
    def work() -> None:
        raise UnusableError("one; do this.", "two; do that.")

    assert run(work) == (2, "error: one; do this.\nerror: two; do that.\n")


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_is_one_line() -> None:
    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    assert run(work) == (130, "Interrupted.\n")
