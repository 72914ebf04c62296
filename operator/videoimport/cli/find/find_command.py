"""`find`: whether a destination already has a video, and where."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videoimport.api.destination import Destination
from videoimport.api.labels import BULK_KIND
from videoimport.api.output_options import Output as OutputOptions
from videoimport.cli.destination.access_options import ClaimFolders, DestinationAccess, KeysFolder, StoreEndpoint
from videoimport.cli.errors import UnusableError
from videoimport.cli.option_values import check_networks, parse_folders
from videoimport.cli.options import Context, Kubeconfig, Namespace, Output, OutputFormat
from videoimport.cli.progress_display import printable

if TYPE_CHECKING:
    from videoimport.cli.find.lookup import Answer, FindTarget
    from videoimport.cli.kube_client import Kube

_NOT_FOUND = 1


def find_video(
    video: Annotated[str, typer.Argument(metavar="URL|FILE", help="The address of a source, or a local file.")],
    into: Annotated[
        str | None, typer.Option(metavar="s3://BUCKET/PREFIX|DIR", help="The destination: a bucket or a local folder.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="vi/NAME", help="Use the destination and output settings of this VideoImport, or of bi/NAME."
        ),
    ] = None,
    folder: Annotated[str | None, typer.Option(metavar="PATH", help="The destination.folder of the import.")] = None,
    endpoint: StoreEndpoint = None,
    keys: KeysFolder = None,
    claim: ClaimFolders = None,
    allow_network: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help="Allow sources in this network; repeatable.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Find a video in a destination, by the index that imports keep in the destination.

    A video is found only for the same output settings and folder, as in an import. With --into, the output settings
    are the defaults.

    Exit codes:

    * 0 – the destination has the video
    * 1 – the destination does not have the video
    * 2 – the answer is unknown; the message has the cause

    Example: `kubectl videoimport find talk.mp4 --into s3://videos/archive --keys bucket-keys`
    """
    from videoimport.cli.find.lookup import FindTarget, describe_answer, format_answer
    from videoimport.cli.resource_output import dump

    local = parse_folders("--claim", claim or ())
    if (into is None) == (like is None):
        raise UnusableError("The destination is unknown; give either --into s3://bucket/prefix or --like vi/NAME.")
    if into is not None:
        from videoimport.cli.destination.store_access import parse_destination

        destination, here = parse_destination(into, endpoint, folder)
        target, access = FindTarget(destination, OutputOptions()), DestinationAccess(keys, here)
    else:
        from videoimport.cli.kube_client import Kube

        destination, options = read_like(Kube(kubeconfig, context, namespace), str(like))
        target, access = FindTarget(destination, options), DestinationAccess(keys, local)
    answer = _find(video, target, access, check_networks(allow_network or ()))
    if output is OutputFormat.TABLE:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in format_answer(answer).splitlines()))
    else:
        sys.stdout.write(dump(describe_answer(answer), output))
    raise typer.Exit(0 if answer.entry else _NOT_FOUND)


def _find(video: str, target: "FindTarget", access: DestinationAccess, allowed: tuple[str, ...]) -> "Answer":
    """Search by the address or by the content of the file. Raises UnusableError."""
    from videoimport.cli.destination.store_access import opened
    from videoimport.cli.find.lookup import ask_identity, find_file, find_source

    if not video:
        raise UnusableError("URL|FILE is empty; give an address or a local file.")
    is_address = video.lower().startswith(("http://", "https://"))
    if not is_address and "://" in video:
        raise UnusableError(
            f"{video} is not a web address; give an address that begins with http:// or https://, or a local file."
        )
    identity = ask_identity(video, target, allowed) if is_address else ""
    with opened(target.destination, access) as store:
        return (
            find_source(store, target, identity) if is_address else find_file(store, target, Path(video).expanduser())
        )


def read_like(kube: "Kube", like: str) -> tuple[Destination, OutputOptions]:
    """Return the destination and the output settings of a resource in the cluster. Raises UnusableError."""
    from videoimport.api.bulkimport import BulkImport
    from videoimport.api.videoimport import VideoImport
    from videoimport.cli.cluster.resource_reference import find_resource

    resource = find_resource(kube, like, any_kind=True)
    if resource["kind"] == BULK_KIND:
        template = BulkImport.parse(resource).spec.template
        return template.destination, template.output
    spec = VideoImport.parse(resource).spec
    return spec.destination, spec.output
