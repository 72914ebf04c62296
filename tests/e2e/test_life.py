"""What befalls a run, and what is said of it."""

import json
import subprocess
import time
from typing import Any

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import Resource, apply, await_nothing, await_state, finished, names, pod_of
from support.e2e.manifests import SITE, video

SLOW = f"{SITE}/slow/compliant.mp4"


SMALL = {"resources": {"limits": {"memory": "140Mi"}, "requests": {"memory": "64Mi"}}}
HUNGRY = {"mode": "Encode", "video": {"preset": "slower"}}
ABSENT = {"persistentVolumeClaim": {"claimName": "no-such-claim", "path": "a.mp4"}}
TO_END_BY_THEMSELVES = (
    video("late", SLOW, timeoutSeconds=10),
    video("hungry", f"{SITE}/compliant.mp4", worker=SMALL, output=HUNGRY),
    video("cramped", f"{SITE}/compliant.mp4", worker={"scratch": {"size": "1Mi"}}),
    video("no-volume", "", source=ABSENT),
    video("no-login", "", source={"url": f"{SITE}/compliant.mp4", "credentialsSecretRef": {"name": "no-login"}}),
)


@pytest.fixture(scope="module", autouse=True)
def under_way(kubectl: Kubectl) -> None:
    """What is tried again waits before that: better side by side."""
    for manifest in TO_END_BY_THEMSELVES:
        apply(kubectl, manifest)


def patch(kubectl: Kubectl, name: str, **spec: Any) -> None:
    words = ("patch", f"vi/{name}", "--type=merge", "--patch", json.dumps({"spec": spec}))
    subprocess.run(kubectl.argv(*words), check=True, capture_output=True)


def in_phase(phase: str) -> Any:
    return lambda found: found.get("status", {}).get("phase") == phase


def pods(kubectl: Kubectl, name: str) -> list[str]:
    return names(kubectl, "pods", "-l", f"videoimport.io/import={name}")


def status_of(found: Resource) -> dict[str, Any]:
    return dict(found["status"])


def test_suspending_frees_the_pod_and_resuming_goes_on(kubectl: Kubectl) -> None:
    apply(kubectl, video("rested", SLOW))
    pod_of(kubectl, "rested")
    patch(kubectl, "rested", suspend=True)
    await_state(kubectl, "vi/rested", in_phase("Suspended"), "Suspended")
    await_nothing(lambda: pods(kubectl, "rested"))
    patch(kubectl, "rested", suspend=False)
    done = status_of(finished(kubectl, "vi/rested"))
    assert (done["phase"], done["attempts"]["count"]) == ("Completed", 1), done


def test_suspended_from_the_start_makes_no_pod(kubectl: Kubectl) -> None:
    apply(kubectl, video("asleep", f"{SITE}/compliant.mp4", suspend=True))
    await_state(kubectl, "vi/asleep", in_phase("Suspended"), "Suspended")
    assert names(kubectl, "jobs,pods", "-l", "videoimport.io/import=asleep") == []
    patch(kubectl, "asleep", suspend=False)
    assert status_of(finished(kubectl, "vi/asleep"))["phase"] == "Completed"


def test_cancel_ends_in_seconds_and_a_token_starts_it_again(kubectl: Kubectl, bucket: Any) -> None:
    apply(kubectl, video("stopped", SLOW))
    pod_of(kubectl, "stopped")
    began = time.monotonic()
    patch(kubectl, "stopped", cancel=True)
    done = status_of(finished(kubectl, "vi/stopped"))
    print(f"cancelled after {time.monotonic() - began:.1f} s")
    assert (done["phase"], done["reason"]) == ("Cancelled", "Cancelled")
    await_nothing(lambda: pods(kubectl, "stopped"))
    assert bucket.list_multipart_uploads(Bucket="videos", Prefix="e2e/stopped/").get("Uploads", []) == []
    patch(kubectl, "stopped", cancel=False, retryToken="again", source={"url": f"{SITE}/compliant.mp4"})
    await_state(kubectl, "vi/stopped", in_phase("Completed"), "Completed")


def test_what_takes_longer_than_allowed_ends(kubectl: Kubectl) -> None:
    done = status_of(finished(kubectl, "vi/late"))
    assert (done["phase"], done["reason"]) == ("Failed", "DeadlineExceeded")
    assert "timeoutSeconds" in done["message"]


def test_too_little_memory_is_tried_once_more_and_named(kubectl: Kubectl) -> None:
    done = status_of(finished(kubectl, "vi/hungry"))
    assert (done["phase"], done["reason"]) == ("Failed", "OutOfMemory"), done["message"]
    assert done["attempts"]["reasons"] == ["OutOfMemory", "OutOfMemory"]
    assert "worker.resources.limits.memory" in done["message"]


def test_too_little_scratch_is_tried_once_more_and_named(kubectl: Kubectl) -> None:
    done = status_of(finished(kubectl, "vi/cramped"))
    assert (done["phase"], done["reason"]) == ("Failed", "ScratchFull"), done["message"]
    assert done["attempts"]["reasons"] == ["ScratchFull", "ScratchFull"]
    assert "worker.scratch.size" in done["message"]


def test_an_eviction_is_not_charged(kubectl: Kubectl) -> None:
    apply(kubectl, video("moved", SLOW))
    pod = pod_of(kubectl, "moved")["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "e2e"}}
    path = f"/api/v1/namespaces/e2e/pods/{pod}/eviction"
    subprocess.run(
        kubectl.argv("create", "--raw", path, "-f", "-"), input=json.dumps(eviction), check=True, text=True,
        capture_output=True,
    )  # fmt: skip
    done = status_of(finished(kubectl, "vi/moved"))
    assert (done["phase"], done["attempts"]["count"], done["attempts"]["uncharged"]) == ("Completed", 1, 1)


def test_a_missing_volume_is_named_while_it_is_missing(kubectl: Kubectl) -> None:
    waiting = await_state(
        kubectl, "vi/no-volume", lambda found: found.get("status", {}).get("reason") == "MountFailed", "MountFailed"
    )
    assert "no-such-claim" in waiting["status"]["message"]
    subprocess.run(kubectl.argv("delete", "vi", "no-volume"), check=True, capture_output=True)


def test_a_missing_source_secret_is_named(kubectl: Kubectl) -> None:
    done = status_of(finished(kubectl, "vi/no-login"))
    assert (done["phase"], done["reason"]) == ("Failed", "CredentialsNotFound")
    assert "no-login" in done["message"]


def test_labels_of_a_queue_reach_the_job(kubectl: Kubectl) -> None:
    manifest = video("queued-by-kueue", f"{SITE}/gone.mp4")
    manifest["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "media"}
    apply(kubectl, manifest)
    finished(kubectl, "vi/queued-by-kueue")
    [job] = kubectl.json("get", "jobs", "-l", "videoimport.io/import=queued-by-kueue")["items"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "media"
