"""Percent, phase and time left, from a worker's stages."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.video_builders import stages
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.progress import (
    compute_active_time,
    compute_percent,
    estimate_eta_seconds,
    find_phase,
    select_later_phase,
)

percents = st.integers(0, 100)


@pytest.mark.parametrize(
    ("done", "mode", "percent"),
    [
        ((0, 0, 0), "Encode", 0),
        ((100, 0, 0), "Encode", 30),
        ((100, 50, 0), "Encode", 55),
        ((100, 100, 50), "Encode", 90),
        ((100, 0, 0), "Remux", 60),
        ((100, 100, 0), "Remux", 70),
        ((100, 0, 0), None, 30),
        ((100, 100, 100), "Encode", 99),
        ((100, 100, 100), "Remux", 99),
    ],
)
def test_percent_is_weighted_by_the_mode(done, mode, percent):
    assert compute_percent(stages(*done, mode=mode)) == percent


def test_no_stages_are_no_percent():
    assert compute_percent(()) == 0


@given(percents, percents, percents)
def test_learning_the_mode_never_takes_percent_back(download, transcode, upload):
    unknown = compute_percent(stages(download, transcode, upload, mode=None))
    assert unknown <= compute_percent(stages(download, transcode, upload, mode="Encode"))
    assert unknown <= compute_percent(stages(download, transcode, upload, mode="Remux"))


@given(percents, percents, percents, st.integers(0, 2))
def test_more_done_is_never_less_percent(download, transcode, upload, which):
    before = [download, transcode, upload]
    more = [min(100, value + 10 * (index == which)) for index, value in enumerate(before)]
    assert compute_percent(stages(*more)) >= compute_percent(stages(*before))


@pytest.mark.parametrize(
    ("done", "phase"),
    [
        ((0, 0, 0), VideoPhase.DOWNLOADING),
        ((50, 40, 10), VideoPhase.DOWNLOADING),
        ((100, 40, 10), VideoPhase.TRANSCODING),
        ((100, 100, 10), VideoPhase.UPLOADING),
        ((100, 100, 100), VideoPhase.FINALIZING),
    ],
)
def test_phase_is_the_earliest_unfinished_of_the_overlapping_stages(done, phase):
    assert find_phase(stages(*done)) is phase


def test_all_stages_done_is_still_finalizing():
    done = [stage.model_copy(update={"state": "Done"}) for stage in stages(100, 100, 100)]
    assert find_phase(tuple(done)) is VideoPhase.FINALIZING


def test_phases_have_an_order():
    assert select_later_phase(VideoPhase.UPLOADING, VideoPhase.TRANSCODING) is VideoPhase.UPLOADING
    assert select_later_phase(VideoPhase.PENDING, VideoPhase.DOWNLOADING) is VideoPhase.DOWNLOADING


@pytest.mark.parametrize(
    ("percent", "elapsed", "eta"),
    [(50, 60, 60), (25, 60, 180), (99, 99, 1), (2, 600, None), (50, 9, None)],
)
def test_time_left_is_guessed_from_the_pace_once_that_is_sensible(percent, elapsed, eta):
    assert estimate_eta_seconds(percent, timedelta(seconds=elapsed)) == eta


def test_run_has_worked_no_longer_than_its_stages_say_where_they_say_it():
    silent = stages(100, 50)
    telling = tuple(stage.model_copy(update={"seconds": 30}) for stage in silent)
    assert compute_active_time(silent, timedelta(seconds=3600)) == timedelta(seconds=3600)
    assert compute_active_time(telling, timedelta(seconds=3600)) == timedelta(seconds=120)
    assert compute_active_time(telling, timedelta(seconds=45)) == timedelta(seconds=45)
