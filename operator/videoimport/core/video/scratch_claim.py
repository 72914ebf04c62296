"""Scratch that outlives pods: a claim of the import's own, made before the Job of the first run and gone with the last.

The Job waits until the claim was seen: a refused claim then shows as what it is, and no pod waits for it in vain.
"""

from videoimport.api.labels import COMPONENT, IMPORT
from videoimport.api.videoimport import IDENTITY, VideoImport
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.core.jobs.import_job import build_import_job
from videoimport.core.lifecycle import is_finished
from videoimport.core.object_metadata import CALM, OUR_LABELS, ROOM, build_owner_references
from videoimport.core.object_names import build_scratch_name
from videoimport.core.observed import ClaimView
from videoimport.core.plan import Action, Create, Delete, Manifest
from videoimport.core.video.context import VideoContext


def prepare_scratch(context: VideoContext, run: int) -> tuple[Action, ...]:
    """The next step towards this run's Job. A claim of another size or class than is wanted now makes way first."""
    room = _format_room(context.video)
    if room is None:
        return (Create(build_import_job(context.video, run, context.settings)),)
    claim = context.claim
    if claim is None:
        return (Create(build_claim_manifest(context.video)),)
    if claim.deleting:  # its name is taken until it is gone
        return ()
    return (
        (Create(build_import_job(context.video, run, context.settings)),)
        if claim.room == room
        else (_delete_claim(claim),)
    )


def remove_spent_claims(context: VideoContext, planned: VideoImportStatus) -> tuple[Action, ...]:
    """The claims of an import that has ended, in the status as it was observed, and is not about to start again."""
    if not (is_finished(context.status) and is_finished(planned)):
        return ()
    claim = context.claim
    return (_delete_claim(claim),) if claim is not None and not claim.deleting else ()


def build_claim_manifest(video: VideoImport) -> Manifest:
    """The claim as it is to be created."""
    meta, scratch = video.metadata, video.spec.worker.scratch
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": build_scratch_name(meta.name),
            "namespace": meta.namespace,
            "labels": OUR_LABELS | {COMPONENT: "scratch", IMPORT: meta.name},
            "annotations": CALM | {ROOM: _format_room(video)},
            "ownerReferences": build_owner_references(IDENTITY, meta),
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": scratch.storage_class_name,
            "resources": {"requests": {"storage": scratch.size}},
        },
    }


def _format_room(video: VideoImport) -> str | None:
    scratch = video.spec.worker.scratch
    return f"{scratch.size} of {scratch.storage_class_name}" if scratch.storage_class_name else None


def _delete_claim(claim: ClaimView) -> Delete:
    return Delete("PersistentVolumeClaim", claim.namespace, claim.name, claim.uid)
