"""The commands of `kubectl videoimport` against a real API server and a real controller."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import THREE, bulk, video
from support.controller.namespace_state import finished

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(api: ApiServer, namespace: str) -> Run:
    """A command in the namespace of the test."""

    def command(*words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "videoimport.cli", *words, "-n", namespace, "--kubeconfig", str(api.kubeconfig)]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    return command


@pytest.fixture
def controlled(kubelet: FakeKubelet, started: Callable[..., Controller]) -> FakeKubelet:
    """A controller works, and a kubelet runs its pods."""
    started()
    return kubelet


def field(api: ApiServer, namespace: str, kind: str, name: str, *path: str) -> object:
    found: object = api.get(kind, namespace, name)
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def test_an_address_is_imported_without_a_manifest(
    api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet
) -> None:
    """The dry run prints what the command creates, and creates nothing."""
    wish = ("create", "https://media.example.com/talks/Rabbits.mp4", "--into", "s3://videos/in", "--folder", "spring")
    planned = yaml.safe_load(run(*wish, "--dry-run", "-o", "yaml").stdout)
    assert api.all_of("VideoImport", namespace) == []

    made = json.loads(run(*wish, "-o", "json").stdout)

    assert made["spec"]["source"] == planned["spec"]["source"]
    assert made["metadata"]["name"] == planned["metadata"]["name"]
    assert finished(api, "VideoImport", namespace, made["metadata"]["name"])["status"]["phase"] == "Completed"
    again = run(*wish, code=2)
    assert made["metadata"]["name"] in again.stderr


def test_imports_are_created_and_changed_without_a_controller(api: ApiServer, namespace: str, run: Run) -> None:
    created = run("create", "https://example.com/a.mp4", "--into", "s3://videos", "--name", "one")
    assert created.stderr == ""
    assert run("suspend", "one").stdout == "vi/one: suspended (spec.suspend: true)\n"
    assert run("resume", "vi/one").stdout == "vi/one: resumed (spec.suspend: false)\n"
    assert run("cancel", "one").stdout == "vi/one: cancelled (spec.cancel: true)\n"
    assert api.get("VideoImport", namespace, "one")["spec"]["cancel"] is True
    missing = run("get", "oen", code=2)
    assert "did you mean vi/one?" in missing.stderr


def test_several_addresses_are_a_bulk_import(api: ApiServer, namespace: str, run: Run) -> None:
    run("create", *THREE, "--into", "pvc://archive/talks", "--bulk", "course")

    spec = api.get("BulkImport", namespace, "course")["spec"]
    assert [item["url"] for item in spec["source"]["items"]] == THREE
    assert spec["template"]["destination"]["persistentVolumeClaim"] == {"claimName": "archive", "path": "talks"}


def test_imports_are_listed_the_newest_first(api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet) -> None:
    api.create(video(namespace, "first"))
    finished(api, "VideoImport", namespace, "first")
    api.create(bulk(namespace, THREE))
    finished(api, "BulkImport", namespace, "many")

    rows = [line.split() for line in run("list").stdout.splitlines()]
    assert rows[0][:2] == ["NAME", "VIDEO"] or "NAME" in rows[0]
    assert rows[-1][0].removeprefix("vi/") == "first"
    assert len(rows) == 1 + 4
    failed = run("list", "--failed", "--bulk", "many").stdout
    assert "SourceNotFound" in failed or "Failed" in failed
    assert len(failed.splitlines()) == 2
    assert len(json.loads(run("list", "--bulk", "many", "-o", "json").stdout)["items"]) == 3


def test_one_import_is_explained(api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet) -> None:
    api.create(video(namespace, "lost", "https://example.com/gone.mp4"))
    status = finished(api, "VideoImport", namespace, "lost")["status"]

    shown = run("get", "lost").stdout

    assert "SourceNotFound" in shown
    assert status["message"].split(".")[0] in " ".join(shown.split())
    assert yaml.safe_load(run("get", "vi/lost", "-o", "yaml").stdout)["status"]["reason"] == "SourceNotFound"


def test_a_bulk_import_is_shown_too(api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet) -> None:
    api.create(bulk(namespace, THREE))
    finished(api, "BulkImport", namespace, "many")

    assert "2 of 3 imported" in " ".join(run("get", "bi/many").stdout.split())


def test_watch_ends_with_the_outcome(api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet) -> None:
    controlled.hold.set()
    api.create(bulk(namespace, THREE))
    api.create(video(namespace, "good"))
    await_until("the pods run", lambda: len(api.all_of("Pod", namespace)) == 4)
    controlled.finish_all()

    assert "bi/many: Completed 100 %" in run("watch", "bi/many", code=1).stdout
    run("watch", "good")
    assert len(json.loads(run("watch", "good", "-o", "json").stdout)["status"]["outputs"]) > 0


def test_failed_imports_are_retried(api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet) -> None:
    api.create(bulk(namespace, THREE))
    finished(api, "BulkImport", namespace, "many")
    controlled.fate = lambda _task: None

    told = run("retry", "--failed", "bi/many")

    assert "many" in told.stdout
    await_until(
        "the failed item to be imported",
        lambda: field(api, namespace, "BulkImport", "many", "status", "completed") == 3,
    )


def test_an_import_is_cancelled_suspended_and_resumed(
    api: ApiServer, namespace: str, run: Run, controlled: FakeKubelet
) -> None:
    controlled.hold.set()
    for name in ("one", "two"):
        api.create(video(namespace, name, f"https://example.com/{name}.mp4"))
    await_until("both to run", lambda: len(api.all_of("Pod", namespace)) == 2)

    run("cancel", "one")
    run("suspend", "vi/two")
    phases = ("Cancelled", "Suspended")
    for name, phase in zip(("one", "two"), phases, strict=True):
        await_until(
            f"{name} to be {phase}",
            lambda name=name, phase=phase: field(api, namespace, "VideoImport", name, "status", "phase") == phase,
        )
    controlled.hold.clear()
    run("resume", "two")
    assert finished(api, "VideoImport", namespace, "two")["status"]["phase"] == "Completed"


def test_a_change_of_what_a_tool_manages_is_made_and_named(api: ApiServer, namespace: str, run: Run) -> None:
    managed: Raw = video(namespace, "synced")
    managed["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "media:videoimport.io/VideoImport:a/synced"}
    api.create(managed)

    told = run("suspend", "synced")

    assert "Argo CD" in told.stderr
    assert field(api, namespace, "VideoImport", "synced", "spec", "suspend") is True


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("get", "nobody"), "nobody"),
        (("retry",), "--failed"),
        (("get", "xx/one"), "xx"),
        (("lst",), "list"),
        (("list", "--faild"), "--failed"),
    ],
)
def test_a_mistake_is_told_with_the_right_word(run: Run, words: tuple[str, ...], told: str) -> None:
    assert told in run(*words, code=2).stderr


def test_names_are_completed_from_the_cluster(api: ApiServer, namespace: str) -> None:
    """And nothing is printed where there is no cluster."""
    api.create(video(namespace, "lecture-1"))
    api.create(video(namespace, "lecture-2"))

    def complete(kubeconfig: str) -> "subprocess.CompletedProcess[str]":
        line = f"kubectl-videoimport get -n {namespace} --kubeconfig {kubeconfig} lec"
        env = {"_KUBECTL_VIDEOIMPORT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "6"}
        program = f"{sys.executable.rpartition('/')[0]}/kubectl-videoimport"
        return subprocess.run([program], env=env, capture_output=True, text=True)

    assert complete(str(api.kubeconfig)).stdout.split() == ["lecture-1", "lecture-2"]
    assert complete("/nonexistent").stdout.strip() == ""
