"""The end of the container ``worker`` is the end of the run, whatever else runs in the pod."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.core.discovery_builders import begun, collected, deleted, listed, look, noted, told
from support.core.discovery_builders import created as listing_made
from support.core.job_manifests import SECRET, manifest
from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    edited,
    failure,
    finished,
    having,
    job,
    plan,
    pod,
    progress,
    running,
    started,
    success,
    video,
    working_pod,
    written,
)
from support.core.webhook_builders import hook, over, pending, tell
from support.core.webhook_builders import job as hook_job
from support.core.webhook_builders import written as told_of
from support.every_case import every_case
from videoimport.api.labels import OUR_PREFIXES
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Politeness, Task
from videoimport.api.videoimport import spec_hash, wish_hash
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.jobs.run_lifecycle import SETTLE, build_import_job, find_settle_time, has_ended, is_active, retire
from videoimport.core.names_and_owners import build_job_owner
from videoimport.core.observed import JobView, PodView
from videoimport.core.observed_parsers import parse_job, parse_pod
from videoimport.core.plan import Create, Delete, Patch
from videoimport.core.settings import Settings

GONE = Delete("Job", "films", "talk-1", "job-1")
MESH: dict[str, Any] = {"phase": "Running", "companions": ("istio-proxy",)}
CRASH: dict[str, Any] = MESH | {"exit_code": 137, "ended_at": NOW}


def meshed(seen: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same end of a run in a pod whose sidecar goes on: the Job has not finished."""
    (done,), (its_pod,) = seen["jobs"], seen["pods"]
    open_job = replace(done, finished=None)
    return {"jobs": (open_job,), "pods": (replace(its_pod, **MESH | changes),)}


def with_report(wish, told, **changes):
    return meshed(finished(wish, told), **changes)


def test_a_success_is_recorded_and_then_the_job_goes():
    wish = running()
    seen = with_report(wish, success(wish))
    assert plan(wish, **seen).actions == ()
    done = written(wish, **seen)
    assert (done.status.phase, done.status.run) == (VideoPhase.COMPLETED, 1)
    assert plan(done, **seen).actions == (GONE,)


def test_a_failure_is_read_from_its_report():
    wish = running()
    done = written(wish, **with_report(wish, failure(wish, Reason.SOURCE_NOT_FOUND, "404"), exit_code=65))
    assert (done.status.phase, done.status.reason) == (VideoPhase.FAILED, Reason.SOURCE_NOT_FOUND)
    assert "404" in (done.status.message or "")


def test_a_failure_that_is_tried_again_leaves_no_job_of_its_own():
    wish = running()
    seen = with_report(wish, failure(wish, Reason.SOURCE_UNAVAILABLE), exit_code=85)
    waits = written(wish, **seen)
    assert waits.status.attempts is not None
    at = waits.status.attempts.next_retry_time
    assert at is not None
    assert plan(waits, **seen).actions == (GONE,)
    leaving = (replace(seen["jobs"][0], deleting=True),)
    found = plan(waits, at, jobs=leaving, pods=seen["pods"])
    assert [type(action) for action in found.actions] == [Create]


def test_an_out_of_memory_kill_needs_no_report():
    wish = running()
    done = written(wish, **with_report(wish, None, exit_code=137, oom_killed=True))
    assert done.status.attempts is not None
    assert done.status.attempts.reasons == (Reason.OUT_OF_MEMORY,)


def test_an_exit_code_of_the_table_needs_no_report():
    wish = running()
    done = written(wish, **with_report(wish, None, exit_code=65))
    assert done.status.reason is Reason.SOURCE_NOT_FOUND


def test_a_full_scratch_without_a_report_names_the_field_and_its_value():
    wish = running(worker={"scratch": {"size": "3Gi"}})
    done = written(wish, **with_report(wish, None, exit_code=90))
    assert done.status.reason is Reason.SCRATCH_FULL
    assert "the disk of the node is full" in done.status.message
    assert "worker.scratch.size is 3Gi. Raise worker.scratch.size" in done.status.message


