"""The next step of an upload, decided from the import and its pods as the API server shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from videoimport.api.labels import UPLOAD_SESSION, WORKER_CONTAINER
from videoimport.cli.cluster.worker_pods import run_of
from videoimport.cli.progress_display import printable
from videoimport.cli.resource_facts import is_finished, percent_of, phase_of, status_of

Raw = dict[str, Any]
_IDLE = "WaitingForUpload"


@dataclass(frozen=True, slots=True)
class ImportEnded:
    """The import has ended."""


@dataclass(frozen=True, slots=True)
class Received:
    """The worker has the whole file, and the import goes on. ``words`` has the phase."""

    words: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """No worker takes bytes yet. ``words`` says for what the import waits."""

    words: str


@dataclass(frozen=True, slots=True)
class Sending:
    """A worker takes bytes in this pod."""

    pod: str
    uid: str
    """Another pod of the same name would have another UID."""


@dataclass(frozen=True, slots=True)
class SessionOver:
    """The session has ended, and only another session can send the file. ``words`` says why."""

    words: str


Step = ImportEnded | Received | Waiting | Sending | SessionOver


def choose_step(resource: Raw, pods: Sequence[Raw], token_sha256: str) -> Step:
    """Return the next step of the session with this hash."""
    if is_finished(resource):
        return ImportEnded()
    if over := _find_end_of_session(resource, token_sha256):
        return SessionOver(over)
    status = status_of(resource)
    if _is_served(status, token_sha256) and not _is_between_runs(status):
        if _is_received(status):
            return Received(f"{phase_of(resource)} {percent_of(resource)} %")
        receivers = [pod for pod in pods if _belongs_to_run(pod, status) and _takes_bytes(pod)]
        if len(receivers) > 1:
            return Waiting("two pods claim to be the worker; waiting until one of them ends")
        if receivers:
            return Sending(receivers[0]["metadata"]["name"], receivers[0]["metadata"]["uid"])
    reason = printable(str(status.get("reason") or ""))
    return Waiting(f"{phase_of(resource)}: {reason}" if reason else f"{phase_of(resource)}: waiting for the worker")


def is_session_open(resource: Raw, token_sha256: str) -> bool:
    """Return whether the session with this hash is open, and not used up."""
    return not _find_end_of_session(resource, token_sha256)


def may_have_bytes(resource: Raw, token_sha256: str) -> bool:
    """Return whether a worker or kept scratch may have bytes of the session with this hash."""
    scratch = ((resource["spec"].get("worker") or {}).get("scratch")) or {}
    return _is_served(status_of(resource), token_sha256) or bool(scratch.get("storageClassName"))


def _find_end_of_session(resource: Raw, token_sha256: str) -> str:
    """Return the sentence about the end of the session. The text is empty if the session is open. Without the
    annotation, the controller continues the session of the last run."""
    annotations, status = resource["metadata"].get("annotations") or {}, status_of(resource)
    opened = annotations.get(UPLOAD_SESSION)
    if not opened and not _is_served(status, token_sha256):
        return f"The annotation {UPLOAD_SESSION} was removed before a worker served the session."
    if opened and opened != token_sha256:
        return "Another client opened a session, which replaces this one."
    if status.get("reason") == _IDLE and _is_served(status, token_sha256):
        return "The session has ended, because no byte arrived in time or because the import was suspended."
    return ""


def _is_served(status: Raw, token_sha256: str) -> bool:
    """Return whether the last run has this session. Facts of an earlier run say nothing about this session."""
    return (status.get("uploadSession") or {}).get("tokenSha256") == token_sha256


def _is_between_runs(status: Raw) -> bool:
    """Return whether the last run failed and another one follows. The stages are those of the failed run, whose file
    the next worker may lack."""
    return (status.get("attempts") or {}).get("nextRetryTime") is not None


def _is_received(status: Raw) -> bool:
    return any(stage["name"] == "Download" and stage["state"] == "Done" for stage in status.get("stages") or ())


def _belongs_to_run(pod: Raw, status: Raw) -> bool:
    """Return whether the Job of the run controls the pod. Its labels are no proof, because whoever creates a pod
    chooses them. No pod belongs to a run whose Job the controller has not observed."""
    job = (status.get("job") or {}).get("uid")
    controllers = [owner for owner in pod["metadata"].get("ownerReferences") or () if owner.get("controller") is True]
    if not job or len(controllers) != 1 or run_of(pod) != status.get("run"):
        return False
    (owner,) = controllers
    return (owner["apiVersion"].partition("/")[0], owner["kind"], owner["uid"]) == ("batch", "Job", job)


def _takes_bytes(pod: Raw) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(one["name"] == WORKER_CONTAINER and "running" in (one.get("state") or {}) for one in containers)
