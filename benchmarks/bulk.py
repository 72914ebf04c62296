#!/usr/bin/env python3
"""Measure what one BulkImport of ITEMS items (1,000) costs the controller.

The control plane is real, and the nodes are simulated: each worker takes one or two seconds. The list is a ConfigMap,
which the real worker lists in pages. Every fiftieth item does not exist and fails. All items must get a result.

The controller's committed writes come from the API server's audit log, without the renewals of its Lease. The peak
memory comes from the kernel.

Then the controller is restarted with all these results. At the end, a hundred single imports are created, to measure
how soon each gets its Job. The last line of the output is JSON. BENCH_SECONDS (3,000) limits the bulk. Everything that
was started here is removed again.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from latency import to_job_seconds  # noqa: E402
from simulation import NAMESPACE, Simulation, simulation  # noqa: E402

from support.controller.api_server import holds  # noqa: E402
from support.controller.controller_process import Controller  # noqa: E402

NAME, LIST = "many", "archive"
PARALLELISM = 100
QUIET_SECONDS = 20.0
"""Seconds after a restart in which the benchmark measures how much is written."""


class OutOfTimeError(Exception):
    """Raised when no time is left for the bulk."""


class Measured(Controller):
    """The controller with its default settings, except that it does not read logs, because simulated pods have none."""

    @property
    def variables(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig), "VIDEOIMPORT_PORT": str(self.port), "POD_NAMESPACE": NAMESPACE,
            "VIDEOIMPORT_WORKER_IMAGE": "worker", "VIDEOIMPORT_TAIL_SECONDS": "3600", **self.environment,
        }  # fmt: skip

    @property
    def peak_mib(self) -> float:
        """Peak memory of the process in MiB."""
        words = Path(f"/proc/{self.pid}/status").read_text().split()
        return int(words[words.index("VmHWM:") + 1]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the process in seconds, since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Found:
    """The figures in the last line of the output."""

    items: int
    settled: int = 0
    writes_per_item: float | None = None
    controller_peak_mib: float | None = None
    seconds: float | None = None

    def line(self) -> str:
        return json.dumps({
            "items": self.items, "settled": self.settled, "writesPerItem": _rounded(self.writes_per_item, 3),
            "controllerPeakMiB": _rounded(self.controller_peak_mib, 1), "seconds": _rounded(self.seconds, 1),
        })  # fmt: skip


def say(text: str) -> None:
    print(text, flush=True)


def manifest(items: int) -> dict[str, Any]:
    """Return the ConfigMap with the list."""
    names = (f"{'gone' if number % 50 == 49 else 'film'}-{number:06}.mp4" for number in range(items))
    lines = [f"https://media.example.com/archive/{name}" for name in names]
    metadata = {"name": LIST, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"list.txt": "\n".join(lines)}}


def bulk() -> dict[str, Any]:
    """Return the BulkImport."""
    return {
        "apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "source": {"manifest": {"configMapKeyRef": {"name": LIST, "key": "list.txt"}}}, "parallelism": PARALLELISM,
            "incremental": False,  # there is no object store whose index could be asked
            "template": {"destination": {"s3": {"endpoint": "https://s3.example.com", "bucket": "videos"}}},
        },
    }  # fmt: skip


def imported(its: Simulation, until: float) -> bool:
    """Wait for the end of the BulkImport. Return whether it finished in time."""
    while time.monotonic() < until:
        if holds(its.api.get("BulkImport", NAMESPACE, NAME), "Finished"):
            return True
        time.sleep(1)
    return False


def settled(its: Simulation, status: dict[str, Any]) -> int:
    """Return the number of different items that have a result."""
    shards = [its.api.get("ConfigMap", NAMESPACE, shard["name"]) for shard in status.get("resultsRef", [])]
    return len({key for shard in shards for key in shard.get("data", {})})


def ran(its: Simulation, controller: Measured, found: Found, until: float) -> None:
    """Run one BulkImport and fill ``found``. Raise OutOfTimeError with the figures so far in ``found``."""
    its.api.create(manifest(found.items))
    before, cpu, began = its.writes(), controller.cpu_seconds, time.monotonic()
    its.api.create(bulk())
    in_time = imported(its, until)
    found.seconds, spent = time.monotonic() - began, controller.cpu_seconds - cpu
    status = its.api.get("BulkImport", NAMESPACE, NAME)["status"]
    found.settled, writes = settled(its, status), its.writes() - before
    done = max(1, found.settled)
    found.writes_per_item, found.controller_peak_mib = writes.total() / done, controller.peak_mib
    say(f"{status['message']} {done / found.seconds:.1f} a second; controller: {1000 * spent / done:.1f} ms of CPU an "
        f"item, peak {found.controller_peak_mib:.0f} MiB; status: {len(json.dumps(status))} bytes")  # fmt: skip
    say(f"writes an item: {shown(writes, done)}")
    if not in_time:
        raise OutOfTimeError(controller.tail(5))


def restarted(its: Simulation, controller: Measured) -> None:
    """Restart the controller after all items have a result, and print its cost."""
    controller.tell(signal.SIGTERM)
    before = its.writes()
    controller.log.write_text("")
    began = time.monotonic()
    controller.start().ready()
    seconds = time.monotonic() - began
    time.sleep(QUIET_SECONDS)
    written = (its.writes() - before).total()
    say(f"started anew: ready in {seconds:.1f} s, {written} writes within {QUIET_SECONDS:.0f} s, "
        f"peak {controller.peak_mib:.0f} MiB, {controller.cpu_seconds:.1f} CPU-s")  # fmt: skip


def shown(writes: Counter[str], items: int) -> str:
    """Return a text with the writes an item, by kind of write."""
    return ", ".join(f"{what} {count / items:.2f}" for what, count in writes.most_common())


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is taken down
    found = Found(items=int(os.environ.get("ITEMS", "1000")))
    until = time.monotonic() + float(os.environ.get("BENCH_SECONDS", "3000"))
    say(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start, {found.items} items")
    folder = Path(tempfile.mkdtemp(prefix="bench-bulk-"))
    try:
        with (
            simulation(folder) as its,
            Measured(kubeconfig=its.controller, log=folder / "controller.log").start() as controller,
        ):
            controller.ready()
            ran(its, controller, found, until)
            restarted(its, controller)
            median, most = to_job_seconds(its.api, NAMESPACE)
            say(f"beside them, from a VideoImport's creation to its Job's: p50 {median:.2f} s, p99 {most:.2f} s")
    except (OutOfTimeError, AssertionError, requests.RequestException) as unfinished:  # or nobody answers in time
        say(f"there was no time for the rest: {unfinished}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(found.line())
    return 0 if found.settled == found.items else 1


if __name__ == "__main__":
    sys.exit(main())