def test_a_success_without_a_report_is_a_lost_report():
    wish = running()
    done = written(wish, **with_report(wish, None, exit_code=0))
    assert done.status.attempts is not None
    assert (done.status.attempts.count, done.status.attempts.uncharged) == (1, 1)


def test_a_crash_counts_once_the_kubelet_had_time_to_say_more():
    wish = running()
    seen = with_report(wish, None, **CRASH)
    before = plan(wish, after(59), **seen)
    assert (before.requeue_at, before.actions) == (NOW + SETTLE, ())
    done = written(wish, NOW + SETTLE, **seen)
    assert done.status.attempts is not None
    assert done.status.attempts.reasons == (Reason.INTERNAL,)


def test_an_eviction_is_known_as_one_although_the_workers_end_is_seen_first():
    wish = running()
    first = with_report(wish, None, **CRASH)
    assert plan(wish, after(5), **first).actions == ()
    evicted = replace(first["pods"][0], phase="Failed", reason="Evicted", message="Usage exceeds the total limit 1Gi")
    done = written(wish, after(31), jobs=first["jobs"], pods=(evicted,))
    assert done.status.attempts is not None
    assert done.status.attempts.reasons == (Reason.SCRATCH_FULL,)


STOPPED = failure(running(), Reason.WORKER_LOST, "The worker was terminated (SIGTERM) before it was done.")


@pytest.mark.parametrize(("code", "told"), [(95, STOPPED), (95, None), (130, None), (143, None)])
def test_a_worker_that_was_told_to_stop_waits_for_word_of_an_eviction(code: int, told: Report | None):
    """The kubelet asks the worker first, and writes that it evicts the pod once the sidecar has ended too."""
    wish = running()
    seen = with_report(wish, told, exit_code=code, ended_at=NOW)
    before = plan(wish, after(5), **seen)
    assert (before.requeue_at, before.actions) == (NOW + SETTLE, ())
    evicted = replace(seen["pods"][0], phase="Failed", reason="Evicted", message="Usage exceeds the total limit 1Gi")
    full = written(wish, after(31), jobs=seen["jobs"], pods=(evicted,))
    assert full.status.attempts is not None
    assert full.status.attempts.reasons == (Reason.SCRATCH_FULL,)
    alone = written(wish, NOW + SETTLE, **seen)
    assert alone.status.attempts is not None
    assert (alone.status.attempts.count, alone.status.attempts.uncharged) == (1, 1)


@pytest.mark.parametrize("code", [95, 130, 137, 143])
def test_a_worker_whose_pod_is_deleted_is_lost_once_its_job_has_finished(code: int):
    wish = running()
    seen = with_report(wish, STOPPED if code == 95 else None, exit_code=code, ended_at=NOW, deleting=True)
    assert plan(wish, NOW + 2 * SETTLE, **seen).actions == ()
    assert plan(wish, NOW + 2 * SETTLE, **seen).status in (None, wish.status)
    over = replace(seen["jobs"][0], finished="Failed")
    for pods in (seen["pods"], ()):
        done = written(wish, jobs=(replace(over, exit_code=None if pods else code),), pods=pods)
        assert done.status.attempts is not None
        assert (done.status.attempts.count, done.status.attempts.uncharged) == (1, 1)


def test_a_sidecar_that_fails_does_not_spoil_a_success():
    wish = running()
    seen = finished(wish, success(wish))
    failed = replace(seen["jobs"][0], finished="Failed", failure_reason="BackoffLimitExceeded")
    spoilt = {"jobs": (failed,), "pods": (replace(seen["pods"][0], phase="Failed"),)}
    assert written(wish, **spoilt).status.phase is VideoPhase.COMPLETED


