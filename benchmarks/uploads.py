#!/usr/bin/env python3
"""Upload a file with `kubectl videoimport upload`, and copy the same file with `kubectl cp`, into pods of one cluster.

The two run by turns, ROUNDS (1) times. An upload counts from the moment at which its worker is ready until the
command ends. `kubectl cp` counts from its start to its end, into a pod of the same image that runs already. Both
write to the disk of the node. The file has MEBIBYTES (1024) of random bytes behind a short clip, and lies in build/.

The cluster must be prepared with `hack/demo prepare`. The namespace is NAMESPACE (uploads). The last line of the output
is JSON. The benchmark fails if the median of the ratios is below 1.0.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "hack")]

from demo.kubectl import Kubectl  # noqa: E402
from demo.places import BUCKET, BUILD, SYSTEM_NAMESPACE  # noqa: E402
from large_file import make  # noqa: E402

NAMESPACE = os.environ.get("NAMESPACE", "uploads")
CLIP = BUILD / "demo-image/site/compliant.mp4"
COMMAND = ROOT / ".venv/bin/kubectl-videoimport"
TARGET = "copy-target"
_SENDS = "sending"
"""The word of the command's output for an upload whose worker is ready."""
_MEGABYTE = 1e6


def setting(name: str, default: int) -> int:
    """Return a number from the environment."""
    return int(os.environ.get(name, default))


@contextmanager
def copy_target(kubectl: Kubectl) -> Iterator[None]:
    """Run a pod of the worker's image, which has the tar that `kubectl cp` needs, while the context lasts."""
    system = Kubectl(kubectl.binary, kubectl.kubeconfig, SYSTEM_NAMESPACE)
    [container] = system.json("get", "deployment/videoimport")["spec"]["template"]["spec"]["containers"]
    image = next(one["value"] for one in container["env"] if one["name"] == "VIDEOIMPORT_WORKER_IMAGE")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": TARGET},
        "spec": {
            "containers": [
                {
                    "name": "target",
                    "image": image,
                    "command": ["sleep", "3600"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "data", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    kubectl_run(kubectl, "delete", "pod", TARGET, "--ignore-not-found")
    kubectl_run(kubectl, "apply", "-f", "-", text=json.dumps(pod))
    try:
        kubectl_run(kubectl, "wait", "pod", TARGET, "--for=condition=Ready", "--timeout=180s")
        yield
    finally:
        kubectl_run(kubectl, "delete", "pod", TARGET, "--ignore-not-found")


def kubectl_run(kubectl: Kubectl, *words: str, text: str | None = None) -> None:
    """Run kubectl without its output."""
    subprocess.run(kubectl.argv(*words), input=text, check=True, text=True, stdout=subprocess.DEVNULL)


def copy(kubectl: Kubectl, file: Path) -> float:
    """Return the seconds that `kubectl cp` takes."""
    began = time.monotonic()
    kubectl_run(kubectl, "cp", str(file), f"{kubectl.namespace}/{TARGET}:/data/{file.name}")
    return time.monotonic() - began


def template() -> dict[str, Any]:
    """Return a VideoImport without a source, which stores the unchanged file."""
    store = {"endpoint": f"http://s3.{NAMESPACE}.svc.cluster.local:7070", "bucket": BUCKET, "prefix": "uploads"}
    destination = {"s3": store, "credentialsSecretRef": {"name": "bucket-keys"}, "ifExists": "Replace"}
    spec = {"destination": destination, "incremental": False, "output": {"mode": "Original"}}
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "spec": spec}


def upload(kubectl: Kubectl, file: Path) -> float:
    """Return the seconds in which the command sends the file. Raises RuntimeError if it fails."""
    name = f"upload-{uuid.uuid4().hex[:8]}"
    wish = BUILD / "upload-template.json"
    wish.write_text(json.dumps(template()))
    words = ["upload", str(file), "--name", name, "-f", str(wish), "--no-wait", "-n", kubectl.namespace]
    environment = os.environ | {"KUBECONFIG": kubectl.kubeconfig}
    began = None
    with subprocess.Popen([COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line.rstrip()}", flush=True)
            if began is None and _SENDS in line:
                began = time.monotonic()
    ended = time.monotonic()
    kubectl_run(kubectl, "delete", "videoimport", name, "--ignore-not-found")
    if process.returncode or began is None:
        raise RuntimeError(f"the upload ended with exit code {process.returncode}, and sent {began is not None}")
    return ended - began


def main() -> int:
    """Run the rounds and print the rates. Return 1 if an upload is slower than a copy."""
    kubectl, size = Kubectl.of_cluster(NAMESPACE), setting("MEBIBYTES", 1024) * 2**20
    folder = BUILD / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "large.mp4"
    make(CLIP, file, size)
    ratios, rates = [], []
    try:
        with copy_target(kubectl):
            for _ in range(setting("ROUNDS", 1)):
                copied, sent = (size / seconds(kubectl, file) / _MEGABYTE for seconds in (copy, upload))
                print(f"kubectl cp {copied:.0f} MB/s, upload {sent:.0f} MB/s, ratio {sent / copied:.2f}", flush=True)
                ratios.append(sent / copied)
                rates.append((copied, sent))
    finally:
        shutil.rmtree(folder)
    copied, sent = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(ratios)
    print(json.dumps({"bytes": size, "copyMBps": round(copied), "uploadMBps": round(sent), "ratio": round(ratio, 2)}))
    return 0 if ratio >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
