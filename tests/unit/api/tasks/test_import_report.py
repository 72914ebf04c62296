"""What a worker may tell, and no more."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from videoimport.api.tasks.import_report import Progress, Report

STAGE: dict[str, Any] = {"name": "Download", "state": "Running", "percent": 5, "seconds": 3}
PROGRESS: dict[str, Any] = {"run": 1, "stages": [STAGE]}
REPORT: dict[str, Any] = {
    "uid": "u",
    "run": 1,
    "specHash": "h",
    "outcome": "Succeeded",
    "finishedAt": "2026-05-04T12:00:00Z",
}


def progress(**changes: Any) -> Progress:
    return Progress.model_validate_json(json.dumps(PROGRESS | changes))


def report(**changes: Any) -> Report:
    return Report.model_validate_json(json.dumps(REPORT | changes))


def test_what_a_worker_tells_is_read() -> None:
    assert progress().stages[0].seconds == 3
    assert report(stages=[]).stages == ()
    assert len(progress(stages=[STAGE] * 8).stages) == len(report(stages=[STAGE] * 8).stages) == 8


@pytest.mark.parametrize("stages", [[], [STAGE] * 9])
def test_progress_has_some_stages_and_no_more_than_a_status_holds(stages: list[Any]) -> None:
    with pytest.raises(ValidationError):
        progress(stages=stages)


def test_report_has_no_more_stages_than_a_status_holds() -> None:
    with pytest.raises(ValidationError):
        report(stages=[STAGE] * 9)


@pytest.mark.parametrize(
    "beyond",
    [
        {"run": 2**31},
        {"run": -1},
        {"usage": {"cpuSeconds": 10**9 + 1}},
        {"stages": [STAGE | {"seconds": 10**18}]},
        {"metadata": {"width": 10**6 + 1}},
        {"metadata": {"height": 10**6 + 1}},
    ],
)
def test_numbers_beyond_belief_are_no_report(beyond: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        report(**beyond)
