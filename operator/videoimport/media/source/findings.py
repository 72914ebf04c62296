"""What a check finds: a reason and a sentence. A chain of checks ends at its first finding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from videoimport.api.reasons import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """Why something is refused."""

    reason: Reason
    message: str
    """One sentence: the found value and the wanted one."""
    advice: str = ""
    """One sentence: what to do, where that is more exact than the reason's own advice."""

    @property
    def text(self) -> str:
        """Both, for where there is one field for them."""
        return f"{self.message} {self.advice}".strip()


def first_finding(checks: Iterable[Callable[[T], Finding | None]], subject: T) -> Finding | None:
    """The finding of the first check, in order, that has one."""
    return next((found for check in checks if (found := check(subject)) is not None), None)
