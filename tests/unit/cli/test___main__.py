"""Ctrl-C before a command begins and after it has ended."""

import subprocess
import sys

_WITH_COMMANDS = """
import atexit, os, signal, sys, types
from videoimport.cli.__main__ import main

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

def run_commands(program):
    sys.modules["videoimport.cli.command_line"] = types.SimpleNamespace(run_program=program)
    main()
"""


def ended(script: str) -> "subprocess.CompletedProcess[str]":
    """A program of these lines, which has the commands of ``_WITH_COMMANDS`` in place of the real ones."""
    return subprocess.run(
        [sys.executable, "-c", _WITH_COMMANDS + script], capture_output=True, text=True, check=False, timeout=60
    )


def test_an_interruption_of_the_imports_is_one_line() -> None:
    program = ended("run_commands(interrupt)")
    assert (program.returncode, program.stdout, program.stderr) == (130, "", "Interrupted.\n")


def test_an_interruption_after_the_command_is_quiet() -> None:
    program = ended("atexit.register(interrupt)\nrun_commands(lambda: None)")
    assert (program.returncode, program.stdout, program.stderr) == (0, "", "")
