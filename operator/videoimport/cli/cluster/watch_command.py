"""`watch`: the progress of imports and bulks until they end."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from videoimport.api.labels import BULK, BULK_KIND, VIDEO_KIND
from videoimport.cli.completion import complete_resources
from videoimport.cli.errors import INTERRUPTED, NotFoundError
from videoimport.cli.options import Context, Kubeconfig, Namespace, Output, OutputFormat
from videoimport.cli.progress_display import say
from videoimport.cli.resource_facts import (
    Raw,
    exit_code_of,
    explain_reason,
    is_finished,
    is_successful,
    phase_of,
    reference_of,
)

if TYPE_CHECKING:
    from videoimport.cli.cluster.resource_watch import Selection
    from videoimport.cli.kube_client import Kube

_MOST_FAILURES = 10


def watch_imports(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Names of VideoImports; write bi/NAME for a BulkImport.",
            autocompletion=complete_resources,
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show the progress of imports and bulks until all have ended.

    Without names, show all imports of the namespace that have not ended. With -o json or yaml, the progress goes to the
    error stream, and the final resources are the output. Ctrl-C ends only the display.

    Exit codes:

    * 0 – every video is in the destination
    * 1 – at least one failed or was cancelled
    * 64 to 113 – the only VideoImport failed; each reason has its own code
    * 130 – the display was ended by Ctrl-C

    Example: `kubectl videoimport watch bi/course`
    """
    from videoimport.cli.cluster.resource_watch import Selection, select
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    targets = _read_targets(kube, names or ())
    console = Console(stderr=output is not OutputFormat.TABLE)
    if not targets:
        say(console, f"Every import in the namespace {kube.namespace} has ended.")
        return
    selections = select(targets) if names else [Selection(VIDEO_KIND, {}), Selection(BULK_KIND, {})]
    try:
        ended = _show_until_the_end(kube, targets, selections, console)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if output is OutputFormat.TABLE:
        print_failures(ended, console)
    else:
        _print_resources(ended, output)
    raise typer.Exit(exit_code_of(ended))


def _read_targets(kube: "Kube", names: Sequence[str]) -> list[Raw]:
    """Return the named resources. Without names, return all resources of the namespace that have not ended."""
    from videoimport.cli.cluster.resource_reference import find_resource, with_kind

    if names:
        return [find_resource(kube, name, any_kind=True) for name in dict.fromkeys(names)]
    found = [
        *(with_kind(bulk, BULK_KIND) for bulk in kube.resources(kube.namespace, BULK_KIND)),
        *(with_kind(video, VIDEO_KIND) for video in kube.resources(kube.namespace, VIDEO_KIND, f"!{BULK}")),
    ]
    return [resource for resource in found if not is_finished(resource)]


def _show_until_the_end(
    kube: "Kube", targets: Sequence[Raw], selections: "Sequence[Selection]", console: Console
) -> list[Raw]:
    """Show the state until all targets have ended, and return them. Raises NotFoundError if a target was deleted."""
    from videoimport.cli.cluster.resource_watch import follow
    from videoimport.cli.resource_display import choose_display

    wanted = [reference_of(target) for target in targets]
    with choose_display(console) as display:
        for state in follow(kube, selections):
            bulks = [bulk for bulk in state.all_of(BULK_KIND) if reference_of(bulk) in wanted]
            videos = [video for video in state.all_of(VIDEO_KIND) if is_shown(video, wanted)]
            found = {reference_of(resource): resource for resource in (*bulks, *videos)}
            if gone := [reference for reference in wanted if reference not in found]:
                raise NotFoundError(f"{', '.join(gone)}: deleted while this command ran.")
            display.show(bulks, videos)
            if all(is_finished(found[reference]) for reference in wanted):
                return [found[reference] for reference in wanted]
    raise AssertionError("a watch has no end of its own")


def is_shown(video: Raw, wanted: Sequence[str]) -> bool:
    """Return whether a VideoImport is wanted: the references name the VideoImport or its BulkImport."""
    bulk = (video["metadata"].get("labels") or {}).get(BULK)
    return reference_of(video) in wanted or f"bi/{bulk}" in wanted


def print_failures(ended: Sequence[Raw], console: Console) -> None:
    """Print the reason, the message and the advice for each resource that did not succeed."""
    failed = [resource for resource in ended if not is_successful(resource)]
    for resource in failed[:_MOST_FAILURES]:
        command = f"kubectl videoimport get {reference_of(resource)}"
        why = explain_reason(resource)
        say(
            console,
            f"{reference_of(resource)}: {phase_of(resource)}"
            + (f": {why}" if why else f"; `{command}` shows why and what to do"),
        )


def _print_resources(ended: Sequence[Raw], output: OutputFormat) -> None:
    from videoimport.cli.resource_output import as_list, dump, without_bookkeeping

    whole = [without_bookkeeping(resource) for resource in ended]
    sys.stdout.write(dump(whole[0] if len(whole) == 1 else as_list(whole), output))
