"""What the status of a VideoImport says: its name in a table, which stages are done, what a write reports first."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.leaking_urls import LEAKING, SECRET
from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    completed,
    failed_with,
    failure,
    finished,
    job,
    progress,
    running,
    stages,
    success,
    video,
    written,
)
from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import SourceStatus, Stage, StageName, Usage, VideoImportStatus
from videoimport.core.observed import ObservedVideo
from videoimport.core.video.reconcile import reconcile_video
from videoimport.core.video_status import (
    LOST,
    MOST_SHOWN,
    News,
    derive_display_name,
    find_file_name,
    find_status_delta,
    is_done,
    shorten_name,
)

BUCKET = {"bucket": "media", "key": "a/b/Talk 1.mov"}
CLAIM = {"claimName": "films", "path": "in/old.avi"}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ({"url": "https://u:pw@video.example/a/Talk%201.mp4?token=t"}, "Talk 1.mp4"),
        ({"url": "https://video.example/watch?v=1"}, "video.example/watch"),
        ({"url": "https://u:pw@video.example:8443/"}, "video.example"),
        ({"s3": BUCKET}, "Talk 1.mov"),
        ({"persistentVolumeClaim": CLAIM}, "old.avi"),
    ],
)
def test_before_anything_is_known_the_address_tells(source, shown):
    assert derive_display_name(VideoSource.model_validate(source), None) == shown


def test_then_the_title_else_the_file_name():
    source = VideoSource(url="https://video.example/watch?v=1")
    assert derive_display_name(source, SourceStatus(type="Youtube", title="A talk", filename="x.mp4")) == "A talk"
    assert derive_display_name(source, SourceStatus(type="Url", filename="x.mp4")) == "x.mp4"
    assert derive_display_name(source, SourceStatus(type="Url", title="x.y", filename="x.y.mp4")) == "x.y.mp4"
    assert derive_display_name(source, SourceStatus(type="Url", title="\x1b\u202e")) == "video.example/watch"
    assert derive_display_name(source, SourceStatus(type="Url", title="a\u202eb\x1b[2J\nc")) == "ab[2J c"
    long = derive_display_name(source, SourceStatus(type="Url", title="word " * 90))
    assert long is not None
    assert (len(long) <= 40, long[-1]) == (True, "…")


def test_the_first_status_has_it():
    status = reconcile_video(ObservedVideo(video()), NOW, SETTINGS).status
    assert status is not None
    assert status.display_name == derive_display_name(video().spec.source, None)


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


def test_done_is_asked_of_one_stage():
    assert is_done(stages(100, 0, 0), StageName.DOWNLOAD)
    assert not is_done(stages(100, 0, 0), StageName.UPLOAD)
    assert not is_done((), StageName.UPLOAD)


@every_case("url", LEAKING)
def test_nothing_secret_of_an_address_is_in_a_name(url):
    assert SECRET not in find_file_name(url)
    assert SECRET not in (derive_display_name(VideoSource.model_construct(url=url), None) or "")


@pytest.mark.parametrize("url", [url for url in LEAKING if "#" not in url and "[" not in url and ";" not in url][:6])
def test_a_title_that_is_an_address_loses_its_secrets(url):
    assert SECRET not in shorten_name(f"Watch {url}")


@given(st.text())
def test_a_shorten_name_is_one_short_line_without_control_characters(text):
    shown = shorten_name(text)
    assert len(shown) <= MOST_SHOWN
    assert not any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in shown)
    assert shown == shown.strip()


@given(st.text())
def test_a_name_is_derived_from_whatever_an_address_is(text):
    for url in (text, f"https://{text}", f"https://video.example/{text}"):
        find_file_name(url)
        derive_display_name(VideoSource.model_construct(url=url), None)


def test_a_file_name_is_decoded_and_has_no_folders_and_no_query():
    assert find_file_name("https://video.example/a/My%20Talk.final.mp4") == "My Talk.final.mp4"
    assert find_file_name("https://video.example/watch?v=abc") == "watch"
    assert find_file_name("https://video.example/") == ""
