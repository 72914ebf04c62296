"""Waiting for a place in the cluster: a queue that holds the Job back, or no node for its pod."""

from support.core.video_builders import (
    after,
    created,
    edited,
    finished,
    having,
    job,
    plan,
    pod,
    progress,
    running,
    success,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.observed_parsers import parse_job, parse_pod
from videoimport.core.plan import Plan

META = {"name": "talk-1", "namespace": "films", "uid": "u", "creationTimestamp": "2026-05-04T12:00:00Z"}


def test_job_that_its_queue_holds_back_is_queued_and_nobody_asks_why_it_has_no_pod():
    wish = running()
    found = plan(wish, at=after(3600), jobs=(job(wish, suspended=True),))
    assert found.status is not None
    assert (found.status.phase, found.status.reason) == (VideoPhase.QUEUED, None)
    assert "queue" in (found.status.message or "")
    assert (found.event_queries, found.actions) == ((), ())
    assert (found.status.upload.code, found.status.upload.text) == (1, "pending")


def test_pod_without_a_node_is_queued_with_the_schedulers_words():
    wish = running()
    its = job(wish)
    shown = written(wish, jobs=(its,), pods=(pod(its, unscheduled="0/3 nodes are available"),))
    assert (shown.status.phase, shown.status.reason) == (VideoPhase.QUEUED, Reason.UNSCHEDULABLE)
    placed = plan(shown, jobs=(its,), pods=(pod(its),)).status
    assert placed is not None
    assert (placed.phase, placed.reason) == (VideoPhase.QUEUED, None)


def test_pod_behind_a_scheduling_gate_is_queued():
    wish = running()
    its = job(wish)
    assert written(wish, jobs=(its,), pods=(pod(its, gated=True),)).status.phase is VideoPhase.QUEUED


def test_young_pod_is_not_called_queued_for_the_moment_before_it_has_a_node():
    wish = running()
    its = job(wish)
    assert plan(wish, jobs=(its,), pods=(pod(its),)).status is None


def test_admitted_import_goes_on_as_any_other():
    wish = having(running(), phase=VideoPhase.QUEUED)
    told = plan(wish, jobs=(job(wish),), progress=progress(10)).status
    assert told is not None
    assert told.phase is VideoPhase.DOWNLOADING
    done = plan(wish, **finished(wish, success(wish))).status
    assert done is not None
    assert done.phase is VideoPhase.COMPLETED


def test_preempted_import_is_queued_again_and_its_percent_stays():
    wish = running()
    working = written(wish, jobs=(job(wish),), progress=progress(50, 20))
    held = job(wish, suspended=True)
    back = written(working, at=after(60), jobs=(held,), progress=progress(50, 20))
    assert (back.status.phase, back.status.bytes_per_second) == (VideoPhase.QUEUED, None)
    assert back.status.progress_percent == working.status.progress_percent
    assert plan(back, at=after(120), jobs=(held,), progress=progress(50, 20)) == Plan()


def test_edited_spec_replaces_a_job_that_was_not_admitted_yet():
    wish = having(running(), phase=VideoPhase.QUEUED)
    found = plan(edited(wish, maxAttempts=4), jobs=(job(wish, suspended=True),))
    assert created(found) == ["talk-2"]


def test_what_the_cluster_says_is_read():
    assert parse_job({"metadata": META, "spec": {"suspend": True}}).suspended
    assert not parse_job({"metadata": META, "spec": {}}).suspended
    gate = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    assert parse_pod({"metadata": META, "status": {"conditions": [gate]}}).gated
