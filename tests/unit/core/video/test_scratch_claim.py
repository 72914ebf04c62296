"""Scratch that outlives pods: made before the Job, kept from run to run, gone with the import."""

import pytest

from support.core.video_builders import (
    NOW,
    after,
    claim,
    created,
    edited,
    event,
    failed_with,
    failure,
    finished,
    job,
    plan,
    pod,
    running,
    started,
    success,
    video,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.observed_parsers import parse_claim
from videoimport.core.plan import Delete, EventQuery, Plan
from videoimport.core.video.start_run import build_claim_manifest

FAST = {"worker": {"scratch": {"size": "50Gi", "storageClassName": "fast"}}}
GOES = Delete("PersistentVolumeClaim", "films", "talk-scratch", "claim")


def stuck(*events, at=60, **pod_changes):
    wish = running(**FAST)
    its = job(wish)
    pods = (pod(its, **pod_changes),)
    return plan(wish, at=after(at), jobs=(its,), pods=pods, events=events, claims=(claim(wish, bound=False),))


def test_claim_has_the_size_and_class_that_were_asked_for_and_goes_with_its_import():
    found = build_claim_manifest(video(**FAST))
    assert found["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "50Gi"}},
    }
    meta = found["metadata"]
    assert (meta["name"], meta["namespace"]) == ("talk-scratch", "films")
    assert meta["ownerReferences"][0]["uid"] == video().metadata.uid
    assert meta["labels"]["app.kubernetes.io/managed-by"] == "videoimport"
    assert len(build_claim_manifest(video(meta={"name": "a" * 52}, **FAST))["metadata"]["name"]) <= 63


def test_claim_is_read_back_as_it_was_made():
    wish = video(**FAST)
    raw = build_claim_manifest(wish)
    raw["metadata"] |= {"uid": "claim", "creationTimestamp": NOW.isoformat()}
    assert parse_claim(raw | {"status": {"phase": "Bound"}}) == claim(wish)
    assert parse_claim(raw | {"status": {"phase": "Pending"}}) == claim(wish, bound=False)


def test_no_class_no_claim():
    assert created(plan(video())) == ["talk-1"]


def test_claim_comes_first_and_the_job_once_the_claim_was_seen():
    assert created(plan(video(**FAST))) == ["talk-scratch"]
    fresh = started(**FAST)
    assert created(plan(fresh)) == ["talk-scratch"]
    assert created(plan(fresh, claims=(claim(fresh, bound=False),))) == ["talk-1"]


def test_claim_is_kept_for_the_next_run():
    waiting = failed_with(running(**FAST), Reason.SOURCE_UNAVAILABLE)
    found = plan(waiting, at=after(3600), claims=(claim(waiting),))
    assert [type(action).__name__ for action in found.actions] == ["Create"]
    assert created(found) == ["talk-2"]


def test_claim_is_kept_while_it_is_suspended():
    wish = written(edited(running(**FAST), suspend=True))
    assert plan(wish, claims=(claim(wish),)) == Plan()


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_claim_goes_once_the_end_is_recorded(ending):
    wish = running(**FAST)
    if ending == "cancelled":
        wish = edited(wish, cancel=True)
        its = {}
    else:
        its = finished(wish, success(wish) if ending == "completed" else failure(wish, Reason.NOT_VIDEO))
    assert GOES not in plan(wish, **its, claims=(claim(wish),)).actions
    over = written(wish, **its, claims=(claim(wish),))
    assert plan(over, claims=(claim(over),)).actions == (GOES,)
    assert plan(over, claims=(claim(over, deleting=True),)) == Plan()


def test_failed_import_that_starts_again_uses_what_is_left():
    failed = failed_with(running(**FAST), Reason.SOURCE_NOT_FOUND)
    found = plan(edited(failed, retryToken="again"), claims=(claim(failed),))
    assert created(found) == ["talk-2"]
    assert GOES not in found.actions


def test_name_that_is_not_free_yet_is_waited_for():
    fresh = started(**FAST)
    assert plan(fresh, claims=(claim(fresh, deleting=True),)).actions == ()


def test_claim_of_another_size_makes_way_before_the_next_run():
    waiting = failed_with(running(**FAST), Reason.SCRATCH_FULL)
    larger = edited(waiting, worker={"scratch": {"size": "80Gi", "storageClassName": "fast"}})
    found = plan(larger, at=after(3600), claims=(claim(waiting),))
    assert found.actions == (GOES,)


def test_refused_claim_shows_the_clusters_words():
    fresh = started(**FAST)
    refused = event(fresh.metadata.uid, "JobRejected", "persistentvolumeclaims: exceeded quota", at=NOW)
    status = plan(fresh, events=(refused,)).status
    assert status is not None
    assert status.reason is Reason.JOB_REJECTED
    assert "persistentvolumeclaims: exceeded quota" in (status.message or "")


def test_claim_that_gets_no_volume_is_asked_about_and_shows_why():
    assert EventQuery("PersistentVolumeClaim", "films", "talk-scratch", "claim") in stuck().event_queries
    words = event("claim", "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    found = stuck(words, unscheduled="pod has unbound immediate PersistentVolumeClaims")
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.PENDING, Reason.MOUNT_FAILED)
    assert found.status.message == (
        'StorageClass "fast" not found. Create it, or correct spec.worker.scratch.storageClassName.'
    )


def test_claim_that_waits_for_its_first_pod_is_no_trouble():
    found = stuck(event("claim", "WaitForFirstConsumer", "waiting for first consumer"), at=5)
    assert found.status is None


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            'persistentvolumeclaim "tapes" not found',
            'PersistentVolumeClaim "tapes" not found. Create it in this namespace, or correct '
            "spec.source.persistentVolumeClaim.claimName.",
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            "A PersistentVolumeClaim of the pod has no volume. See why with kubectl describe pvc, and check "
            "spec.worker.scratch and spec.source.persistentVolumeClaim.claimName.",
        ),
        (
            "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.",
            "No node of 3 fits the pod: 3 node(s) didn't find available persistent volumes to bind. "
            "Check the claims of this pod (kubectl get pvc).",
        ),
        (
            "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
            "No node of 3 fits the pod: 3 node(s) had volume node affinity conflict. Let the pod run where its volume "
            "is: correct spec.worker.nodeSelector or spec.worker.affinity.",
        ),
    ],
)
def test_pod_that_only_its_volumes_keep_from_a_node_says_so(words, shown):
    wish = running(source={"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mov"}})
    its = job(wish)
    status = plan(wish, jobs=(its,), pods=(pod(its, unscheduled=words),)).status
    assert status is not None
    assert status.reason is Reason.MOUNT_FAILED
    assert status.message == shown


def test_pod_without_room_on_any_node_is_unschedulable_with_a_claim_too():
    found = stuck(unscheduled="0/3 nodes are available: 3 Insufficient cpu.")
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.QUEUED, Reason.UNSCHEDULABLE)
