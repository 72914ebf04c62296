"""Builds a resource from addresses on the command line: a VideoImport for one address, or a BulkImport for several."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from videoimport.api import bulkimport, videoimport
from videoimport.api.labels import API_VERSION, BULK_KIND, VIDEO_KIND
from videoimport.api.redaction import shown_url
from videoimport.cli.destination.option_problems import describe_problems
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import build_bucket, parse_into
from videoimport.cli.manifests.url_manifests import derive_bulk_name, derive_video_name, parse_urls

Raw = dict[str, Any]
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LONGEST_NAMES = {VIDEO_KIND: videoimport.MAX_NAME, BULK_KIND: bulkimport.MAX_NAME}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The addresses and options of the command line."""

    urls: Sequence[str]
    into: str
    """The destination: s3://bucket/prefix or pvc://claim/path."""
    name: str | None = None
    """Name of the resource. None means a name from the address."""
    bulk: str | None = None
    """Name of the BulkImport. Several addresses become a BulkImport also without this name."""
    playlist: bool = False
    """True if the only address is a playlist, a channel or a feed."""
    folder: str | None = None
    endpoint: str | None = None
    secret: str | None = None


def build_manifest(wanted: Wanted) -> Raw:
    """Return the manifest of a VideoImport or BulkImport. Raises UnusableError with every problem."""
    urls = parse_urls(wanted.urls)
    destination = _build_destination(wanted)
    if len(urls) == 1 and wanted.bulk is None and not wanted.playlist:
        spec = {"source": {"url": urls[0]}, "destination": destination}
        kind, name = VIDEO_KIND, derive_video_name(urls[0]) if wanted.name is None else wanted.name
    else:
        spec = {"source": _build_list(wanted), "template": {"destination": destination}}
        kind, name = (
            BULK_KIND,
            next((name for name in (wanted.bulk, wanted.name) if name is not None), derive_bulk_name(urls)),
        )
    _check_name("--bulk" if wanted.bulk is not None else "--name", name, kind)
    _check_spec(kind, spec, _name_options(wanted))
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def parse_place(into: str) -> Raw:
    """Return the destination of s3://bucket/prefix or pvc://claim/path. Raises UnusableError."""
    scheme, separator, rest = into.partition("://")
    root, _, path = rest.partition("/")
    path = path.strip("/")
    if not separator or not root or scheme not in ("s3", "pvc"):
        raise UnusableError(f"--into {into}: write s3://bucket/prefix or pvc://claim/path.")
    if scheme == "s3" and (goal := parse_into(into)):
        return {"s3": build_bucket(goal, {})}
    return {"persistentVolumeClaim": {"claimName": root, **({"path": path} if path else {})}}


def _build_list(wanted: Wanted) -> Raw:
    if wanted.playlist:
        if len(wanted.urls) != 1:
            raise UnusableError(
                f"--playlist accepts one address, not {len(wanted.urls)}; run the command once for each address."
            )
        return {"playlist": {"url": wanted.urls[0]}}
    return {"items": [{"url": url} for url in wanted.urls]}


def _build_destination(wanted: Wanted) -> Raw:
    place = parse_place(wanted.into)
    if wanted.endpoint:
        if "s3" not in place:
            raise UnusableError(f"--endpoint {wanted.endpoint} needs --into s3://bucket; {wanted.into} is a volume.")
        place["s3"] = {"endpoint": wanted.endpoint} | place["s3"]
    secret = {"credentialsSecretRef": {"name": wanted.secret}} if wanted.secret else {}
    return place | secret | ({"folder": wanted.folder} if wanted.folder else {})


def _check_name(option: str, name: str, kind: str) -> None:
    longest = _LONGEST_NAMES[kind]
    if len(name) > longest or not _NAME.fullmatch(name):
        raise UnusableError(
            f"{option} {name}: a name has at most {longest} lowercase letters, digits, '-' or '.', and begins and ends "
            "with a letter or digit."
        )


def _name_options(wanted: Wanted) -> Mapping[str, str]:
    """Return the option and its value for each field that an option sets."""
    return {
        "s3.endpoint": f"--endpoint {shown_url(wanted.endpoint or '')}",
        "credentialsSecretRef": f"--secret {wanted.secret}",
        "folder": f"--folder {wanted.folder}",
        "persistentVolumeClaim.claimName": f"--into {wanted.into}: the claim",
        "persistentVolumeClaim.path": f"--into {wanted.into}: the path",
    }


def _check_spec(kind: str, spec: Raw, options: Mapping[str, str]) -> None:
    """Raise UnusableError with every field that the API server would refuse."""
    model = bulkimport.BulkImportSpec if kind == BULK_KIND else videoimport.VideoImportSpec
    try:
        model.model_validate(spec)
    except ValidationError as error:
        raise UnusableError(*describe_problems(error, options)) from None
