"""The command line of the program: all commands, and the end of the program after an interruption or a failed write."""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated

import typer

from videoimport.cli.cluster.change_commands import cancel_imports, resume_imports, retry_imports, suspend_imports
from videoimport.cli.cluster.create_command import create_import
from videoimport.cli.cluster.get_command import get_import
from videoimport.cli.cluster.list_command import list_imports
from videoimport.cli.cluster.logs_command import print_logs
from videoimport.cli.cluster.watch_command import watch_imports
from videoimport.cli.command_group import IN_A_CLUSTER, NOTHING_STARTED, CommandGroup
from videoimport.cli.doctor.doctor_command import check_setup
from videoimport.cli.find.find_command import find_video
from videoimport.cli.reasons_command import explain_reasons
from videoimport.cli.results.results_command import print_results
from videoimport.cli.run_command import run_imports
from videoimport.cli.upload.upload_command import upload_files

_COMPLETION = "_KUBECTL_VIDEOIMPORT_COMPLETE"
"""Environment variable that a shell sets when it asks for completions."""
_CLOSED_PIPE = 1
"""Exit code after a write to a closed pipe. typer and rich use this code too."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MAKE_SPACE = "free space for the output and for temporary files, or write elsewhere"
_CONTEXT = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
    rich_markup_mode="markdown",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kubectl-videoimport {version('videoimport')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, metavar="", help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Bring videos into your own storage."""


app.command("run")(run_imports)


# Commands of other modules. Each module imports the cluster client only when its command runs.
app.command("reasons")(explain_reasons)
app.command("create", rich_help_panel=IN_A_CLUSTER)(create_import)
app.command("upload", rich_help_panel=IN_A_CLUSTER)(upload_files)
app.command("list", rich_help_panel=IN_A_CLUSTER)(list_imports)
app.command("get", rich_help_panel=IN_A_CLUSTER)(get_import)
app.command("watch", rich_help_panel=IN_A_CLUSTER)(watch_imports)
app.command("logs", rich_help_panel=IN_A_CLUSTER)(print_logs)
app.command("retry", rich_help_panel=IN_A_CLUSTER)(retry_imports)
app.command("cancel", rich_help_panel=IN_A_CLUSTER)(cancel_imports)
app.command("suspend", rich_help_panel=IN_A_CLUSTER)(suspend_imports)
app.command("resume", rich_help_panel=IN_A_CLUSTER)(resume_imports)
app.command("results", rich_help_panel=IN_A_CLUSTER)(print_results)
app.command("find")(find_video)
app.command("doctor")(check_setup)


def run_program() -> None:
    """Run the command of the arguments and exit. Completion works for the program's own name, because a shell completes
    only names of one word."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.stdout is None or sys.stderr is None:  # the next file that opens would get the number of the stream
        with contextlib.suppress(OSError):
            os.write(2, b"error: standard output is closed; redirect it to a file or to /dev/null.\n")
        sys.exit(NOTHING_STARTED)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without Unicode shows escapes, as on the error stream
        sys.stdout.reconfigure(errors="backslashreplace")
    completing = _COMPLETION in os.environ or {"--show-completion", "--install-completion"} & set(sys.argv)
    with ended_after_failed_writes():
        app(prog_name="kubectl-videoimport" if completing else "kubectl videoimport")


@contextlib.contextmanager
def ended_after_failed_writes() -> Iterator[None]:
    """End the program without a traceback if an output stream cannot be written. A closed pipe is no error for the
    user, because its reader needs no more lines. Raises SystemExit."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        sys.exit(_CLOSED_PIPE)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _discard_output()
        where = f" to {error.filename}" if error.filename else ""
        with contextlib.suppress(OSError):  # the error stream may be on the same full disk
            sys.stderr.write(f"error: a write{where} failed: {os.strerror(error.errno)}; {_MAKE_SPACE}.\n")
            sys.stderr.flush()
        sys.exit(NOTHING_STARTED)


def _discard_output() -> None:
    """Send the rest of the output to nowhere. Otherwise the interpreter writes it again when it ends, and prints a
    traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
