"""Conditions, sentences, names, and when a status is written."""

from datetime import timedelta

import pytest
from core_seen import NOW, after
from hypothesis import given
from hypothesis import strategies as st

from videoimport.api.bulkimport import MAX_NAME as MAX_BULK_NAME
from videoimport.api.conditions import ConditionType
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason, info
from videoimport.api.videoimport import MAX_NAME
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.conditions import Ending, Fact, holds, merged, milestone, standing
from videoimport.core.messages import advised, clock, fit, sentences
from videoimport.core.object_names import child_name, errand_name, job_name, shard_name
from videoimport.core.status_throttle import Writing, due

INTERVAL = timedelta(seconds=3)
PROGRESS = frozenset({"progress_percent"})
READY = Fact(ConditionType.READY, "False", "Pending", "not yet")


def test_transition_time_moves_only_with_the_status():
    first = merged((), [READY], 1, NOW)
    reworded = merged(first, [Fact(ConditionType.READY, "False", "Uploading", "soon")], 2, after(60))
    assert (reworded[0].last_transition_time, reworded[0].reason, reworded[0].observed_generation) == (
        NOW,
        "Uploading",
        2,
    )
    turned = merged(reworded, [Fact(ConditionType.READY, "True", "Succeeded")], 2, after(90))
    assert turned[0].last_transition_time == after(90)


def test_conditions_nobody_states_any_more_are_gone():
    assert merged(merged((), [READY], 1, NOW), [], 1, NOW) == ()


def test_long_words_fit_a_condition():
    long = Fact(ConditionType.READY, "False", "Pending", "x" * 3000)
    assert len(merged((), [long], 1, NOW)[0].message) == 1024


def test_holds_means_true():
    conditions = merged((), [READY, Fact(ConditionType.STALLED, "True", "Failed")], 1, NOW)
    assert holds(conditions, ConditionType.STALLED)
    assert not holds(conditions, ConditionType.READY)
    assert not holds(conditions, ConditionType.UPLOADED)


@pytest.mark.parametrize(
    ("ending", "truths"),
    [
        (None, ("False", "True", "False", "False")),
        (Ending.SUCCEEDED, ("True", "False", "False", "True")),
        (Ending.FAILED, ("False", "False", "True", "True")),
        (Ending.CANCELLED, ("False", "False", "True", "True")),
    ],
)
def test_kstatus_reads_each_standing_right(ending, truths):
    facts = standing(ending, "Word", "words")
    assert tuple(fact.status for fact in facts) == truths
    assert facts[3].reason == (ending or "InProgress")


def test_milestone_says_whether_it_may_still_come():
    assert milestone(ConditionType.UPLOADED, reached=False, ending=None).reason == "Pending"
    assert milestone(ConditionType.UPLOADED, reached=False, ending=Ending.FAILED).reason == "NotReached"
    assert milestone(ConditionType.UPLOADED, reached=True, ending=Ending.FAILED).reason == "Done"


def test_unchanged_status_is_not_written():
    old = VideoImportStatus(phase=VideoPhase.PENDING, updated_time=NOW)
    assert due(old, old.model_copy(), PROGRESS, after(99), INTERVAL) == Writing()


def test_first_status_is_written_at_once():
    new = VideoImportStatus(progress_percent=1)
    assert due(VideoImportStatus(), new, PROGRESS, NOW, INTERVAL).status == new.model_copy(update={"updated_time": NOW})


@pytest.mark.parametrize(("seconds", "written"), [(0, False), (2, False), (3, True), (60, True)])
def test_progress_is_written_once_per_interval(seconds, written):
    old = VideoImportStatus(progress_percent=1, updated_time=NOW)
    found = due(old, old.model_copy(update={"progress_percent": 2}), PROGRESS, after(seconds), INTERVAL)
    assert (found.status is not None) is written
    assert found.again_at == (None if written else after(3))


def test_anything_else_takes_progress_along_at_once():
    old = VideoImportStatus(progress_percent=1, updated_time=NOW)
    new = old.model_copy(update={"progress_percent": 2, "phase": VideoPhase.UPLOADING})
    assert due(old, new, PROGRESS, after(1), INTERVAL).status is not None


def test_sentences_end_like_sentences():
    assert sentences("HTTP 503", "It is tried again.") == "HTTP 503. It is tried again."
    assert sentences("", "  ", "Alone") == "Alone."
    assert sentences() == ""


@given(st.text(max_size=3000), st.sampled_from(list(Reason)))
def test_any_words_with_advice_fit_and_keep_the_advice(words, reason):
    found = advised(reason, words)
    assert len(found) <= 1024
    assert found.endswith(info(reason).advice)


@given(st.lists(st.text(max_size=2000), max_size=4))
def test_any_sentences_fit(parts):
    assert len(sentences(*parts)) <= 1024


def test_urls_in_anybodys_words_lose_their_secrets():
    words = 'denied "HTTPS://u:p@s.example/a?X-Amz-Signature=5ecret&part=1", see https://t.example/?token=5ecret.'
    told = sentences("Refused", words, "Ask.")
    assert told == 'Refused. denied "https://s.example/a?part=1", see https://t.example/. Ask.'
    assert sentences(told) == told


def test_what_is_cut_shows_it():
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcd", 4) == "abcd"


def test_clock_is_rfc_3339():
    assert clock(NOW) == "2026-05-04T12:00:00Z"


def test_longest_names_fit_a_label():
    child = child_name("b" * MAX_BULK_NAME, "lecture", item_identity("https://video.example/a"))
    assert len(child) <= MAX_NAME
    assert len(job_name("v" * MAX_NAME, 9_999_999_999)) <= 63
    assert len(shard_name("b" * MAX_BULK_NAME, 9999)) <= 63


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True), st.integers(1, 999), st.integers(1, 999))
def test_no_import_whatever_its_name_has_a_job_named_like_a_bulks_errand(bulk, errand, run):
    for word in ("list", "hook"):
        job = errand_name(bulk, word, errand)
        assert len(errand_name("b" * MAX_BULK_NAME, word, 9_999_999_999)) <= 63
        assert all(job_name(job[:length], run) != job for length in range(1, len(job)))
        assert job_name(f"{bulk}-{word}", errand) != job


def test_names_are_derived_and_tell_runs_apart():
    assert job_name("talk", 1) == job_name("talk", 1) != job_name("talk", 2)
