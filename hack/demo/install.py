"""Steps that install the operator in the cluster: two images and a chart."""

import json
from pathlib import Path

from cluster.commands import output, run
from cluster.errors import ClusterError
from cluster.steps import Step
from demo.kubectl import Kubectl
from demo.places import ROOT, SYSTEM_NAMESPACE, cluster, image_tag, tool

OPERATOR_IMAGES = ("controller", "worker")
NAMESPACE_MANIFEST = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
"""


def image_steps(logs: Path) -> list[Step]:
    """Return the steps that build and load the operator's two images."""

    def build(name: str) -> Step:
        return Step(f"image videoimport-{name}", logs / f"image-{name}.log", lambda log: _build(name, log))

    return [build(name) for name in OPERATOR_IMAGES]


def _build(name: str, log: Path) -> str:
    reference = f"videoimport-{name}:{image_tag(name)}"
    return build_and_load(reference, ROOT / f"images/{name}/Dockerfile", ROOT, log)


def build_and_load(reference: str, dockerfile: Path, context: Path, log: Path) -> str:
    """Build an image and load it into the cluster. Both are quick if the image is already there."""
    run(cluster("build-image", "--tag", reference, "--file", str(dockerfile), str(context)), log=log)
    run(cluster("load-image", reference), log=log)
    return reference


def chart_step(logs: Path, host_backoff_seconds: int | None) -> Step:
    """Return the step that installs or upgrades the chart and waits until both replicas are ready."""
    return Step("chart videoimport", logs / "chart.log", lambda log: _install_chart(log, host_backoff_seconds))


def _install_chart(log: Path, host_backoff_seconds: int | None) -> None:
    kubectl = Kubectl.of_cluster(SYSTEM_NAMESPACE)
    kubectl.logged(log, "apply", "--filename", "-", text=NAMESPACE_MANIFEST.format(name=SYSTEM_NAMESPACE))
    retry = {"hostBackoffSeconds": host_backoff_seconds} if host_backoff_seconds else {}
    values = {
        "controller": {"image": {"tag": image_tag("controller")}, "retry": retry},
        "worker": {"image": {"tag": image_tag("worker")}, "allowedNetworks": service_networks(kubectl)},
    }
    chart = str(ROOT / "charts/videoimport")
    helm = [tool("helm"), "--kubeconfig", kubectl.kubeconfig, "--namespace", SYSTEM_NAMESPACE]
    run([*helm, "upgrade", "--install", "videoimport", chart, "--values", "-", "--wait", "--timeout", "3m"],
        log=log, text=json.dumps(values))  # fmt: skip


def service_networks(kubectl: Kubectl) -> list[str]:
    """Return the ranges of the cluster's service network. The address guard refuses this network by default, and the
    demo's site is in it."""
    try:
        ranges = json.loads(output(kubectl.argv("get", "servicecidr", "kubernetes", "--output", "json")))
    except ClusterError as failure:
        raise ClusterError(f"the cluster's service network is not to be found out: {failure}") from failure
    return list(ranges["spec"]["cidrs"])
