"""The spec of an upload without its source: from a file, from another import or from a ConfigMap of the namespace."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from videoimport.api.labels import API_VERSION, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import find_resource, parse_reference
from videoimport.cli.errors import MissingRightError, NotFoundError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.manifests.manifest_files import read_file
from videoimport.cli.manifests.yaml_documents import parse_documents

Raw = dict[str, Any]
CONFIG_MAP, KEY = "videoimport-defaults", "videoimport.yaml"
_OWN = ("source", "suspend", "cancel", "retryToken")
"""Fields of the spec that belong to one import."""


@dataclass(frozen=True, slots=True)
class SpecTemplate:
    """The part of a manifest that all files of a command share."""

    spec: Raw
    """The spec without its source."""
    metadata: Raw = field(default_factory=dict)
    """The labels and annotations, if there are any."""


def read_template(kube: Kube, file: Path | None, like: str | None) -> SpecTemplate:
    """Return the template from the file, from the import that ``like`` names, or from the ConfigMap. Raises
    UnusableError."""
    if file is not None and like is not None:
        raise UnusableError("-f and --like are both given; give one of them.")
    if file is not None:
        return parse_template(read_file(file.expanduser(), str(file)), str(file))
    if like is not None:
        return _read_like(kube, like)
    return _read_defaults(kube)


def parse_template(text: str, called: str) -> SpecTemplate:
    """Return the template of a YAML text with one VideoImport. ``called`` is its name in messages. Raises
    UnusableError."""
    documents = parse_documents(text, called)
    if len(documents) != 1 or documents[0].get("kind") != VIDEO_KIND or documents[0].get("apiVersion") != API_VERSION:
        raise UnusableError(f"{called} is no template; write one document with {API_VERSION} and kind: {VIDEO_KIND}.")
    spec, metadata = documents[0].get("spec"), documents[0].get("metadata") or {}
    if not isinstance(spec, dict) or not isinstance(metadata, dict):
        raise UnusableError(f"{called}: spec is missing or metadata is no object; write spec.destination at least.")
    if "source" in spec:
        raise UnusableError(f"{called}: spec.source is set; remove it, because the source is the file.")
    kept = {name: metadata[name] for name in ("labels", "annotations") if isinstance(metadata.get(name), dict)}
    return SpecTemplate(spec, kept)


def _read_like(kube: Kube, like: str) -> SpecTemplate:
    asked = parse_reference(like)
    if asked.kind != VIDEO_KIND:
        raise UnusableError(f"--like {like} is not a VideoImport; write vi/NAME.")
    spec = find_resource(kube, like)["spec"]
    return SpecTemplate({name: value for name, value in spec.items() if name not in _OWN})


def _read_defaults(kube: Kube) -> SpecTemplate:
    """Return the template of the namespace. Raises UnusableError with the three ways if there is none."""
    called = f"ConfigMap {CONFIG_MAP}, key {KEY}"
    try:
        found = kube.get(f"/api/v1/namespaces/{kube.namespace}/configmaps/{CONFIG_MAP}")
    except NotFoundError:
        raise UnusableError(_format_ways(f"The namespace {kube.namespace} has no ConfigMap {CONFIG_MAP}")) from None
    except MissingRightError:
        raise UnusableError(_format_ways(f"You may not get the ConfigMap {CONFIG_MAP} in {kube.namespace}")) from None
    if (text := (found.get("data") or {}).get(KEY)) is None:
        raise UnusableError(_format_ways(f"The ConfigMap {CONFIG_MAP} has no key {KEY}"))
    return parse_template(text, called)


def _format_ways(found: str) -> str:
    return (
        f"The destination is missing. Give -f TEMPLATE.yaml with a VideoImport without source; or --like vi/NAME; or "
        f"create the ConfigMap {CONFIG_MAP} with such a VideoImport in the key {KEY}. {found}; choose one of the ways."
    )
