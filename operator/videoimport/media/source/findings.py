"""Finding: the result of a failed check. It has a reason and a sentence. A chain of checks ends at the first
finding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from videoimport.api.reasons import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """The reason and message for a source or result that a check refuses."""

    reason: Reason
    message: str
    """One sentence with the value that was found and the value that is required."""
    advice: str = ""
    """One sentence of advice, if there is advice that is more exact than the reason's general advice."""

    @property
    def text(self) -> str:
        """The message and the advice in one text, for outputs that have one field for both."""
        return f"{self.message} {self.advice}".strip()


def first_finding(checks: Iterable[Callable[[T], Finding | None]], subject: T) -> Finding | None:
    """Call ``checks`` with ``subject`` in order, and return the first finding. Return None if no check has a
    finding."""
    return next((found for check in checks if (found := check(subject)) is not None), None)
