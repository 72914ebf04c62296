"""What the table of imports shows of each: from its first status on, and never a secret."""

import pytest

from support.core.video_builders import NOW, SETTINGS, video
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import SourceStatus
from videoimport.core.display_name import derive_display_name
from videoimport.core.observed import ObservedVideo
from videoimport.core.video.reconcile import reconcile_video

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