def test_an_init_container_that_fails_is_named_and_not_counted():
    raw = {
        "metadata": {"namespace": "films", "name": "p", "uid": "pod-1", "creationTimestamp": "2026-05-04T12:00:00Z"},
        "status": {
            "phase": "Failed",
            "initContainerStatuses": [{"name": "istio-init", "state": {"terminated": {"exitCode": 2}}}],
            "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "PodInitializing"}}}],
        },
    }
    wish = running()
    ended = job(wish, finished="Failed")
    found = plan(
        wish,
        jobs=(ended,),
        pods=(
            replace(
                parse_pod(raw),
                name=f"{ended.name}-x7k2p",
                owner=build_job_owner(ended.namespace, ended.name, ended.uid),
            ),
        ),
    )
    assert found.status is not None
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.uncharged) == (1, 1)
    assert "its init container istio-init ended with exit code 2" in found.planned_events[0].message


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CreateContainerConfigError", "CrashLoopBackOff"])
def test_an_init_container_that_cannot_start_is_shown_while_it_lasts(reason: str):
    raw = {
        "metadata": {"namespace": "films", "name": "p", "uid": "pod-1", "creationTimestamp": "2026-05-04T12:00:00Z"},
        "status": {
            "phase": "Pending",
            "initContainerStatuses": [{"name": "mesh-proxy", "state": {"waiting": {"reason": reason, "message": "m"}}}],
            "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "PodInitializing"}}}],
        },
    }
    wish = running()
    made = job(wish)
    pod = replace(parse_pod(raw), name=f"{made.name}-x7k2p", owner=build_job_owner(made.namespace, made.name, made.uid))
    found = plan(wish, after(2), jobs=(made,), pods=(pod,))
    assert found.status is not None
    assert found.status.reason in (Reason.IMAGE_UNAVAILABLE, Reason.POD_REJECTED)
    assert (found.status.message or "").startswith('The init container "mesh-proxy" cannot start: m.')


def test_a_finished_job_still_stays_for_its_log():
    wish = running()
    seen = finished(wish, success(wish))
    unfinished = {"jobs": (replace(seen["jobs"][0], finished=None),), "pods": seen["pods"]}
    done = written(wish, **unfinished)
    assert done.status.phase is VideoPhase.COMPLETED
    assert plan(done, **unfinished).actions == (), "it is about to finish by itself"
    assert [type(action) for action in plan(done, **seen).actions] == [Patch]


def test_cancelling_beside_a_sidecar():
    wish = edited(running(), cancel=True)
    seen = with_report(wish, failure(wish, Reason.WORKER_LOST), exit_code=95, deleting=True)
    leaving = {"jobs": (replace(seen["jobs"][0], deleting=True),), "pods": seen["pods"]}
    assert written(wish, **leaving).status.phase is VideoPhase.CANCELLED


def test_a_success_beside_a_sidecar_outlives_a_cancellation():
    wish = edited(running(), cancel=True)
    done = written(wish, **with_report(wish, success(wish), deleting=True))
    assert done.status.phase is VideoPhase.COMPLETED


def test_suspending_records_a_run_that_has_ended_by_itself_first():
    wish = edited(running(), suspend=True)
    done = written(wish, **with_report(wish, failure(wish, Reason.SOURCE_NOT_FOUND), exit_code=65))
    assert done.status.phase is VideoPhase.FAILED


def test_resuming_does_not_wait_for_the_sidecar():
    wish = having(running(), phase=VideoPhase.SUSPENDED)
    seen = with_report(wish, failure(wish, Reason.WORKER_LOST), exit_code=95)
    leaving = {"jobs": (replace(seen["jobs"][0], deleting=True),), "pods": seen["pods"]}
    found = plan(wish, **leaving)
    assert found.status is not None
    assert found.status.run == 2


def test_progress_of_a_running_worker_goes_on_beside_a_sidecar():
    wish = running()
    its_job = job(wish)
    found = plan(wish, jobs=(its_job,), pods=(replace(working_pod(its_job), **MESH),), progress=progress(50))
    assert found.status is not None
    assert found.status.phase is VideoPhase.DOWNLOADING


