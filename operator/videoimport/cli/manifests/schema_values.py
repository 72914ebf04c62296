"""Checks of a value against a structural schema: types, required fields, bounds, enumerations and duplicate entries.

The messages are those of the API server (``docs/validation.md``). A text in a message is shown without secrets, and
only if it is short. ``cel_rules`` checks the CEL rules of the schema.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videoimport.cli.manifests.schema_defaults import Schema, select_schema
from videoimport.cli.manifests.shown_values import shorten_text

_ABSENT = object()
"""Marker for a value that the previous object does not have. The marker is not equal to any JSON value."""
_TYPES: Mapping[type, tuple[str, ...]] = {
    bool: ("boolean",),
    dict: ("object",),
    float: ("number",),
    int: ("integer", "number"),
    list: ("array",),
    str: ("string",),
    type(None): ("null",),
}


def find_value_problems(schema: Schema, value: Any, path: str, old: Any = _ABSENT) -> Iterator[str]:
    """Yield a sentence for each problem of a value, which begins with the field.

    ``old`` is the value in the previous object. The API server accepts every unchanged value.
    """
    if old is not _ABSENT and value == old:
        return
    wanted = schema.get("type")
    found = _TYPES[type(value)]
    if schema.get("x-kubernetes-int-or-string") and not {"integer", "string"} & {*found}:
        yield _describe_type(path, "integer or string", found[0])
    elif wanted is not None and wanted not in found:
        yield _describe_type(path, wanted, found[0])
    else:
        yield from _find_bound_problems(schema, value, path)
        yield from _find_child_problems(schema, value, path, old)


def _describe_type(path: str, wanted: str, found: str) -> str:
    return f'{path}: Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'


def _find_bound_problems(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(map(_quote, schema["enum"]))
        yield f"{path}: Unsupported value: {_quote(value)}: supported values: {choices}"
    for word, check in _CHECKS[type(value)].items():
        if word in schema and (message := check(value, schema[word], path)):
            yield f"{path}: {message}"


def _find_child_problems(schema: Schema, value: Any, path: str, old: Any) -> Iterator[str]:
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, child in value.items():
            yield from find_value_problems(
                select_schema(schema, name), child, f"{path}.{name}", before.get(name, _ABSENT)
            )
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}.{name}: Required value"
    elif isinstance(value, list):
        for number, identity in find_duplicates(schema, value):
            yield f"{path}[{number}]: Duplicate value: {_quote(identity)}"
        items = schema.get("items", {})
        for number, child in enumerate(value):
            yield from find_value_problems(items, child, f"{path}[{number}]")


def find_duplicates(schema: Schema, value: list[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the index and the identity of each entry that equals an earlier one, if the schema allows no duplicates.

    The identity of an entry is the entry or, in a list with keys, an object of its keys.
    """
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("map", "set"):
        return
    seen: list[Any] = []
    for number, entry in enumerate(value):
        identity = entry
        if kind == "map":
            if not isinstance(entry, dict):
                continue  # the type is wrong, which is reported for the entry
            identity = {key: entry[key] for key in schema["x-kubernetes-list-map-keys"] if key in entry}
        if identity in seen:
            yield number, identity
        seen.append(identity)


def _quote(value: Any) -> str:
    if isinstance(value, str):
        value = shorten_text(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_Check = Callable[[Any, Any, str], str | None]


def _check_minimum(value: float, least: float, path: str) -> str | None:
    if value >= least:
        return None
    return f"Invalid value: {value}: {path} in body should be greater than or equal to {least}"


def _check_maximum(value: float, most: float, path: str) -> str | None:
    if value <= most:
        return None
    return f"Invalid value: {value}: {path} in body should be less than or equal to {most}"


def _check_min_length(value: str, least: int, path: str) -> str | None:
    if len(value) >= least:
        return None
    return f"Invalid value: {_quote(value)}: {path} in body should be at least {least} chars long"


def _check_min_items(value: list[Any], least: int, path: str) -> str | None:
    if len(value) >= least:
        return None
    return f"Invalid value: {len(value)}: {path} in body should have at least {least} items"


def _check_max_length(value: str, most: int, _path: str) -> str | None:
    return f"Too long: may not be more than {most} bytes" if len(value) > most else None


def _check_max_items(value: list[Any] | dict[str, Any], most: int, _path: str) -> str | None:
    return f"Too many: {len(value)}: must have at most {most} items" if len(value) > most else None


_OF_NUMBERS: Mapping[str, _Check] = {"minimum": _check_minimum, "maximum": _check_maximum}
_CHECKS: Mapping[type, Mapping[str, _Check]] = {
    bool: {},
    dict: {"maxProperties": _check_max_items},
    float: _OF_NUMBERS,
    int: _OF_NUMBERS,
    list: {"minItems": _check_min_items, "maxItems": _check_max_items},
    str: {"minLength": _check_min_length, "maxLength": _check_max_length},
    type(None): {},
}
