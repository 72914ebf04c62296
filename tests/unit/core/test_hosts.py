"""A host that asks for fewer requests is left alone by every import, and not only by the one that it told."""

import pytest
from core_seen import (
    NOW,
    SETTINGS,
    after,
    created,
    edited,
    failed_with,
    having,
    plan,
    running,
    started,
    video,
    written,
)

from videoimport.api.reasons import Reason
from videoimport.api.status import Attempts, VideoPhase
from videoimport.core.hosts import host_of, told_to_rest

S3 = {"s3": {"endpoint": "https://objects.example:9000", "bucket": "media", "key": "a.mov"}}


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ({"url": "https://user:word@WWW.Video.Example:8443/a.mp4"}, "video.example"),
        (S3, "objects.example"),
        ({"s3": {"bucket": "media", "key": "a.mov"}}, "media.s3.amazonaws.com"),
        ({"s3": {"bucket": "tapes", "key": "a.mov"}}, "tapes.s3.amazonaws.com"),
        ({"persistentVolumeClaim": {"claimName": "tapes", "path": "a.mov"}}, None),
        ({"url": "https://[broken/a.mp4"}, None),
    ],
)
def test_host_is_whom_the_source_is_asked_from(source, host):
    assert host_of(video(source=source)) == host


def test_first_run_waits_while_its_host_rests():
    found = plan(video(), host_rests_until=after(300))
    status = found.status
    assert status is not None
    assert (created(found), found.announcements) == ([], ())
    assert (status.phase, status.reason, status.run) == (VideoPhase.PENDING, Reason.RATE_LIMITED, 0)
    assert "video.example" in (status.message or "")
    assert status.attempts is not None
    assert status.attempts.reasons == ()
    assert after(300) <= status.attempts.next_retry_time <= after(300) + SETTINGS.host_rest


def test_it_starts_when_the_rest_is_over_and_nothing_was_charged():
    held = written(video(), host_rests_until=after(300))
    assert created(plan(held, at=after(200), host_rests_until=after(300))) == []
    found = plan(held, at=after(600), host_rests_until=after(300))
    assert created(found) == ["talk-1"]
    assert found.status is not None
    assert found.status.attempts == Attempts(count=1)
    assert found.status.start_time == after(600)


def test_a_rest_that_was_prolonged_is_waited_out_too():
    held = written(video(), host_rests_until=after(300))
    found = plan(held, at=after(600), host_rests_until=after(900))
    assert created(found) == []
    assert found.status is not None
    assert found.status.attempts is not None
    assert found.status.attempts.next_retry_time >= after(900)


def test_next_run_of_a_failed_one_waits_with_its_attempts_as_they_were():
    waiting = failed_with(running(), Reason.SOURCE_UNAVAILABLE)
    held = written(waiting, at=after(100), host_rests_until=after(300))
    assert held.status.attempts.reasons == (Reason.SOURCE_UNAVAILABLE,)
    found = plan(held, at=after(600))
    assert created(found) == ["talk-2"]
    assert found.status is not None
    assert found.status.attempts is not None
    assert found.status.attempts.count == 2


def test_run_that_is_under_way_goes_on():
    wish = started()
    assert created(plan(wish, host_rests_until=after(300))) == ["talk-1"]


def test_those_that_waited_do_not_all_come_back_at_once():
    imports = [video(meta={"uid": f"uid-{number}"}) for number in range(20)]
    found = [plan(wish, host_rests_until=after(300)).status.attempts.next_retry_time for wish in imports]
    assert len(set(found)) > 10


def test_only_the_one_that_was_told_is_a_witness():
    told = failed_with(running(), Reason.RATE_LIMITED)
    assert told_to_rest(told) == told.status.attempts.next_retry_time
    assert told_to_rest(written(video(), host_rests_until=after(300))) is None
    assert told_to_rest(failed_with(running(), Reason.SOURCE_UNAVAILABLE)) is None
    assert told_to_rest(video()) is None


def test_cancel_ends_the_wait():
    held = written(video(), host_rests_until=after(300))
    found = plan(edited(held, cancel=True), host_rests_until=after(300))
    assert found.status is not None
    assert found.status.phase is VideoPhase.CANCELLED


def test_a_rest_in_the_past_is_none():
    assert created(plan(having(video()), at=after(1), host_rests_until=NOW)) == ["talk-1"]
