"""Sentences and times as people read them."""

import pytest
from core_seen import job, plan, progress, running

from videoimport.api.videoimport_status import VideoMetadata
from videoimport.core.messages import span


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0:00"),
        (7_400, "0:07"),
        (59_600, "1:00"),
        (754_000, "12:34"),
        (3_723_000, "1:02:03"),
        (360_000_000, "100:00:00"),
    ],
)
def test_duration_is_shown_as_players_show_it(milliseconds, words):
    assert span(milliseconds) == words


def test_status_has_the_duration_for_people_beside_the_exact_one():
    wish = running()
    status = plan(wish, jobs=(job(wish),), progress=progress(10, metadata=VideoMetadata(duration_ms=90_000))).status
    assert status is not None
    assert status.metadata == VideoMetadata(duration="1:30", duration_ms=90_000)
