"""Names, namespaces, labels and annotations follow the rules of a cluster."""

from typing import Any

import pytest

from videoimport.cli.manifests.object_metadata import find_metadata_problems, select_metadata


def problems(kind: str = "VideoImport", **metadata: Any) -> list[str]:
    return list(find_metadata_problems(kind, {"metadata": {"name": "clip"} | metadata}))


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "a.b-c1", "namespace": "m" * 63},
        {"namespace": None, "labels": None, "annotations": None},
        {"labels": {"team": "", "example.com/team": "Press_1"}, "annotations": {"note": "any text: ü\n"}},
        {"labels": {"team": None}},
    ],
    ids=str,
)
def test_what_a_cluster_accepts_is_no_problem(metadata: dict[str, Any]) -> None:
    assert problems(**metadata) == []


@pytest.mark.parametrize(
    ("kind", "most"), [("VideoImport", 52), ("BulkImport", 40), ("Secret", 253), ("ConfigMap", 253)]
)
def test_each_kind_has_its_longest_name(kind: str, most: int) -> None:
    assert problems(kind, name="a" * most) == []
    (problem,) = problems(kind, name="a" * (most + 1))
    assert f"it has at most {most} lowercase letters" in problem


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a b", "ä"])
def test_a_name_that_no_cluster_takes_is_refused(name: str) -> None:
    (problem,) = problems(name=name)
    assert problem.startswith(f'metadata.name is "{name}"; ')


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"name": None}, "metadata.name is missing; give a name, such as lecture-1."),
        ({"name": 5}, "metadata.name is missing; give a name, such as lecture-1."),
        ({"namespace": "a.b"}, 'metadata.namespace is "a.b"; it has at most 63 lowercase letters, digits or'),
        ({"namespace": 5}, "metadata.namespace is no text; it has at most 63"),
        ({"labels": "a"}, "metadata.labels is not an object; write a line KEY: TEXT for each key."),
        ({"labels": {"a": True}}, "metadata.labels.a is not text; put the value in quotes."),
        ({"labels": {"a": "b" * 64}}, "metadata.labels.a: the value of a label has letters"),
        ({"labels": {"-a": "b"}}, "metadata.labels: a key has letters, digits"),
        ({"annotations": {"a": 5}}, "metadata.annotations.a is not text; put the value in quotes."),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_the_way_out(metadata: dict[str, Any], problem: str) -> None:
    (told,) = problems(**metadata)
    assert told.startswith(problem)


@pytest.mark.parametrize("metadata", [None, "text", []])
def test_metadata_of_another_type_has_no_name(metadata: Any) -> None:
    (problem,) = find_metadata_problems("VideoImport", {"metadata": metadata})
    assert problem.startswith("metadata.name is missing")
    assert select_metadata({"metadata": metadata}) == {"name": None, "namespace": "default"}


def test_only_the_users_part_is_selected() -> None:
    metadata = {"name": "a", "uid": "1", "labels": {"a": None, "b": "c"}, "annotations": {}, "finalizers": ["x"]}
    assert select_metadata({"metadata": metadata}) == {
        "name": "a",
        "namespace": "default",
        "labels": {"a": "", "b": "c"},
    }
