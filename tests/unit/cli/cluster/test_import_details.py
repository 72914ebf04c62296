"""The description of a BulkImport that failed."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from videoimport.cli.cluster.get_command import print_details

MESSAGE = "0 of 0 imported. The list cannot be read completely. The host did not answer. Check the source."


def described(**status: Any) -> list[str]:
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": status.pop("reason"),
        "message": "",
        "lastTransitionTime": "2026-05-01T00:00:00Z",
    }
    bulk = {
        "kind": "BulkImport",
        "metadata": {"name": "course", "namespace": "media", "creationTimestamp": datetime.now(UTC).isoformat()},
        "status": {"conditions": [ready], "total": 0} | status,
    }
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as captured:
        print_details(bulk, console)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_list_that_cannot_be_read_has_reason_cause_and_advice() -> None:
    lines = described(phase="Failed", reason="SourceUnavailable", message=MESSAGE)
    assert lines[0] == "bi/course  Failed: SourceUnavailable  in media"
    assert f"  Why         {MESSAGE.removesuffix(' Check the source.')}" in lines
    assert "  What to do  Check the source." in lines


@pytest.mark.parametrize("reason", ["SourceUnavailable", "Processing"])
def test_a_bulk_that_goes_on_has_its_state(reason: str) -> None:
    lines = described(phase="Processing", reason=reason, message="1 of 2 imported. The list continues.")
    assert lines[0] == "bi/course  Processing  in media"
    assert "  State       1 of 2 imported. The list continues." in lines
