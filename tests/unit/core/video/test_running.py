"""A run under way: its worker's words become the status, at a bounded rate."""

from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    edited,
    having,
    job,
    plan,
    progress,
    running,
    stages,
    truths,
    video,
    working_pod,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import SourceStatus, VideoMetadata, VideoPhase


def seen(wish, *percents, **fields):
    """What is observed of a run whose worker told these percents."""
    its = job(wish)
    return {"jobs": (its,), "pods": (working_pod(its),), "progress": progress(*percents, **fields)}


def test_first_words_of_the_worker_change_the_phase_at_once():
    found = plan(running(), at=after(1), **seen(running(), 20, 10, 0))
    assert found.status is not None
    assert (found.status.phase, found.status.progress_percent) == (VideoPhase.DOWNLOADING, 11)
    assert found.status.stages == stages(20, 10, 0)
    assert found.status.upload is not None
    assert found.status.upload.code == 1


def test_snapshot_of_another_run_is_not_this_runs_progress():
    found = plan(running(), at=after(1), **seen(running(), 20, 10, 0, run=7))
    assert found.status is None


def test_source_and_metadata_are_shown_as_soon_as_they_are_known():
    source, facts = SourceStatus(type="Url", title="A talk"), VideoMetadata(resolution="1920x1080")
    wish = written(running(), after(1), **seen(running(), 20, source=source, metadata=facts))
    assert (wish.status.source, wish.status.metadata) == (source, facts)
    later_on = written(wish, after(9), **seen(wish, 30))
    assert (later_on.status.source, later_on.status.metadata) == (source, facts)


def test_progress_alone_waits_for_the_write_interval():
    wish = written(running(), after(10), **seen(running(), 20))
    found = plan(wish, at=after(11), **seen(wish, 30))
    assert found.status is None
    assert found.requeue_at == after(10) + SETTINGS.write_interval
    assert plan(wish, at=after(13), **seen(wish, 30)).status is not None


def test_phase_does_not_wait_for_the_write_interval():
    wish = written(running(), after(10), **seen(running(), 20))
    found = plan(wish, at=after(11), **seen(wish, 100, 10))
    assert found.status is not None
    assert found.status.phase is VideoPhase.TRANSCODING


def test_same_words_twice_are_written_once():
    wish = written(running(), after(60), **seen(running(), 50))
    assert wish.status.eta_seconds is not None
    found = plan(wish, at=after(600), **seen(wish, 50))
    assert (found.status, found.requeue_at) == (None, None)


def test_stages_that_start_over_take_neither_percent_nor_phase_back():
    wish = written(running(), after(10), **seen(running(), 100, 60))
    redone = written(wish, after(20), **seen(wish, 100, 5))
    assert (redone.status.progress_percent, redone.status.phase) == (60, VideoPhase.TRANSCODING)
    assert redone.status.stages == stages(100, 5)
    fetched_again = written(redone, after(30), **seen(redone, 10, 0))
    assert (fetched_again.status.progress_percent, fetched_again.status.phase) == (60, VideoPhase.TRANSCODING)


def test_restarted_controller_without_snapshots_keeps_what_the_status_has():
    wish = written(running(), after(10), **seen(running(), 100, 60))
    its = job(wish)
    found = plan(wish, at=after(20), jobs=(its,), pods=(working_pod(its),))
    assert found.status is None


def test_time_left_and_rate_are_told_once_sensible():
    wish = written(running(), after(100), **seen(running(), 100, 40, bytes_per_second=1000))
    assert (wish.status.eta_seconds, wish.status.bytes_per_second) == (100, 1000)
    assert written(running(), after(5), **seen(running(), 100, 40)).status.eta_seconds is None


def test_milestones_are_conditions_and_stay_within_the_run():
    wish = written(running(), after(10), **seen(running(), 100, 100, 10, validated=True))
    assert {kind for kind, truth in truths(wish.status).items() if truth == "True"} == {
        "Reconciling",
        "Validated",
        "Transcoded",
    }
    redone = written(wish, after(20), **seen(wish, 100, 10, 0))
    assert truths(redone.status)["Validated"] == "True"
    assert truths(redone.status)["Transcoded"] == "True"


def test_milestones_start_anew_with_a_new_run():
    wish = written(running(), after(10), **seen(running(), 100, 100, 10, validated=True))
    second = written(wish, after(20))
    assert second.status.run == 2
    assert truths(second.status)["Validated"] == "False"


def test_seed_codes_follow_the_phase():
    codes = []
    for percents in ((10,), (100, 10), (100, 100, 10), (100, 100, 100)):
        status = plan(running(), at=after(10), **seen(running(), *percents)).status
        assert status is not None
        assert status.upload is not None
        codes.append((status.upload.code, status.upload.text, status.upload.status))
    assert codes == [
        (1, "pending", "InProgress"),
        (3, "processing", "InProgress"),
        (5, "uploading", "InProgress"),
        (5, "uploading", "InProgress"),
    ]


def test_reason_of_a_hard_start_is_cleared_once_the_worker_speaks():
    wish = having(running(), reason=Reason.UNSCHEDULABLE, message="No node fits.")
    found = plan(wish, at=after(10), **seen(wish, 5))
    assert found.status is not None
    assert found.status.reason is None


def test_new_token_under_a_running_import_is_only_noted():
    wish = edited(running(), retryToken="again")
    found = plan(wish, at=after(1), **seen(wish))
    assert found.status is not None
    assert (found.status.observed_retry_token, found.status.run) == ("again", 1)
    assert found.status.observed_generation == 2
    assert found.actions == ()


def test_edited_number_of_attempts_is_followed():
    wish = edited(running(), maxAttempts=9)
    found = plan(wish, at=after(1), **seen(wish))
    assert found.status is not None
    assert found.status.attempts is not None
    assert found.status.attempts.max == 9


def test_transition_times_move_only_on_transitions():
    wish = written(running(), after(10), **seen(running(), 20, validated=True))
    times = {condition.type: condition.last_transition_time for condition in wish.status.conditions}
    assert times["Ready"] == times["Reconciling"] == NOW
    assert times["Validated"] == after(10)


def test_first_touch_after_a_lost_status_uses_no_run_again():
    old = running()
    found = plan(video(), jobs=(job(old, run=3),))
    assert found.status is not None
    assert found.status.run == 4
