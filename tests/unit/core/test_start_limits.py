"""An import that finds no place among those that run waits as Queued, and starts when there is one."""

from dataclasses import replace

from support.core.video_builders import (
    NOW,
    after,
    created,
    edited,
    failed_with,
    having,
    job,
    plan,
    progress,
    running,
    started,
    video,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.start_limits import Limits, describe_full_cluster, describe_import

FULL = describe_full_cluster(Limits(cluster=2))


def test_without_a_place_it_is_queued_and_says_which_limit_it_waits_for():
    found = plan(video(), no_room=FULL)
    status = found.status
    assert status is not None
    assert (created(found), found.planned_events, found.requeue_at) == ([], (), None)
    assert (status.phase, status.reason, status.run, status.job) == (VideoPhase.QUEUED, None, 0, None)
    assert "2 imports run in the cluster, as many as maxRunning allows" in (status.message or "")


def test_queued_it_writes_nothing_until_there_is_a_place_and_then_starts_as_if_it_were_new():
    queued = written(video(), no_room=FULL)
    still = plan(queued, at=after(9), no_room=FULL)
    assert (still.status, still.actions) == (None, ())
    found = plan(queued, at=after(10))
    assert (created(found), [said.reason for said in found.planned_events]) == (["talk-1"], ["Started"])
    assert found.status is not None
    assert found.status.start_time == after(10)


def test_next_run_waits_for_a_place_too_with_its_attempts_as_they_were():
    waiting = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    queued = written(waiting, at=after(100), no_room=FULL)
    assert (queued.status.phase, queued.status.run) == (VideoPhase.QUEUED, 1)
    found = plan(queued, at=after(200))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert found.status.attempts is not None
    assert (found.status.attempts.count, found.status.attempts.reasons) == (2, (Reason.SOURCE_UNAVAILABLE,))


def test_jobs_of_earlier_runs_expire_while_it_is_queued():
    waiting = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    queued = written(waiting, at=after(100), no_room=FULL)
    found = plan(queued, at=after(101), jobs=(job(queued, run=1, finished="Failed"),), no_room=FULL)
    assert [type(action).__name__ for action in found.actions] == ["Patch"]


def test_queued_it_can_be_suspended_resumed_and_cancelled():
    queued = written(video(), no_room=FULL)
    suspended = written(edited(queued, suspend=True), no_room=FULL)
    assert suspended.status.phase is VideoPhase.SUSPENDED
    assert written(edited(suspended, suspend=False), no_room=FULL).status.phase is VideoPhase.QUEUED
    assert written(edited(queued, cancel=True), no_room=FULL).status.phase is VideoPhase.CANCELLED


def test_who_holds_a_place_and_who_waits_for_one():
    def stands(wish, working=False):
        standing = describe_import(wish, working=working)[0]
        return standing.holds, standing.waits

    queued = written(video(), no_room=FULL)
    assert stands(video()) == (False, False)
    assert stands(queued) == (False, True)
    assert stands(edited(queued, suspend=True)) == (False, False)
    assert stands(started()) == (True, False)
    assert stands(running()) == (True, False)
    assert stands(failed_with(running(), Reason.SOURCE_UNAVAILABLE)) == (False, False)
    assert stands(failed_with(running(), Reason.RATE_LIMITED)) == (False, False)
    ended = failed_with(running(), Reason.SOURCE_NOT_FOUND)
    assert (stands(ended), stands(ended, working=True)) == ((False, False), (True, False))


def test_a_bulk_is_one_owner_and_an_import_of_its_own_another():
    identity = {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport"}
    bulk = {**identity, "name": "many", "uid": "bulk-uid", "controller": True}
    child = video(meta={"name": "many-0123456789", "uid": "a", "ownerReferences": [bulk]})
    assert describe_import(child, working=False)[0].owner == "bulk-uid"
    assert describe_import(video(meta={"uid": "a"}), working=False)[0].owner == "a"
    assert describe_import(child, working=False)[0].turn[0] < NOW


def test_a_run_that_cannot_start_is_known_as_such_until_it_does():
    def stuck(wish, working=True):
        return describe_import(wish, working=working)[0].stuck

    wish = running()
    there = job(wish)
    assert not stuck(wish)
    for reason in (Reason.UNSCHEDULABLE, Reason.JOB_REJECTED, Reason.IMAGE_UNAVAILABLE, Reason.MOUNT_FAILED):
        assert stuck(having(wish, reason=reason))
    held_back = written(wish, jobs=(replace(there, suspended=True),))
    assert (held_back.status.phase, stuck(held_back)) == (VideoPhase.QUEUED, True)
    assert not stuck(written(held_back, jobs=(there,), progress=progress(50)))
    assert not stuck(edited(having(wish, phase=VideoPhase.SUSPENDED, reason=Reason.UNSCHEDULABLE), suspend=True))
    assert not stuck(written(video(), no_room=FULL), working=False)
