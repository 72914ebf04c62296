"""One run of the worker for a page of a list: the page on standard output, the report as the termination message."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.tasks.listing_task import ListingTask, PageReport
from videoimport.api.worker_options import WorkerOptions
from videoimport.worker.listing import client as asking
from videoimport.worker.listing.client import Lister
from videoimport.worker.listing.entry_filter import Judge
from videoimport.worker.listing.page import Page
from videoimport.worker.listing.page_builder import Pager
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.errors import ImportFailure, Interruption, unexpected
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.signals import Interrupts
from videoimport.worker.runtime.stop_request import Stop
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import ffmpeg_versions as versions
from videoimport.worker.storage import credentials
from videoimport.worker.storage.base import Store
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.volume.store import VolumeStore

_ENDLESS = "The name at which the page ends is too long for a report."


def run(task: ListingTask, paths: Paths) -> int:
    """The exit code: 0 with a page, else that of the reason why there is none."""
    return Listing(task, paths).run()


class Listing:
    """The outermost border: whatever happens inside, a report is left and the code says why."""

    def __init__(self, task: ListingTask, paths: Paths) -> None:
        self._task, self._paths = task, paths
        stop = Stop()
        self._children = Children(stop)
        self._interrupts = Interrupts(stop, self._children.kill_all, self._last_words)

    def run(self) -> int:
        """The exit code."""
        page = Page(self._task.max_items)
        report = self._outcome(page)
        self._interrupts.close()
        self._children.kill_all()
        if report.reason is None:
            page.print()
        self._leave(report)
        return reporting.exit_code(report.reason)

    def _outcome(self, page: Page) -> PageReport:
        try:
            return self._interrupts.run(self._task.timeout_seconds, lambda: self._worked(page))
        except ImportFailure as failure:
            return self._failed(failure)
        except Interruption as end:
            return self._failed(end)
        except Exception as error:  # noqa: BLE001 — the outermost border: a bug becomes a report
            logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
            return self._failed(unexpected(error))

    def _worked(self, page: Page) -> PageReport:
        with tempfile.TemporaryDirectory(dir=self._paths.scratch, ignore_cleanup_errors=True) as folder:
            return self._listed(page, Path(folder))

    def _listed(self, page: Page, folder: Path) -> PageReport:
        child = asking.start(self._children, folder)  # it gets ready while the destination is asked
        with self._destination(folder) as store:
            judge = Judge(self._task, store, self._children)
            if judge.looks:
                versions.warn_of_unknown(self._children, ("ffprobe",))
            lister = Lister(child, asking.request_of(self._task, self._paths, folder))
            report = Pager(self._task, lister, judge, page).report()
        skipped = report.skipped.total if report.skipped else 0
        logs.log().info("listed", number=self._task.page, lines=report.count, skipped=skipped, done=report.done)
        return report

    @contextlib.contextmanager
    def _destination(self, folder: Path) -> Iterator[Store | None]:
        """Where the index is; None where nobody wants to know. Raises ImportFailure."""
        store = self._connected(folder) if self._task.incremental else None
        try:
            yield store
        finally:
            if store is not None:
                store.close()

    def _connected(self, folder: Path) -> Store:
        wish = self._task.destination
        if wish.s3 is not None:
            options = WorkerOptions(ca_bundle_config_map_ref=self._task.ca_bundle_config_map_ref)
            trusted = trust.bundle(options, self._paths.ca_bundle, folder)
            return s3.connect(wish.s3, credentials.read_keys(wish, self._paths.credentials), trusted)
        assert wish.persistent_volume_claim is not None, "one of the two"  # noqa: S101
        return VolumeStore(self._paths.destination_volume, wish.persistent_volume_claim.claim_name, wish.prefix)

    def _failed(self, end: ImportFailure | Interruption) -> PageReport:
        task = self._task
        return PageReport(
            uid=task.uid, run=task.run, page=task.page, reason=end.reason, message=end.message[:1024],
            advice=end.advice[:512], retry_after_seconds=end.retry_after,
        )  # fmt: skip

    def _leave(self, report: PageReport) -> None:
        try:
            self._paths.termination_message.write_bytes(fitted(report))
        except OSError as error:
            logs.log().error("cannot leave the report", error=type(error).__name__)
        logs.log().info("ended", reason=report.reason, message=report.message)

    def _last_words(self, interruption: Interruption) -> int:
        """When the main thread does not come to it in time."""
        self._leave(self._failed(interruption))
        return reporting.exit_code(interruption.reason)


def fitted(report: PageReport) -> bytes:
    """The report in at most ``MAX_BYTES``: its message is cut to what there is room for. A page whose end has no
    room has failed."""
    for length in (1024, 512, 256, 128, 0):
        cut = report.model_copy(update={"message": report.message[:length], "advice": report.advice[: length // 2]})
        text = cut.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(text) <= MAX_BYTES:
            return text
    failed = PageReport(uid=report.uid, run=report.run, page=report.page, reason=Reason.INTERNAL, message=_ENDLESS)
    return failed.model_dump_json(by_alias=True, exclude_none=True).encode()
