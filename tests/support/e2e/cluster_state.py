"""Reading and awaiting the cluster's state. Every wait is for a condition and has an end."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.kubectl import Kubectl
from support.waiting import LONGEST_SECONDS

Resource = dict[str, Any]


def apply(kubectl: Kubectl, manifest: Resource) -> None:
    """`kubectl apply -f -`."""
    subprocess.run(
        kubectl.argv("apply", "-f", "-"), input=json.dumps(manifest), check=True, text=True, capture_output=True
    )


def await_state(kubectl: Kubectl, reference: str, holds: Callable[[Resource], bool], what: str) -> Resource:
    """Poll one resource until ``holds``; the failure shows the status that was there instead."""
    found: Resource = {}
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        found = kubectl.json("get", reference)
        if holds(found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"{reference} never was {what}; it is {json.dumps(found.get('status'), indent=1)}")


def await_nothing(list_left: Callable[[], list[str]]) -> None:
    """Poll until the list is empty."""
    left: list[str] = []
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        left = list_left()
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError(f"still there: {left}")


def condition(resource: Resource, kind: str) -> Resource:
    """A condition by its type; empty when there is none."""
    found = resource.get("status", {}).get("conditions", [])
    return next((one for one in found if one["type"] == kind), {})


def is_finished(resource: Resource) -> bool:
    """Whether its condition Finished is True."""
    return condition(resource, "Finished").get("status") == "True"


def finished(kubectl: Kubectl, reference: str) -> Resource:
    """Await the end, as a user would: with `kubectl wait`."""
    words = ["wait", "--for=condition=Finished", reference, f"--timeout={LONGEST_SECONDS:.0f}s"]
    waited = subprocess.run(kubectl.argv(*words), capture_output=True, text=True)
    if waited.returncode != 0:
        status = json.dumps(kubectl.json("get", reference).get("status"), indent=1)
        raise AssertionError(f"{waited.stderr.strip()}; the status is {status}")
    return kubectl.json("get", reference)


def names(kubectl: Kubectl, kinds: str, *words: str) -> list[str]:
    """kind/name of everything a `get` finds."""
    got = subprocess.run(
        kubectl.argv("get", kinds, *words, "--output", "name"), check=True, capture_output=True, text=True
    )
    return got.stdout.split()


def pod_of(kubectl: Kubectl, video: str) -> Resource:
    """The running worker pod of a VideoImport, once its container runs."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        pods = kubectl.json("get", "pods", "--selector", f"videoimport.io/import={video}")["items"]
        for pod in pods:
            states = pod["status"].get("containerStatuses", [])
            if any("running" in state["state"] for state in states) and "deletionTimestamp" not in pod["metadata"]:
                return dict(pod)
        time.sleep(0.2)
    raise AssertionError(f"no worker of videoimport/{video} ever ran")


def processes_of(pod: Resource) -> dict[int, str]:
    """The pod's processes as this machine sees them: id and command line."""
    mark = pod["metadata"]["uid"]
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if mark in (folder / "cgroup").read_text() or mark.replace("-", "_") in (folder / "cgroup").read_text():
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:
            continue  # it has ended meanwhile
    return found