def test_a_worker_that_has_not_started_is_no_end():
    wish = started()
    its_job = job(wish)
    waiting = pod(its_job, waiting_reason="PodInitializing", companions=("istio-proxy",))
    assert not has_ended(its_job, (waiting,), after(9000))
    assert is_active(its_job, (waiting,))


JOB = job(running())


@every_case(
    ("its_job", "its_pods", "ended"),
    [
        (JOB, (), False),
        (JOB, (pod(JOB, **MESH, running=True),), False),
        (JOB, (pod(JOB, **MESH, exit_code=0),), True),
        (JOB, (pod(JOB, **MESH, exit_code=0, deleting=True),), True),
        (JOB, (pod(JOB, **MESH, exit_code=0), pod(JOB, running=True, name="other")), False),
        (JOB, (pod(JOB, **MESH, exit_code=85),), True),
        (JOB, (pod(JOB, **MESH, exit_code=137, oom_killed=True),), True),
        (JOB, (pod(JOB, **MESH, exit_code=1, termination_message="words"),), True),
        (JOB, (pod(JOB, **MESH, exit_code=1),), False),
        (JOB, (pod(JOB, phase="Failed", exit_code=1),), True),
        (JOB, (pod(JOB, **MESH, exit_code=95, deleting=True),), False),
        (JOB, (pod(JOB, **MESH, exit_code=85), pod(JOB, running=True, name="other")), False),
        (JOB, (pod(JOB, phase="Failed"),), False),
        (replace(JOB, deleting=True), (pod(JOB, **MESH, exit_code=95),), False),
        (replace(JOB, suspended=True), (pod(JOB, **MESH, exit_code=95),), False),
        (replace(JOB, suspended=True), (pod(JOB, **MESH, exit_code=0),), True),
        (replace(JOB, finished="Failed"), (), True),
    ],
)
def test_what_ends_a_run(its_job: JobView, its_pods: tuple[PodView, ...], ended: bool):
    assert has_ended(its_job, its_pods, NOW) is ended


@every_case(
    ("its_job", "its_pods", "kinds"),
    [
        (JOB, (), [Delete]),
        (JOB, (pod(JOB, phase="Running", running=True),), [Delete]),
        (JOB, (pod(JOB, phase="Running", exit_code=0),), []),
        (JOB, (pod(JOB, phase="Succeeded", exit_code=0),), []),
        (JOB, (pod(JOB, **MESH, exit_code=0),), [Delete]),
        (JOB, (pod(JOB, **MESH | {"phase": "Pending"}, exit_code=0),), [Delete]),
        (replace(JOB, suspended=True), (pod(JOB, phase="Failed", exit_code=95),), [Delete]),
        (replace(JOB, deleting=True), (pod(JOB, **MESH, exit_code=0),), []),
        (replace(JOB, finished="Complete"), (), [Patch]),
        (replace(JOB, finished="Complete", expires=True), (), []),
    ],
)
def test_how_a_recorded_job_goes(its_job: JobView, its_pods: tuple[PodView, ...], kinds: list[type]):
    assert [type(action) for action in retire(its_job, its_pods, SETTINGS)] == kinds


