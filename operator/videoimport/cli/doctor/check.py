"""The result of one check."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from videoimport.cli.text_table import format_table


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. A warning is about a fact that may be intended."""

    name: str
    state: Literal["ok", "warning", "failed"]
    message: str
    solution: str = ""
    """The next step of the user. The text is empty if the state is ok."""


def exit_code(checks: Iterable[Check]) -> int:
    """Return 1 if a check failed, otherwise 0."""
    return int(any(check.state == "failed" for check in checks))


def format_checks(checks: Iterable[Check]) -> str:
    """Return a table with one line for each check."""
    rows = [
        (check.state, check.name, f"{check.message} {check.solution}".strip().replace("\n", " ")) for check in checks
    ]
    return format_table(("STATE", "CHECK", "FINDING"), rows)


def describe_checks(checks: Iterable[Check]) -> dict[str, Any]:
    """Return the checks as JSON-compatible data."""
    found = list(checks)
    return {"ok": not exit_code(found), "checks": [asdict(check) for check in found]}
