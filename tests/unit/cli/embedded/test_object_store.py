"""The object store answers as an API server does."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from support.every_case import every_case
from videoimport.cli.embedded.object_store import Change, ObjectStore, merge
from videoimport.controller.client import errors

Raw = dict[str, Any]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def store() -> ObjectStore:
    numbers = itertools.count(1)
    return ObjectStore(lambda _kind, _raw: f"uid-{next(numbers)}", lambda: NOW, admit=lambda _kind, raw, _old: raw)


def job(name: str = "run", owner: Raw | None = None, **metadata: Any) -> Raw:
    found: Raw = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "media"} | metadata}
    if owner:
        reference = {"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        found["metadata"]["ownerReferences"] = [reference | {"apiVersion": "v1", "controller": True}]
    return found | {"spec": {"backoffLimit": 0}}


def test_a_created_object_has_the_fields_of_the_server_and_not_those_of_the_manifest(store: ObjectStore) -> None:
    made = store.create(job(uid="forged", resourceVersion="99", creationTimestamp="1999-01-01T00:00:00Z"))

    assert made["metadata"] == {
        "name": "run",
        "namespace": "media",
        "uid": "uid-1",
        "creationTimestamp": "2026-05-01T00:00:00Z",
        "generation": 1,
        "resourceVersion": "1",
    }
    with pytest.raises(errors.AlreadyExists):
        store.create(job())


def test_a_status_of_an_old_version_is_refused_and_changes_nothing(store: ObjectStore) -> None:
    old = store.create(job())
    new = store.replace_status("Job", {**old, "status": {"active": 1}})

    with pytest.raises(errors.Conflict):
        store.replace_status("Job", {**old, "status": {"active": 2}})
    assert store.get("Job", "media", "run") == new


def test_a_patch_of_the_spec_makes_a_new_generation_and_null_removes_a_field(store: ObjectStore) -> None:
    store.create(job(labels={"a": "1", "b": "2"}))

    made = store.patch("Job", "media", "run", {"metadata": {"labels": {"a": None}}, "spec": {"suspend": True}})

    assert made["spec"] == {"backoffLimit": 0, "suspend": True}
    assert made["metadata"]["labels"] == {"b": "2"}
    assert made["metadata"]["generation"] == 2
    assert store.patch("Job", "media", "run", {"metadata": {"labels": {"c": "3"}}})["metadata"]["generation"] == 2


def test_a_write_with_the_uid_of_another_object_is_a_conflict(store: ObjectStore) -> None:
    store.create(job())

    with pytest.raises(errors.Conflict):
        store.patch("Job", "media", "run", {"metadata": {"uid": "other"}})
    with pytest.raises(errors.Conflict):
        store.delete("Job", "media", "run", "other")


def test_an_object_is_deleted_after_its_dependents_and_those_after_their_finalizers(store: ObjectStore) -> None:
    changes: list[tuple[Change, str]] = []
    owner = store.create(job("owner"))
    store.create({**job("pod", owner, finalizers=["a-process"]), "kind": "Pod"})
    store.observe(lambda change, kind, _raw: changes.append((change, kind)))

    answer = store.delete("Job", "media", "owner")

    assert answer["metadata"]["deletionTimestamp"] == "2026-05-01T00:00:00Z"
    assert "deletionTimestamp" in store.get("Pod", "media", "pod")["metadata"]
    assert changes == [("MODIFIED", "Job"), ("MODIFIED", "Pod")]

    store.patch("Pod", "media", "pod", {"metadata": {"finalizers": None}})

    assert changes[2:] == [("MODIFIED", "Pod"), ("DELETED", "Pod"), ("DELETED", "Job")]
    assert store.list("Job") == store.list("Pod") == []


def test_an_object_that_only_copies_an_owners_uid_from_another_namespace_stays(store: ObjectStore) -> None:
    owner = store.create(job("owner"))
    store.create(job("other", owner, namespace="elsewhere"))

    assert store.delete("Job", "media", "owner") == {"kind": "Status", "status": "Success"}

    assert [found["metadata"]["name"] for found in store.list("Job")] == ["other"]


def test_what_a_caller_changes_in_an_answer_does_not_change_the_store(store: ObjectStore) -> None:
    store.create(job())["spec"]["backoffLimit"] = 7
    store.get("Job", "media", "run")["spec"]["backoffLimit"] = 8
    store.list("Job")[0]["spec"]["backoffLimit"] = 9

    assert store.get("Job", "media", "run")["spec"]["backoffLimit"] == 0


@every_case(
    ("target", "patch", "result"),
    [  # the appendix of RFC 7386
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_applied_as_its_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge(target, patch) == result
