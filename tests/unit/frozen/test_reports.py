"""What a worker is given and what it leaves: tasks, progress lines, pages in the log, termination messages."""

import re

import pytest

from support import golden_files
from support.core import video_builders
from support.golden_files import fields_of
from support.sample_import import SampleImport, long_report
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.api.tasks import import_report as report
from videoimport.api.tasks import import_task as task
from videoimport.api.tasks import listing_log as pagelog
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.tasks.listing_task import (
    FoundItem,
    Known,
    ListingTask,
    PageFacts,
    PageLine,
    PageReport,
    RejectedLine,
    Skipped,
)
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask
from videoimport.worker.listing.page_builder import PageBuilder
from videoimport.worker.runtime import termination_message as reporting

IDENTITY = "0123456789"
FAILED = video_builders.failure(
    video_builders.running(), Reason.RATE_LIMITED, "video.example answered 429.", advice="Import less at once.",
    retry_after_seconds=60, stages=video_builders.stages(40),
)  # fmt: skip
LINES = (
    PageLine(found=FoundItem(id=IDENTITY, url="https://video.example/1.mp4", name="one", metadata={"year": 2026})),
    PageLine(found=FoundItem(id=IDENTITY, key="a/2.mp4", slug="two", checksum=f"sha256:{'a' * 64}",
                             known=Known(video_id="d" * 64, uri="s3://media/2/video.mp4"))),
    PageLine(rejected=RejectedLine(id=IDENTITY, name="three", url="https://video.example/3.jpg",
                                   reason=Reason.NOT_VIDEO, message="A picture.")),
)  # fmt: skip
STORED_PAGE = (
    "page:H4sIAAAAAAACA6tWKkhMT1WyMtRRSssvzUtRsqpWygSSSgaGRsYmpmbmFpZKOkqlRTlAoYySkoJiK339ksSc7GK91IrE3IK"
    "cVH1DvdwCE6XaWi4Ahy9kuUsAAAA=\n"
)


def test_report_of_a_success(imported: SampleImport) -> None:
    text = imported.report.model_dump_json(by_alias=True, exclude_none=True)
    assert report.read_report(reporting.fitted(imported.report).decode()) == imported.report
    golden_files.check("report-success", {"message": imported.without_result_hash(text)})


def test_report_of_a_failure() -> None:
    golden_files.check("report-failure", {"message": reporting.fitted(FAILED).decode()})


def test_report_that_is_packed(imported: SampleImport) -> None:
    long = long_report(imported.report, 8)
    text = reporting.fitted(long).decode()
    assert report.read_report(text) == long
    golden_files.check("report-packed", {"message": re.sub(r'"data":"[^"]+"', '"data":"<deflated, base64>"', text)})


def test_progress_line() -> None:
    seen = video_builders.progress(40, 20, 10, bytes_per_second=1000, validated=True)
    golden_files.check("progress-line", {"line": seen.model_dump_json(by_alias=True, exclude_none=True)})


def test_page_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    page = PageBuilder(most_items=10)
    assert [page.add(line) for line in LINES] == [True, True, True]
    page.print()
    printed = capsys.readouterr().out
    assert re.fullmatch(r"page:[A-Za-z0-9+/=]+\n", printed)
    golden_files.check("page-lines", {"lines": pagelog.unpacked(printed)})


def test_page_that_was_printed_before_is_read() -> None:
    log = f'{{"event":"began"}}\n{STORED_PAGE}{{"event":"ended"}}\n'
    assert pagelog.unpacked(log) == ('{"page":1,"found":{"id":"0123456789","url":"https://talks.example/1.mp4"}}\n')


def test_reports_of_a_page_and_of_a_delivery() -> None:
    page = PageReport(
        uid="bulk-uid", run=3, page=1, cursor="line 5", count=2, bytes=80, sha256="a" * 64, skipped=Skipped(blank=1),
        pushed_back=Reason.RATE_LIMITED, retry_after_seconds=60,
    )  # fmt: skip
    delivery = DeliveryReport(
        uid="bulk-uid", run=1, reason=Reason.WEBHOOK_FAILED, message="hooks.example answered 503.",
        retry_after_seconds=60,
    )  # fmt: skip
    golden_files.check("reports-of-task-jobs", {"page": page.wire(), "delivery": delivery.wire()})


FIELDS = {
    "Report": fields_of(Report),
    "Progress": fields_of(Progress),
    "PageReport": fields_of(PageReport),
    "PageFacts": fields_of(PageFacts),
    "PageLine": fields_of(PageLine),
    "LedgerEntry": fields_of(LedgerEntry),
    "DeliveryReport": fields_of(DeliveryReport),
    "DeliveryTask": fields_of(DeliveryTask),
    "ListingTask": fields_of(ListingTask, "source", "requirements", "destination", "output"),
    "Task": fields_of(task.Task, "spec"),
}
"""Parts of the resources that a task repeats are in the CRDs."""


def test_fields_of_messages() -> None:
    golden_files.check("fields-of-messages", FIELDS)


def test_limits_of_messages() -> None:
    limits = {
        "terminationMessageBytes": report.MAX_BYTES,
        "unpackedReportBytes": report.MAX_UNPACKED,
        "pageLinePrefix": pagelog.PREFIX,
    }
    golden_files.check("limits-of-messages", limits)
