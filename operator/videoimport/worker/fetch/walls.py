"""The walls around a process that handles what strangers send: they stand before anything is asked of a source, and
whatever happens inside comes out as a value."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from videoimport.api.reasons import Reason
from videoimport.worker import logs
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.guard import Guard
from videoimport.worker.fetch.protocol import Failed, Request
from videoimport.worker.fetch.routes import Route
from videoimport.worker.fetch.surroundings import Surroundings
from videoimport.worker.fetch.teller import Teller
from videoimport.worker.processes import end_with_parent

Done = TypeVar("Done")


def begin() -> str:
    """At the start of the process: it ends with its parent, logs, and hears what it is to do. Empty for nothing."""
    signal.signal(signal.SIGTERM, _end_with_children)
    end_with_parent(signal.SIGTERM)
    logs.configure()
    return sys.stdin.readline()


def inside(request: Request, teller: Teller, do: Callable[[Surroundings], Done]) -> Done | Failed:
    """Do it behind the guard."""
    route = Route(request.proxy, request.ca_bundle)
    try:
        guard = Guard(request.allowed_networks, request.shut_paths, route.proxy_addresses())
    except ImportFailure as failure:
        return Failed(reason=failure.reason, message=failure.message)
    guard.install()
    route.trust()
    os.chdir(request.folder)  # so that no relative path means anything else
    try:
        return do(Surroundings.of(request, teller, guard, route))
    except ImportFailure as failure:
        return _explained(
            Failed(reason=failure.reason, message=failure.message[:1000], retry_after=failure.retry_after), guard
        )
    except Exception as error:  # noqa: BLE001 — the border of this process: a bug here is told, not shown as a crash
        logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
        message = f"Unexpected {type(error).__name__} while fetching; the worker's log has more."
        return _explained(Failed(reason=Reason.INTERNAL, message=message), guard)


def _explained(failed: Failed, guard: Guard) -> Failed:
    """What the guard refused is the cause, whatever a library made of it."""
    if guard.refused and guard.has_proxy:
        message = f"The source was to be reached at {guard.refused}, around the proxy of spec.worker.proxy."
        return Failed(reason=Reason.ADDRESS_FORBIDDEN, message=message)
    if guard.refused:
        message = f"The source leads to {guard.refused}, which is not a public address; allow its network in the "
        return Failed(reason=Reason.ADDRESS_FORBIDDEN, message=message + "controller's setting worker.allowedNetworks.")
    if guard.refused_command and failed.reason is not Reason.DRM_PROTECTED:
        message = f"The source can only be fetched by {guard.refused_command}, which is not allowed to use the network."
        return Failed(reason=Reason.UNSUPPORTED_SOURCE, message=message)
    return failed


def _end_with_children(_number: int, _frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)
