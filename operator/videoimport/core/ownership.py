"""What marks an object as ours: its owner, its labels, and the annotation that keeps GitOps tools calm."""

from collections.abc import Mapping
from typing import Any

from videoimport.api.labels import GROUP, MANAGED_BY, MANAGED_BY_VALUE, NAME, OUR_PREFIXES
from videoimport.api.videoimport import ObjectMeta

WISH = f"{GROUP}/spec-hash"
"""Annotation of a Job: the ``wish_hash`` of the spec that it was made from."""
ROOM = f"{GROUP}/room"
"""Annotation of a scratch claim: the size and class that were asked for."""
QUEUE_PREFIX = "kueue.x-k8s.io/"
OUR_LABELS = {NAME: MANAGED_BY_VALUE, MANAGED_BY: MANAGED_BY_VALUE}
CALM = {"argocd.argoproj.io/ignore-resource-updates": "true"}
"""Argo CD refreshes the whole application at every change of an object without this."""


def owned_by(identity: Mapping[str, str], owner: ObjectMeta) -> list[dict[str, Any]]:
    """``metadata.ownerReferences`` with the one controlling owner."""
    return [
        {
            **identity,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def queue_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Kueue's among these labels. An object's Job inherits them and its pod does not: the queue admits Jobs, and would
    otherwise take the pod for another workload."""
    return {key: value for key, value in (labels or {}).items() if key.startswith(QUEUE_PREFIX)}


def not_ours(pairs: Mapping[str, str] | None) -> dict[str, str]:
    """A user's labels or annotations without those under our prefixes."""
    return {key: value for key, value in (pairs or {}).items() if not key.startswith(OUR_PREFIXES)}
