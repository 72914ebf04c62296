"""Whether and when another run follows."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.video_builders import NOW, SETTINGS, UID
from support.every_case import every_case
from videoimport.api.reasons import TABLE, Reason, RetryClass, info
from videoimport.api.videoimport_status import Attempts
from videoimport.core.retry_policy import Context, explain_exhaustion, judge

CHARGED = [Reason.SOURCE_UNAVAILABLE, Reason.STALLED]


def context(*reasons, run=1, most=5, uncharged=0, settings=SETTINGS, since=NOW):
    attempts = Attempts(count=len(reasons) + 1, max=most, reasons=reasons, uncharged=uncharged)
    return Context(UID, run, attempts, NOW, settings, since)


def delay(reason, *before, **given):
    verdict = judge(reason, context(*before, **given))
    assert verdict.requeue_at is not None, verdict.given_up
    return verdict.requeue_at - NOW


def about(seconds):
    return pytest.approx(seconds, rel=0.21, abs=1)


@every_case("reason", [r for r in Reason if info(r).retry in (RetryClass.PERMANENT, RetryClass.USER, RetryClass.END)])
def test_permanent_and_users_reasons_end_it_at_once(reason):
    verdict = judge(reason, context())
    assert verdict.requeue_at is None
    assert verdict.attempts.reasons == (reason,)


def test_backoff_doubles_and_is_capped():
    seconds = [
        delay(Reason.SOURCE_UNAVAILABLE, *[Reason.SOURCE_UNAVAILABLE] * n, most=20).total_seconds()
        for n in (0, 1, 2, 3, 12)
    ]
    assert seconds == [about(10), about(20), about(40), about(80), about(600)]


def test_source_that_is_not_there_yet_is_asked_later():
    assert delay(Reason.SOURCE_NOT_YET_AVAILABLE, Reason.SOURCE_UNAVAILABLE).total_seconds() == about(1800)


def test_waiting_for_a_premiere_charges_nothing_and_is_not_bounded_by_attempts():
    verdict = judge(Reason.SOURCE_NOT_YET_AVAILABLE, context(*[Reason.SOURCE_UNAVAILABLE] * 4, most=5))
    assert verdict.requeue_at is not None
    assert (verdict.attempts.count, len(verdict.attempts.reasons), verdict.attempts.uncharged) == (5, 4, 0)


@pytest.mark.parametrize(("days", "goes_on"), [(6.9, True), (7, False), (70, False)])
def test_waiting_for_a_premiere_ends_in_the_end(days, goes_on):
    verdict = judge(Reason.SOURCE_NOT_YET_AVAILABLE, context(most=1, since=NOW - timedelta(days=days)))
    assert (verdict.requeue_at is not None) is goes_on
    assert verdict.given_up == ("" if goes_on else "Given up after 7 days")


def test_jitter_is_the_same_each_time_and_differs_between_runs_and_imports():
    one = delay(Reason.STALLED, run=1)
    assert delay(Reason.STALLED, run=1) == one
    others = {delay(Reason.SOURCE_NOT_YET_AVAILABLE, run=run) for run in range(2, 12)}
    assert len(others) > 5
    assert min(others) >= timedelta(seconds=1440)
    assert max(others) <= timedelta(seconds=2160)


@given(st.sampled_from(CHARGED), st.integers(0, 19), st.integers(1, 1000))
def test_delay_is_whole_seconds_ahead_and_bounded(reason, before, run):
    verdict = judge(reason, context(*[reason] * before, run=run, most=20))
    if verdict.requeue_at is not None:
        assert NOW < verdict.requeue_at <= NOW + timedelta(hours=1)
        assert verdict.requeue_at.microsecond == 0


@pytest.mark.parametrize("reason", CHARGED)
def test_attempts_end_with_max_attempts(reason):
    assert judge(reason, context(*[reason] * 3, most=5)).requeue_at is not None
    verdict = judge(reason, context(*[reason] * 4, most=5))
    assert verdict.requeue_at is None
    assert verdict.given_up == "Given up after 5 of 5 attempts"


@pytest.mark.parametrize("reason", [r for r in Reason if TABLE[r].max_retries])
def test_reasons_own_limit_ends_it_earlier(reason):
    most = info(reason).max_retries
    assert judge(reason, context(*[reason] * (most - 1), most=20)).requeue_at is not None
    verdict = judge(reason, context(*[reason] * most, most=20))
    assert verdict.requeue_at is None
    assert str(reason) in verdict.given_up


def test_other_reasons_do_not_use_up_a_reasons_own_limit():
    assert judge(Reason.OUT_OF_MEMORY, context(Reason.SCRATCH_FULL, Reason.INTERNAL)).requeue_at is not None


def test_first_lost_run_is_followed_at_once_and_charges_nothing():
    verdict = judge(Reason.WORKER_LOST, context())
    assert verdict.requeue_at == NOW
    assert (verdict.attempts.uncharged, verdict.attempts.count, verdict.attempts.reasons) == (1, 1, ())


def test_lost_runs_get_rarer():
    seconds = [delay(Reason.WORKER_LOST, uncharged=n).total_seconds() for n in (1, 2, 3)]
    assert seconds == [about(10), about(20), about(40)]


def test_lost_runs_have_a_cap_too():
    patient = replace(SETTINGS, max_uncharged=2)
    assert judge(Reason.WORKER_LOST, context(uncharged=1, settings=patient)).requeue_at is not None
    verdict = judge(Reason.REPORT_LOST, context(uncharged=2, settings=patient))
    assert verdict.requeue_at is None
    assert "3 runs" in verdict.given_up


def test_lost_runs_do_not_use_up_attempts_nor_the_other_way_round():
    assert judge(Reason.WORKER_LOST, context(*[Reason.SOURCE_UNAVAILABLE] * 4, most=5)).requeue_at is not None
    assert judge(Reason.SOURCE_UNAVAILABLE, context(uncharged=9, most=2)).requeue_at is not None


def test_history_of_reasons_stays_within_the_apis_bounds():
    full = [Reason.SOURCE_UNAVAILABLE] * 20
    assert len(judge(Reason.SOURCE_NOT_FOUND, context(*full, most=20)).attempts.reasons) == 20


def test_lowered_maximum_exhausts_what_was_allowed_before():
    assert explain_exhaustion(Attempts(count=3, max=2, reasons=(Reason.INTERNAL, Reason.STALLED)))
    assert not explain_exhaustion(Attempts(count=3, max=3, reasons=(Reason.INTERNAL, Reason.STALLED)))


def test_a_host_that_pushed_back_without_a_pause_is_an_error_and_no_verdict():
    with pytest.raises(ValueError, match="for how long"):
        judge(Reason.RATE_LIMITED, context())
