"""One try to deliver a message: the Secret is read, the address guard goes up, and the signed message is sent.

Nothing here is run beside it: the process itself is under the guard, which sees the real address of every connection.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask
from videoimport.api.worker_options import WorkerOptions
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.errors import ImportFailure, Interruption, unexpected
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.signals import Interrupts
from videoimport.worker.runtime.stop_request import Stop
from videoimport.worker.runtime.termination_message import clip, exit_code
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route, with_login
from videoimport.worker.webhook import http_post as sending
from videoimport.worker.webhook import signature as signing
from videoimport.worker.webhook.http_post import Answer

_PROXY_FIELD = "spec.template.worker.proxy"
_FAREWELL_SECONDS = 2.0
_MAX_MESSAGE = 1000
"""Characters; of four bytes each and with the rest of a report they fit a termination message."""


def run(task: DeliveryTask, paths: Paths) -> int:
    """The exit code. Whatever happens, a report is left."""
    last = _Leaver(task, paths.termination_message)
    interrupts = Interrupts(Stop(), lambda: None, lambda end: last.leave(_interrupted(end, task)))
    answer = _outcome(task, paths, interrupts)
    interrupts.close()
    return last.leave(answer)


def _outcome(task: DeliveryTask, paths: Paths, interrupts: Interrupts) -> Answer:
    try:
        return interrupts.run(task.timeout_seconds, lambda: _delivered(task, paths, interrupts.settle))
    except Interruption as end:
        return _interrupted(end, task)
    except ImportFailure as failure:
        return Answer(failure.reason, failure.message, advice=failure.advice)
    except Exception as error:  # noqa: BLE001 — the outermost border: a bug becomes a report
        logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
        return Answer(Reason.INTERNAL, unexpected(error).message)


def _delivered(task: DeliveryTask, paths: Paths, answered: Callable[[], None]) -> Answer:
    signers = signing.read_signers(task.secret, paths.webhook_secret)
    with tempfile.TemporaryDirectory() as folder:
        proxy = with_login(task.proxy, paths.webhook_secret)
        route = Route(proxy, _trusted(task, paths.ca_bundle, Path(folder)), _PROXY_FIELD)
        reachable = route.proxy_addresses(task.allowed_networks)
        guard = Guard(task.allowed_networks, [str(paths.webhook_secret)], reachable)
        guard.install()
        headers = signing.headers(signers, task.message_id, task.body, datetime.now(UTC))
        return _explained(sending.send(task.url, task.body.encode(), headers, route, answered), guard)


def _trusted(task: DeliveryTask, extra: Path, folder: Path) -> str | None:
    options = WorkerOptions(ca_bundle_config_map_ref=task.ca_bundle_config_map_ref)
    bundle = trust.bundle(options, extra, folder)
    return str(bundle) if bundle else None


def _explained(answer: Answer, guard: Guard) -> Answer:
    """What the guard refused is the cause, whatever a library made of it."""
    if answer.reason is None or not guard.refused:
        return answer
    where = f"The webhook's address leads to {guard.refused}"
    if guard.has_proxy:
        advice = f"Correct {_PROXY_FIELD}, or remove it."
        return Answer(Reason.ADDRESS_FORBIDDEN, f"{where}, around the proxy of {_PROXY_FIELD}.", advice=advice)
    return Answer(Reason.ADDRESS_FORBIDDEN, f"{where}, which is not a public address.")


def _interrupted(end: Interruption, task: DeliveryTask) -> Answer:
    """A receiver that is too slow is one that did not take it; what else interrupts has nothing to do with it."""
    if end.reason is Reason.DEADLINE_EXCEEDED:
        return Answer(Reason.WEBHOOK_FAILED, f"The receiver did not answer within {task.timeout_seconds} s.")
    return Answer(end.reason, end.message, advice=end.advice)


class _Leaver:
    """Leaves the report, once: the first is the one that counts."""

    def __init__(self, task: DeliveryTask, path: Path) -> None:
        self._task, self._path = task, path
        self._lock = threading.Lock()
        self._left = False

    def leave(self, answer: Answer) -> int:
        """The report first: whoever reads our lines may be gone or stuck. Returns the exit code."""
        with self._lock:
            if self._left:
                return exit_code(answer.reason)
            self._left = True
            self._write(answer)
        line = threading.Thread(target=lambda: self._say(answer), daemon=True)
        line.start()
        line.join(_FAREWELL_SECONDS)
        return exit_code(answer.reason)

    def _write(self, answer: Answer) -> None:
        report = DeliveryReport(
            uid=self._task.uid, run=self._task.run, reason=answer.reason,
            message=clip(logs.redacted(answer.message), _MAX_MESSAGE) or "", advice=answer.advice,
            retry_after_seconds=answer.retry_after_seconds,
        )  # fmt: skip
        try:
            self._path.write_bytes(report.model_dump_json(by_alias=True, exclude_none=True).encode()[:4096])
        except OSError as error:
            logs.log().error("cannot leave the report", path=os.fspath(self._path), error=type(error).__name__)

    def _say(self, answer: Answer) -> None:
        logs.log().info("ended", webhook_id=self._task.message_id, reason=answer.reason, message=answer.message)
