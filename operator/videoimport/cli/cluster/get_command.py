"""`get`: a description of one VideoImport or BulkImport for users."""

import sys
from datetime import UTC, datetime

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.labels import BULK_KIND
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.cli.errors import UnusableError
from videoimport.cli.options import Context, Kubeconfig, Namespace, Output, OutputFormat, ResourceName
from videoimport.cli.resource_facts import Raw, reference_of, status_of

_PIPED_WIDTH = 200
"""Number of columns of output that is not a terminal. Lines are not wrapped there."""


def get_import(
    name: ResourceName,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show one import: the stages, the files, the cause of a failure and the advice.

    Example: `kubectl videoimport get lecture-1`, or `kubectl videoimport get bi/course` for a BulkImport
    """
    from videoimport.cli.cluster.resource_reference import find_resource
    from videoimport.cli.kube_client import Kube
    from videoimport.cli.resource_output import dump, without_bookkeeping

    resource = find_resource(Kube(kubeconfig, context, namespace), name, any_kind=True)
    if output is not OutputFormat.TABLE:
        sys.stdout.write(dump(without_bookkeeping(resource), output))
        return
    console = Console()
    print_details(resource, console if console.is_terminal else Console(width=_PIPED_WIDTH))


def print_details(resource: Raw, console: Console) -> None:
    """Print the description of a resource. Raises UnusableError for a status of another version."""
    from videoimport.cli.cluster.import_details import describe_bulk, describe_import

    now = datetime.now(UTC)
    try:
        if resource["kind"] == BULK_KIND:
            parts = list(describe_bulk(resource, BulkImportStatus.model_validate(status_of(resource)), now))
        else:
            parts = list(describe_import(resource, VideoImportStatus.model_validate(status_of(resource)), now))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UnusableError(
            f"{reference_of(resource)}: this version of the program cannot read status.{where}; use the same "
            "release as the controller, or -o yaml."
        ) from None
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))
