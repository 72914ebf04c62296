"""The command line `kubectl videoimport`, or `kubectl-videoimport` on a machine without kubectl."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from videoimport.cli.cluster.change_commands import cancel_imports, resume_imports, retry_imports, suspend_imports
from videoimport.cli.cluster.create_command import create_import
from videoimport.cli.cluster.get_command import get_import
from videoimport.cli.cluster.list_command import list_imports
from videoimport.cli.cluster.logs_command import print_logs
from videoimport.cli.cluster.watch_command import watch_imports
from videoimport.cli.command_group import IN_A_CLUSTER, CommandGroup
from videoimport.cli.doctor.doctor_command import check_setup
from videoimport.cli.find.find_command import find_video
from videoimport.cli.reasons_command import explain_reasons
from videoimport.cli.results.results_command import print_results
from videoimport.cli.run_command import run_imports
from videoimport.cli.upload.upload_command import upload_files

_COMPLETION = "_KUBECTL_VIDEOIMPORT_COMPLETE"
"""Environment variable that a shell sets when it asks for completions."""
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


def main() -> None:
    """Run the console script. Completion works for the program's own name, because a shell completes only names of one
    word."""
    completing = _COMPLETION in os.environ or {"--show-completion", "--install-completion"} & set(sys.argv)
    app(prog_name="kubectl-videoimport" if completing else "kubectl videoimport")


if __name__ == "__main__":
    main()
