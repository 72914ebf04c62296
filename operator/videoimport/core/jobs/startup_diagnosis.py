"""Diagnosis of a run that does not start, from an ordered chain of checks of its pod and the cluster's Events.

The status shows the cause as long as the run does not start.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from videoimport.api.reasons import Reason
from videoimport.core.observed import ClaimView, EventView, JobView, PodView
from videoimport.core.plan import EventQuery, Plan

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_REFUSED = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"})
"""Waiting reasons of a container that the node refuses. Only a native sidecar from a mesh can have the reason
CrashLoopBackOff, because the worker's container starts only once."""
_MOUNT = frozenset({"FailedMount", "FailedAttachVolume"})
_NO_VOLUME = frozenset({"ProvisioningFailed", "FailedBinding"})
_VOLUMES = re.compile(r"persistent ?volume|volume node affinity|volume count|enough free storage", re.IGNORECASE)
"""Pattern of the scheduler's message about a pod that fits a node except for its volumes. A missing claim is
included."""
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Start:
    """A Job that has not reported anything yet."""

    job: JobView
    pods: tuple[PodView, ...]
    events: tuple[EventView, ...]
    now: datetime
    patience: timedelta
    claim: ClaimView | None = None
    """Scratch claim that the pod waits for, if the controller made the claim."""

    @property
    def pod(self) -> PodView | None:
        """The newest pod."""
        return self.pods[0] if self.pods else None

    def find_message(self, uid: str, reasons: Iterable[str]) -> str | None:
        """Return the newest message among the Events about this object with one of these reasons."""
        fitting = [event for event in self.events if event.uid == uid and event.reason in reasons]
        return max(fitting, key=lambda event: event.last_seen).message if fitting else None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan(Plan[Any]):
    """Plan for the Job of a run, with the problem that keeps the run from starting.

    If ``reason`` is None, there is no problem. The plan has no status, because the caller writes the reason and the
    message into its own status.
    """

    reason: Reason | None = None
    message: str = ""
    echo: bool = False
    """True if the message has less information than the earlier message with this reason. The earlier message then
    stays."""


def diagnose(start: Start) -> JobPlan:
    """Return the first problem that a check of the chain finds. The result is an empty plan if no check finds a
    problem."""
    found = (check(start) for check in _CHAIN)
    return next((finding for finding in found if finding), JobPlan())


def _diagnose_missing_pod(start: Start) -> JobPlan | None:
    if start.pod is not None:
        return None
    job = start.job
    refusal = start.find_message(job.uid, {"FailedCreate"})
    reason = Reason.POD_REJECTED if refusal else None
    return _request_events(start, EventQuery("Job", job.namespace, job.name, job.uid), job.created, reason, refusal)


def _detect_start(start: Start) -> JobPlan | None:
    pod = start.pod
    return JobPlan() if pod and (pod.running or pod.exit_code is not None or pod.phase != "Pending") else None


def _diagnose_unbound_claim(start: Start) -> JobPlan | None:
    """Return why the pod's claim has no volume. The scheduler reports only that the volume is missing. The claim's own
    Events have the cause."""
    claim = start.claim
    if claim is None or claim.bound or start.pod is None:
        return None
    told = start.find_message(claim.uid, _NO_VOLUME)
    seen = _diagnose_unschedulable(start)
    reason, words = (Reason.MOUNT_FAILED, told) if told else (seen.reason, seen.message) if seen else (None, None)
    event_query = EventQuery("PersistentVolumeClaim", claim.namespace, claim.name, claim.uid)
    return _request_events(start, event_query, claim.created, reason, words)


def _diagnose_unschedulable(start: Start) -> JobPlan | None:
    pod = start.pod
    if pod is None or pod.unscheduled is None:
        return None
    reason = Reason.MOUNT_FAILED if _VOLUMES.search(pod.unscheduled) else Reason.UNSCHEDULABLE
    return JobPlan(reason=reason, message=pod.unscheduled)


def _diagnose_image(start: Start) -> JobPlan | None:
    """Return why the image cannot be pulled. The kubelet alternates between the cause of a failed pull and the wait for
    the next pull."""
    finding = _diagnose_waiting_container(start, _IMAGE, Reason.IMAGE_UNAVAILABLE)
    backing_off = start.pod is not None and start.pod.waiting_reason == "ImagePullBackOff"
    return replace(finding, echo=backing_off) if finding else None


def _diagnose_refused_container(start: Start) -> JobPlan | None:
    return _diagnose_waiting_container(start, _REFUSED, Reason.POD_REJECTED)


def _diagnose_waiting_container(start: Start, reasons: frozenset[str], reason: Reason) -> JobPlan | None:
    pod = start.pod
    if pod is None or pod.waiting_reason not in reasons:
        return None
    return JobPlan(reason=reason, message=pod.waiting_message or pod.waiting_reason or "")


def _diagnose_creation(start: Start) -> JobPlan | None:
    pod = start.pod
    if pod is None:
        return None
    refusal = start.find_message(pod.uid, _MOUNT)
    reason = Reason.MOUNT_FAILED if refusal else None
    return _request_events(start, EventQuery("Pod", pod.namespace, pod.name, pod.uid), pod.created, reason, refusal)


def _request_events(
    start: Start, event_query: EventQuery, since: datetime, reason: Reason | None, words: str | None
) -> JobPlan:
    """Return a plan that asks for Events once ``patience`` is over. Later queries follow after pauses that grow with
    the wait."""
    age = start.now - since
    if age < start.patience:
        return JobPlan(reason=reason, message=words or "", requeue_at=since + start.patience)
    pause = min(max(start.patience, age / 2), _LONGEST_PAUSE)
    return JobPlan(reason=reason, message=words or "", event_queries=(event_query,), requeue_at=start.now + pause)


_CHAIN = (
    _diagnose_missing_pod,
    _detect_start,
    _diagnose_unbound_claim,
    _diagnose_unschedulable,
    _diagnose_image,
    _diagnose_refused_container,
    _diagnose_creation,
)
