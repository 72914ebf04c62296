"""The entry point of the controller: settings, logs, health server, leader election, and the tasks of the leader.

The exit code is 0 after a stop signal, 1 after lost or failed leadership, and 2 for invalid settings or an occupied
port.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import structlog

from videoimport.controller.client import auth as credentials
from videoimport.controller.leader_election import Lock, elect
from videoimport.controller.manager import Leader
from videoimport.controller.settings import BadSetting, ControllerSettings, load
from videoimport.controller.telemetry import health
from videoimport.controller.telemetry import logging as logs
from videoimport.controller.telemetry.liveness import LivenessLimits, Vitals
from videoimport.controller.telemetry.metrics import REGISTRY

_log = structlog.get_logger("videoimport.controller")


class Terminated(BaseException):
    """SIGTERM or SIGINT was received. The signal handler raises this exception in the main thread."""


def main() -> NoReturn:
    """Run the controller until a signal or a failure ends the process."""
    try:
        settings = load()
    except BadSetting as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(2)
    logs.configure(settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    try:
        code = _run(settings)
    except Terminated:  # a signal before the election, or a second signal during the shutdown
        code = 0
    _end(code)


def _run(settings: ControllerSettings) -> int:
    vitals = Vitals(limits(settings))
    try:
        health.serve(settings.port, vitals, REGISTRY)
    except OSError as taken:
        _log.error("cannot listen", variable="VIDEOIMPORT_PORT", port=settings.port, problem=str(taken))
        return 2
    leader = Leader(settings, vitals)
    if not settings.leader_election:
        return _until_terminated(lambda: _lead_alone(leader), leader.stop)
    lock = Lock(settings, credentials.synchronous_configuration(), vitals.tried)

    def hand_over() -> None:
        leader.stop()
        lock.release()

    return _until_terminated(lambda: elect(settings, lock, lambda: _lead(leader)), hand_over)


def limits(settings: ControllerSettings) -> LivenessLimits:
    """Return the liveness limits. They allow several election attempts, two relists and many timeouts of requests."""
    return LivenessLimits(election=4.0 * settings.lease_seconds, news=2.0 * settings.relist_seconds + 60, head=600.0)


def _until_terminated(task: Callable[[], None], leave: Callable[[], None]) -> int:
    try:
        task()
    except Terminated:
        leave()
        return 0
    return 1


def _lead_alone(leader: Leader) -> None:
    threading.Thread(target=_lead, args=[leader], name="leading", daemon=True).start()
    threading.Event().wait()


def _lead(leader: Leader) -> None:
    """Run the leader in a separate thread. If the leader fails, end the process with exit code 1."""
    try:
        leader.run()
    except Exception:  # noqa: BLE001 (outermost function of the thread: any failure ends the process)
        _log.exception("leading failed")
        _end(1)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _end(code: int) -> NoReturn:
    """Flush the output and end the process at once. No thread or task needs a shutdown, so none is awaited."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
