"""Unknown fields are named with the field that was meant, and duplicate entries are named once."""

from typing import Any

import pytest

from videoimport.cli.manifests.schema_rules import corrected, repeated_entries, unknown_fields

ENTRY = {"properties": {"name": {}, "height": {}}}
LIST = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": ENTRY}
SCHEMA: dict[str, Any] = {
    "properties": {
        "source": {"properties": {"url": {}}},
        "list": LIST,
        "labels": {"additionalProperties": {}},
        "choices": {"x-kubernetes-list-type": "set", "items": {}},
    }
}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"source": {"url": 1}, "labels": {"any": 1}, "list": [{"name": "a"}]}, []),
        ({"sourse": 1}, ["spec.sourse: there is no such field; did you mean source?"]),
        (
            {"SOURCE": {"ulr": 1}},
            [
                "spec.SOURCE: there is no such field; did you mean source?",
                "spec.SOURCE.ulr: there is no such field; did you mean url?",
            ],
        ),
        ({"list": [{"nmae": 1}]}, ["spec.list[0].nmae: there is no such field; did you mean name?"]),
        ({"xyz": 1}, ["spec.xyz: there is no such field; there are choices, labels, list, source."]),
    ],
)
def test_an_unknown_field_is_named_with_the_way_out(value: Any, problems: list[str]) -> None:
    assert list(unknown_fields(SCHEMA, value, "spec")) == problems


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"sourse": {"ulr": 1}}, {"source": {"url": 1}}),
        ({"sourse": 1, "source": 2}, {"sourse": 1, "source": 2}),
        ({"list": [{"nmae": "a"}], "labels": {"nmae": 1}}, {"list": [{"name": "a"}], "labels": {"nmae": 1}}),
        ({"xyz": 1}, {"xyz": 1}),
    ],
)
def test_a_mistyped_field_is_read_as_the_one_that_was_meant(value: Any, result: Any) -> None:
    assert corrected(SCHEMA, value) == result


def test_an_entry_that_occurs_twice_is_named() -> None:
    value = {"list": [{"name": "a", "height": 1}, {"name": "a", "height": 2}], "choices": ["x", "y", "x"]}
    assert list(repeated_entries(SCHEMA, value, "spec")) == [
        "spec.list: a occurs twice; remove one of them.",
        "spec.choices: x occurs twice; remove one of them.",
    ]
