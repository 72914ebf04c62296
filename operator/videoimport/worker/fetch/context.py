"""The parameters of a fetch. They are the same for every kind of source."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.worker.fetch.limits import FetchLimits, Throttle
from videoimport.worker.fetch.process_messages import Request, Teller
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The request, and the objects and limits that a fetch needs."""

    request: Request
    teller: Teller
    guard: Guard
    route: Route
    limits: FetchLimits
    throttle: Throttle

    @classmethod
    def of(cls, request: Request, teller: Teller, guard: Guard, route: Route) -> "Surroundings":
        """Return the parameters for a request."""
        limits = FetchLimits(room_bytes=request.room_bytes, max_bytes=request.max_bytes)
        return cls(request, teller, guard, route, limits, Throttle(request.bytes_per_second))

    def refusal(self) -> ImportFailure | None:
        """Return the failure for an address that the address guard refused. Return None if the guard refused no
        address."""
        return self.route.explain_refusal(
            self.guard, "The source leads to", "A program tried to connect to the source at"
        )

    @property
    def folder(self) -> Path:
        """Folder for the fetched files."""
        return Path(self.request.folder)

    @property
    def secret_folder(self) -> Path:
        """Folder at which the source's Secret is mounted."""
        return Path(self.request.secret_folder)
