"""`results`: the outcome of every item of a BulkImport."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from videoimport.api.labels import BULK, VIDEO_KIND
from videoimport.cli.completion import complete_bulks
from videoimport.cli.destination.access_options import ClaimFolders, DestinationAccess, KeysFolder
from videoimport.cli.option_values import parse_folders
from videoimport.cli.options import Context, Kubeconfig, Namespace
from videoimport.cli.progress_display import say

if TYPE_CHECKING:
    from videoimport.cli.results.text_formats import Format


class ResultsFormat(StrEnum):
    """The format of the results."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


def print_results(
    bulk: Annotated[str, typer.Argument(metavar="BULK", help="The BulkImport's name.", autocompletion=complete_bulks)],
    output: Annotated[
        ResultsFormat,
        typer.Option("--output", "-o", metavar="table|csv|json|html", help="The format of the results."),
    ] = ResultsFormat.TABLE,
    keys: KeysFolder = None,
    claim: ClaimFolders = None,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the outcome of every item of a BulkImport.

    The status of a BulkImport lists only fifty items. The command also reads the ConfigMaps with all items. An item is
    Imported, Duplicate (the destination had the video), Failed, Rejected (never started) or Open (not finished).

    The format html is one page with thumbnails, which opens without a network. The thumbnails come from the
    destination's publicBaseURL. With --keys or --claim, they come from the destination itself.

    Exit codes:

    * 0 – the items are printed, also if some failed
    * 2 – the items could not be read; the message has the reason

    Example: `kubectl videoimport results course -o html > course.html`
    """
    from videoimport.cli.cluster.resource_reference import parse_reference
    from videoimport.cli.kube_client import Kube  # the cluster client loads slowly, and `run` needs no client
    from videoimport.cli.results.account import of_cluster
    from videoimport.cli.results.text_formats import headline, rendered

    access = DestinationAccess(keys, parse_folders("--claim", claim or ()))
    kube = Kube(kubeconfig, context, namespace)
    name = parse_reference(bulk, "BulkImport").name
    account = of_cluster(kube, kube.namespace, name)
    say(Console(stderr=True), headline(account))
    if output is ResultsFormat.HTML:
        from videoimport.cli.results.html_with_thumbnails import render_account

        videos = kube.resources(kube.namespace, VIDEO_KIND, f"{BULK}={name}")
        sys.stdout.write(render_account(account, videos, access))
    else:
        sys.stdout.write(rendered(account, cast("Format", output.value)))
