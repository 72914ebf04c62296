"""What a JSON value breaks of a structural schema, so far as the definitions in crds/ use JSON Schema."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
}  # fmt: skip
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "enum": lambda value, choices: value in choices,
    "pattern": lambda value, pattern: bool(re.search(pattern, value)),
    "maxLength": lambda value, most: len(value) <= most,
    "minLength": lambda value, least: len(value) >= least,
    "maxItems": lambda value, most: len(value) <= most,
    "minItems": lambda value, least: len(value) >= least,
    "maximum": lambda value, most: value <= most,
    "minimum": lambda value, least: value >= least,
}


def violations(schema: Mapping[str, Any], value: Any, path: str = "") -> Iterator[str]:
    """A path and a keyword for each violation, unknown fields among them."""
    if "anyOf" in schema or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool))):
        yield f"{path} type"
        return
    yield from (
        f"{path} {word}" for word, holds in _BOUNDS.items() if word in schema and not holds(value, schema[word])
    )
    if isinstance(value, dict):
        known, others = schema.get("properties"), schema.get("additionalProperties")
        yield from (f"{path}.{name} required" for name in schema.get("required", ()) if name not in value)
        for name, child in value.items():
            if known and name in known:
                yield from violations(known[name], child, f"{path}.{name}")
            elif isinstance(others, dict):
                yield from violations(others, child, f"{path}.{name}")
            elif known:
                yield f"{path}.{name} unknown"
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from violations(schema["items"], child, f"{path}[{number}]")
