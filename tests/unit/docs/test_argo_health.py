"""The health check that docs/operations.md gives to Argo CD, run by a real Lua on statuses as they are written."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from videoimport.core.conditions import Ending, build_state_facts, merge_conditions

OPERATIONS = Path(__file__).resolve().parents[3] / "docs/operations.md"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def checks() -> dict[str, str]:
    """By kind."""
    [block] = re.findall(r"```yaml\n(.*?argocd-cm.*?)```", OPERATIONS.read_text(), re.DOTALL)
    data = yaml.safe_load(block)["data"]
    return {key.removeprefix("resource.customizations.health.videoimport.io_"): text for key, text in data.items()}


def resource(phase: str | None, ending: Ending | None = None, observed: int = 3) -> dict[str, Any]:
    meta = {"generation": 3}
    if phase is None:
        return {"metadata": meta}
    facts = build_state_facts(ending, phase, "words", rests=phase == "Suspended")
    conditions: list[Any] = [condition.wire() for condition in merge_conditions((), facts, observed, NOW)]
    return {
        "metadata": meta,
        "status": {"phase": phase, "message": "1 of 2", "observedGeneration": observed, "conditions": conditions},
    }


CASES = {
    "untouched": (resource(None), "Progressing", "Waiting for the controller"),
    "begun": (resource("Processing"), "Progressing", "1 of 2"),
    "edited": (resource("Completed", Ending.SUCCEEDED, observed=2), "Progressing", "1 of 2"),
    "completed": (resource("Completed", Ending.SUCCEEDED), "Healthy", "1 of 2"),
    "failed": (resource("Failed", Ending.FAILED), "Degraded", "1 of 2"),
    "cancelled": (resource("Cancelled", Ending.CANCELLED), "Suspended", "1 of 2"),
    "suspended": (resource("Suspended"), "Suspended", "1 of 2"),
}


@pytest.mark.parametrize("kind", ["BulkImport", "VideoImport"])
@pytest.mark.parametrize("case", CASES)
def test_argo_cd_sees_what_is_the_matter(checks: dict[str, str], kind: str, case: str) -> None:
    found, status, message = CASES[case]
    lua = lupa.LuaRuntime()
    lua.globals().obj = lua.table_from(found, recursive=True)
    health = lua.execute(checks[kind])
    assert (health.status, health.message) == (status, message)


def test_there_is_a_check_for_both_kinds(checks: dict[str, str]) -> None:
    assert checks.keys() == {"BulkImport", "VideoImport"}
