"""A namespace that is being deleted takes nothing new: the controller stops there quietly and goes on elsewhere."""

import json
from collections.abc import Callable, Iterator

import pytest

from support.controller.api_server import ApiServer, Raw, Refused, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import THREE, bulk, video
from support.controller.namespace_state import finished

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
KINDS = ["videoimports", "bulkimports"]


@pytest.fixture
def dying(api: ApiServer, namespace: str) -> Iterator[str]:
    """A namespace whose deletion hangs, for a policy keeps our resources from being deleted."""
    name = f"dying-{namespace}"
    rule = {"apiGroups": ["videoimport.io"], "apiVersions": ["*"], "operations": ["DELETE"], "resources": KINDS}
    policy = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            },
            "validations": [{"expression": "false", "message": "kept by a test"}],
        },
    }
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    api.call("POST", POLICIES, policy)
    api.call("POST", BINDINGS, binding)
    try:
        with api.namespace(name):
            api.create(video(name, "probe", suspend=True))
            await_until("the policy", lambda: is_kept(api, name))
            yield name
    finally:
        api.call("DELETE", f"{BINDINGS}/{name}")
        api.call("DELETE", f"{POLICIES}/{name}")


def is_kept(api: ApiServer, namespace: str) -> bool:
    try:
        api.call("DELETE", f"{api.path('VideoImport', namespace, 'probe')}?dryRun=All")
    except Refused as refused:
        return "kept by a test" in refused.message
    return False


def entries(controller: Controller) -> list[Raw]:
    """The lines of its log."""
    lines = controller.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_namespace_that_is_being_deleted_is_left_alone(
    api: ApiServer, namespace: str, dying: str, kubelet: FakeKubelet, started: Callable[..., Controller]
) -> None:
    controller = started(VIDEOIMPORT_WATCH_NAMESPACES=json.dumps([namespace, dying]))
    for number in range(3):
        api.create(video(dying, f"v-{number}"))
    api.create(bulk(dying, THREE, parallelism=1))
    await_until("their Jobs", lambda: len(api.all_of("Job", dying)) == 4)
    api.call("DELETE", f"/api/v1/namespaces/{dying}")
    await_until("the end of their Jobs", lambda: not api.all_of("Job", dying))
    await_until("the next runs", lambda: all_tried_again(api, dying))
    # Each change of an import is one more look at it.
    for number in range(3):
        api.merge("VideoImport", dying, f"v-{number}", {"metadata": {"labels": {"changed": "once"}}})
    api.create(video(namespace))
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Completed"
    found = [entry for entry in entries(controller) if entry["level"] in ("warning", "error")]
    assert found == []


def all_tried_again(api: ApiServer, namespace: str) -> bool:
    """Whether each import has decided on another run, whose Job the API server refuses."""
    runs = [one["status"].get("run", 0) for one in api.all_of("VideoImport", namespace)]
    return sorted(runs)[1:] == [2] * (len(runs) - 1)
