"""`retry`, `cancel`, `suspend` and `resume`: changes of imports and bulks that are in the cluster."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from videoimport.api.labels import BULK, BULK_KIND, VIDEO_KIND
from videoimport.cli.completion import complete_resources
from videoimport.cli.errors import UnusableError
from videoimport.cli.options import Context, Kubeconfig, Namespace, Output, OutputFormat, ResourceNames
from videoimport.cli.progress_display import say
from videoimport.cli.resource_facts import Raw, reference_of

if TYPE_CHECKING:
    from videoimport.cli.cluster.spec_changes import Verb
    from videoimport.cli.kube_client import Kube


def retry_imports(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Names of VideoImports; write bi/NAME for a BulkImport.",
            autocompletion=complete_resources,
        ),
    ] = None,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed",
            metavar="",
            help="Without names: retry all failed imports of the namespace. "
            "With bi/NAME: retry the failed items of NAME.",
        ),
    ] = False,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Start failed and cancelled imports again. For a BulkImport, start all failed items again.

    Examples: `kubectl videoimport retry lecture-1`, `kubectl videoimport retry --failed bi/course`
    """
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    if not names and not failed:
        raise UnusableError("NAME is missing; give the names of imports, or --failed to retry all failed imports.")
    resources = _read(kube, names) if names else _find_failed(kube)
    if not resources:
        say(Console(stderr=True), f"Nothing failed in the namespace {kube.namespace}.")
    _change(kube, "retry", resources, output)


def cancel_imports(
    names: ResourceNames,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Cancel imports and bulks. Videos that are already stored stay.

    Example: `kubectl videoimport cancel lecture-1 bi/course`
    """
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    _change(kube, "cancel", _read(kube, names), output)


def suspend_imports(
    names: ResourceNames,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Suspend imports and bulks until `resume`.

    Example: `kubectl videoimport suspend bi/course`
    """
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    _change(kube, "suspend", _read(kube, names), output)


def resume_imports(
    names: ResourceNames,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Continue suspended imports and bulks.

    Example: `kubectl videoimport resume bi/course`
    """
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    _change(kube, "resume", _read(kube, names), output)


def _read(kube: "Kube", names: Iterable[str]) -> list[Raw]:
    """Return the resources. Raises UnusableError if a resource does not exist. No resource is changed before this
    check."""
    from videoimport.cli.cluster.resource_reference import find_resource

    resources: list[Raw] = []
    problems: list[str] = []
    for name in dict.fromkeys(names):
        try:
            resources.append(find_resource(kube, name))
        except UnusableError as error:
            problems += error.problems
    if problems:
        raise UnusableError(*problems)
    return resources


def _find_failed(kube: "Kube") -> list[Raw]:
    """Return the bulks with failed items, and the failed imports that belong to no bulk."""
    from videoimport.cli.cluster.resource_reference import with_kind
    from videoimport.cli.cluster.spec_changes import is_retryable

    bulks = [with_kind(bulk, BULK_KIND) for bulk in kube.resources(kube.namespace, BULK_KIND)]
    videos = [with_kind(video, VIDEO_KIND) for video in kube.resources(kube.namespace, VIDEO_KIND, f"!{BULK}")]
    return [resource for resource in (*bulks, *videos) if is_retryable(resource)]


def _change(kube: "Kube", verb: "Verb", resources: Iterable[Raw], output: OutputFormat) -> None:
    """Patch each resource and print the effects."""
    from videoimport.cli.cluster.spec_changes import find_tracker, format_change, plan_change
    from videoimport.cli.resource_output import as_list, dump, without_bookkeeping

    token = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    changed: list[Raw] = []
    for resource in resources:
        change = plan_change(verb, resource, token)
        if change.spec:
            tracker = find_tracker(resource)
            if tracker:
                words = f"warning: {reference_of(resource)} comes from Git by {tracker}, which may undo this change"
                say(Console(stderr=True), f"{words}; change it there, too.")
            changed.append(_patch(kube, resource, change.spec))
        else:
            changed.append(resource)
        if output is OutputFormat.TABLE:
            sys.stdout.write(f"{format_change(resource, change)}\n")
    if output is not OutputFormat.TABLE:
        sys.stdout.write(dump(as_list([without_bookkeeping(resource) for resource in changed]), output))


def _patch(kube: "Kube", resource: Raw, spec: Raw) -> Raw:
    """Change the spec and return the resource. The UID prevents a change of a newer resource with the same name."""
    from videoimport.cli.cluster.resource_reference import with_kind

    meta, kind = resource["metadata"], resource["kind"]
    patch = {"metadata": {"uid": meta["uid"]}, "spec": spec}
    return with_kind(kube.patch(kube.namespace, kind, meta["name"], patch), kind)
