"""A value is checked against types, bounds and lists without duplicates, except where it has not changed."""

from typing import Any

from support.every_case import every_case
from videoimport.cli.manifests.schema_values import find_duplicates, find_value_problems

MAP_LIST = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}},
}
QUANTITY = {"x-kubernetes-int-or-string": True, "maxLength": 3}
ANY = {"x-kubernetes-preserve-unknown-fields": True, "maxLength": 3}


def problems(schema: Any, value: Any, *old: Any) -> list[str]:
    return list(find_value_problems(schema, value, "spec.a", *old))


@every_case(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [0, -1], ["1", 1.5, True, None, [], {}]),
        ({"type": "number"}, [0, 1.5], ["1", False, None]),
        ({"type": "boolean"}, [True, False], [0, 1, "true"]),
        ({"type": "string"}, ["", "a"], [5, None, ["a"]]),
        ({"type": "array", "items": {"type": "string"}}, [[], ["a"]], [{}, "a", [5], [None]]),
        ({"type": "object"}, [{}, {"b": 1}], [[], "a"]),
        (QUANTITY, [5, "5", 12345], [5.5, True, "1234", ["5"], None]),
        (ANY, [5, 1.5, True, "abc", {"b": 1}, ["a"]], ["abcd"]),
        ({"type": "string", "enum": ["a", "b"]}, ["a"], ["c", ""]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
        ({"type": "string", "minLength": 1, "maxLength": 2}, ["a", "日本"], ["", "abc"]),
        ({"type": "array", "minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]]),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1},
            [{"b": ""}],
            [{"b": 1}, {"b": "", "c": ""}],
        ),
        ({"type": "object", "required": ["b"]}, [{"b": None}], [{}]),
        (MAP_LIST, [[{"name": "a"}, {"name": "b"}]], [[{"name": "a"}, {"name": "a", "n": 1}], ["a"]]),
    ],
)
def test_a_value_fits_or_is_refused_once(schema: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if problems(schema, value)] == []
    assert [value for value in bad if len(problems(schema, value)) != 1] == []


def test_every_problem_names_its_field() -> None:
    schema = {"type": "object", "properties": {"b": MAP_LIST, "c": {"type": "string"}}, "required": ["d"]}
    found = problems(schema, {"b": [{"name": "x", "n": "1"}, {"name": "x"}], "c": 5})
    assert [problem.split(": ")[0] for problem in found] == ["spec.a.b[1]", "spec.a.b[0].n", "spec.a.c", "spec.a.d"]


def test_a_part_that_has_not_changed_is_accepted() -> None:
    schema = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "integer"}}}
    assert problems(schema, {"b": "x"}, {"b": "x"}) == []
    assert len(problems(schema, {"b": "x", "c": "y"}, {"b": "x", "c": "z"})) == 1
    assert len(problems(schema, {"b": "x"}, {"b": "y"})) == 1
    assert len(problems(schema, {"b": "x"}, None)) == 1


def test_a_shown_value_is_short_and_has_no_secret() -> None:
    (long,) = problems({"type": "string", "enum": ["a"]}, "b" * 500)
    assert len(long) < 200
    (secret,) = problems({"type": "string", "enum": ["a"]}, "https://user:hunter2@example.com")
    assert "hunter2" not in secret


def test_duplicates_have_their_index_and_identity() -> None:
    assert list(find_duplicates(MAP_LIST, [{"name": "a"}, {}, {"name": "a", "n": 1}])) == [(2, {"name": "a"})]
    assert list(find_duplicates({"x-kubernetes-list-type": "set"}, ["a", "b", "a", "a"])) == [(2, "a"), (3, "a")]
    assert list(find_duplicates({"x-kubernetes-list-type": "atomic"}, ["a", "a"])) == []
