"""1 GiB from this machine by the command `upload`, while its client is killed twice and the worker once.

Only `make upload-test` runs this file, because it shortens the time after which an idle session ends.
"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.kubectl import Kubectl
from demo.places import BUILD, SYSTEM_NAMESPACE
from large_file import make
from support.e2e.cluster_state import Resource, await_nothing, await_state, finished, names, pod_of, processes_of
from support.e2e.manifests import destination
from support.waiting import LONGEST_SECONDS, until
from videoimport.api.labels import IMPORT

NAME = "large-upload"
CLIP = BUILD / "demo-image/site/compliant.mp4"
COMMAND = [sys.executable, "-m", "videoimport.cli", "upload"]
SIZE = 2**30
IDLE = "VIDEOIMPORT_UPLOAD_IDLE_SECONDS"
DEPLOYMENT = "deployment/videoimport"


def run(kubectl: Kubectl, *words: str) -> None:
    subprocess.run(kubectl.argv(*words), check=True, capture_output=True)


@pytest.fixture(scope="module")
def file() -> Iterator[Path]:
    """On the disk of the checkout, because a gigabyte in memory would take it from the pods."""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "large.mp4"
        make(CLIP, path, SIZE)
        yield path


@pytest.fixture(scope="module")
def short_sessions(kubectl: Kubectl) -> Iterator[None]:
    """Sessions that end after 20 seconds without a byte."""
    system = Kubectl(kubectl.binary, kubectl.kubeconfig, SYSTEM_NAMESPACE)
    env = system.json("get", DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]["env"]
    before = next(one["value"] for one in env if one["name"] == IDLE)
    rolled_out = ("rollout", "status", DEPLOYMENT, f"--timeout={LONGEST_SECONDS:.0f}s")
    run(system, "set", "env", DEPLOYMENT, f"{IDLE}=20")
    run(system, *rolled_out)
    yield
    run(system, "set", "env", DEPLOYMENT, f"{IDLE}={before}")
    run(system, *rolled_out)


class Client:
    """The command of one user, whose state is in ``home``."""

    def __init__(self, kubectl: Kubectl, file: Path) -> None:
        self._kubectl, self._file = kubectl, file
        self._state = {"KUBECONFIG": kubectl.kubeconfig, "XDG_STATE_HOME": str(file.parent)}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        argv = [*COMMAND, str(self._file), "-n", self._kubectl.namespace, *words]
        return subprocess.Popen(
            argv, env=os.environ | self._state, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def create(self) -> "subprocess.Popen[str]":
        template = self._file.with_name("template.json")
        kind = {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport"}
        spec = {"destination": destination(NAME), "incremental": False, "output": {"mode": "Original"}}
        template.write_text(json.dumps(kind | {"spec": spec}))
        return self.start("-f", str(template), "--name", NAME)

    def resume(self) -> "subprocess.Popen[str]":
        return self.start("--resume", NAME)


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def kill_worker(kubectl: Kubectl) -> None:
    for process, command in processes_of(pod_of(kubectl, NAME)).items():
        if "videoimport-worker" in command or "videoimport.worker" in command:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def read_bytes(process: "subprocess.Popen[str]") -> int:
    """The bytes that a client has read so far. The status is seconds late, and the file may be complete by then."""
    lines = Path(f"/proc/{process.pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def await_part(process: "subprocess.Popen[str]") -> None:
    """Wait until a client has sent another fifth of the file."""
    before = read_bytes(process)
    until(lambda: read_bytes(process) >= before + SIZE // 5)


def await_no_pod(kubectl: Kubectl) -> None:
    await_state(kubectl, f"vi/{NAME}", lambda found: _reason(found) == "WaitingForUpload", "waiting for a client")
    await_nothing(
        lambda: names(kubectl, "pods", "--selector", f"{IMPORT}={NAME}", "--field-selector=status.phase=Running")
    )


def _reason(resource: Resource) -> Any:
    return resource.get("status", {}).get("reason")


def test_upload_survives_two_killed_clients_and_a_killed_worker(
    kubectl: Kubectl, bucket: Any, file: Path, short_sessions: None
) -> None:
    run(kubectl, "delete", "videoimport", NAME, "--ignore-not-found")
    client = Client(kubectl, file)
    first = client.create()
    await_part(first)
    kill(first)
    await_no_pod(kubectl)
    second = client.resume()
    await_part(second)
    second.send_signal(signal.SIGSTOP)  # so that the file is not complete before the worker is found
    kill_worker(kubectl)
    second.send_signal(signal.SIGCONT)
    await_state(kubectl, f"vi/{NAME}", lambda found: found["status"].get("run") == 3, "in its third run")
    await_part(second)
    kill(second)
    await_no_pod(kubectl)
    out, _ = client.resume().communicate(timeout=LONGEST_SECONDS)
    ended = finished(kubectl, f"vi/{NAME}")
    assert ended["status"]["phase"] == "Completed", out
    with file.open("rb") as sent:
        digest = hashlib.file_digest(sent, "sha256").hexdigest()
    assert ended["status"]["source"]["sha256"] == digest
    _, _, place = ended["status"]["outputs"]["original"]["uri"].removeprefix("s3://").partition("/")
    stored = hashlib.sha256()
    for chunk in bucket.get_object(Bucket="videos", Key=place)["Body"].iter_chunks(2**20):
        stored.update(chunk)
    assert stored.hexdigest() == digest
