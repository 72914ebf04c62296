"""What operators of the operator look at."""

import subprocess
import urllib.request

from cluster_state import names

from demo.kubectl import Kubectl


def test_both_replicas_are_ready_and_each_tells_its_metrics(kubectl: Kubectl) -> None:
    system = Kubectl(kubectl.binary, kubectl.kubeconfig, "videoimport-system")
    rolled_out = system.argv("rollout", "status", "deployment/videoimport", "--timeout=60s")
    subprocess.run(rolled_out, check=True, capture_output=True)  # another test may have killed one
    pods = names(
        system, "pods", "-l", "app.kubernetes.io/component=controller", "--field-selector=status.phase=Running"
    )
    assert len(pods) == 2
    leader = system.json("get", "lease", "videoimport-controller")["spec"]["holderIdentity"].split("_")[0]
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
