"""Conversion of pydantic's JSON schema to a structural schema of Kubernetes.

In a structural schema, references are inlined, and each node has one type. ``anyOf`` with null and
``additionalProperties: false`` are not allowed
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
Every string and list needs an upper bound. Otherwise the estimated cost of CEL rules on the nodes above is too high.
``unbounded`` finds nodes without a bound.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

Schema = dict[str, Any]
_DROPPED = frozenset({"title", "$defs", "discriminator", "additionalItems", "uniqueItems", "propertyNames"})


class _Described(GenerateJsonSchema):
    """Schema generator that uses the docstring below a field as the description of the field, unless the type of the
    field has a description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Return the JSON schema of a model with the descriptions of its fields."""
        found, model = super().model_schema(schema), schema["cls"]
        for name, text in _docstrings(model).items():
            field = model.model_fields.get(name)
            if field is not None:
                found["properties"][field.alias or name].setdefault("description", text)
        return found


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each field of a model and of its base classes."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _field_docstrings(base.__module__)[base.__qualname__]
    return found


@cache
def _field_docstrings(module: str) -> dict[str, dict[str, str]]:
    """Return the docstrings of the fields of each top-level class of a module. So a module is parsed only once."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {each.name: dict(_described(each)) for each in body if isinstance(each, ast.ClassDef)}


def _described(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(body.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


@cache
def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, with the aliases as names. Fields with a default are optional.

    All callers share one schema. A caller must not change this schema, and may change a copy.
    """
    whole = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Described)
    return _plain(whole, whole.get("$defs", {}))


def _plain(node: Schema, definitions: dict[str, Schema]) -> Schema:
    flat = _without_null(_inlined(node, definitions), definitions)
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    result = {key: value for key, value in flat.items() if key not in _DROPPED}
    if result.get("default", ...) in (None, []):
        del result["default"]
    if "properties" in result and "default" in result:
        result["default"] = {}  # the API server fills in the properties' own defaults
    if "properties" in result:
        result["properties"] = {name: _plain(child, definitions) for name, child in result["properties"].items()}
        result.pop("additionalProperties", None)
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _plain(result["additionalProperties"], definitions)
    if isinstance(result.get("items"), dict):
        result["items"] = _plain(result["items"], definitions)
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    return result


def _inlined(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return ``node`` with its reference replaced by the target. Keys beside the reference, such as a field's
    description, replace the keys of the target."""
    if "$ref" not in node:
        return dict(node)
    target = definitions[node["$ref"].rpartition("/")[2]]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_inlined(target, definitions), **beside}


def _without_null(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return the node with ``anyOf: [X, null]`` replaced by X, because absence means null in Kubernetes. An
    int-or-string keeps its ``anyOf``. Raise ValueError if more than one type is left."""
    if "anyOf" not in node or node.get("x-kubernetes-int-or-string"):
        return node
    alternatives = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(alternatives) != 1:
        raise ValueError(f"not structural: {node['anyOf']} has more than one type")
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return {**_inlined(alternatives[0], definitions), **beside}


def unbounded(schema: Schema, path: str = "") -> Iterator[str]:
    """Yield the paths of strings, lists and maps without an upper bound. An enumeration or a date-time needs no other
    bound."""
    kind = schema.get("type")
    if kind == "string" and not ({"maxLength", "enum"} & schema.keys() or schema.get("format") == "date-time"):
        yield path
    if kind == "array":
        if "maxItems" not in schema:
            yield path
        yield from unbounded(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        if "maxProperties" not in schema:
            yield path
        yield from unbounded(schema["additionalProperties"], f"{path}{{}}")
    for name, child in schema.get("properties", {}).items():
        yield from unbounded(child, f"{path}.{name}")
