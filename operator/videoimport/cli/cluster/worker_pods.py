"""The pods of an import's runs, and of a bulk's listing and webhook."""

from collections.abc import Sequence

from tenacity import Retrying, retry_if_result, wait_fixed

from videoimport.api.labels import BULK, BULK_KIND, IMPORT, RUN, WORKER_CONTAINER
from videoimport.cli.errors import UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import Raw, is_finished, name_of, reference_of

_POLL_SECONDS = 1.0


def choose_pod(pods: Sequence[Raw], run: int | None) -> Raw | None:
    """Return the newest pod of this run. If ``run`` is None, return the newest pod of the newest run. Return None if
    there is no such pod."""
    of_run = [pod for pod in pods if run is None or run_of(pod) == run]
    return max(of_run, key=lambda pod: (run_of(pod), pod["metadata"]["creationTimestamp"]), default=None)


def run_of(pod: Raw) -> int:
    """Return the run number from the label of the pod. Return 0 if the label is missing or invalid."""
    text = (pod["metadata"].get("labels") or {}).get(RUN, "")
    return int(text) if text.isdecimal() else 0


def find_pod(kube: Kube, resource: Raw, run: int | None) -> Raw:
    """Return the newest pod of this run, or of the newest run if ``run`` is None. Raises UnusableError if no such pod
    exists."""
    pods = _read_pods(kube, resource)
    pod = choose_pod(pods, run)
    if pod is None:
        raise UnusableError(format_missing(resource, pods, run))
    return pod


def await_pod(kube: Kube, resource: Raw, run: int | None) -> Raw:
    """Return the pod once its worker has started, without a limit of time. Raises UnusableError if no such pod exists
    and the import has ended."""

    def started() -> Raw:
        pods = _read_pods(kube, resource)
        pod = choose_pod(pods, run)
        if pod is None and is_finished(kube.resource(kube.namespace, resource["kind"], name_of(resource))):
            raise UnusableError(format_missing(resource, pods, run))
        return pod if pod is not None and has_started(pod) else {}

    found: Raw = Retrying(retry=retry_if_result(lambda pod: not pod), wait=wait_fixed(_POLL_SECONDS))(started)
    return found


def has_started(pod: Raw) -> bool:
    """Return whether waiting for the worker's log is over: the worker runs or has ended, or the pod has ended."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    containers = status.get("containerStatuses") or ()
    states = [container.get("state") or {} for container in containers if container["name"] == WORKER_CONTAINER]
    return any("running" in state or "terminated" in state for state in states)


def format_missing(resource: Raw, pods: Sequence[Raw], run: int | None) -> str:
    """Return the sentence about a pod that does not exist."""
    reference = reference_of(resource)
    left = sorted({run_of(pod) for pod in pods})
    if left:
        runs = ", ".join(map(str, left))
        return f"{reference} has no pod of run {run}; there are logs of these runs: {runs}."
    which = f"run {run} of {reference}" if run is not None else reference
    return (
        f"There is no pod of {which}: it has not started yet, or it was removed with its log. "
        f"`kubectl videoimport get {reference}` shows the state."
    )


def _read_pods(kube: Kube, resource: Raw) -> list[Raw]:
    label = BULK if resource["kind"] == BULK_KIND else IMPORT
    return kube.pods(kube.namespace, f"{label}={name_of(resource)}")
