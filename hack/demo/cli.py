"""`make demo` and `make demo-down`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from cluster.errors import ClusterError
from cluster.folders import cache_folder
from cluster.steps import Step, run_steps
from demo.places import BULK, EXAMPLE, NAMESPACE, ROOT, cluster
from demo.times import read_times, time_table

WHAT_NEXT = """
The video above is at {video}

What to try next:
  export KUBECONFIG=$(make -s kubeconfig)
  kubectl -n demo describe videoimports                    # why one failed, and what to do about it
  kubectl -n demo patch bi course --type merge -p '{"spec": {"retryToken": "again"}}'    # tries the failed one again
  kubectl -n demo get bi,vi --watch
  .venv/bin/kubectl-videoimport results course --namespace demo     # what became of each video; also -o csv, -o json
  kubectl explain videoimport.spec
  make demo-down                                           # takes the cluster away; what was built stays cached
"""


def main() -> int:
    """Run one command. Return 1 if a step failed, and 130 if the user interrupted it."""
    parser = argparse.ArgumentParser(prog="hack/demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="everything, and the import to watch")
    commands.add_parser("down", help="take cluster and demo away")
    prepare = commands.add_parser("prepare", help="cluster, operator, store and site, but no import")
    prepare.add_argument("--namespace", default=NAMESPACE)
    prepare.add_argument(
        "--host-backoff-seconds", type=int, help="first backoff of a host after RateLimited, for tests"
    )
    given = parser.parse_args()
    try:
        return _run(given)
    except ClusterError as failure:
        sys.stderr.write(f"\n{failure}\n")
        return 1
    except subprocess.CalledProcessError as failure:
        return failure.returncode
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; run the same command again to continue\n")
        return 130


def _run(given: argparse.Namespace) -> int:
    if given.command == "down":
        return subprocess.run(cluster("down"), check=True).returncode
    namespace = NAMESPACE if given.command == "up" else given.namespace
    prepare_all(namespace, getattr(given, "host_backoff_seconds", None))
    if given.command == "up":
        _import_and_show()
    return 0


def prepare_all(namespace: str, host_backoff_seconds: int | None = None) -> None:
    """Prepare the cluster, the images, the chart, and a new namespace with an object store and a site."""
    from demo.backends import footage_step, image_step, namespace_steps
    from demo.install import chart_step, image_steps

    logs = _logs()
    times = logs / "step-times.jsonl"
    times.unlink(missing_ok=True)
    # Only this command gets the variable: commands inside a step would count their time twice.
    subprocess.run(cluster("up"), check=True, env={**os.environ, "VIDEOIMPORT_STEP_TIMES": str(times)})
    parts: list[Step] = [
        *image_steps(logs),
        footage_step(logs),
        image_step(logs),
        chart_step(logs, host_backoff_seconds),
    ]
    run_steps([*parts, *namespace_steps(namespace, logs)], times=times)
    sys.stderr.write("\n" + "\n".join(time_table(read_times(times))) + "\n")


def _logs() -> Path:
    folder = cache_folder() / "demo-logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _import_and_show() -> None:
    from demo.kubectl import Kubectl
    from demo.show import show
    from demo.watch import watch

    kubectl = Kubectl.of_cluster(NAMESPACE)
    kubectl.shown("apply", "--filename", str(EXAMPLE.relative_to(ROOT)))
    video = show(kubectl, watch(kubectl, BULK))
    print(WHAT_NEXT.replace("{video}", str(video)))
