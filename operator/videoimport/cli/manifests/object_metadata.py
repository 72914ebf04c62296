"""The part of an object's metadata that a user writes: name, namespace, labels and annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

from videoimport.api import bulkimport, videoimport
from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.api.rules.pod import KEYS, LABEL_VALUE
from videoimport.api.rules.string_rules import DNS_NAME
from videoimport.cli.manifests.shown_values import shorten_text

DEFAULT_NAMESPACE = "default"
_LONGEST = {VIDEO_KIND: videoimport.MAX_NAME, BULK_KIND: bulkimport.MAX_NAME}
_MOST_NAME, _MOST_NAMESPACE, _MOST_LABEL = 253, 63, 63
_WRITTEN = ("labels", "annotations")


def find_metadata_problems(kind: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each problem of the metadata of an object."""
    fields = _read_fields(document)
    yield from _find_name_problems(kind, fields.get("name"))
    yield from _find_namespace_problems(fields.get("namespace", DEFAULT_NAMESPACE))
    for field in _WRITTEN:
        yield from _find_pair_problems(field, fields.get(field, {}))


def select_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata that a user may write, with the namespace. All other metadata is written by a cluster."""
    fields = _read_fields(document)
    written = {field: fields[field] for field in _WRITTEN if isinstance(fields.get(field), dict) and fields[field]}
    pairs = {field: {key: value or "" for key, value in found.items()} for field, found in written.items()}
    return {"name": fields.get("name"), "namespace": fields.get("namespace", DEFAULT_NAMESPACE)} | pairs


def _read_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata without null fields. The result is empty if the metadata is not an object."""
    metadata = document.get("metadata")
    return {name: part for name, part in metadata.items() if part is not None} if isinstance(metadata, dict) else {}


def _find_name_problems(kind: str, name: Any) -> Iterator[str]:
    most = _LONGEST.get(kind, _MOST_NAME)
    if not isinstance(name, str):
        yield "metadata.name is missing; give a name, such as lecture-1."
    elif not name or len(name) > most or not DNS_NAME.holds(name):
        yield (
            f"metadata.name is \"{shorten_text(name)}\"; it has at most {most} lowercase letters, digits, '-' or '.', "
            "and begins and ends with a letter or digit."
        )


def _find_namespace_problems(namespace: Any) -> Iterator[str]:
    is_text = isinstance(namespace, str)
    if not is_text or len(namespace) > _MOST_NAMESPACE or "." in namespace or not DNS_NAME.holds(namespace):
        shown = f'"{shorten_text(namespace)}"' if is_text else "no text"
        yield (
            f"metadata.namespace is {shown}; it has at most {_MOST_NAMESPACE} lowercase letters, digits or '-', and "
            "begins and ends with a letter or digit."
        )


def _find_pair_problems(field: str, pairs: Any) -> Iterator[str]:
    if not isinstance(pairs, dict):
        yield f"metadata.{field} is not an object; write a line KEY: TEXT for each key."
        return
    if not KEYS.holds(pairs):
        yield f"metadata.{field}: {KEYS.message}"
    for key, value in pairs.items():
        if value is None:
            continue  # the API server stores an empty text
        if not isinstance(value, str):
            yield f"metadata.{field}.{shorten_text(key)} is not text; put the value in quotes."
        elif field == "labels" and not (len(value) <= _MOST_LABEL and LABEL_VALUE.holds(value)):
            yield f"metadata.{field}.{shorten_text(key)}: {LABEL_VALUE.message}"
