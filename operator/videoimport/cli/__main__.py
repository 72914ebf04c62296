"""The command line `kubectl videoimport`, or `kubectl-videoimport` on a machine without kubectl."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from videoimport.cli.cluster.change_commands import cancel_imports, resume_imports, retry_imports, suspend_imports
from videoimport.cli.cluster.create_command import create_import
from videoimport.cli.cluster.get_command import get_import
from videoimport.cli.cluster.list_command import list_imports
from videoimport.cli.command_group import IN_A_CLUSTER, NOTHING_STARTED, CommandGroup
from videoimport.cli.errors import UnusableError
from videoimport.cli.find.find_command import find_video
from videoimport.cli.local_paths import Choices, folders, networks
from videoimport.cli.progress_display import say
from videoimport.cli.reasons_command import explain_reasons
from videoimport.cli.results.results_command import print_results
from videoimport.cli.run_command import STANDARD_INPUT, Format, Wish, perform
from videoimport.cli.running import Stopped

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


Filename = Annotated[
    str,
    typer.Option(
        "--filename", "-f", metavar="FILE", help="The manifest, YAML or JSON; - reads it from standard input."
    ),
]
Into = Annotated[
    Path | None,
    typer.Option(metavar="DIR", file_okay=False, help="A folder for the results, whatever the manifest's destination."),
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="json|yaml", help="Print the final resource with its status."),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=DIR", help="A folder that is the Secret NAME, a file for each key; repeatable."),
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR", help="A folder that is the volume of the claim NAME; else NAME beside the manifest."
    ),
]
ConfigMaps = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=DIR", help="A folder that is the ConfigMap NAME, for its ca.crt with certificates."),
]
Networks = Annotated[
    list[str] | None,
    typer.Option(metavar="CIDR", help="Allow sources in this network; otherwise only in public ones."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", metavar="", help="Show the worker's log, not its progress.")]


@app.command()
def run(
    filename: Filename,
    into: Into = None,
    output: Output = None,
    secret: Secrets = None,
    claim: Claims = None,
    config_map: ConfigMaps = None,
    allow_network: Networks = None,
    verbose: Verbose = False,
) -> None:
    """Run one VideoImport on this machine, without a cluster.

    The worker is the same as in a cluster. The results go to the manifest's destination. If the manifest has no
    destination, they go to a folder beside the manifest, with the import's name.

    Exit codes:

    * 0 – the video is imported
    * 2 – nothing was started; the message names what is missing
    * 64 to 113 – the import failed; each reason has its own code
    * 130 – the import was interrupted, and left no files
    """
    try:
        choices = Choices(
            beside=Path.cwd() if filename == STANDARD_INPUT else Path(filename).resolve().parent,
            into=into.expanduser().resolve() if into else None,
            secrets=folders("--secret", secret or ()),
            claims=folders("--claim", claim or ()),
            config_maps=folders("--config-map", config_map or ()),
            networks=networks(allow_network or ()),
        )
        code = perform(Wish(filename, choices, _format(output), verbose))
    except UnusableError as error:
        for problem in error.problems:
            say(Console(stderr=True), f"error: {problem}")
        code = NOTHING_STARTED
    except Stopped as stopped:
        say(Console(stderr=True), f"Ended by {stopped}; the worker removed its unfinished results.")
        code = stopped.exit_code
    raise typer.Exit(code)


def _format(output: str | None) -> Format | None:
    """Return the format of the final resource. Raises UnusableError for an unknown format."""
    if output in (None, "json", "yaml"):
        return output  # type: ignore[return-value]
    raise UnusableError(f"--output {output}: write json or yaml; a folder for the results is named by --into.")


# Commands of other modules. Each module imports the cluster client only when its command runs.
app.command("reasons")(explain_reasons)
app.command("create", rich_help_panel=IN_A_CLUSTER)(create_import)
app.command("list", rich_help_panel=IN_A_CLUSTER)(list_imports)
app.command("get", rich_help_panel=IN_A_CLUSTER)(get_import)
app.command("retry", rich_help_panel=IN_A_CLUSTER)(retry_imports)
app.command("cancel", rich_help_panel=IN_A_CLUSTER)(cancel_imports)
app.command("suspend", rich_help_panel=IN_A_CLUSTER)(suspend_imports)
app.command("resume", rich_help_panel=IN_A_CLUSTER)(resume_imports)
app.command("results", rich_help_panel=IN_A_CLUSTER)(print_results)
app.command("find")(find_video)


def main() -> None:
    """Run the console script."""
    app(prog_name="kubectl videoimport")


if __name__ == "__main__":
    main()
