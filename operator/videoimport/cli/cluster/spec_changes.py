"""The changes of retry, cancel, suspend and resume, as merge patches of the spec."""

from dataclasses import dataclass
from typing import Any, Literal

from videoimport.api.labels import BULK_KIND
from videoimport.cli.resource_facts import Raw, is_finished, phase_of, reference_of, status_of

Verb = Literal["retry", "cancel", "suspend", "resume"]
_TRACKERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
"""Labels and annotations with which a GitOps controller marks its resources."""


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of a verb on one resource."""

    spec: dict[str, Any]
    """Fields to merge into the spec. If this is empty, the resource is not changed."""
    words: str
    """The sentence about the change, or about the cause if the resource is not changed."""


def plan_change(verb: Verb, resource: Raw, token: str) -> Change:
    """Return the change of a resource. ``token`` is a new value of retryToken."""
    planned = {"retry": _plan_retry, "cancel": _plan_cancel, "suspend": _plan_suspend, "resume": _plan_resume}[verb]
    return planned(resource, token)


def find_tracker(resource: Raw) -> str | None:
    """Return the GitOps controller that manages a resource, or None."""
    marks = {**(resource["metadata"].get("labels") or {}), **(resource["metadata"].get("annotations") or {})}
    return next((tracker for mark, tracker in _TRACKERS.items() if mark in marks), None)


def is_retryable(resource: Raw) -> bool:
    """Return whether a retry would start an import: the resource failed, was cancelled or has failed items."""
    if resource["kind"] == BULK_KIND and status_of(resource).get("failed"):
        return True
    return is_finished(resource) and phase_of(resource) != "Completed"


def _plan_retry(resource: Raw, token: str) -> Change:
    spec, phase = resource["spec"], phase_of(resource)
    if not is_retryable(resource):
        ended = "nothing failed" if is_finished(resource) else "it has not ended"
        return Change({}, f"unchanged, because the phase is {phase} and {ended}")
    change: dict[str, Any] = {"retryToken": token}
    if spec.get("cancel"):
        change["cancel"] = False
    held = "; it starts after `resume`, because spec.suspend is true" if spec.get("suspend") else ""
    return Change(change, f"retried{_count_failed(resource)} (spec.retryToken: {token}){held}")


def _count_failed(resource: Raw) -> str:
    failed = status_of(resource).get("failed") if resource["kind"] == BULK_KIND else None
    return f", {failed} failed {'item' if failed == 1 else 'items'}" if failed else ""


def _plan_cancel(resource: Raw, _token: str) -> Change:
    if is_finished(resource):
        return Change({}, f"unchanged, because it has ended: {phase_of(resource)}")
    if resource["spec"].get("cancel"):
        return Change({}, "unchanged, because it is cancelled already")
    return Change({"cancel": True}, "cancelled (spec.cancel: true)")


def _plan_suspend(resource: Raw, _token: str) -> Change:
    if is_finished(resource):
        return Change({}, f"unchanged, because it has ended: {phase_of(resource)}")
    if resource["spec"].get("suspend"):
        return Change({}, "unchanged, because it is suspended already")
    return Change({"suspend": True}, "suspended (spec.suspend: true)")


def _plan_resume(resource: Raw, _token: str) -> Change:
    if not resource["spec"].get("suspend"):
        return Change({}, "unchanged, because it is not suspended")
    return Change({"suspend": False}, "resumed (spec.suspend: false)")


def format_change(resource: Raw, change: Change) -> str:
    """Return the line about the change of a resource."""
    return f"{reference_of(resource)}: {change.words}"
