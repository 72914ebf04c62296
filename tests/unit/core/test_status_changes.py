"""What happened is told by exactly one write."""

from support.core.video_builders import (
    after,
    completed,
    failed_with,
    failure,
    finished,
    job,
    progress,
    running,
    success,
    written,
)
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Stage, StageName, Usage, VideoImportStatus
from videoimport.core.status_changes import LOST, News, find_status_delta

NOTHING = News()


def test_a_start_and_progress_tell_nothing():
    wish = running()
    assert find_status_delta(VideoImportStatus(), wish.status) == NOTHING
    working = written(wish, jobs=(job(wish),), progress=progress(50))
    assert find_status_delta(wish.status, working.status) == NOTHING


def test_an_end_tells_its_bytes_stages_and_reason_once():
    wish = running()
    stages = (
        Stage(name=StageName.DOWNLOAD, state="Done", seconds=20),
        Stage(name=StageName.TRANSCODE, state="Failed", seconds=5),
    )
    done = written(wish, **finished(wish, success(wish, stages=stages, usage=Usage(bytes_in=11, bytes_out=5))))
    told = find_status_delta(wish.status, done.status)
    assert told == News(ended=("Completed", ""), bytes_in=11, bytes_out=5, seconds=(("Download", 20),))
    assert find_status_delta(done.status, done.status) == NOTHING


def test_a_failed_run_tells_that_another_follows_and_why():
    wish = running()
    waiting = failed_with(wish, Reason.SOURCE_UNAVAILABLE)
    assert find_status_delta(wish.status, waiting.status).retried == "SourceUnavailable"
    assert find_status_delta(waiting.status, written(waiting, at=after(100)).status) == NOTHING
    assert find_status_delta(wish.status, failed_with(wish, Reason.NOT_VIDEO).status).ended == ("Failed", "NotVideo")


def test_a_push_back_counts_for_the_one_that_was_told_only():
    wish = running()
    told = failed_with(wish, Reason.RATE_LIMITED)
    assert find_status_delta(wish.status, told.status).retried == "RateLimited"


def test_a_lost_run_that_is_followed_at_once_counts_as_lost():
    wish = running()
    next_one = written(wish, **finished(wish, failure(wish, Reason.WORKER_LOST)))
    assert next_one.status.run == 2
    assert find_status_delta(wish.status, next_one.status) == News(retried=LOST)


def test_an_end_that_was_known_is_no_news():
    done = completed()
    assert find_status_delta(done.status, done.status.model_copy(update={"message": "x"})) == NOTHING
