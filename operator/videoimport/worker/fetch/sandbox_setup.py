"""The sandbox of a process that handles untrusted input.

The sandbox is complete before the first request to a source. An exception inside the sandbox becomes a value.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from videoimport.api.reasons import Reason
from videoimport.worker.fetch import document_limits
from videoimport.worker.fetch import memory_limit as memory
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import Failed, Request, Teller
from videoimport.worker.runtime import disk_space as disks
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.errors import ImportFailure, unexpected
from videoimport.worker.runtime.forked_process import end_with_parent
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route, with_login

Done = TypeVar("Done")


def begin() -> str:
    """Prepare the process and return its request, a line from stdin.

    After this call, logging is configured, and the process ends when its parent ends. The line is empty if there is no
    request.
    """
    signal.signal(signal.SIGTERM, _end_with_children)
    end_with_parent(signal.SIGTERM)
    logs.configure()
    return sys.stdin.readline()


def inside(request: Request, teller: Teller, do: Callable[[Surroundings], Done], most_bytes: int) -> Done | Failed:
    """Run ``do`` with the address guard and at most ``most_bytes`` of memory, and return its result.

    Every exception becomes a Failed event. A MemoryError becomes PAGE_TOO_LARGE.
    """
    try:
        proxy = with_login(request.proxy, Path(request.secret_folder)) if request.secret else request.proxy
        route = Route(proxy, request.ca_bundle, request.proxy_field)
        guard = Guard(request.allowed_networks, request.shut_paths, route.proxy_addresses(request.allowed_networks))
    except ImportFailure as failure:
        return Failed.of(failure)
    guard.install()
    route.trust()
    os.chdir(request.folder)  # so that no relative path leads to another folder
    around = Surroundings.of(request, teller, guard, route)
    reserve = memory.limited(most_bytes)
    try:
        return do(around)
    except ImportFailure as failure:
        end = failure
    except MemoryError as error:
        # Free memory first, without allocating any: the traceback refers to the large objects.
        reserve.clear()
        error.__traceback__ = error.__context__ = None
        memory.lift()
        end = document_limits.failure(f"took more than {most_bytes // 2**20} MiB of memory to read", request.url or "")
    except Exception as error:  # noqa: BLE001 — the outermost handler: a bug is reported and does not crash the process
        logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
        folder, what = Path(request.folder), "and a file of the source was to be written"
        end = disks.scratch_full(folder, what) if disks.is_full(error) else unexpected(error)
    return Failed.of(_explained(end, around))


def _explained(failure: ImportFailure, around: Surroundings) -> ImportFailure:
    """Return the guard's refusal if there is one, because it is the cause of any error that a library raised. Else
    return ``failure``."""
    if refusal := around.refusal():
        return refusal
    if around.guard.refused_command and failure.reason is not Reason.DRM_PROTECTED:
        command = around.guard.refused_command
        message = f"The source can only be fetched by {command}, which is not allowed to use the network."
        return ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
    return failure


def _end_with_children(_number: int, _frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)
