"""One run of an import, from its task to its report."""

from datetime import UTC, datetime
from pathlib import Path

from videoimport.api.quantity import bytes_of
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.media.transcode import command
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run, workspace
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline.import_video import AlreadyStored, Import, Setting
from videoimport.worker.pipeline.progress import Board, Ticker
from videoimport.worker.pipeline.watchdog import ScratchUsage, Watchdog
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.errors import ImportFailure, Interruption
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.subprocesses import Child
from videoimport.worker.runtime.task_runner import TaskRunner
from videoimport.worker.source import fetch_client as fetching
from videoimport.worker.source import ffmpeg_version_warning as versions
from videoimport.worker.storage.retry_policy import patience


class ImportRunner(TaskRunner[Report]):
    """Runs the import of one video. Once the commit record is written, no later event changes the result."""

    def __init__(self, task: Task, paths: Paths) -> None:
        super().__init__(task.spec.timeout_seconds)
        self._task, self._paths = task, paths
        self._board = Board(task.run)
        self._ticker = Ticker(self._board, task.progress_seconds)

    def work(self) -> Report:
        """Import the video. Raises ImportFailure or Interruption."""
        with workspace.opened(self._task, self._paths.scratch) as space:
            fetcher = fetching.start(self.children, space.source)  # before any thread and any secret: it may be a copy
            self._ticker.start()
            watchdog = self._watchdog(space.folder, space.source)
            watchdog.start()
            try:
                setting = Setting(
                    self._task, self._paths, space, self.children, self._board, self._ticker, self.complete
                )
                done = report(setting, fetcher)
                space.is_done = True
                return done
            finally:
                watchdog.stop()
                self.children.kill_all()

    def describe(self, end: ImportFailure | Interruption) -> Report:
        """Return the report of a run that failed."""
        self._board.fail()
        now = self._board.snapshot()
        return Report(
            uid=self._task.uid, run=self._task.run, spec_hash=self._task.spec_hash, outcome="Failed",
            reason=end.reason, message=end.message[:1024], advice=end.advice[:512], retry_after_seconds=end.retry_after,
            stages=now.stages, source=now.source, metadata=now.metadata,
            usage=telling.usage(self._board), finished_at=datetime.now(UTC),
        )  # fmt: skip

    def close(self, result: Report) -> None:  # noqa: ARG002
        """Stop printing progress."""
        self._ticker.stop()

    def write(self, result: Report) -> None:
        """Write the report, shortened to the length that the kubelet keeps."""
        reporting.write(result, self._paths.termination_message)

    def log(self, result: Report) -> None:
        """Print the last progress, and log the end of the run."""
        self._ticker.print()
        log().info("ended", outcome=result.outcome, reason=result.reason, message=result.message)

    def _watchdog(self, folder: Path, source: Path) -> Watchdog:
        declared = self._task.spec.worker.scratch.size
        room = ScratchUsage(folder, source, bytes_of(declared), str(declared))
        end = self.interrupts.interrupt
        return Watchdog(self._board, self.children, room, self._task.stall_seconds, end)


def report(setting: Setting, fetcher: Child) -> Report:
    """Import the video, unless an earlier run has done so. Return the report. Raises ImportFailure or Interruption."""
    task, paths = setting.task, setting.paths
    trusted = trust.bundle(task.spec.worker.ca_bundle_config_map_ref, paths.ca_bundle, setting.space.folder)
    place = preflight.connect(task, paths.credentials, paths.destination_volume, trusted)
    place.store.went_on = setting.board.touch
    if (done := earlier_run.done_before(place)) is not None:
        log().info("already imported", run=done.run)
        repeated = done.model_copy(update={"run": task.run})
        setting.completed(repeated)
        return repeated
    versions.warn_of_unknown(setting.children)
    transcode.require(setting.children, command.surely_needed_encoders(task.spec.output))
    preflight.writable(place)
    seconds = patience(task.stall_seconds)
    place.retries.persist(lambda: setting.board.still()[0], seconds, lambda: setting.children.is_stopping)
    try:
        return Import(setting, place, fetcher).report()
    except AlreadyStored as there:
        log().info("the destination has it", uri=there.entry.uri)
        return telling.duplicate(task, setting.board, there.entry)
    finally:
        place.store.close()
