"""The worker's process: reads its task, runs it once, leaves a report and exits with the code of its reason."""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from videoimport.api.base import Model
from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.tasks.listing_task import ListingTask
from videoimport.api.tasks.webhook_task import DeliveryTask
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import run as pipeline
from videoimport.worker.pipeline import workspace
from videoimport.worker.pipeline.import_video import Setting
from videoimport.worker.pipeline.progress import Board, Ticker
from videoimport.worker.pipeline.scratch_limit import Room
from videoimport.worker.pipeline.watchdog import Watchdog
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.errors import ImportFailure, Interruption, unexpected
from videoimport.worker.runtime.paths import Paths, parse
from videoimport.worker.runtime.signals import Interrupts
from videoimport.worker.runtime.stop_request import Stop
from videoimport.worker.runtime.subprocesses import Children

FAREWELL_SECONDS = 2.0
"""For the last lines of a run whose report is written; a pipe that nobody reads holds its end up no longer."""


class _Kind(Model):
    """What all tasks tell first."""

    kind: str = "Import"


_KINDS: dict[str, type[Task | ListingTask | DeliveryTask]] = {"Listing": ListingTask, "Delivery": DeliveryTask}


def read_task(path: Path) -> Task | ListingTask | DeliveryTask:
    """Raises ImportFailure INVALID_SPEC for what is no task of a version we know."""
    try:
        text = path.read_bytes()
        return _KINDS.get(_Kind.model_validate_json(text).kind, Task).model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)[:5])
        raise ImportFailure(Reason.INVALID_SPEC, f"This worker does not understand the task: {fields}.") from None
    except OSError as error:
        message = f"The task at {path} cannot be read ({type(error).__name__})."
        raise ImportFailure(Reason.INVALID_SPEC, message) from None


class Process:
    """The outermost border: whatever happens inside, a report is left and the code says why."""

    def __init__(self, task: Task, paths: Paths) -> None:
        self._task = task
        self._paths = paths
        self._board = Board(task.run)
        self._ticker = Ticker(self._board, task.progress_seconds)
        stop = Stop()
        self._children = Children(stop)
        self._interrupts = Interrupts(stop, self._children.kill_all, self._last_words)
        self._done: Report | None = None
        """Of a run whose commit record is written. Nothing that comes later makes it a failure."""

    def run(self) -> int:
        """The exit code."""
        outcome = self._outcome()
        report = self._done or outcome
        self._interrupts.close()
        self._children.kill_all()
        self._ticker.stop()
        self._leave(report)
        return reporting.exit_code(report.reason)

    def _outcome(self) -> Report:
        try:
            return self._interrupts.run(self._task.spec.timeout_seconds, self._import)
        except ImportFailure as failure:
            return self._failed(failure)
        except Interruption as end:
            return self._failed(end)
        except Exception as error:  # noqa: BLE001 — the outermost border: a bug becomes a report
            logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
            return self._failed(unexpected(error))

    def _import(self) -> Report:
        self._ticker.start()
        with workspace.opened(self._task, self._paths.scratch) as space:
            watchdog = self._watchdog(space.folder, space.source)
            watchdog.start()
            try:
                setting = Setting(
                    self._task, self._paths, space, self._children, self._board, self._ticker, self._completed
                )
                done = pipeline.report(setting)
                space.is_done = True
                return done
            finally:
                watchdog.stop()
                self._children.kill_all()

    def _completed(self, report: Report) -> None:
        self._interrupts.settle()
        self._done = report

    def _watchdog(self, folder: Path, source: Path) -> Watchdog:
        declared = self._task.spec.worker.scratch.size
        room = Room(folder, source, bytes_of(declared), str(declared))
        end = self._interrupts.interrupt
        return Watchdog(self._board, self._children, room, self._task.stall_seconds, end)

    def _failed(self, end: ImportFailure | Interruption) -> Report:
        self._board.fail()
        now = self._board.snapshot()
        return Report(
            uid=self._task.uid, run=self._task.run, spec_hash=self._task.spec_hash, outcome="Failed",
            reason=end.reason, message=end.message[:1024], advice=end.advice[:512], retry_after_seconds=end.retry_after,
            stages=now.stages, source=now.source, metadata=now.metadata,
            usage=telling.usage(self._board), finished_at=datetime.now(UTC),
        )  # fmt: skip

    def _leave(self, report: Report) -> None:
        """The report first: whoever reads our lines may be gone or stuck, and the report is what counts."""
        reporting.write(report, self._paths.termination_message)

        def say() -> None:
            self._ticker.print()
            logs.log().info("ended", outcome=report.outcome, reason=report.reason, message=report.message)

        _patiently(say)

    def _last_words(self, interruption: Interruption) -> int:
        """When the main thread does not come to it in time."""
        report = self._done or self._failed(interruption)
        self._leave(report)
        return reporting.exit_code(report.reason)


def _patiently(say: Callable[[], None]) -> None:
    """Say it in a thread that is left behind when it cannot be said."""
    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    thread.join(FAREWELL_SECONDS)


def _run(task: Task | ListingTask | DeliveryTask, paths: Paths) -> int:
    if isinstance(task, DeliveryTask):
        from videoimport.worker.webhook import deliver as delivery

        return delivery.run(task, paths)
    if isinstance(task, ListingTask):
        from videoimport.worker.listing import run as running

        return running.run(task, paths)
    return Process(task, paths).run()


def _without_task(paths: Paths, failure: ImportFailure) -> int:
    """No task, no uid: the report says what it can."""
    report = Report(
        uid="", run=0, spec_hash="", outcome="Failed", reason=failure.reason, message=failure.message[:1024],
        advice=failure.advice[:512], finished_at=datetime.now(UTC),
    )  # fmt: skip
    reporting.write(report, paths.termination_message)
    _patiently(lambda: logs.log().error("ended", reason=failure.reason, message=failure.message))
    return reporting.exit_code(failure.reason)


def main(argv: Sequence[str]) -> None:
    """Run, then end the process at once: no thread or library may hold it up."""
    logs.configure()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # ffmpeg would send even requests for our loopback server there
    paths = parse(argv, __doc__)
    Report.model_rebuild()  # now, so that the end of a run does not wait for it
    try:
        code = _run(read_task(paths.task), paths)
    except ImportFailure as failure:
        code = _without_task(paths, failure)
    os._exit(code)  # nothing is left in a buffer: each line was written out by itself
