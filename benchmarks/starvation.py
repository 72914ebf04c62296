#!/usr/bin/env python3
"""Run imports on a node without free CPU time: with busy loops, disk writers, encodes and a rollout of the controller.

The output has the restarts of the controllers, the changes of leader and the duration of each cancel. There is no limit
for these figures. The benchmark fails only if an import ends as Failed. A cancelled import may end as Completed, if it
was done before the controller stopped it.

The benchmark takes at most STARVATION_SECONDS (240) and some seconds to clean up. Encodes that are not finished by then
are printed and removed. LOOPS (8), WRITERS (3) and ENCODES (4) set the load. The cluster must be prepared with
`hack/demo prepare`. The namespace is NAMESPACE (starvation). The last line of the output is JSON.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "hack")]

from controllers import failed_probes, recorded  # noqa: E402
from pressure import pressure  # noqa: E402

from demo.kubectl import Kubectl  # noqa: E402
from demo.places import BUCKET, SYSTEM_NAMESPACE  # noqa: E402

NAMESPACE = os.environ.get("NAMESPACE", "starvation")
SITE = f"http://site.{NAMESPACE}.svc.cluster.local"
DEPLOYMENT = "deployment/videoimport"
HEAVY = {"mode": "Encode", "video": {"preset": "slow"}}
_POLL_SECONDS = 0.5


class Clock:
    """The time that is left for the run."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, at least 1."""
        return max(1.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end


def setting(name: str, default: int) -> int:
    """Return a number from the environment."""
    return int(os.environ.get(name, default))


def manifest(name: str, path: str, **spec: Any) -> dict[str, Any]:
    """Return a VideoImport that copies a file from the cluster's site into the cluster's object store."""
    store = {"endpoint": f"http://s3.{NAMESPACE}.svc.cluster.local:7070", "bucket": BUCKET, "prefix": "starvation"}
    destination = {"s3": store, "credentialsSecretRef": {"name": "bucket-keys"}, "ifExists": "Replace"}
    wish = {"source": {"url": f"{SITE}{path}"}, "destination": destination, "requirements": {}, **spec}
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "metadata": {"name": name}, "spec": wish}


def apply(kubectl: Kubectl, *manifests: dict[str, Any]) -> None:
    """Apply all given resources with `kubectl apply -f -`."""
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    subprocess.run(kubectl.argv("apply", "-f", "-"), input=items, check=True, text=True, capture_output=True)


def phase_of(kubectl: Kubectl, name: str) -> str:
    """Return the phase of an import. Empty before the controller has written one."""
    return str(kubectl.json("get", f"vi/{name}").get("status", {}).get("phase", ""))


def await_phase(kubectl: Kubectl, name: str, wanted: tuple[str, ...], clock: Clock) -> str:
    """Wait until the phase of an import is one of ``wanted``. Return the phase, or the last phase when the time is
    over."""
    while (phase := phase_of(kubectl, name)) not in wanted and not clock.is_over:
        time.sleep(_POLL_SECONDS)
    return phase


def cancel(kubectl: Kubectl, name: str, clock: Clock, *, after: tuple[str, ...]) -> tuple[float, str]:
    """Import a slow source, and cancel the import in one of the phases ``after``.

    Return the seconds from the cancel to the end, and the last phase.
    """
    apply(kubectl, manifest(name, "/slow/compliant.mp4"))
    await_phase(kubectl, name, after, clock)
    patch = ("patch", f"vi/{name}", "--type=merge", "--patch", '{"spec":{"cancel":true}}')
    subprocess.run(kubectl.argv(*patch), check=True, capture_output=True)
    began = time.monotonic()
    phase = await_phase(kubectl, name, ("Cancelled", "Completed", "Failed"), clock)
    return round(time.monotonic() - began, 1), phase


def roll_out(system: Kubectl, clock: Clock) -> float | None:
    """Replace both replicas of the controller. Return the seconds that took, or None if the time was over first."""
    began = time.monotonic()
    subprocess.run(system.argv("rollout", "restart", DEPLOYMENT), check=True, capture_output=True)
    words = system.argv("rollout", "status", DEPLOYMENT, f"--timeout={clock.left:.0f}s")
    done = subprocess.run(words, capture_output=True).returncode == 0
    return round(time.monotonic() - began, 1) if done else None


def starve(kubectl: Kubectl, system: Kubectl, clock: Clock) -> dict[str, Any]:
    """Run the imports and the rollout under load, and return the results."""
    encodes = [f"encode-{number}" for number in range(setting("ENCODES", 4))]
    apply(kubectl, *(manifest(name, "/compliant.mp4", output=HEAVY) for name in encodes))
    cancels = {"while it starts": cancel(kubectl, "starting", clock, after=("Pending", "Queued", "Downloading"))}
    cancels["while it downloads"] = cancel(kubectl, "loading", clock, after=("Downloading", "Transcoding"))
    rollout = roll_out(system, clock)
    cancels["after the rollout"] = cancel(kubectl, "rolled", clock, after=("Downloading", "Transcoding"))
    ends = {name: await_phase(kubectl, name, ("Completed", "Failed"), clock) for name in encodes}
    ended = ends | {f"cancel {when}": phase for when, (_, phase) in cancels.items()}
    wrong = [f"{name}: {phase}" for name, phase in ended.items() if phase == "Failed"]
    load = os.getloadavg()[0]
    return {"load": load, "cancels": cancels, "rollout_seconds": rollout, "encodes": ends, "wrong": wrong}


def main() -> int:
    """Run the benchmark. Return 1 if an import ended wrongly, and 0 otherwise."""
    kubectl, system = Kubectl.of_cluster(NAMESPACE), Kubectl.of_cluster(SYSTEM_NAMESPACE)
    clock, since = Clock(setting("STARVATION_SECONDS", 240)), datetime.now(UTC)
    try:
        with recorded(system) as record, pressure(setting("LOOPS", 8), setting("WRITERS", 3)):
            found = starve(kubectl, system, clock)
    finally:
        subprocess.run(kubectl.argv("delete", "vi", "--all", "--wait=false"), capture_output=True)
    found |= {"restarts": sum(record.restarts.values()), "leader_changes": record.changes}
    found |= {"longest_silence_seconds": round(record.longest_silence, 1), "probes": failed_probes(system, since)}
    report(found)
    return 1 if found["wrong"] else 0


def report(found: dict[str, Any]) -> None:
    """Print the main figures as text, then all figures as JSON."""
    print(f"load average at the end      {found['load']:.1f}")
    print(f"restarts of controllers      {found['restarts']}")
    print(f"changes of leader            {found['leader_changes']} (the rollout makes one or two)")
    print(f"longest time without renewal {found['longest_silence_seconds']} s")
    print(f"rollout                      {found['rollout_seconds']} s")
    for when, (seconds, phase) in found["cancels"].items():
        print(f"cancel {when:<21} {seconds} s, {phase}")
    print(f"encodes                      {', '.join(found['encodes'].values())}")
    for line in (*found["probes"], *(f"WRONG: {one}" for one in found["wrong"])):
        print(f"  {line}")
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
