"""Ways in which a single write goes wrong, for the proxy to do to it."""

from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from support.controller.api_server_proxy import BrokenConnection, NoFault, Write


def refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> web.Response:
    """As the API server words it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status,
            "message": f"made by the test: {reason}"}  # fmt: skip
    return web.json_response(body, status=status, headers=headers)


@dataclass
class EverySecond(NoFault):
    """The first attempt at every write fails, the second passes, the third fails: no write ever works at once."""

    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def is_due(self, write: Write) -> bool:
        place = (write.method, write.path)
        self.attempts[place] += 1
        due = self.attempts[place] % 2 == 1
        self.failed[write.what] += due
        return due


@dataclass
class Answers(EverySecond):
    """Instead of the API server."""

    status: int = 500
    reason: str = "InternalError"
    headers: dict[str, str] = field(default_factory=dict)

    def before(self, write: Write) -> web.Response | None:
        return refusal(self.status, self.reason, self.headers) if self.is_due(write) else None


class ResetBefore(EverySecond):
    """The connection breaks and the write never arrives."""

    def before(self, write: Write) -> web.Response | None:
        if self.is_due(write):
            raise BrokenConnection
        return None


class ResetAfter(EverySecond):
    """The write is committed, and nobody says so."""

    def committed(self, write: Write) -> None:
        if self.is_due(write):
            raise BrokenConnection


WRITE_FAULTS = {
    "conflict": lambda: Answers(status=409, reason="Conflict"),
    "too-many-requests": lambda: Answers(status=429, reason="TooManyRequests", headers={"Retry-After": "1"}),
    "internal-error": Answers,
    "reset-before": ResetBefore,
    "reset-after": ResetAfter,
}
