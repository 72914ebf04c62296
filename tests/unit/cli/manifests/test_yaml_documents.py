"""YAML is read as kubectl reads it, and a hostile text is refused at once."""

import pytest

from support.every_case import every_case
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests import yaml_documents
from videoimport.cli.manifests.yaml_documents import parse_documents, split_lists


def refused(text: str) -> str:
    with pytest.raises(UnusableError) as refusal:
        parse_documents(text, "clip.yaml")
    (problem,) = refusal.value.problems
    return problem


def test_values_become_those_of_json() -> None:
    text = "{a: 2026-01-02, b: 2026-01-02T03:04:05Z, 2: x, true: y, null: z, c: !!binary aGk=, d: [1, 1.5, ~], e: 0o7}"
    assert parse_documents(text, "clip.yaml") == [
        {
            "a": "2026-01-02",
            "b": "2026-01-02T03:04:05Z",
            "2": "x",
            "true": "y",
            "null": "z",
            "c": "hi",
            "d": [1, 1.5, None],
            "e": "0o7",
        }
    ]


def test_empty_documents_are_left_out() -> None:
    assert parse_documents("---\n---\na: 1\n---\n# nothing\n", "clip.yaml") == [{"a": 1}]


def test_aliases_and_merge_keys_are_resolved() -> None:
    (found,) = parse_documents("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}", "clip.yaml")
    assert found == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{number}: &a{number} [{','.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 12)
)


@every_case(
    ("text", "words"),
    [
        ("a: [", "clip.yaml is not YAML: expected the node content, but found '<stream end>' at line 1, column 5."),
        ("a: {b: 1, b: 2}", "clip.yaml is not YAML: b occurs twice at line 1, column 11. Correct that line."),
        ("a", "clip.yaml holds a text instead of a resource; begin with apiVersion and kind."),
        ("1.5", "clip.yaml holds a number instead of a resource; begin with apiVersion and kind."),
        ("- a", "clip.yaml holds a list instead of a resource; begin with apiVersion and kind."),
        ("\0", "clip.yaml is not YAML: "),
        ("? [a]\n: b", "clip.yaml is not YAML: found unhashable key at line 1, column 3."),
        ("a: !!python/name:os.system", "clip.yaml is not YAML: could not determine a constructor for the tag"),
        ("a: !!timestamp 2026-99-99", "clip.yaml has a value that does not fit its tag; remove the tags"),
        ("a: !!timestamp x", "clip.yaml has a value that does not fit its tag"),
        ("a: !!bool x", "clip.yaml has a value that does not fit its tag"),
        ("a: !!binary /w==", "clip.yaml has a value that does not fit its tag"),
        ("a: !!int hunter2", "clip.yaml has a value that does not fit its tag"),
        ("a: .nan", "clip.yaml has the number nan, which no manifest can have; put it in quotes."),
        ("[" * 100_000, "clip.yaml has more than 100 lists or objects within each other"),
        ('{"a":' * 101 + "1" + "}" * 101, "clip.yaml has more than 100 lists or objects within each other"),
        ("&a {x: *a}", "clip.yaml has more than 100 lists or objects within each other"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_way_out(text: str, words: str) -> None:
    problem = refused(text)
    assert problem.startswith(words)
    assert "hunter2" not in problem


def test_the_number_of_values_is_bounded_whatever_aliases_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_documents, "MOST_VALUES", 20_000)
    assert refused(BOMB) == "clip.yaml has more than 20000 values; remove its aliases, or split the file."


def test_a_hundred_levels_are_allowed() -> None:
    (found,) = parse_documents('{"a":' * 100 + "1" + "}" * 100, "clip.yaml")
    assert found["a"]["a"]


def test_entries_of_a_list_are_objects_with_the_kind_of_the_list() -> None:
    typed = {"kind": "SecretList", "apiVersion": "v1", "items": [{"data": {}}]}
    assert list(split_lists(typed)) == [("items[0]", {"kind": "Secret", "apiVersion": "v1", "data": {}})]
    assert list(split_lists({"kind": "List", "items": [{"kind": "A"}]})) == [("items[0]", {"kind": "A"})]
    assert list(split_lists({"kind": "BulkImport", "items": []})) == [("", {"kind": "BulkImport", "items": []})]
