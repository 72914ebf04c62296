"""`doctor`: checks of a cluster, or of this machine without one."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videoimport.cli.destination.access_options import ClaimFolders, DestinationAccess, KeysFolder, StoreEndpoint
from videoimport.cli.errors import UnusableError
from videoimport.cli.option_values import parse_folders
from videoimport.cli.options import Context, Kubeconfig, Namespace, Output, OutputFormat
from videoimport.cli.progress_display import printable

if TYPE_CHECKING:
    from videoimport.cli.doctor.check import Check
    from videoimport.cli.kube_client import Kube


def check_setup(
    secret: Annotated[
        str | None, typer.Option(metavar="NAME", help="Check that this Secret in the cluster has the required keys.")
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(metavar="s3://BUCKET/PREFIX|DIR", help="Test this destination: write and remove small objects."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="vi/NAME", help="Test the destination of this VideoImport, or of the BulkImport bi/NAME."),
    ] = None,
    endpoint: StoreEndpoint = None,
    keys: KeysFolder = None,
    claim: ClaimFolders = None,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Check for usual problems.

    With a cluster: the definitions of the resources, the controller, your rights, and the keys of a Secret. Without a
    cluster: Python, ffmpeg, its encoders, scratch and proxies. The check of a destination runs on this machine.

    Exit codes:

    * 0 – no check failed
    * 1 – a check failed; the output has the solution

    Example: `kubectl videoimport doctor --secret bucket-keys`
    """
    from videoimport.cli.doctor.check import describe_checks, exit_code, format_checks
    from videoimport.cli.resource_output import dump

    access = DestinationAccess(keys, parse_folders("--claim", claim or ()))
    kube = _find_cluster(kubeconfig, context, namespace, is_needed=bool(secret or like))
    checks = [*_check_place(kube, secret), *_check_destination(kube, destination, like, endpoint, access)]
    if output is OutputFormat.TABLE:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in format_checks(checks).splitlines()))
    else:
        sys.stdout.write(dump(describe_checks(checks), output))
    raise typer.Exit(exit_code(checks))


def _find_cluster(
    kubeconfig: Path | None, context: str | None, namespace: str | None, *, is_needed: bool
) -> "Kube | None":
    """Return the cluster. Return None if no kubeconfig names a cluster and no option needs a cluster. Raises
    UnusableError."""
    from videoimport.cli.kube_client import Kube

    try:
        return Kube(kubeconfig, context, namespace)
    except UnusableError:
        if kubeconfig or context or is_needed:
            raise
        return None


def _check_place(kube: "Kube | None", secret: str | None) -> Iterator["Check"]:
    """Yield the checks of the cluster, or of this machine without a cluster."""
    from videoimport.cli.doctor.check import Check
    from videoimport.cli.doctor.cluster_checks import check_cluster
    from videoimport.cli.doctor.machine_checks import check_machine

    if kube is None:
        yield from check_machine()
        return
    try:
        yield from check_cluster(kube, secret)
    except UnusableError as error:
        yield Check("Cluster", "failed", str(error))


def _check_destination(
    kube: "Kube | None", place: str | None, like: str | None, endpoint: str | None, access: DestinationAccess
) -> Iterator["Check"]:
    """Yield the check of the destination that the options name. Raises UnusableError for an invalid option."""
    from videoimport.cli.destination.store_access import parse_destination
    from videoimport.cli.doctor.destination_checks import check_destination
    from videoimport.cli.find.find_command import read_like

    if place is not None:
        target, claims = parse_destination(place, endpoint, None, option="--destination")
        yield check_destination(target, DestinationAccess(access.keys, claims))
    if like is not None and kube is not None:
        yield check_destination(read_like(kube, like)[0], access)
