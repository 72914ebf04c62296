"""The CEL rules of the CRDs, evaluated as the API server evaluates them.

cel-python provides the language. This module adds the functions of Kubernetes that the CRDs use.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

from videoimport.api.quantity import amount_of
from videoimport.api.rules.validation import VALIDATIONS, compiled
from videoimport.cli.manifests.schema_defaults import Schema, fill_defaults, select_schema

Place = tuple[str | int, ...]
"""Path of a field: names and list indices from the object to the field."""
_OF_A_CHANGE = re.compile(r"\boldSelf\b")
"""Pattern of rules for updates. The API server skips these rules for a new object."""
_SELF = re.compile(r"\bself\b(?:\.([A-Za-z_]\w*)\b(?!\())?")
"""Each use of the value in an expression, with the field that the expression reads. A method reads the whole value."""


_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def broken_rules(
    schema: Schema, value: Any, path: str = "", *, old: Any = None, places: Collection[Place] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the field and the message of each rule that an object breaks.

    ``old`` is the object that ``value`` replaces; None for a new object. Rules about a change are evaluated only with
    ``old``. Unchanged fields are accepted, as in the API server. ``places`` has the paths of the fields to check and of
    all enclosing fields. None means all fields.

    If a value does not have the schema's type, its rules are skipped. The API server rejects the type and then checks
    no rule.
    """
    yield from _broken(schema, fill_defaults(schema, value), _RulePlace(path, (), places), old)


@dataclass(frozen=True, slots=True)
class _RulePlace:
    """A field of the object, and the paths of the fields to check."""

    path: str
    """The path as the API server writes it in a rule's field."""
    place: Place
    places: Collection[Place] | None

    def is_wanted(self) -> bool:
        return self.places is None or self.place in self.places

    def enter(self, step: str | int, *, is_key: bool) -> "_RulePlace":
        return _RulePlace(f"{self.path}[{step}]" if is_key else f"{self.path}.{step}", (*self.place, step), self.places)


def _broken(schema: Schema, value: Any, at: _RulePlace, old: Any) -> Iterator[tuple[str, str]]:
    has_type = type(value) in _TYPES.get(schema.get("type", ""), (type(value),))
    if value == old or not has_type or not at.is_wanted():
        return
    for rule in schema.get(VALIDATIONS, ()):
        is_of_a_change = _OF_A_CHANGE.search(rule["rule"]) is not None
        if is_of_a_change and old is None:
            continue
        if _evaluate(rule["rule"], value, old if is_of_a_change else None) is False:
            yield f"{at.path}{rule.get('fieldPath', '')}".removeprefix("."), _message(rule, value)
    for below, position, child, before in _children(schema, value, at, old):
        yield from _broken(below, child, position, before)


def _children(schema: Schema, value: Any, at: _RulePlace, old: Any) -> Iterator[tuple[Schema, _RulePlace, Any, Any]]:
    """Yield each child of a value: the schema, the path, the child, and the same child of the previous object."""
    if isinstance(value, dict):
        known, before = schema.get("properties", {}), old if isinstance(old, dict) else {}
        for name, child in value.items():
            yield select_schema(schema, name), at.enter(name, is_key=name not in known), child, before.get(name)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield schema.get("items", {}), at.enter(number, is_key=True), child, None


def _message(rule: Mapping[str, str], value: Any) -> str:
    """Return the message that a rule computes from the value, or else the fixed message of the rule."""
    made = _evaluate(rule["messageExpression"], value) if "messageExpression" in rule else None
    return made if isinstance(made, str) and made.strip() else rule["message"]


def _evaluate(expression: str, value: Any, old: Any = None) -> bool | str | None:
    """Return the result of an expression over ``self``, or None if the type of the value does not fit."""
    read = _select_fields(expression, value) if isinstance(value, dict) else value
    return _result(expression, json.dumps(read), None if old is None else json.dumps(old))


def _select_fields(expression: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields that an expression reads. So a change of another field does not evaluate the expression
    again."""
    names = _find_fields(expression)
    return value if names is None else {name: value[name] for name in names if name in value}


@cache
def _find_fields(expression: str) -> tuple[str, ...] | None:
    """Return the names of the fields that an expression reads, in order; None if it reads the whole value."""
    names = {found[1] for found in _SELF.finditer(expression)}
    return None if None in names else tuple(sorted(names))


@lru_cache(maxsize=4096)
def _result(expression: str, value: str, old: str | None) -> bool | str | None:
    """Evaluate an expression over values in JSON.

    The results are cached, because an evaluation takes 0.6 ms and the same values occur at several places.
    """
    given = {"self": value} | ({"oldSelf": old} if old is not None else {})
    try:
        result = _program(expression).evaluate({name: json_to_cel(json.loads(text)) for name, text in given.items()})
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
    """Compare two quantities, given as text. Return -1, 0 or 1."""
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