def test_a_crash_is_not_looked_at_again_for_ever():
    its_pod = pod(JOB, **CRASH)
    assert find_settle_time(JOB, (its_pod,), NOW) == NOW + SETTLE
    assert find_settle_time(JOB, (its_pod,), NOW + SETTLE) is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_containers_are_told_apart_by_name_and_not_by_order(place: int):
    others = [
        {"name": "istio-proxy", "state": {"running": {}}},
        {"name": "log-agent", "state": {"waiting": {"reason": "ImagePullBackOff"}}},
    ]
    ended = {"terminated": {"exitCode": 0, "message": "report", "finishedAt": "2026-05-04T12:00:09Z"}}
    others.insert(place, {"name": "worker", "state": ended})
    raw = {
        "metadata": {"namespace": "films", "name": "p", "uid": "u"},
        "status": {
            "phase": "Pending",
            "containerStatuses": others,
            "initContainerStatuses": [{"name": "native", "state": {"running": {}}}],
            "ephemeralContainerStatuses": [{"name": "debugger", "state": {"running": {}}}],
        },
    }
    view = parse_pod(raw)
    assert (view.exit_code, view.termination_message, view.ended_at) == (0, "report", after(9))
    assert view.companions == ("istio-proxy", "log-agent")


# What the pod asks of a mesh

ISTIO, LINKERD = "sidecar.istio.io/inject", "linkerd.io/inject"
ASKED = [
    ({}, {ISTIO: "false"}, {ISTIO: "false", LINKERD: "disabled"}),
    ({"labels": {ISTIO: "true"}}, {ISTIO: "true"}, {LINKERD: "disabled"}),
    ({"annotations": {ISTIO: "true"}}, {}, {ISTIO: "true", LINKERD: "disabled"}),
    ({"annotations": {LINKERD: "enabled"}}, {ISTIO: "false"}, {ISTIO: "false", LINKERD: "enabled"}),
    ({"labels": {"team": "archive"}}, {ISTIO: "false"}, {ISTIO: "false", LINKERD: "disabled"}),
]


@pytest.mark.parametrize(("worker", "labels", "annotations"), ASKED)
def test_a_pod_asks_for_no_sidecar_unless_its_user_says_otherwise(
    worker: dict[str, Any], labels: dict[str, str], annotations: dict[str, str]
):
    template = {"destination": {"s3": {"bucket": "media"}}, "worker": worker}
    message = pending(template=template)
    jobs = [
        build_import_job(video(worker=worker), 1, SETTINGS),
        listing_made(look(listed(template=template))),
        *(action.manifest for action in tell(message).actions if isinstance(action, Create)),
    ]
    assert len(jobs) == 3
    for made in jobs:
        found = made["spec"]["template"]["metadata"]
        assert {key: value for key, value in found["labels"].items() if key in (ISTIO, LINKERD)} == labels
        assert {key: value for key, value in found["annotations"].items() if key in (ISTIO, LINKERD)} == annotations


# A list and a message


def test_a_page_is_collected_and_then_its_job_goes():
    wish, its_job = begun()
    seen = meshed(told(its_job, done=True, sha256="0" * 64))
    assert collected(look(wish, **seen)).job == its_job.uid


def test_a_failed_listing_is_tried_again_and_its_job_goes():
    wish, its_job = begun()
    seen = meshed(told(its_job, reason=Reason.SOURCE_UNAVAILABLE), exit_code=85)
    found = look(wish, **seen)
    assert found.status is not None
    assert found.status.reason is Reason.SOURCE_UNAVAILABLE
    assert not found.active
    assert deleted(look(noted(wish, found.status), **seen)) == [its_job.name]


def test_a_listing_that_is_evicted_for_its_own_scratch_is_not_only_lost():
    wish, its_job = begun()
    seen = told(its_job, reason=Reason.WORKER_LOST)
    for code, more, reason in [
        (95, {}, Reason.WORKER_LOST),
        (95, {"reason": "Evicted", "message": "Usage exceeds the total limit 1Gi"}, Reason.SCRATCH_FULL),
        (137, {"oom_killed": True}, Reason.OUT_OF_MEMORY),
    ]:
        pods = (replace(seen["pods"][0], exit_code=code, **more),)
        found = look(wish, jobs=seen["jobs"], pods=pods)
        assert found.status is not None
        assert found.status.reason is reason


