"""Errors that the API server reports and the models do not report: unknown fields and duplicate entries.

The models ignore unknown fields, as a controller must. Because there is no API server here, a YAML file is checked
against the schema that the API server uses. ``cel_rules`` checks the CEL rules of the schema.
"""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from videoimport.cli.manifests.schema_defaults import Schema
from videoimport.cli.manifests.schema_values import find_duplicates


def unknown_fields(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Yield a sentence for each field that the schema lacks, with the most similar known field."""
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for name, child in value.items():
            if name not in known:
                meant = _meant(str(name), known)
                way_out = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(known))}."
                yield f"{path}.{name}: there is no such field; {way_out}"
            yield from unknown_fields(known.get(_renamed(name, known, value), {}), child, f"{path}.{name}")
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for name, child in value.items():
            yield from unknown_fields(schema["additionalProperties"], child, f"{path}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for number, child in enumerate(value):
            yield from unknown_fields(schema["items"], child, f"{path}[{number}]")


def corrected(schema: Schema, value: Any) -> Any:
    """Return ``value`` with each mistyped field renamed to the most similar known field, unless the known field exists
    too. This prevents a second error about a missing field."""
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        names = {name: _renamed(name, known, value) for name in value}
        schemas = {name: known.get(names[name], rest if isinstance(rest, dict) else {}) for name in value}
        return {names[name]: corrected(schemas[name], child) for name, child in value.items()}
    if isinstance(value, list):
        return [corrected(schema.get("items", {}), child) for child in value]
    return value


def _renamed(name: Any, known: Iterable[str], value: dict[Any, Any]) -> Any:
    meant = _meant(name, known) if isinstance(name, str) and name not in known else None
    return name if meant is None or meant in value else meant


def _meant(name: str, known: Iterable[str]) -> str | None:
    by_lower = {field.lower(): field for field in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def repeated_entries(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Yield a sentence for each duplicate entry of a list in which the schema allows no duplicates."""
    if isinstance(value, dict):
        children = schema.get("properties", {})
        for name, child in value.items():
            if name in children:
                yield from repeated_entries(children[name], child, f"{path}.{name}")
    elif isinstance(value, list):
        for _, identity in find_duplicates(schema, value):
            shown = ", ".join(map(str, identity.values())) if isinstance(identity, dict) else identity
            yield f"{path}: {shown} occurs twice; remove one of them."
        for number, child in enumerate(value):
            yield from repeated_entries(schema["items"], child, f"{path}[{number}]")
