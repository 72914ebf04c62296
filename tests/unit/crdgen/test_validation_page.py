"""Whatever the API server refuses, it says in a sentence what is wrong and what to do."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from support.every_case import every_case
from videoimport.api.metadata import PREDEFINED
from videoimport.crdgen.admission_policy import policy
from videoimport.crdgen.definitions import bulk_definition, video_definition
from videoimport.crdgen.invalid_manifests import EXAMPLES, Violation, beginning_of, violations
from videoimport.crdgen.validation_page import schema_of, validation_page

Schema = dict[str, Any]
SCHEMAS = {"VideoImport": schema_of(video_definition()), "BulkImport": schema_of(bulk_definition())}
PLACEHOLDER = re.compile(r"\{[a-zA-Z]+\}|%[sd]")
METACHARACTERS = re.compile(r"[\^$\\*|\[\]{}]|\(\?|\.\+")


def everything(node: Any, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema below this one, wherever it stands: under not, anyOf and items too."""
    if isinstance(node, dict):
        yield path, node
        for name, child in node.items():
            yield from everything(child, f"{path}.{name}")
    if isinstance(node, list):
        for number, child in enumerate(node):
            yield from everything(child, f"{path}[{number}]")


ALL = [(kind + path, node) for kind, schema in SCHEMAS.items() for path, node in everything(schema)]
RULES = [(path, rule) for path, node in ALL for rule in node.get("x-kubernetes-validations", ())]
MESSAGES = sorted({rule["message"] for _, rule in RULES} | {one["message"] for one in policy()["spec"]["validations"]})
VIOLATIONS = [found for kind, schema in SCHEMAS.items() for found in violations(kind, schema)]


def is_sentence(message: str) -> bool:
    plain = PLACEHOLDER.sub("x", message)
    return len(plain.split()) >= 4 and plain.endswith(".") and not METACHARACTERS.search(plain)


@every_case("message", MESSAGES)
def test_a_message_is_a_sentence_without_a_regular_expression(message: str) -> None:
    assert is_sentence(message)


@every_case("message", MESSAGES)
def test_a_message_says_what_to_do(message: str) -> None:
    """Or what the value must be; a sentence that only names the fault leaves the reader alone."""
    if "SHA-256 in 64" in message or "rational" in message or "CamelCase" in message:
        return  # of the status, which the controller writes
    advice = (
        r"; \w+|\. (Lower|Remove)|\bmust be (at most|the name|a key)|^give |known are|has .* (only|at most)|printable|"
        r"lowercase"
    )
    assert re.search(advice, message)


@pytest.mark.parametrize("word", ["pattern", "not", "anyOf", "oneOf", "allOf"])
def test_nothing_is_refused_with_a_message_of_the_schemas_own_grammar(word: str) -> None:
    """The API server answers "should match '^…$'" or "must not validate the schema (not)"."""
    assert [path for path, node in ALL if word in node and "description" not in path] == []


def test_the_only_formats_are_those_whose_message_names_them() -> None:
    """The API server answers "must be of type date-time", and int64 is none to get wrong."""
    assert {node["format"] for _, node in ALL if isinstance(node.get("format"), str)} <= {"date-time", "int64", "Video"}


def test_every_rule_of_a_spec_has_a_value_that_it_refuses() -> None:
    of_specs = [rule["message"] for path, rule in RULES if ".properties.spec" in path]
    assert [message for message in of_specs if beginning_of(message) is None] == []
    assert {beginning_of(message) for message in of_specs} == set(EXAMPLES)


def test_every_message_of_a_spec_is_among_the_violations() -> None:
    shown = {message for message in EXAMPLES if any(message in found.message for found in VIOLATIONS)}
    assert shown == set(EXAMPLES)


def test_every_bound_of_a_spec_is_among_the_violations() -> None:
    bounds = {"enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"}
    count = sum(len(bounds & node.keys()) for path, node in ALL if ".properties.spec" in path)
    assert count == len([found for found in VIOLATIONS if is_bound(found)])


def is_bound(found: Violation) -> bool:
    words = ("Unsupported", "should be", "should have", "Too long", "Too many")
    return not found.is_rule and any(word in found.message for word in words)


def test_the_page_has_every_field_of_both_kinds() -> None:
    page = validation_page()
    for kind in SCHEMAS:
        assert f"\n## {kind}\n" in page
    for found in VIOLATIONS:
        field = found.field
        if found.kind == "BulkImport" and f"`{field}`" not in page:
            field = field.replace("spec.template", "spec", 1)
        assert f"| `{field}` |" in page, found


def test_the_policy_knows_every_predefined_name() -> None:
    conditions = " ".join(one["expression"] for one in policy()["spec"]["validations"])
    assert all(f"'{name}'" in conditions for name in PREDEFINED)
