"""The chart's roles suffice for the controller, and give it no Secret."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from support.controller.api_server import ApiServer, Raw, Refused, await_until, background
from support.controller.controller_process import Controller, written
from support.controller.fake_kubelet import FakeKubelet
from support.controller.fake_listing_worker import FakeListingWorker
from support.controller.manifests import SCRATCH, THREE, bulk, video
from support.controller.namespace_state import finished


def denials(log: str, namespace: str) -> list[str]:
    """Lines that tell of a right that is missing. With the whole cluster watched there are other tests' namespaces,
    and while one is deleted, the API server forbids to create anything in it, whatever the rights."""
    told = [line for line in log.splitlines() if ": 403 " in line or "forbidden" in line.lower()]
    return [line for line in told if namespace in line or "because it is being terminated" not in line]


@pytest.fixture(params=["the whole cluster", "its own namespace"])
def watched(request: pytest.FixtureRequest, namespace: str) -> list[str]:
    """The chart's value watchNamespaces."""
    return [namespace] if request.param == "its own namespace" else []


@pytest.fixture
def account(
    api: ApiServer, namespace: str, render: Callable[..., list[Raw]], watched: list[str], tmp_path: Path
) -> Iterator[Path]:
    """A kubeconfig of the chart's service account, with the chart's roles."""
    manifests = render(namespace, f"watchNamespaces={json.dumps(watched)}")
    ours = [(path, manifest) for manifest in manifests if (path := home(manifest, namespace))]
    for path, manifest in ours:
        api.call("POST", path, manifest)
    name = next(manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "ServiceAccount")
    token = api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", {"spec": {}})
    yield written(tmp_path / "account", api.server, {"token": token["status"]["token"]}, str(api.ca))
    for path, manifest in ours:
        if "/namespaces/" not in path:
            api.call("DELETE", f"{path}/{manifest['metadata']['name']}")


def home(manifest: Raw, namespace: str) -> str | None:
    """Where to create it; None for what is no matter of rights."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    return {
        "ServiceAccount": f"/api/v1/namespaces/{namespace}/serviceaccounts",
        "Role": f"{rbac}/namespaces/{namespace}/roles",
        "RoleBinding": f"{rbac}/namespaces/{namespace}/rolebindings",
        "ClusterRole": f"{rbac}/clusterroles",
        "ClusterRoleBinding": f"{rbac}/clusterrolebindings",
    }.get(manifest["kind"])


@pytest.fixture
def bounded(account: Path, namespace: str, watched: list[str], tmp_path: Path) -> Controller:
    """A controller with these rights and no others, elected, as the chart runs it."""
    environment = {
        "VIDEOIMPORT_LEADER_ELECTION": "true",
        "POD_NAMESPACE": namespace,
        "VIDEOIMPORT_TAIL_SECONDS": "1",
        "VIDEOIMPORT_WATCH_NAMESPACES": json.dumps(watched),
    }
    return Controller(account, tmp_path / "controller.log", environment)


def test_the_charts_roles_suffice(api: ApiServer, namespace: str, bounded: Controller, kubelet: FakeKubelet) -> None:
    with bounded:
        bounded.ready()
        api.create(bulk(namespace, THREE))
        assert finished(api, "BulkImport", namespace, "many")["status"]["completed"] == 2

        kubelet.hold.set()
        api.create(bulk(namespace, ["https://example.com/long.mp4"], name="more"))
        await_until("the worker", lambda: running_pods(api, namespace), explain=bounded.tail)
        api.merge("BulkImport", namespace, "more", {"spec": {"cancel": True}})
        assert finished(api, "BulkImport", namespace, "more")["status"]["phase"] == "Cancelled"

        api.merge("BulkImport", namespace, "many", {"spec": {"retryToken": "again"}})
        await_until("the retry", lambda: len(running_pods(api, namespace)) == 1, explain=bounded.tail)

        lister = FakeListingWorker(api, namespace, pages=((THREE[0],),))
        with background("lister", lister.run):
            api.create(bulk(namespace, [], name="list", dryRun=True, source=playlist("list")))
            assert finished(api, "BulkImport", namespace, "list")["status"]["total"] == 1
            (old,) = pages(api, namespace)
            api.merge("BulkImport", namespace, "list", {"spec": {"source": playlist("other")}})
            await_until("another list", lambda: pages(api, namespace) not in ([], [old]), explain=bounded.tail)
            await_until("the old one to go", lambda: old not in pages(api, namespace), explain=bounded.tail)

        kubelet.hold.clear()
        api.create(video(namespace, **SCRATCH))
        assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Completed"
        await_until("the scratch to go", lambda: not api.all_of("PersistentVolumeClaim", namespace))
        assert denials(bounded.log.read_text(), namespace) == [], bounded.tail()


def playlist(name: str) -> Raw:
    return {"playlist": {"url": f"https://example.com/{name}"}}


def pages(api: ApiServer, namespace: str) -> list[str]:
    return [page["metadata"]["name"] for page in api.all_of("ConfigMap", namespace, "videoimport.io/page")]


def running_pods(api: ApiServer, namespace: str) -> list[str]:
    pods = api.all_of("Pod", namespace)
    return [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]


NEEDLESS = (
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "pods"),
    ("create", "", "pods/exec"),
    ("delete", "", "pods"),
    ("get", "", "pods"),
    ("get", "videoimport.io", "videoimports/status"),
    ("update", "", "persistentvolumeclaims"),
    ("get", "", "persistentvolumes"),
    ("update", "videoimport.io", "bulkimports"),
    ("patch", "videoimport.io", "bulkimports"),
    ("impersonate", "", "users"),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
)
"""Verb, API group and resource of what the controller never does."""


def test_what_the_controller_needs_not_it_may_not(api: ApiServer, account: Path, namespace: str) -> None:
    token = yaml.safe_load(account.read_text())["users"][0]["user"]["token"]
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    def is_allowed(verb: str, group: str, resource: str) -> bool:
        name, _, part = resource.partition("/")
        asked = {"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
        answer = api.call_as(token, "POST", reviews, review | {"spec": {"resourceAttributes": asked}})
        return bool(answer["status"]["allowed"])

    assert [asked for asked in NEEDLESS if is_allowed(*asked)] == []


def test_a_secret_is_forbidden(api: ApiServer, account: Path, namespace: str) -> None:
    token = yaml.safe_load(account.read_text())["users"][0]["user"]["token"]
    with pytest.raises(Refused) as refused:
        api.call_as(token, "GET", f"/api/v1/namespaces/{namespace}/secrets")
    assert refused.value.status == 403
