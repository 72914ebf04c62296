"""On a real control plane, with the real Job controller: a sidecar that never ends keeps no run from its end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.listing_node import in_manifest, listing_node, manifest, urls
from support.controller.manifests import SCRATCH, bulk, video
from support.controller.namespace_state import finished
from support.controller.webhooks import create_secret, delivered, webhook_spec
from support.webhook_receiver import WebhookReceiver
from videoimport.api.reasons import Reason

Start = Callable[..., Controller]


@pytest.fixture
def mesh(kubelet: FakeKubelet) -> FakeKubelet:
    kubelet.mesh = True
    return kubelet


@pytest.fixture
def node(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[None]:
    """Runs the pods that list and deliver; they have a sidecar too."""
    with listing_node(api, namespace, tmp_path, mesh=True):
        yield


def await_no_job(api: ApiServer, namespace: str) -> None:
    await_until("no Job and no pod", lambda: not (api.all_of("Job", namespace) or api.all_of("Pod", namespace)))


def test_an_import_completes_with_its_worker(api: ApiServer, namespace: str, mesh: FakeKubelet, started: Start) -> None:
    started()
    api.create(video(namespace, **SCRATCH))
    status = finished(api, "VideoImport", namespace, "one")["status"]
    assert (status["phase"], status["run"], status["attempts"]["count"]) == ("Completed", 1, 1)
    await_no_job(api, namespace)
    await_until("its scratch to go", lambda: not api.all_of("PersistentVolumeClaim", namespace))


def test_a_failed_run_is_followed_by_the_next(
    api: ApiServer, namespace: str, mesh: FakeKubelet, started: Start
) -> None:
    mesh.fate = lambda task: Reason.SOURCE_UNAVAILABLE if task.run < 3 else None
    started()
    api.create(video(namespace))
    status = finished(api, "VideoImport", namespace, "one")["status"]
    assert (status["phase"], status["run"]) == ("Completed", 3)
    assert status["attempts"]["reasons"] == ["SourceUnavailable"] * 2
    await_no_job(api, namespace)


def test_a_place_is_free_for_the_next_import_although_sidecars_go_on(
    api: ApiServer, namespace: str, mesh: FakeKubelet, started: Start
) -> None:
    started(VIDEOIMPORT_MAX_RUNNING="1")
    for name in ("one", "two", "three"):
        api.create(video(namespace, name))
    for name in ("one", "two", "three"):
        assert finished(api, "VideoImport", namespace, name)["status"]["phase"] == "Completed"


def test_a_list_is_read_its_items_imported_and_its_end_reported(
    api: ApiServer, namespace: str, mesh: FakeKubelet, node: None, started: Start
) -> None:
    controller = started(VIDEOIMPORT_ALLOWED_NETWORKS='["127.0.0.0/8"]')
    receiver = WebhookReceiver()
    with receiver.running():
        create_secret(api, namespace, receiver)
        api.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", manifest(namespace, urls(3)))
        wanted = bulk(namespace, [], incremental=False, webhook=webhook_spec(receiver))
        wanted["spec"]["source"] = in_manifest()
        api.create(wanted)
        delivered(api, namespace, controller)
    status = api.get("BulkImport", namespace, "many")["status"]
    assert (status["phase"], status["completed"], status["discovery"]["run"]) == ("Completed", 3, 1)
    assert len(receiver.posts) == 1
    await_no_job(api, namespace)
