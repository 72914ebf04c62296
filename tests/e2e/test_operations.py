"""What operators of the operator look at."""

import subprocess
import urllib.request

from demo.kubectl import Kubectl
from support.e2e.cluster_state import await_nothing, names
from support.waiting import LONGEST_SECONDS


def holder(system: Kubectl) -> str:
    """The pod that leads, or led last, by the Lease."""
    return str(system.json("get", "lease", "videoimport-controller")["spec"]["holderIdentity"].split("_")[0])


def test_both_replicas_are_ready_and_each_tells_its_metrics(kubectl: Kubectl) -> None:
    system = Kubectl(kubectl.binary, kubectl.kubeconfig, "videoimport-system")
    rolled_out = system.argv("rollout", "status", "deployment/videoimport", f"--timeout={LONGEST_SECONDS:.0f}s")
    subprocess.run(rolled_out, check=True, capture_output=True)  # another test may have killed one
    running = ("pods", "-l", "app.kubernetes.io/component=controller", "--field-selector=status.phase=Running")
    await_nothing(lambda: names(system, *running)[2:])
    pods = names(system, *running)
    assert len(pods) == 2
    await_nothing(lambda: [] if f"pod/{holder(system)}" in pods else ["a Lease of a pod that is gone"])
    leader = holder(system)
    with system.forwarded(f"pod/{leader}", 8080) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
    for metric in ("videoimport_imports{", "videoimport_queue_depth", "videoimport_reconcile_seconds_bucket"):
        assert metric in text


def test_the_controllers_account_may_not_read_a_secret(kubectl: Kubectl) -> None:
    account = "--as=system:serviceaccount:videoimport-system:videoimport"
    answer = subprocess.run(kubectl.argv("auth", "can-i", "get", "secrets", account), capture_output=True, text=True)
    assert answer.stdout.strip() == "no"
