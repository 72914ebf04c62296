"""One run of the worker for a page of a list. The worker prints the page to stdout. The report is the termination
message."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.listing_task import ListingTask, PageReport
from videoimport.worker.listing import client as asking
from videoimport.worker.listing.client import Lister
from videoimport.worker.listing.entry_classifier import Judge
from videoimport.worker.listing.page_builder import PageBuilder, Pager
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime.errors import ImportFailure, Interruption
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.task_runner import TaskRunner
from videoimport.worker.source import ffmpeg_version_warning as versions
from videoimport.worker.storage import credentials
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.volume.store import VolumeStore

_ENDLESS = "The last entry of the page has a name that is too long for a report."


class ListingRunner(TaskRunner[PageReport]):
    """Lists one page. The runner prints the complete page, and then writes the report."""

    def __init__(self, task: ListingTask, paths: Paths) -> None:
        super().__init__(task.timeout_seconds)
        self._task, self._paths = task, paths
        self._page = PageBuilder(task.max_items)

    def work(self) -> PageReport:
        """Read the page. Raises ImportFailure or Interruption."""
        with tempfile.TemporaryDirectory(dir=self._paths.scratch, ignore_cleanup_errors=True) as folder:
            return self._listed(self._page, Path(folder))

    def _listed(self, page: PageBuilder, folder: Path) -> PageReport:
        child = asking.start(self.children, folder)  # before the first secret: it may be a copy
        with self._destination(folder) as store:
            judge = Judge(self._task, store, self.children)
            if judge.looks:
                versions.warn_of_unknown(self.children, ("ffprobe",))
            lister = Lister(child, asking.request_of(self._task, self._paths, folder))
            report = Pager(self._task, lister, judge, page).report()
        skipped = report.skipped.total if report.skipped else 0
        logs.log().info("listed", number=self._task.page, lines=report.count, skipped=skipped, done=report.done)
        return report

    @contextlib.contextmanager
    def _destination(self, folder: Path) -> Iterator[DestinationStore | None]:
        """Return the destination's store, which has the index. Return None if the index is not read. Raises
        ImportFailure."""
        store = self._connected(folder) if self._task.incremental else None
        try:
            yield store
        finally:
            if store is not None:
                store.close()

    def _connected(self, folder: Path) -> DestinationStore:
        wish = self._task.destination
        if wish.s3 is not None:
            trusted = trust.bundle(self._task.ca_bundle_config_map_ref, self._paths.ca_bundle, folder)
            return s3.connect(wish.s3, credentials.read_keys(wish, self._paths.credentials), trusted)
        assert wish.persistent_volume_claim is not None, "one of the two"  # noqa: S101
        return VolumeStore(self._paths.destination_volume, wish.persistent_volume_claim.claim_name, wish.prefix)

    def describe(self, end: ImportFailure | Interruption) -> PageReport:
        """Return the report of a run that ended without a page."""
        task = self._task
        return PageReport(
            uid=task.uid, run=task.run, page=task.page, reason=end.reason, message=end.message[:1024],
            advice=end.advice[:512], retry_after_seconds=end.retry_after,
        )  # fmt: skip

    def close(self, result: PageReport) -> None:
        """Print the page."""
        if result.reason is None:
            self._page.print()

    def write(self, result: PageReport) -> None:
        """Write the report. If the write fails, the exit code still shows the outcome."""
        try:
            self._paths.termination_message.write_bytes(fitted(result))
        except OSError as error:
            logs.log().error("cannot leave the report", error=type(error).__name__)

    def log(self, result: PageReport) -> None:
        """Log how the run ended."""
        logs.log().info("ended", reason=result.reason, message=result.message)


def fitted(report: PageReport) -> bytes:
    """Return the report as at most ``MAX_BYTES`` bytes. If necessary, the message and the advice of the report are
    cut. If the report is still too long because of its cursor, the page fails."""
    for length in (1024, 512, 256, 128, 0):
        cut = report.model_copy(update={"message": report.message[:length], "advice": report.advice[: length // 2]})
        text = cut.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(text) <= MAX_BYTES:
            return text
    failed = PageReport(uid=report.uid, run=report.run, page=report.page, reason=Reason.INTERNAL, message=_ENDLESS)
    return failed.model_dump_json(by_alias=True, exclude_none=True).encode()
