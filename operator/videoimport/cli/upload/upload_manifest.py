"""Builds the VideoImport of a file."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from videoimport.api.labels import API_VERSION, UPLOAD_SESSION, VIDEO_KIND
from videoimport.api.short_names import slug_of
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.object_problems import examine
from videoimport.cli.manifests.url_manifests import shorten_slug
from videoimport.cli.option_values import split_pairs
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.spec_template import SpecTemplate

Raw = dict[str, Any]
_MOST_SLUG, _DIGITS = 40, 10


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """The options of the command line that change the spec."""

    name: str | None = None
    """Name of the resource. None means a name from the file."""
    folder: str | None = None
    metadata: Raw = field(default_factory=dict)


def build_upload_manifest(template: SpecTemplate, file: LocalFile, options: UploadOptions) -> Raw:
    """Return the VideoImport of a file, without a session. Raises UnusableError with every problem."""
    spec = {**template.spec, "source": {"upload": {"filename": file.name, "size": file.size}}}
    if options.folder is not None:
        spec["destination"] = {**(spec.get("destination") or {}), "folder": options.folder}
    if options.metadata:
        spec["metadata"] = {**(spec.get("metadata") or {}), **options.metadata}
    metadata = {"name": options.name or derive_name(file, options.folder), **template.metadata}
    manifest = {"apiVersion": API_VERSION, "kind": VIDEO_KIND, "metadata": metadata, "spec": spec}
    found = examine("VideoImport", manifest)
    problems = [f"{file.path}: {problem}" for problem in found.problems]
    if found.homeless:
        problems.append("The template has no spec.destination; add one, such as s3 with a bucket.")
    if problems:
        raise UnusableError(*problems)
    return manifest


def add_session(manifest: Raw, token_sha256: str) -> Raw:
    """Return the manifest with the hash that opens a session."""
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), UPLOAD_SESSION: token_sha256}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def derive_name(file: LocalFile, folder: str | None) -> str:
    """Return a name that is the same for the same unchanged file and folder, so that a repeated command finds the
    import that it began."""
    identity = "\n".join((file.name, str(file.size), str(file.modified_ns), folder or ""))
    digest = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
    return f"{shorten_slug(slug_of(file.path.stem), _MOST_SLUG) or 'video'}-{digest}"


def parse_metadata(pairs: Sequence[str]) -> Raw:
    """Return the metadata of KEY=VALUE options. A value is a number, true or false where it reads so, otherwise text.
    A text in double quotes stays text, and may be empty. A value without quotes is not empty, because that is often an
    unset shell variable. Raises UnusableError."""
    form = "KEY=VALUE, or KEY='\"\"' for an empty text"
    found = split_pairs("--metadata", pairs, form, lambda key: f"{key or 'year'}=2026")
    return {key: _parse_scalar(value) for key, value in found}


def _parse_scalar(text: str) -> str | int | float | bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return value if isinstance(value, str | int | float | bool) else text
