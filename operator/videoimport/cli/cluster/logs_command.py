"""`logs`: the worker's log of one run."""

import sys
from typing import Annotated

import typer

from videoimport.api.labels import WORKER_CONTAINER
from videoimport.cli.errors import INTERRUPTED
from videoimport.cli.options import Context, Kubeconfig, Namespace, ResourceName
from videoimport.cli.resource_output import escape_json


def print_logs(
    name: ResourceName,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", metavar="", help="Wait for the start of the run, and print its log until the run ends."
        ),
    ] = False,
    run: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The number of the run. Default: the newest run.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print the JSON lines of the worker.")] = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the worker's log of a run as sentences. For a BulkImport, print the log of its listing or webhook.

    Example: `kubectl videoimport logs lecture-1 -f`, or `kubectl videoimport logs lecture-1 --run 2 --json`
    """
    from videoimport.cli.cluster.resource_reference import find_resource
    from videoimport.cli.cluster.worker_pods import await_pod, find_pod
    from videoimport.cli.kube_client import Kube
    from videoimport.cli.log_sentences import LogSentences

    kube = Kube(kubeconfig, context, namespace)
    try:
        resource = find_resource(kube, name, any_kind=True)
        pod = (await_pod if follow else find_pod)(kube, resource, run)
        lines = kube.log(kube.namespace, pod["metadata"]["name"], WORKER_CONTAINER, follow=follow, timestamps=not json)
        sentences = LogSentences()
        for line in lines:
            for text in [escape_json(line)] if json else sentences.translate_timed(line):
                sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
