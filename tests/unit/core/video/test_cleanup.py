"""Jobs that are no longer needed."""

from support.core.video_builders import after, completed, failed_with, finished, job, plan, running, success, written
from videoimport.api.reasons import Reason
from videoimport.core.plan import Create, Delete, Patch

EXPIRE = Patch("Job", "films", "talk-1", "job-1", {"spec": {"ttlSecondsAfterFinished": 600}})


def test_finished_job_expires_only_once_its_result_was_observed_in_the_status():
    wish = running()
    seen = finished(wish, success(wish))
    assert plan(wish, **seen).actions == ()
    assert plan(written(wish, **seen), **seen).actions == (EXPIRE,)


def test_expiry_is_set_once():
    done = completed()
    assert plan(done, jobs=(job(done, finished="Complete", expires=True),)).actions == ()


def test_failed_run_that_waits_for_its_successor_may_expire():
    wish = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    assert plan(wish, jobs=(job(wish, finished="Failed"),)).actions == (EXPIRE,)


def test_jobs_of_older_runs_expire_or_go():
    wish = written(running(), after(1))
    assert wish.status.run == 2
    current, old = job(wish), job(wish, run=1)
    ended = job(wish, run=1, finished="Failed")
    assert plan(wish, jobs=(current, ended)).actions == (EXPIRE,)
    assert plan(wish, jobs=(current, old)).actions == (Delete("Job", "films", "talk-1", "job-1"),)


def test_stuck_job_goes_before_its_successor_is_made():
    """A quota that holds one Job only would refuse the new one for ever."""
    wish = written(running(), after(1))
    found = plan(wish, jobs=(job(wish, run=1),))
    assert [type(action) for action in found.actions] == [Delete, Create]


def test_job_on_its_way_out_is_left_alone():
    done = completed()
    assert plan(done, jobs=(job(done, finished="Complete", deleting=True),)).actions == ()


def test_job_of_a_later_run_is_not_touched_by_an_ended_import():
    done = completed()
    assert plan(done, jobs=(job(done, run=2),)).actions == ()


def test_jobs_of_others_are_not_touched():
    done = completed()
    assert plan(done, jobs=(job(done, owner=None),)).actions == ()
