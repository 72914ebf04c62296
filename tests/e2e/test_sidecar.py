"""A mesh adds a container that never ends to the pods: the end of the worker is the end of the run all the same."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from demo.kubectl import Kubectl
from demo.places import ACCESS_KEY, SECRET_KEY
from support.e2e.cluster_state import Resource, apply, await_nothing, await_state, finished, names, pod_of
from support.e2e.manifests import SITE, bulk, destination, video
from support.e2e.sidecar_injector import INJECT, SIDECAR, configuration, injected, serving

NAMESPACE = "e2e-mesh"
IN_MESH = {"labels": {INJECT: "true"}}
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
HOOK_KEY = "whsec_c2VjcmV0LW9mLWEtbWVzaC10ZXN0LW9mLTMyLWJ5dGVz"
LIST = f"{SITE}/compliant.mp4\n"


def meshed_bulk(name: str) -> dict[str, Any]:
    """One with a listing Job, a worker and a webhook Job, all of them with a sidecar."""
    template = {"destination": destination(name, ifExists="Replace"), "requirements": {}, "worker": IN_MESH}
    webhook = {"url": f"{SITE}/hook", "secretRef": {"name": "webhook-key"}}
    source = {"manifest": {"configMapKeyRef": {"name": "list", "key": "urls"}}}
    return bulk(name, [], source=source, template=template, webhook=webhook)


def again(name: str, path: str, **spec: Any) -> Resource:
    """An import that may be repeated in a cluster that was used before."""
    return video(name, f"{SITE}/{path}", destination=destination(name, ifExists="Replace"), **spec)


APPLIED = (
    meshed_bulk("meshed-list"),
    again("meshed", "slow/compliant.mp4", worker=IN_MESH),
    again("meshed-gone", "gone.mp4", worker=IN_MESH),
    again("plain", "compliant.mp4"),
)
"""At once, since a sidecar that does not heed SIGTERM keeps its pod for half a minute."""


@pytest.fixture(scope="module")
def mesh(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl for a namespace whose pods get a sidecar."""
    words = ("delete", "namespace", NAMESPACE, "--ignore-not-found")
    subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    inside = Kubectl(kubectl.binary, kubectl.kubeconfig, NAMESPACE)
    with serving(tmp_path_factory.mktemp("mesh")) as client:
        injected.clear()
        apply(kubectl, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        apply(inside, configuration(NAMESPACE, client))
        apply(inside, secret("bucket-keys", **KEYS))
        apply(inside, secret("webhook-key", **{"webhook-secret": HOOK_KEY}))
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "list"}, "data": {"urls": LIST}}
        apply(inside, config_map)
        for manifest in APPLIED:
            apply(inside, manifest)
        try:
            yield inside
        finally:
            webhook = ("delete", "mutatingwebhookconfiguration", NAMESPACE)
            subprocess.run(kubectl.argv(*webhook), check=True, capture_output=True)
            subprocess.run(kubectl.argv(*words, "--wait=false"), check=True, capture_output=True)


def secret(name: str, **data: str) -> Resource:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def await_no_job(mesh: Kubectl, label: str) -> None:
    await_nothing(lambda: names(mesh, "jobs,pods", "-l", label))


def test_a_worker_asks_for_no_sidecar_and_its_job_stays_for_its_log(mesh: Kubectl) -> None:
    status = finished(mesh, "vi/plain")["status"]
    (pod,) = mesh.json("get", "pods", "-l", "videoimport.io/import=plain")["items"]
    assert [container["name"] for container in pod["spec"]["containers"]] == ["worker"]
    assert (status["phase"], status["run"]) == ("Completed", 1)
    job = await_state(mesh, "job/plain-1", lambda found: "ttlSecondsAfterFinished" in found["spec"], "to expire")
    assert [one["type"] for one in job["status"]["conditions"] if one["status"] == "True"][-1] == "Complete"


def test_the_end_of_the_worker_completes_the_import(mesh: Kubectl) -> None:
    status = finished(mesh, "vi/meshed")["status"]
    assert ("videoimport.io/import", "meshed") in injected
    assert (status["phase"], status["run"], status["attempts"]["count"]) == ("Completed", 1, 1)
    assert status["outputs"]["video"]["sizeBytes"] > 0
    await_no_job(mesh, "videoimport.io/import=meshed")


def test_the_report_of_a_failed_worker_is_read(mesh: Kubectl) -> None:
    status = finished(mesh, "vi/meshed-gone")["status"]
    assert (status["phase"], status["reason"], status["run"]) == ("Failed", "SourceNotFound", 1)
    assert "404" in status["message"]
    await_no_job(mesh, "videoimport.io/import=meshed-gone")


def test_an_import_beside_a_sidecar_is_cancelled(mesh: Kubectl) -> None:
    apply(mesh, again("meshed-cancel", "slow/compliant.mp4", worker=IN_MESH))
    pod = pod_of(mesh, "meshed-cancel")
    assert [container["name"] for container in pod["spec"]["containers"]] == [SIDECAR, "worker"]
    cancel = ("patch", "vi", "meshed-cancel", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    subprocess.run(mesh.argv(*cancel), check=True, capture_output=True)
    assert finished(mesh, "vi/meshed-cancel")["status"]["phase"] == "Cancelled"
    await_no_job(mesh, "videoimport.io/import=meshed-cancel")


def test_a_list_is_read_and_its_end_reported_beside_sidecars(mesh: Kubectl) -> None:
    done = await_state(
        mesh,
        "bi/meshed-list",
        lambda found: found.get("status", {}).get("webhook", {}).get("state") == "Delivered",
        "reported",
    )["status"]
    assert (done["phase"], done["total"], done["completed"]) == ("Completed", 1, 1)
    assert (done["discovery"]["pages"], done["discovery"]["run"], done["webhook"]["run"]) == (1, 1, 1)
    assert injected.count(("videoimport.io/bulk", "meshed-list")) == 2, "a listing Job and a webhook Job"
    await_no_job(mesh, "videoimport.io/bulk=meshed-list")
    child = done["results"][0]["importName"]
    await_no_job(mesh, f"videoimport.io/import={child}")