def test_a_listing_or_a_message_that_was_stopped_before_it_began_is_lost():
    """The worker had not read its task, so that it left a report of no kind of its own."""
    wish, its_job = begun()
    text = STOPPED.model_copy(update={"uid": "", "run": 0, "spec_hash": ""}).model_dump_json(by_alias=True)
    over = replace(its_job, finished="Failed")
    left = pod(over, phase="Failed", exit_code=95, termination_message=text)
    found = look(wish, jobs=(over,), pods=(left,))
    assert found.status is not None
    assert found.status.reason is Reason.WORKER_LOST
    message = pending()
    ended = hook_job(message, finished="Failed")
    told = hook(
        told_of(message, jobs=(ended,), pods=(pod(ended, phase="Failed", exit_code=95, termination_message=text),))
    )
    assert (told.attempts.count, told.attempts.uncharged) == (1, 1)


def test_a_crashed_listing_is_looked_at_again():
    wish, its_job = begun()
    crashed = (pod(its_job, **CRASH),)
    assert look(wish, after(5), jobs=(its_job,), pods=crashed).requeue_at == NOW + SETTLE
    found = look(wish, NOW + SETTLE, jobs=(its_job,), pods=crashed)
    assert found.status is not None
    assert found.status.reason is Reason.INTERNAL


def test_a_message_is_delivered_and_then_its_job_goes():
    wish = pending()
    seen = meshed(over(wish))
    done = told_of(wish, **seen)
    assert hook(done).state == "Delivered"
    assert tell(done, **seen).actions == (Delete("Job", "films", "talks-hook-r1", "hook-1"),)


def test_a_message_that_was_taken_is_not_sent_again_although_its_report_is_lost():
    wish = pending()
    silent = pod(hook_job(wish), **MESH, exit_code=0)
    assert hook(told_of(wish, jobs=(hook_job(wish),), pods=(silent,))).state == "Delivered"


def test_a_message_that_was_refused_is_sent_again_and_its_job_goes():
    wish = pending()
    seen = meshed(over(wish, Reason.WEBHOOK_FAILED, "hooks.example answered 500."), exit_code=98)
    waits = told_of(wish, **seen)
    assert hook(waits).attempts.next_retry_time is not None
    assert [type(action) for action in tell(waits, **seen).actions] == [Delete]


def made(**meta):
    """The Job as the API server gives it back."""
    found = manifest(meta=meta)
    return found | {"metadata": found["metadata"] | {"uid": "j", "creationTimestamp": "2026-05-04T12:00:00Z"}}


def test_job_is_named_and_labelled_after_its_import_and_run():
    meta = manifest()["metadata"]
    assert (meta["name"], meta["namespace"]) == ("talk-3", "films")
    assert meta["labels"] == {
        "app.kubernetes.io/name": "videoimport",
        "app.kubernetes.io/managed-by": "videoimport",
        "app.kubernetes.io/component": "worker",
        "videoimport.io/import": "talk",
        "videoimport.io/run": "3",
    }


def test_job_and_pod_carry_the_same_labels():
    found = manifest()
    asked = {"sidecar.istio.io/inject": "false"}
    assert found["spec"]["template"]["metadata"]["labels"] == found["metadata"]["labels"] | asked


