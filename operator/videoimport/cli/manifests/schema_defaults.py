"""Changes that the API server makes to an object before it checks the object: numbers, null fields, unknown fields and
defaults.

All functions return a new value and do not change the argument.
"""

import copy
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_NO_SCHEMA: Schema = {}
_KEPT = ("apiVersion", "kind", "metadata")
"""Fields of every Kubernetes object. They have separate schemas."""


def convert_numbers(value: Any) -> Any:
    """Return ``value`` with a whole number such as 5.0 as an integer, as the API server stores it. A tuple becomes a
    list, as in JSON."""
    if isinstance(value, dict):
        return {name: convert_numbers(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [convert_numbers(child) for child in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def drop_nulls(schema: Schema, value: Any) -> Any:
    """Return ``value`` without the null fields that the schema knows. In such a field, null means that the field is
    absent. Null values in lists and in objects of any content stay."""
    if isinstance(value, list):
        items = schema.get("items", _NO_SCHEMA)
        return [drop_nulls(items, child) for child in value]
    if not isinstance(value, dict):
        return value
    known, has_rest = schema.get("properties", _NO_SCHEMA), "additionalProperties" in schema
    kept = {name: child for name, child in value.items() if child is not None or not (has_rest or name in known)}
    return {name: drop_nulls(select_schema(schema, name), child) for name, child in kept.items()}


def fill_defaults(schema: Schema, value: Any) -> Any:
    """Return ``value`` with the defaults of its schema. A default of a field in an object is set only if the object
    exists, or has a default itself."""
    if isinstance(value, dict):
        return _fill_object(schema, value)
    if isinstance(value, list):
        items = schema.get("items", _NO_SCHEMA)
        return [fill_defaults(items, child) for child in value]
    return value


def _fill_object(schema: Schema, value: dict[Any, Any]) -> dict[Any, Any]:
    filled = {name: fill_defaults(select_schema(schema, name), child) for name, child in value.items()}
    for name, below in schema.get("properties", _NO_SCHEMA).items():
        if "default" in below and name not in value:
            filled[name] = fill_defaults(below, copy.deepcopy(below["default"]))
    return filled


def drop_unknown(schema: Schema, value: Any) -> Any:
    """Return ``value`` without the fields that its schema lacks."""
    if isinstance(value, list):
        items = schema.get("items", _NO_SCHEMA)
        return [drop_unknown(items, child) for child in value]
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    known, rest = schema.get("properties", _NO_SCHEMA), schema.get("additionalProperties")
    kept = value if rest else {name: child for name, child in value.items() if name in known}
    return {name: drop_unknown(select_schema(schema, name), child) for name, child in kept.items()}


def drop_unknown_of_object(schema: Schema, raw: dict[str, Any]) -> dict[str, Any]:
    """Return a whole object without unknown fields. Its metadata is unchanged."""
    own = {name: child for name, child in raw.items() if name not in _KEPT}
    pruned = drop_unknown(schema, own)
    return {name: pruned.get(name, child) for name, child in raw.items() if name in _KEPT or name in pruned}


def select_schema(schema: Schema, name: Any) -> Schema:
    """Return the schema of the child ``name`` of an object. The schema is empty for an unknown field."""
    rest = schema.get("additionalProperties")
    found: Schema = schema.get("properties", _NO_SCHEMA).get(name, rest if isinstance(rest, dict) else _NO_SCHEMA)
    return found
