"""`create`: imports addresses without a YAML file."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.cli.errors import UnusableError
from videoimport.cli.options import Context, Folder, Kubeconfig, Namespace, OptionalOutput, OutputFormat
from videoimport.cli.progress_display import printable
from videoimport.cli.resource_facts import Raw, created_of, reference_of

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube

_MOST_COMPARED = 50


def create_import(
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Addresses of videos or of web pages.")],
    into: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            envvar="VIDEOIMPORT_INTO",
            help="The destination: s3://bucket/prefix or pvc://claim/path.",
        ),
    ] = None,
    folder: Folder = None,
    bulk: Annotated[str | None, typer.Option(metavar="NAME", help="Create a BulkImport of this name.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of the import. Default: a name from the address.")
    ] = None,
    playlist: Annotated[
        bool, typer.Option("--playlist", metavar="", help="The address is a playlist, a channel or a feed.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="VIDEOIMPORT_ENDPOINT", help="The address of the object store. Default: AWS S3."
        ),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(metavar="NAME", envvar="VIDEOIMPORT_SECRET", help="The Secret with the keys of the object store."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Print the resource, but do not create it. Needs no cluster.")
    ] = False,
    output: OptionalOutput = None,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Import addresses without a YAML file. One address becomes a VideoImport, and several become a BulkImport.

    Example: `kubectl videoimport create https://media.example.com/a.mp4 --into s3://videos/archive --dry-run -o yaml`
    """
    from videoimport.cli.cluster.create_manifest import Wanted, build_manifest
    from videoimport.cli.resource_output import dump

    kube = None if dry_run else _connect(namespace, context, kubeconfig)
    if into is None:
        raise UnusableError(_format_missing_place(kube))
    manifest = build_manifest(
        Wanted(urls, into, name, bulk, playlist=playlist, folder=folder, endpoint=endpoint, secret=secret)
    )
    if namespace:
        manifest["metadata"]["namespace"] = namespace
    created = kube.create(kube.namespace, manifest["kind"], manifest) if kube else manifest
    if output in (OutputFormat.JSON, OutputFormat.YAML) or (dry_run and output is None):
        sys.stdout.write(dump(created, output or OutputFormat.YAML))
        return
    sys.stdout.write(f"{format_created(created, dry_run=dry_run)}\n")


def _connect(namespace: str | None, context: Context, kubeconfig: Kubeconfig) -> "Kube":
    from videoimport.cli.kube_client import Kube

    return Kube(kubeconfig, context, namespace)


def format_created(resource: Raw, *, dry_run: bool) -> str:
    """Return the line about a new resource, with the command that shows its progress."""
    reference = reference_of(resource)
    if dry_run:
        return f"{reference}: not created (dry run)"
    return f"{reference}: created; `kubectl videoimport watch {reference}` shows its progress"


def _format_missing_place(kube: "Kube | None") -> str:
    """Return the sentence about the missing destination. The sentence names the destination of the newest import, if
    there is an import."""
    words = "--into is missing; write s3://bucket/prefix or pvc://claim/path, or set VIDEOIMPORT_INTO."
    if kube is None:
        return words
    found: list[tuple[Raw, Raw]] = [
        *(
            (one, one["spec"]["destination"])
            for one in kube.first_resources(kube.namespace, VIDEO_KIND, _MOST_COMPARED)
        ),
        *(
            (one, one["spec"]["template"]["destination"])
            for one in kube.first_resources(kube.namespace, BULK_KIND, _MOST_COMPARED)
        ),
    ]
    if not found:
        return words
    _, destination = max(found, key=lambda pair: created_of(pair[0]))
    return f"{words} Another import here has {format_place(destination)}."


def format_place(destination: Raw) -> str:
    """Return the options that name a destination, such as --into s3://videos/archive --secret bucket-keys."""
    store, claim = destination.get("s3"), destination.get("persistentVolumeClaim")
    if store:
        path, endpoint = f"s3://{store['bucket']}/{store.get('prefix', '')}", store.get("endpoint")
    else:
        path, endpoint = f"pvc://{(claim or {}).get('claimName', '')}/{(claim or {}).get('path', '')}", None
    secret = (destination.get("credentialsSecretRef") or {}).get("name")
    options = (("--into", path.rstrip("/")), ("--endpoint", endpoint), ("--secret", secret))
    return printable(" ".join(f"{option} {value}" for option, value in options if value))
