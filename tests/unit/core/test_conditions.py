"""Conditions: when they change, and what kstatus reads in them."""

import pytest

from support.core.video_builders import NOW, after
from support.every_case import every_case
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.conditions import Condition, ConditionType
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.conditions import Ending, Fact, build_milestone, build_state_facts, is_true, merge_conditions

READY = Fact(ConditionType.READY, "False", "Pending", "not yet")


def test_transition_time_moves_only_with_the_status():
    first = merge_conditions((), [READY], 1, NOW)
    reworded = merge_conditions(first, [Fact(ConditionType.READY, "False", "Uploading", "soon")], 2, after(60))
    assert (reworded[0].last_transition_time, reworded[0].reason, reworded[0].observed_generation) == (
        NOW,
        "Uploading",
        2,
    )
    turned = merge_conditions(reworded, [Fact(ConditionType.READY, "True", "Succeeded")], 2, after(90))
    assert turned[0].last_transition_time == after(90)


def test_conditions_nobody_states_any_more_are_gone():
    assert merge_conditions(merge_conditions((), [READY], 1, NOW), [], 1, NOW) == ()


def test_long_words_fit_a_condition():
    long = Fact(ConditionType.READY, "False", "Pending", "x" * 3000)
    assert len(merge_conditions((), [long], 1, NOW)[0].message) == 1024


REASONS = sorted({*Reason, *VideoPhase, *BulkPhase, *Ending})


@every_case("reason", REASONS)
def test_a_condition_is_one_that_its_model_accepts_as_it_is(reason):
    words = "denied https://user:s3cr3t@video.example/a?token=s3cr3t \x1b[0m" + "x" * 3000
    for ending in (None, *Ending):
        facts = (
            *build_state_facts(ending, reason, words),
            build_milestone(ConditionType.UPLOADED, reached=False, ending=ending),
        )
        for condition in merge_conditions((), facts, 3, NOW):
            assert Condition.model_validate(condition.model_dump()) == condition
            assert Condition.model_validate(condition.wire()) == condition
            assert "s3cr3t" not in condition.message


def test_holds_means_true():
    conditions = merge_conditions((), [READY, Fact(ConditionType.STALLED, "True", "Failed")], 1, NOW)
    assert is_true(conditions, ConditionType.STALLED)
    assert not is_true(conditions, ConditionType.READY)
    assert not is_true(conditions, ConditionType.UPLOADED)


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
    facts = build_state_facts(ending, "Word", "words")
    assert tuple(fact.status for fact in facts) == truths
    assert facts[3].reason == (ending or "InProgress")


def test_milestone_says_whether_it_may_still_come():
    assert build_milestone(ConditionType.UPLOADED, reached=False, ending=None).reason == "Pending"
    assert build_milestone(ConditionType.UPLOADED, reached=False, ending=Ending.FAILED).reason == "NotReached"
    assert build_milestone(ConditionType.UPLOADED, reached=True, ending=Ending.FAILED).reason == "Done"
