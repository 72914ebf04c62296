"""`list`: the newest imports of a namespace or of all."""

import heapq
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from videoimport.api.labels import BULK, BULK_KIND, VIDEO_KIND
from videoimport.cli.completion import complete_bulks
from videoimport.cli.options import AllNamespaces, Context, Kubeconfig, Namespace, Output, OutputFormat
from videoimport.cli.progress_display import printable, say
from videoimport.cli.resource_facts import (
    Raw,
    created_of,
    format_age,
    name_of,
    percent_of,
    phase_of,
    status_of,
    title_of,
)
from videoimport.cli.resource_output import as_list, dump, without_bookkeeping
from videoimport.cli.text_table import format_table, shorten

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube

MOST_LISTED = 50
"""Number of imports that are listed without --all."""
_SLACK = 4
_TITLE_WIDTH = 40
_HEADINGS = ("NAME", "TITLE", "PHASE", "PERCENT", "CODE", "AGE")
_FAILURES = ("Failed", "Cancelled")


def list_imports(
    every: Annotated[bool, typer.Option("--all", metavar="", help="Show all imports, not only the newest 50.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", metavar="", help="Show only failed and cancelled imports.")
    ] = False,
    bulk: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Show only the imports of this BulkImport.", autocompletion=complete_bulks),
    ] = None,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """List the 50 newest imports, the newest first.

    CODE is the state of the import as a number, as in hosted upload services: 1 pending, 3 processing, 5 uploading, 6
    completed, 7 failed.

    Example: `kubectl videoimport list --failed --bulk course`
    """
    from videoimport.cli.kube_client import Kube

    kube = Kube(kubeconfig, context, namespace)
    found = _read_imports(kube, bulk, failed=failed, all_namespaces=all_namespaces)
    shown, total = select_newest(found, None if every else MOST_LISTED)
    if output is not OutputFormat.TABLE:
        sys.stdout.write(dump(as_list([without_bookkeeping(video) for video in shown]), output))
        return
    place = "the cluster" if all_namespaces else f"the namespace {kube.namespace}"
    _print_table(shown, total, place, failed=failed, all_namespaces=all_namespaces)


def _read_imports(kube: "Kube", bulk: str | None, *, failed: bool, all_namespaces: bool) -> Iterator[Raw]:
    from videoimport.cli.cluster.resource_reference import parse_reference, with_kind

    selector = f"{BULK}={parse_reference(bulk, BULK_KIND).name}" if bulk else ""
    for video in kube.resources(None if all_namespaces else kube.namespace, VIDEO_KIND, selector):
        if not failed or phase_of(video) in _FAILURES:
            yield with_kind(video, VIDEO_KIND)


def select_newest(videos: Iterable[Raw], most: int | None) -> tuple[list[Raw], int]:
    """Return at most ``most`` imports, the newest first, and the number of all imports.

    At no time are more than a few times ``most`` imports in memory. Imports of the same second are in the reverse order
    of their names.
    """
    kept: list[Raw] = []
    total = 0
    for video in videos:
        total += 1
        kept.append(video)
        if most is not None and len(kept) > _SLACK * most:
            kept = heapq.nlargest(most, kept, key=_recency)
    return heapq.nlargest(len(kept) if most is None else most, kept, key=_recency), total


def _recency(video: Raw) -> tuple[datetime, str]:
    return created_of(video), name_of(video)


def format_list(videos: Iterable[Raw], now: datetime, *, failed: bool = False, all_namespaces: bool = False) -> str:
    """Return a table with one line for each import."""
    headings = (*(["NAMESPACE"] if all_namespaces else []), *_HEADINGS, *(["REASON"] if failed else []))
    rows = []
    for video in videos:
        row = [printable(video["metadata"].get("namespace", ""))] if all_namespaces else []
        row += [name_of(video), shorten(title_of(video), _TITLE_WIDTH), phase_of(video), f"{percent_of(video)}%"]
        row += [_code_of(video), format_age(video, now)]
        rows.append(row + ([printable(str(status_of(video).get("reason", "")))] if failed else []))
    return format_table(headings, rows)


def _code_of(video: Raw) -> str:
    """Return the state as a number. An import that the controller has not seen yet is pending."""
    return str((status_of(video).get("upload") or {}).get("code", 1))


def _print_table(shown: list[Raw], total: int, place: str, *, failed: bool, all_namespaces: bool) -> None:
    errors = Console(stderr=True)
    if not shown:
        say(errors, f"No {'failed imports' if failed else 'imports'} in {place}.")
        return
    sys.stdout.write(format_list(shown, datetime.now(UTC), failed=failed, all_namespaces=all_namespaces))
    if total > len(shown):
        say(errors, f"The newest {len(shown)} of {total} imports; --all lists all.")
