"""The keys and values of a Secret or a ConfigMap. Messages name keys and never show values."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from videoimport.api.rules.string_rules import CONFIG_MAP_KEY
from videoimport.cli.manifests.object_metadata import find_metadata_problems
from videoimport.cli.manifests.schema_defaults import Schema
from videoimport.cli.manifests.schema_rules import unknown_fields
from videoimport.cli.manifests.shown_values import shorten_text

HolderKind = Literal["Secret", "ConfigMap"]
MOST_BYTES = 2**20
"""Maximum number of bytes of all values of a Secret or a ConfigMap, as in a cluster."""
_MOST_KEY = 253
_FIELDS: Mapping[HolderKind, Mapping[str, bool]] = {
    "Secret": {"data": True, "stringData": False},
    "ConfigMap": {"binaryData": True, "data": False},
}
"""Fields with values, and whether the values are base64. A later field replaces values of an earlier field."""
_OTHER_FIELDS = ("apiVersion", "immutable", "kind", "metadata", "type")


@dataclass(frozen=True, slots=True)
class KeyValues:
    """The content of a Secret or a ConfigMap, and its problems."""

    values: Mapping[str, bytes] = field(repr=False)
    problems: tuple[str, ...] = ()


def read_key_values(kind: HolderKind, document: Mapping[str, Any]) -> KeyValues:
    """Return the values of a Secret (data, stringData) or of a ConfigMap (data, binaryData) by key."""
    fields = _FIELDS[kind]
    schema: Schema = {"properties": {name: {} for name in (*fields, *_OTHER_FIELDS)}}
    problems = [problem.removeprefix(".") for problem in unknown_fields(schema, dict(document), "")]
    problems += find_metadata_problems(kind, document)
    values: dict[str, bytes] = {}
    for name, is_encoded in fields.items():
        pairs = document.get(name)
        if pairs is not None and not isinstance(pairs, dict):
            problems.append(f"{name} is not an object; write a line KEY: VALUE for each value.")
            continue
        for key, value in (pairs or {}).items():
            problems += _find_key_problems(f"{name}.{shorten_text(key)}", key)
            decoded = _decode(value, is_encoded=is_encoded)
            if decoded is None:
                problems.append(f"{name}.{shorten_text(key)} {_WAYS_OUT[kind, is_encoded]}")
            else:
                values[key] = decoded
    return KeyValues(values, (*problems, *_find_size_problems(kind, values)))


_WAYS_OUT = {
    ("Secret", True): "is not base64; encode the value, or write the value as it is below stringData.",
    ("Secret", False): "is not text; put the value in quotes.",
    ("ConfigMap", True): "is not base64; encode the value, or write a text as it is below data.",
    ("ConfigMap", False): "is not text; put the value in quotes, or write bytes as base64 below binaryData.",
}


def _decode(value: Any, *, is_encoded: bool) -> bytes | None:
    """Return the bytes of a value. Return None if the value is invalid. Line breaks in base64 are ignored, as in Go."""
    if value is None:
        return b""
    if not isinstance(value, str):
        return None
    if not is_encoded:
        return value.encode(errors="surrogatepass")
    try:
        return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _find_key_problems(path: str, key: str) -> Iterator[str]:
    if len(key) > _MOST_KEY or not CONFIG_MAP_KEY.holds(key):
        yield f"{path}: a key has at most {_MOST_KEY} letters, digits, '-', '_' and '.'; rename it."


def _find_size_problems(kind: HolderKind, values: Mapping[str, bytes]) -> Iterator[str]:
    size = sum(map(len, values.values()))
    if size > MOST_BYTES:
        yield f"the values have {size} bytes together; a {kind} has at most {MOST_BYTES}. Divide it."
