"""The command line `kubectl videoimport`, or `kubectl-videoimport` on a machine without kubectl."""

import os
import sys
from importlib.metadata import version
from typing import Annotated, Literal

import typer
from rich.console import Console

from videoimport.cli.cluster.change_commands import cancel_imports, resume_imports, retry_imports, suspend_imports
from videoimport.cli.cluster.create_command import create_import
from videoimport.cli.cluster.get_command import get_import
from videoimport.cli.cluster.list_command import list_imports
from videoimport.cli.cluster.logs_command import print_logs
from videoimport.cli.cluster.watch_command import watch_imports
from videoimport.cli.command_group import IN_A_CLUSTER, CommandGroup
from videoimport.cli.errors import UnusableError
from videoimport.cli.options import Context, Kubeconfig, Namespace
from videoimport.cli.progress_display import say
from videoimport.cli.reasons_command import explain_reasons
from videoimport.cli.run_command import run_imports

Form = Literal["table", "csv", "json"]
_COMPLETION = "_KUBECTL_VIDEOIMPORT_COMPLETE"
"""Variable by which a shell asks for completions."""
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

Table = Annotated[str, typer.Option("--output", "-o", metavar="table|csv|json", help="The format of the results.")]


@app.command(rich_help_panel=IN_A_CLUSTER)
def results(
    bulk: Annotated[str, typer.Argument(metavar="BULK", help="The BulkImport's name.")],
    output: Table = "table",
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the outcome of every item of a BulkImport.

    The status of a BulkImport has fifty items. The command also reads the ConfigMaps that have all items. An item is
    Imported, Duplicate (the destination had the video), Failed, Rejected (never started) or Open (not finished).

    Exit codes:

    * 0 – the items are printed, also if some failed
    * 2 – the items could not be read; the message has the reason
    """
    from videoimport.cli.bulk_results import of_cluster  # the cluster client loads slowly, and `run` needs no client
    from videoimport.cli.bulk_results_output import headline, rendered
    from videoimport.cli.kube_client import Kube

    form = _form(output)
    kube = Kube(kubeconfig, context, namespace)
    account = of_cluster(kube, kube.namespace, bulk)
    say(Console(stderr=True), headline(account))
    sys.stdout.write(rendered(account, form))


def _form(output: str) -> Form:
    """Return the format of the results. Raises UnusableError for an unknown format."""
    if output in ("table", "csv", "json"):
        return output  # type: ignore[return-value]
    raise UnusableError(f"--output {output}: write table, csv or json.")


# Commands of other modules. Each module imports the cluster client only when its command runs.
app.command("reasons")(explain_reasons)
app.command("create", rich_help_panel=IN_A_CLUSTER)(create_import)
app.command("list", rich_help_panel=IN_A_CLUSTER)(list_imports)
app.command("get", rich_help_panel=IN_A_CLUSTER)(get_import)
app.command("watch", rich_help_panel=IN_A_CLUSTER)(watch_imports)
app.command("logs", rich_help_panel=IN_A_CLUSTER)(print_logs)
app.command("retry", rich_help_panel=IN_A_CLUSTER)(retry_imports)
app.command("cancel", rich_help_panel=IN_A_CLUSTER)(cancel_imports)
app.command("suspend", rich_help_panel=IN_A_CLUSTER)(suspend_imports)
app.command("resume", rich_help_panel=IN_A_CLUSTER)(resume_imports)


def main() -> None:
    """Run the console script. Completion works for the program's own name, because a shell knows no name of two
    words."""
    completing = _COMPLETION in os.environ or {"--show-completion", "--install-completion"} & set(sys.argv)
    app(prog_name="kubectl-videoimport" if completing else "kubectl videoimport")


if __name__ == "__main__":
    main()
