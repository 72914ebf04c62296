"""Times and reasons of conditions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from videoimport.api.conditions import Condition


def test_moments_are_whole_seconds_in_utc() -> None:
    moment = datetime(2026, 5, 1, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    condition = Condition(type="Ready", status="True", reason="Succeeded", last_transition_time=moment)
    assert condition.wire()["lastTransitionTime"] == "2026-05-01T10:00:00Z"
    assert Condition.model_validate(condition.wire()).last_transition_time == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_a_conditions_reason_is_one_word() -> None:
    with pytest.raises(ValidationError, match="reason"):
        Condition(type="Ready", status="True", reason="two words", last_transition_time=datetime.now(UTC))
