"""Every example is applied as a user would, and does what it says it does."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from demo.backends import CONTEXT
from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_state, finished
from support.e2e.embedded_runs import BUCKET_KEYS, EmbeddedRun, compare
from support.e2e.example_manifests import moved, named, node_labels, videos
from support.e2e.local_volumes import claimed, offer

CLIP = CONTEXT / "site/clips/3.mp4"
EXAMPLES = videos()
MANIFESTS = {
    name: moved(example, f"ex-{name}", hashlib.sha256(CLIP.read_bytes()).hexdigest() if CLIP.exists() else "")
    for name, example in EXAMPLES.items()
}

_PRIORITY = "the pod of an example with a priority class may take the place of this one's pod on the only node"
PREEMPTED = {"run": _PRIORITY, "job.name": _PRIORITY, "attempts.uncharged": _PRIORITY}
_THREADS = "x265 chooses its threads by what it sees of the machine, and makes other bytes with other threads"
ENCODED_AGAIN = {
    "outputs.video.sha256": _THREADS, "outputs.video.sizeBytes": _THREADS, "stages[[]].bytes*": _THREADS,
}  # fmt: skip

ON_DISK = {"outputs.*.url": "a file of a volume has an address only in embedded mode, where the volume is a folder"}


@pytest.fixture(scope="module")
def applied(kubectl: Kubectl, bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All of them at once, with the things they name."""
    shelf, scratch = tmp_path_factory.mktemp("example-shelf"), tmp_path_factory.mktemp("scratch")
    for parent in shelf.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    (shelf / "in").mkdir()
    shutil.copyfile(CLIP, shelf / "in/example.mp4")
    bucket.upload_file(str(CLIP), "videos", "incoming/example.mp4")
    claimed(kubectl, "example-shelf", shelf)
    offer(kubectl, "e2e-scratch", scratch)
    manifests = list(MANIFESTS.values())
    for thing in (*_things(manifests), *_bundles(kubectl, manifests)):
        apply(kubectl, thing)
    _label_node(kubectl, [f"{key}={value}" for key, value in node_labels(manifests).items()])
    for manifest in manifests:
        apply(kubectl, manifest)
    yield
    _label_node(kubectl, [f"{key}-" for key in node_labels(manifests)])
    for kind, names in (("pv", ("e2e-example-shelf", "e2e-scratch")), ("priorityclass", _classes(manifests))):
        if names:
            subprocess.run(
                kubectl.argv("delete", kind, *names, "--wait=false", "--ignore-not-found"),
                check=True,
                capture_output=True,
            )


@pytest.fixture(scope="module")
def embedded(kubectl: Kubectl, applied: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    """The final resources of one run of all examples in embedded mode, with a volume of its own.

    The cluster's imports end first: both together are too much work for two processors within the limit of one wait.
    """
    for manifest in MANIFESTS.values():
        if not manifest["spec"].get("suspend"):
            finished(kubectl, f"vi/{manifest['metadata']['name']}")
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "shelf/in").mkdir(parents=True)
    shutil.copyfile(CLIP, folder / "shelf/in/example.mp4")
    manifests = [manifest | {"spec": {**manifest["spec"], "suspend": False}} for manifest in MANIFESTS.values()]
    things = [*_things(manifests), *_bundles(kubectl, manifests), BUCKET_KEYS]
    given = [thing for thing in things if thing["kind"] in ("Secret", "ConfigMap")]
    return EmbeddedRun(kubectl, folder, [f"example-shelf={folder / 'shelf'}"]).finish([*given, *manifests])


def _classes(manifests: list[Resource]) -> tuple[str, ...]:
    return tuple(named(manifests, "priorityClassName"))


def _things(manifests: list[Resource]) -> list[Resource]:
    login = {"headers": "X-Reader: e2e\n"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "site-login"}, "stringData": login}
    priorities = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 100}
        for name in _classes(manifests)
    ]
    accounts = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        for name in named(manifests, "serviceAccountName")
    ]
    return [secret, *priorities, *accounts]


def _bundles(kubectl: Kubectl, manifests: list[Resource]) -> list[Resource]:
    """The cluster's own certificate, as if it were the company's."""
    certificate = kubectl.json("get", "configmap/kube-root-ca.crt")["data"]["ca.crt"]
    found = (manifest["spec"].get("worker", {}).get("caBundleConfigMapRef") for manifest in manifests)
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": reference, "data": {"ca.crt": certificate}}
        for reference in found
        if reference
    ]


def _label_node(kubectl: Kubectl, words: list[str]) -> None:
    if words:
        subprocess.run(kubectl.argv("label", "node", "--all", "--overwrite", *words), check=True, capture_output=True)


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_does_what_it_says(kubectl: Kubectl, name: str) -> None:
    manifest = MANIFESTS[name]
    reference = f"vi/{manifest['metadata']['name']}"
    if manifest["spec"].get("suspend"):
        await_state(kubectl, reference, lambda found: found.get("status", {}).get("phase") == "Suspended", "Suspended")
        words = ("patch", reference, "--type=merge", "--patch", '{"spec": {"suspend": false}}')
        subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    status = finished(kubectl, reference)["status"]
    assert status["phase"] == "Completed", status.get("message")
    check_outputs(manifest["spec"].get("output", {}), status["outputs"])


def check_outputs(wish: dict[str, Any], outputs: dict[str, Any]) -> None:
    """What was asked for is there, by name."""
    assert ("video" in outputs) is (wish.get("mode") != "Original")
    assert ("original" in outputs) is (wish.get("mode") == "Original" or wish.get("keepOriginal", False))
    assert ("audio" in outputs) is ("audioFile" in wish)
    assert outputs.get("thumbnails", {}).get("count") == wish.get("thumbnails", {}).get("count")
    renditions = [one["name"] for one in wish.get("renditions", [])]
    assert [one["name"] for one in outputs.get("renditions", [])] == renditions


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_ends_alike_without_a_cluster(kubectl: Kubectl, embedded: dict[str, Resource], name: str) -> None:
    """It runs after the tests above, since one of them waits for an example that is suspended."""
    reference = f"vi/{MANIFESTS[name]['metadata']['name']}"
    if MANIFESTS[name]["spec"].get("suspend"):
        words = ("patch", reference, "--type=merge", "--patch", '{"spec": {"suspend": false}}')
        subprocess.run(kubectl.argv(*words), check=True, capture_output=True)
    cluster = finished(kubectl, reference)
    assert compare(cluster, embedded[reference], known_differences(MANIFESTS[name]["spec"], cluster["status"])) == {}


def known_differences(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, str]:
    """The fields in which the two runs of this example may differ, and the reason."""
    is_hevc = spec.get("output", {}).get("video", {}).get("codec") == "hevc"
    in_volume = "persistentVolumeClaim" in spec["destination"]
    was_preempted = status.get("attempts", {}).get("uncharged")
    return (PREEMPTED if was_preempted else {}) | (ENCODED_AGAIN if is_hevc else {}) | (ON_DISK if in_volume else {})
