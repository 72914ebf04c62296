"""Numbers, null fields, unknown fields and defaults change as structural schemas say."""

from typing import Any

import pytest

from support.every_case import every_case
from videoimport.cli.manifests.schema_defaults import (
    convert_numbers,
    drop_nulls,
    drop_unknown,
    drop_unknown_of_object,
    fill_defaults,
)

INNER = {"type": "object", "properties": {"b": {"default": 3}, "c": {}}}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
MAP = {"type": "object", "additionalProperties": INNER}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@every_case(
    ("schema", "value", "result"),
    [
        (of(a=INNER), {}, {}),
        (of(a=INNER), {"a": {}}, {"a": {"b": 3}}),
        (of(a=INNER), {"a": {"b": 4}}, {"a": {"b": 4}}),
        (of(a=INNER), {"a": {"b": None}}, {"a": {"b": None}}),
        (of(a=INNER | {"default": {}}), {}, {"a": {"b": 3}}),
        (of(a=INNER | {"default": {"b": 5}}), {}, {"a": {"b": 5}}),
        (of(a={"items": INNER}), {"a": [{}, {"b": 1}, 5]}, {"a": [{"b": 3}, {"b": 1}, 5]}),
        (of(a=MAP), {"a": {"x": {}}}, {"a": {"x": {"b": 3}}}),
        (of(a=INNER), {"a": "text", "other": {}}, {"a": "text", "other": {}}),
        (of(a=INNER), "text", "text"),
    ],
)
def test_defaults_are_set_below_what_is_there(schema: Any, value: Any, result: Any) -> None:
    assert fill_defaults(schema, value) == result


@pytest.mark.parametrize(
    ("schema", "value", "result"),
    [
        (of(a=INNER), {"a": None}, {}),
        (of(a=INNER), {"other": None}, {"other": None}),
        (of(a=MAP), {"a": {"x": None, "y": {"c": None}}}, {"a": {"y": {}}}),
        (of(a={"items": INNER}), {"a": [None, {"b": None}]}, {"a": [None, {}]}),
        (of(a=OPEN), {"a": {"x": None}}, {"a": {"x": None}}),
    ],
)
def test_null_means_absent_where_the_schema_knows_the_field(schema: Any, value: Any, result: Any) -> None:
    assert drop_nulls(schema, value) == result


@pytest.mark.parametrize(
    ("schema", "value", "result"),
    [
        (of(a=INNER), {"a": {"b": 1, "x": 2}, "y": 3}, {"a": {"b": 1}}),
        (of(a=MAP), {"a": {"any": {"c": 1, "x": 2}}}, {"a": {"any": {"c": 1}}}),
        (of(a={"items": INNER}), {"a": [{"x": 1}, 5]}, {"a": [{}, 5]}),
        (of(a=OPEN), {"a": {"x": {"y": 1}}}, {"a": {"x": {"y": 1}}}),
    ],
)
def test_unknown_fields_are_dropped_from_closed_objects(schema: Any, value: Any, result: Any) -> None:
    assert drop_unknown(schema, value) == result


def test_the_metadata_of_an_object_is_kept() -> None:
    raw = {"kind": "K", "metadata": {"x": 1}, "other": 1, "a": {"x": 1}}
    assert drop_unknown_of_object(of(a=INNER), raw) == {"kind": "K", "metadata": {"x": 1}, "a": {}}


def test_whole_numbers_are_integers() -> None:
    found = convert_numbers({"a": [5.0, 5.5, True, None, "5.0"], "b": (1.0,)})
    assert found == {"a": [5, 5.5, True, None, "5.0"], "b": [1]}
    assert [type(number) for number in (found["a"][0], found["a"][2], found["b"][0])] == [int, bool, int]
