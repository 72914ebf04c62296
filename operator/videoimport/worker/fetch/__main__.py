"""The fetching process: request and go-ahead on stdin, events on stdout, the source's bytes into a folder; no more."""

import os
import signal
import sys
from types import FrameType

from videoimport.api.reasons import Reason
from videoimport.worker import logs
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import mounted, web
from videoimport.worker.fetch.guard import Guard
from videoimport.worker.fetch.protocol import Failed, Fetched, Request
from videoimport.worker.fetch.routes import Route
from videoimport.worker.fetch.surroundings import Surroundings
from videoimport.worker.fetch.teller import Teller
from videoimport.worker.processes import end_with_parent


def fetch(around: Surroundings) -> Fetched:
    """Whatever the source is. Raises ImportFailure."""
    request = around.request
    fetched = _fetched(around)
    if request.checksum and fetched.video.sha256 != request.checksum:
        found, wanted = fetched.video.sha256, request.checksum
        raise ImportFailure(
            Reason.CHECKSUM_MISMATCH, f"The source's SHA-256 is {found}; source.checksum wants {wanted}. Check both."
        )
    return fetched


def _fetched(around: Surroundings) -> Fetched:
    request = around.request
    if request.stored:
        # Imported only here: boto3 takes longer than a plain file's first byte.
        from videoimport.worker.fetch import stored

        return stored.fetch(around, request.stored)
    if request.mounted and request.volume:
        return mounted.fetch(around, request.volume, request.mounted)
    return web.fetch(around, request.url or "")


def _outcome(request: Request, teller: Teller) -> Fetched | Failed:
    route = Route(request.proxy, request.ca_bundle)
    try:
        guard = Guard(request.allowed_networks, request.shut_paths, route.proxy_addresses())
    except ImportFailure as failure:
        return Failed(reason=failure.reason, message=failure.message)
    guard.install()
    route.trust()
    os.chdir(request.folder)  # so that no relative path means anything else
    try:
        return fetch(Surroundings.of(request, teller, guard, route))
    except ImportFailure as failure:
        return _explained(Failed(reason=failure.reason, message=failure.message[:1000]), guard)
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


def main() -> None:
    """Read the request, put up the guard, fetch, tell how it ended."""
    signal.signal(signal.SIGTERM, _end_with_children)
    end_with_parent(signal.SIGTERM)
    logs.configure()
    text = sys.stdin.readline()
    if not text.strip():
        return  # nothing is to be fetched after all
    teller = Teller()
    teller.tell(_outcome(Request.model_validate_json(text), teller))
    os._exit(0)  # no thread that waits for a server holds it up


if __name__ == "__main__":
    main()