def test_job_belongs_to_its_import():
    assert manifest()["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "videoimport.io/v1alpha1",
            "kind": "VideoImport",
            "name": "talk",
            "uid": "0b0e7c1e-uid",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_users_labels_and_annotations_reach_job_and_pod():
    worker = {"labels": {"team": "press"}, "annotations": {"sidecar.istio.io/inject": "false"}}
    found = manifest(worker=worker)
    for meta in (found["metadata"], found["spec"]["template"]["metadata"]):
        assert meta["labels"]["team"] == "press"
        assert meta["annotations"]["sidecar.istio.io/inject"] == "false"


def test_users_labels_and_annotations_never_override_ours():
    mine = {f"{prefix}{name}": "mine" for prefix in OUR_PREFIXES for name in ("run", "import", "task", "name")}
    refused = {"labels": mine, "annotations": mine}  # now; the spec may be older
    wish = video()
    worker = wish.spec.worker.model_copy(update=refused)
    stored = wish.model_copy(update={"spec": wish.spec.model_copy(update={"worker": worker})})
    found = build_import_job(stored, 3, SETTINGS)
    assert "mine" not in json.dumps(found["metadata"])
    assert "mine" not in json.dumps(found["spec"]["template"]["metadata"]["labels"])
    assert manifest()["metadata"]["annotations"].keys() == found["metadata"]["annotations"].keys()
    assert manifest()["metadata"]["labels"] == found["metadata"]["labels"]


def test_queue_labels_of_the_import_reach_its_job_and_not_its_pod():
    """Kueue would otherwise admit Job and pod one by one."""
    meta = {"labels": {"kueue.x-k8s.io/queue-name": "night", "app": "mine"}}
    found = manifest(meta=meta)
    assert found["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    assert "kueue.x-k8s.io/queue-name" not in found["spec"]["template"]["metadata"]["labels"]
    assert "app" not in found["metadata"]["labels"]


def test_queue_among_the_workers_labels_is_the_jobs_too():
    found = manifest(worker={"labels": {"kueue.x-k8s.io/queue-name": "night", "team": "press"}})
    assert found["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    assert "kueue.x-k8s.io/queue-name" not in found["spec"]["template"]["metadata"]["labels"]


def test_job_is_never_made_suspended_and_never_with_a_ttl():
    assert not {"suspend", "ttlSecondsAfterFinished"} & manifest()["spec"].keys()


def test_job_says_which_wish_it_was_made_from():
    assert parse_job(made(generation=7)).wish == wish_hash(video().spec)


def test_gitops_tools_are_kept_calm():
    assert manifest()["metadata"]["annotations"]["argocd.argoproj.io/ignore-resource-updates"] == "true"


def test_one_pod_tried_once_and_every_end_recorded_in_the_jobs_condition():
    found = manifest()["spec"]
    assert found["backoffLimit"] == 0
    assert found["template"]["spec"]["restartPolicy"] == "Never"
    rules = found["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == ["FailJob", "FailJob"]
    assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert rules[1]["onExitCodes"] == {"containerName": "worker", "operator": "NotIn", "values": [0]}


def test_jobs_deadline_strikes_after_the_workers_own():
    assert manifest(timeoutSeconds=600)["spec"]["activeDeadlineSeconds"] == 900


def test_task_stands_in_the_pods_annotation_and_survives_the_trip():
    wish = video(**SECRET)
    annotations = build_import_job(wish, 3, SETTINGS)["spec"]["template"]["metadata"]["annotations"]
    task = Task.model_validate_json(annotations["videoimport.io/task"])
    assert task.spec == wish.spec
    assert (task.uid, task.namespace, task.name, task.run) == (wish.metadata.uid, "films", "talk", 3)
    assert task.spec_hash == spec_hash(wish.spec) == spec_hash(task.spec)


def test_task_knows_the_networks_that_are_allowed():
    found = manifest(settings=Settings("w", allowed_networks=("10.0.0.0/8",)))
    task = json.loads(found["spec"]["template"]["metadata"]["annotations"]["videoimport.io/task"])
    assert task["allowedNetworks"] == ["10.0.0.0/8"]


def test_task_knows_how_sources_are_to_be_treated_and_when_a_run_has_stalled():
    polite = Politeness(bytes_per_second=1000, sleep_seconds=2)
    found = manifest(settings=Settings("w", stall=timedelta(seconds=90), politeness=polite))
    task = Task.model_validate_json(found["spec"]["template"]["metadata"]["annotations"]["videoimport.io/task"])
    assert (task.stall_seconds, task.politeness) == (90, polite)


def test_manifest_is_plain_json():
    found = manifest(**SECRET)
    assert json.loads(json.dumps(found)) == found
