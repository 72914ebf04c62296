"""The worker's pod: what it may do, what happens when it is taken away, and what is said when it cannot start."""

import json
import os
import signal
import subprocess

from demo.kubectl import Kubectl
from demo.places import SECRET_KEY
from support.e2e.cluster_state import Resource, apply, await_state, finished, names, pod_of, processes_of
from support.e2e.manifests import SITE, video

RANK = "e2e-quota"


def logs(kubectl: Kubectl, pod: Resource) -> str:
    words = kubectl.argv("logs", pod["metadata"]["name"], "--container", "worker")
    return subprocess.run(words, capture_output=True, text=True).stdout


def test_the_worker_is_confined_and_no_secret_leaves_its_mount(kubectl: Kubectl) -> None:
    apply(kubectl, video("confined", f"{SITE}/slow/compliant.mp4"))
    pod = pod_of(kubectl, "confined")
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    command_lines = " ".join(processes_of(pod).values())
    assert "videoimport" in command_lines
    inside = kubectl.argv("exec", pod["metadata"]["name"], "--", "sh", "-c", "ls /var/run/secrets; touch /root-is-mine")
    tried = subprocess.run(inside, capture_output=True, text=True)
    assert "kubernetes.io" not in tried.stdout.split()
    assert "Read-only file system" in tried.stderr
    finished(kubectl, "vi/confined")
    everything = (
        json.dumps([kubectl.json("get", "vi,jobs,pods,events,configmaps")]) + logs(kubectl, pod) + command_lines
    )
    assert SECRET_KEY not in everything


def test_a_worker_killed_with_9_is_tried_again_and_charged(kubectl: Kubectl) -> None:
    apply(kubectl, video("shot", f"{SITE}/slow/compliant.mp4"))
    pod = pod_of(kubectl, "shot")
    for process, command in processes_of(pod).items():
        if "videoimport-worker" in command or "videoimport.worker" in command:
            os.kill(process, signal.SIGKILL)
    again = await_state(kubectl, "vi/shot", lambda found: found["status"]["run"] == 2, "in its second run")
    assert again["status"]["attempts"]["count"] == 2
    assert again["status"]["attempts"]["reasons"] == ["Internal"]
    done = finished(kubectl, "vi/shot")["status"]
    assert (done["phase"], done["run"]) == ("Completed", 2)


def test_a_pod_taken_away_is_replaced_and_not_charged(kubectl: Kubectl) -> None:
    apply(kubectl, video("evicted", f"{SITE}/slow/compliant.mp4"))
    pod = pod_of(kubectl, "evicted")
    subprocess.run(kubectl.argv("delete", "pod", pod["metadata"]["name"]), check=True, capture_output=True)
    done = finished(kubectl, "vi/evicted")["status"]
    assert (done["phase"], done["run"]) == ("Completed", 2)
    assert (done["attempts"]["count"], done["attempts"]["uncharged"]) == (1, 1)


def test_a_finished_import_whose_job_is_deleted_loses_nothing(kubectl: Kubectl) -> None:
    apply(kubectl, video("kept", f"{SITE}/compliant.mp4"))
    before = finished(kubectl, "vi/kept")
    for job in names(kubectl, "jobs", "-l", "videoimport.io/import=kept"):
        subprocess.run(kubectl.argv("delete", job), check=True, capture_output=True)
    after = kubectl.json("get", "vi/kept")
    assert after["status"]["outputs"] == before["status"]["outputs"]
    assert after["status"]["phase"] == "Completed"


def test_a_pod_that_no_node_can_hold_says_so_while_it_lasts(kubectl: Kubectl) -> None:
    greedy = {"resources": {"requests": {"cpu": "400"}}}
    apply(kubectl, video("greedy", f"{SITE}/compliant.mp4", worker=greedy))
    waiting = await_state(
        kubectl, "vi/greedy", lambda found: found.get("status", {}).get("reason") == "Unschedulable", "Unschedulable"
    )
    assert "cpu" in waiting["status"]["message"].lower()
    assert waiting["status"]["phase"] == "Queued"
    subprocess.run(kubectl.argv("delete", "vi", "greedy"), check=True, capture_output=True)


def test_a_pod_that_a_quota_forbids_says_so_while_it_lasts(kubectl: Kubectl) -> None:
    """A quota for pods of one priority class: other tests' pods are not meant."""
    rank = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": RANK}, "value": 10}
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": [RANK]}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "memory"},
        "spec": {"hard": {"limits.memory": "8Gi"}, "scopeSelector": {"matchExpressions": [scope]}},
    }
    apply(kubectl, rank)
    apply(kubectl, quota)
    greedy = {"resources": {"limits": {"memory": "9Gi"}}, "priorityClassName": RANK}
    try:
        apply(kubectl, video("forbidden", f"{SITE}/compliant.mp4", worker=greedy))
        waiting = await_state(
            kubectl, "vi/forbidden", lambda found: found.get("status", {}).get("reason") == "PodRejected", "PodRejected"
        )
        assert "quota" in waiting["status"]["message"]
        subprocess.run(kubectl.argv("delete", "resourcequota", "memory"), check=True, capture_output=True)
        assert finished(kubectl, "vi/forbidden")["status"]["phase"] == "Completed"
    finally:
        for thing in ("resourcequota/memory", f"priorityclass/{RANK}"):
            subprocess.run(kubectl.argv("delete", thing, "--ignore-not-found"), check=True, capture_output=True)
