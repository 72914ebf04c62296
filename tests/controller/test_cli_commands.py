"""The commands of `kubectl videoimport` against a real API server and a real controller."""

import json
import subprocess
import sys
from collections.abc import Callable

from support.controller.api_server import ApiServer
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import THREE, bulk, video
from support.controller.namespace_state import finished


def run(api: ApiServer, namespace: str, *words: str) -> "subprocess.CompletedProcess[str]":
    options = ["--namespace", namespace, "--kubeconfig", str(api.kubeconfig)]
    return subprocess.run([sys.executable, "-m", "videoimport.cli", *words, *options], capture_output=True, text=True)


def test_imports_are_created_and_changed_without_a_controller(api: ApiServer, namespace: str) -> None:
    created = run(api, namespace, "create", "https://example.com/a.mp4", "--into", "s3://videos", "--name", "one")
    assert (created.returncode, created.stderr) == (0, "")
    assert run(api, namespace, "suspend", "one").stdout == "vi/one: suspended (spec.suspend: true)\n"
    assert run(api, namespace, "resume", "vi/one").stdout == "vi/one: resumed (spec.suspend: false)\n"
    assert run(api, namespace, "cancel", "one").stdout == "vi/one: cancelled (spec.cancel: true)\n"
    assert api.get("VideoImport", namespace, "one")["spec"]["cancel"] is True
    missing = run(api, namespace, "get", "oen")
    assert (missing.returncode, "did you mean vi/one?" in missing.stderr) == (2, True)


def test_a_failed_import_is_listed_explained_and_retried(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller]
) -> None:
    started()
    api.create(video(namespace, "one", "https://example.com/gone.mp4"))
    watched = run(api, namespace, "watch", "one", "-o", "json")
    assert (watched.returncode, json.loads(watched.stdout)["status"]["reason"]) == (65, "SourceNotFound")
    assert "SourceNotFound" in run(api, namespace, "list", "--failed").stdout
    assert "What to do" in run(api, namespace, "get", "one").stdout
    assert run(api, namespace, "retry", "one").stdout.startswith("vi/one: retried")


def test_a_bulk_is_watched_to_its_end(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller]
) -> None:
    started()
    api.create(bulk(namespace, THREE))
    assert run(api, namespace, "watch", "bi/many").returncode == 1
    assert finished(api, "BulkImport", namespace, "many")["status"]["failed"] == 1
    assert run(api, namespace, "retry", "--failed", "bi/many").stdout.startswith("bi/many: retried, 1 failed item ")
