"""A real control plane with simulated nodes (kwok). The nodes run the pods of imports for a second and leave a report.

List pods are not simulated: their worker runs on this machine, and the nodes serve its log.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from support.controller.api_server import ApiServer, await_until, background, holds
from support.controller.controller_process import written
from support.controller.node_logs import NodeLogs
from support.controller.task_job_kubelet import TaskJobKubelet
from videoimport.api.reasons import Reason, info

ROOT = Path(__file__).resolve().parent.parent
FILES = Path(__file__).resolve().parent / "simulated"
CLUSTER = [sys.executable, str(ROOT / "hack/cluster"), "--name", "bench-bulk"]
NAMESPACE = "bench"
NODES = 10
REQUESTS_A_SECOND = 500
"""Maximum requests a second of each of Kubernetes' own controllers and of the scheduler. With the default of 20, the
benchmark would measure these programs."""


def cluster(*words: str) -> str:
    """Run a `hack/cluster` command and return its output. Raise RuntimeError with the error output."""
    done = subprocess.run([*CLUSTER, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"hack/cluster {' '.join(words)}: {done.stderr or done.stdout}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Simulation:
    """A running simulation."""

    api: ApiServer
    folder: Path
    controller: Path
    """Kubeconfig of a user that only the controller has. The audit log shows the controller's writes under this user.
    """

    @property
    def audit(self) -> Path:
        return self.folder / "audit.log"

    def writes(self) -> Counter[str]:
        """Count the controller's committed writes so far, by names such as ``update videoimports/status``."""
        found: Counter[str] = Counter()
        for file in self.folder.glob("audit*.log"):
            with file.open() as lines:
                found.update(_what(event) for line in lines if (event := json.loads(line)) and _committed(event))
        return found


def _committed(event: dict[str, dict[str, str]]) -> bool:
    return int(event.get("responseStatus", {}).get("code", 500)) < 300


def _what(event: dict[str, dict[str, str]]) -> str:
    about = event["objectRef"]
    return " ".join([str(event["verb"]), "/".join(filter(None, (about["resource"], about.get("subresource"))))])


@contextlib.contextmanager
def simulation(folder: Path) -> Iterator[Simulation]:
    """Run the simulation while the block lasts. Remove an earlier simulation before, and this simulation afterwards."""
    with contextlib.suppress(RuntimeError):
        cluster("down")
    flags = {
        "kube-apiserver": {"audit-policy-file": FILES / "audit.yaml", "audit-log-path": folder / "audit.log",
                           "audit-log-maxsize": 10_000},
        "kube-controller-manager": {"kube-api-qps": REQUESTS_A_SECOND, "kube-api-burst": 2 * REQUESTS_A_SECOND},
    }  # fmt: skip
    words = [f"--flag={component}:{name}={value}" for component, some in flags.items() for name, value in some.items()]
    try:
        cluster("up", "--control-plane-only", *words)
        kubeconfig = Path(cluster("kubeconfig"))
        api = ApiServer(kubeconfig, folder)
        for file in sorted((ROOT / "crds").glob("*.yaml")):
            api.apply_definition(yaml.safe_load(file.read_text()))
        account = _account(api, folder)
        with NodeLogs(api, folder).serving() as logs, _running(kubeconfig, folder, logs.port):
            _nodes(api)
            kubelet = TaskJobKubelet(api, NAMESPACE, logs, folder)
            with background("task kubelet", kubelet.run):
                yield Simulation(api, folder, account)
    finally:
        cluster("down")


@contextlib.contextmanager
def _running(kubeconfig: Path, folder: Path, logs_port: int) -> Iterator[None]:
    """Run the scheduler and kwok while the block lasts."""
    stages = folder / "stages.yaml"
    text = (FILES / "stages.yaml").read_text()
    for name, value in (("SOURCE_NOT_FOUND", info(Reason.SOURCE_NOT_FOUND).exit_code), ("LOGS_PORT", logs_port)):
        text = text.replace(f"{{{{ {name} }}}}", str(value))
    stages.write_text(text)
    programs = {
        "kube-scheduler": ["--leader-elect=false", "--secure-port=0", f"--kube-api-qps={REQUESTS_A_SECOND}",
                           f"--kube-api-burst={2 * REQUESTS_A_SECOND}"],
        "kwok": ["--manage-all-nodes=true", f"--config={stages}", "--node-lease-duration-seconds=40"],
    }  # fmt: skip
    running = []
    try:
        for name, flags in programs.items():
            with (folder / f"{name}.log").open("w") as log:
                argv = [cluster("tool", name), f"--kubeconfig={kubeconfig}", *flags]
                running.append(subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ | {"HOME": str(folder)}))
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def _nodes(api: ApiServer) -> None:
    for number in range(NODES):
        api.call("POST", "/api/v1/nodes", {"metadata": {"name": f"simulated-{number}"}})
    await_until(
        "the simulated nodes", lambda: all(holds(node, "Ready") for node in api.call("GET", "/api/v1/nodes")["items"])
    )


def _account(api: ApiServer, folder: Path) -> Path:
    """Create a kubeconfig for the controller, with all rights. Tests check whether the rights of the chart are
    enough."""
    name, rbac = "videoimport-controller", "/apis/rbac.authorization.k8s.io/v1"
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": name}})
    api.call("POST", f"{rbac}/clusterrolebindings", {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    })  # fmt: skip
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{name}/token"
    token = api.call("POST", path, {"spec": {"expirationSeconds": 86_400}})["status"]["token"]
    return written(folder / "controller.kubeconfig", api.server, {"token": token}, str(api.ca))
