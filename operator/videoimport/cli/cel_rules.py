"""The CEL rules of the CRDs, evaluated as the API server evaluates them.

cel-python provides the language. This module adds the functions of Kubernetes that the CRDs use.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

from videoimport.api.quantity import amount_of
from videoimport.api.rules.validation import VALIDATIONS, compiled

Schema = Mapping[str, Any]
_OF_A_CHANGE = re.compile(r"\boldSelf\b")
"""Pattern of rules for updates. The API server skips these rules for a new object."""


_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def broken_rules(schema: Schema, value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the field and the message of each rule that a new object breaks.

    If a value does not have the schema's type, its rules are skipped. The API server rejects the type and then checks
    no rule.
    """
    yield from _broken(schema, with_defaults(schema, value), path)


def _broken(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if type(value) not in _TYPES.get(schema.get("type", ""), (type(value),)):
        return
    for rule in schema.get(VALIDATIONS, ()):
        if not _OF_A_CHANGE.search(rule["rule"]) and _evaluate(rule["rule"], value) is False:
            yield f"{path}{rule.get('fieldPath', '')}".removeprefix("."), _message(rule, value)
    for place, below, child in _children(schema, value):
        yield from _broken(below, child, f"{path}{place}")


def with_defaults(schema: Schema, value: Any) -> Any:
    """Return ``value`` with the defaults that the API server sets before it checks rules."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        absent = {name: below["default"] for name, below in known.items() if "default" in below and name not in value}
        value = value | absent
        return {name: with_defaults(_below(schema, name), child) for name, child in value.items()}
    return [with_defaults(schema.get("items", {}), child) for child in value] if isinstance(value, list) else value


def _children(schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """Yield each child of a value: its path as the API server writes paths in a rule's field, its schema, and the
    child."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name, child in value.items():
            yield f".{name}" if name in known else f"[{name}]", _below(schema, name), child
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield f"[{number}]", schema.get("items", {}), child


def _below(schema: Schema, name: str) -> Schema:
    rest = schema.get("additionalProperties")
    found: Schema = schema.get("properties", {}).get(name, rest if isinstance(rest, dict) else {})
    return found


def _message(rule: Mapping[str, str], value: Any) -> str:
    """Return the message that a rule computes from the value, or else the fixed message of the rule."""
    made = _evaluate(rule["messageExpression"], value) if "messageExpression" in rule else None
    return made if isinstance(made, str) and made.strip() else rule["message"]


def _evaluate(expression: str, value: Any) -> bool | str | None:
    """Return the result of an expression over ``self``, or None if the type of the value does not fit."""
    return _result(expression, json.dumps(value))


@lru_cache(maxsize=4096)
def _result(expression: str, value: str) -> bool | str | None:
    """Evaluate an expression over a value in JSON.

    The results are cached, because an evaluation takes 0.6 ms and the same values occur at several places.
    """
    try:
        result = _program(expression).evaluate({"self": json_to_cel(json.loads(value))})
    except CELEvalError:
        return None
    return str(result) if isinstance(result, str) else bool(result)


@cache
def _program(expression: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions=_FUNCTIONS)


def _find(text: str, pattern: str) -> celtypes.StringType:
    found = compiled(pattern).search(text)
    return celtypes.StringType(found[0] if found else "")


def _split(text: str, at: str) -> celtypes.ListType:
    return celtypes.ListType([celtypes.StringType(part) for part in text.split(at)])


def _lower_ascii(text: str) -> celtypes.StringType:
    return celtypes.StringType("".join(letter.lower() if letter.isascii() else letter for letter in text))


def _is_ip(text: str) -> celtypes.BoolType:
    """Return whether Kubernetes accepts the text as an IP address: no zone, and no IPv4 address in the form of IPv6."""
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        return celtypes.BoolType(False)
    is_plain = address.version == 4 or (address.ipv4_mapped is None and address.scope_id is None)
    return celtypes.BoolType(is_plain)


def _is_quantity(text: str) -> celtypes.BoolType:
    try:
        amount_of(text)
    except (ArithmeticError, ValueError):
        return celtypes.BoolType(False)
    return celtypes.BoolType(True)


def _compare(one: str, other: str) -> celtypes.IntType:
    """Compare two quantities, which stay texts as written. Return -1, 0 or 1."""
    amounts = amount_of(one), amount_of(other)
    return celtypes.IntType((amounts[0] > amounts[1]) - (amounts[0] < amounts[1]))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "compareTo": _compare,
    "find": _find,
    "format": lambda text, values: celtypes.StringType(text % tuple(values)),
    "isIP": _is_ip,
    "isQuantity": _is_quantity,
    "lowerAscii": _lower_ascii,
    "quantity": celtypes.StringType,
    "replace": lambda text, old, new: celtypes.StringType(text.replace(old, new)),
    "split": _split,
    "substring": lambda text, start, end=None: celtypes.StringType(text[start:end]),
}
