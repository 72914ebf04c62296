"""The generated schema is structural, bounded, described, and says the same as the models."""

from collections.abc import Iterator
from typing import Any

import pytest

from videoimport.crdgen.definitions import bulk_definition, video_definition
from videoimport.crdgen.structural_schema import unbounded

Schema = dict[str, Any]
DEFINITIONS = {"videoimports": video_definition(), "bulkimports": bulk_definition()}


def schema_of(name: str) -> Schema:
    root: Schema = DEFINITIONS[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}.additionalProperties")


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_everything_a_user_or_worker_can_fill_is_bounded(name: str, part: str) -> None:
    assert list(unbounded(schema_of(name)["properties"][part], part)) == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_field_is_described(name: str) -> None:
    own = [(path, node) for path, node in nodes(schema_of(name)) if path.startswith((".spec", ".status"))]
    fields = [(path, node) for path, node in own if not path.endswith(("]", "additionalProperties"))]
    assert [path for path, node in fields if not node.get("description")] == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_nothing_that_a_structural_schema_forbids_is_left(name: str) -> None:
    for path, node in nodes(schema_of(name)):
        forbidden = {"$ref", "title", "uniqueItems", "const"} & node.keys()
        assert not forbidden, path
        assert "anyOf" not in node or node["x-kubernetes-int-or-string"], path
        assert not ("properties" in node and "additionalProperties" in node), path


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_list_says_its_kind_where_order_or_identity_matters(name: str) -> None:
    lists = {path: node for path, node in nodes(schema_of(name)) if node.get("type") == "array"}
    assert all("x-kubernetes-list-type" in node for node in lists.values()), lists.keys()
    assert lists[".status.conditions"]["x-kubernetes-list-map-keys"] == ["type"]


def test_a_string_without_a_bound_is_found() -> None:
    schema = {"type": "object", "properties": {"free": {"type": "string"}, "kept": {"type": "string", "maxLength": 3}}}
    assert list(unbounded(schema, "spec")) == ["spec.free"]


def test_the_items_are_an_atomic_list_of_at_most_a_thousand() -> None:
    items = schema_of("bulkimports")["properties"]["spec"]["properties"]["source"]["properties"]["items"]
    assert (items["maxItems"], items["minItems"], items["x-kubernetes-list-type"]) == (1000, 1, "atomic")


def test_short_names_and_columns_are_those_people_type_and_read() -> None:
    names = {name: definition["spec"]["names"]["shortNames"] for name, definition in DEFINITIONS.items()}
    assert names == {"videoimports": ["vi"], "bulkimports": ["bi"]}
    columns = DEFINITIONS["bulkimports"]["spec"]["versions"][0]["additionalPrinterColumns"]
    always = [column["name"] for column in columns if not column.get("priority")]
    assert always == ["Phase", "Progress", "Total", "Done", "Failed", "Age"]


def test_the_category_is_no_name_of_a_kind() -> None:
    names = [definition["spec"]["names"] for definition in DEFINITIONS.values()]
    kinds = {word for entry in names for word in (entry["singular"], entry["plural"], *entry["shortNames"])}
    assert not kinds & {category for entry in names for category in entry["categories"]}
