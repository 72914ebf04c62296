"""What a further run of the command does with the resources of an earlier run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.embedded.roots import ASKED_TOKEN, Roots, UidMaker
from videoimport.cli.embedded.state_file import StateFiles

Raw = dict[str, Any]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
ENDED = {"phase": "Completed", "completionTime": "2026-05-01T00:00:00Z", "total": 2, "completed": 1, "failed": 1}


def bulk(token: str | None = None) -> Raw:
    template = {"destination": {"persistentVolumeClaim": {"claimName": "here"}}}
    spec: Raw = {"source": {"items": [{"url": "https://media.example.com/1.mp4"}]}, "template": template}
    return {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "BulkImport",
        "metadata": {"name": "course", "namespace": "media"},
        "spec": spec | ({"retryToken": token} if token is not None else {}),
    }


class Runs:
    """Several runs of the command in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, resource: Raw, status: Raw | None = None) -> Raw:
        """Return the resource as a run begins with it. At the end of the run, the resource has this status."""
        states = StateFiles()
        objects = ObjectStore(UidMaker(self._folder).make, lambda: NOW, states, lambda _kind, raw, _old: raw)
        Roots(objects, states, self._folder / "state").add_all([resource])
        begun = objects.get("BulkImport", "media", "course")
        if status:
            objects.replace_status("BulkImport", {**begun, "status": status})
        states.close()
        return begun


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_the_same_manifest_is_the_same_resource_and_continues(runs: Runs) -> None:
    first = runs.run(bulk(), {"phase": "Processing", "total": 2})
    second = runs.run(bulk())

    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["status"] == {"phase": "Processing", "total": 2}
    assert second["metadata"]["generation"] == first["metadata"]["generation"]


def test_a_further_run_tries_failed_items_again_once(runs: Runs) -> None:
    runs.run(bulk(), ENDED)
    second = runs.run(bulk(), {**ENDED, "failed": 0})
    third = runs.run(bulk())

    assert second["spec"]["retryToken"]
    assert second["metadata"]["annotations"][ASKED_TOKEN] == ""
    assert third["spec"]["retryToken"] == second["spec"]["retryToken"]


def test_each_further_run_with_failures_has_a_new_token(runs: Runs) -> None:
    runs.run(bulk(), ENDED)
    second = runs.run(bulk(), {**ENDED, "completionTime": "2026-05-02T00:00:00Z"})
    third = runs.run(bulk())

    assert second["spec"]["retryToken"] != third["spec"]["retryToken"]


def test_a_new_token_of_the_manifest_is_used(runs: Runs) -> None:
    runs.run(bulk("mine"), ENDED)

    assert runs.run(bulk("mine-2"))["spec"]["retryToken"] == "mine-2"


def test_an_edited_manifest_replaces_the_whole_spec(runs: Runs) -> None:
    runs.run({**bulk(), "spec": bulk()["spec"] | {"parallelism": 3}}, {"phase": "Processing"})

    second = runs.run(bulk())

    assert "parallelism" not in second["spec"]
    assert second["metadata"]["generation"] == 2


def test_uids_depend_on_the_folder_for_users_and_on_the_owner_for_children(tmp_path: Path) -> None:
    child = {"metadata": {"name": "a", "namespace": "media", "ownerReferences": [{"uid": "u"}]}}
    here, there = UidMaker(tmp_path), UidMaker(tmp_path / "other")

    assert here.make("BulkImport", bulk()) == here.make("BulkImport", bulk()) != there.make("BulkImport", bulk())
    assert here.make("VideoImport", child) == there.make("VideoImport", child)
    assert here.make("Job", child) != here.make("Job", child)
