"""Running the worker for pages of a list, as its pods do, one after the other until the list is done."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.waiting import LONGEST_SECONDS
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.worker_harness import LOOPBACK
from support.worker.worker_process import Process, start_copy, start_interpreter
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.tasks.listing_log import unpacked
from videoimport.api.tasks.listing_task import FoundItem, ListingTask, PageLine, PageReport, RejectedLine


@dataclass
class ListedPage:
    """A page's run that is over."""

    code: int
    log: str
    """All that the container printed, as the cluster keeps it."""
    message: bytes

    @property
    def report(self) -> PageReport:
        return PageReport.model_validate_json(self.message)

    @property
    def reason(self) -> str | None:
        return self.report.reason and self.report.reason.value

    @property
    def lines(self) -> list[PageLine]:
        """As the controller takes them from the log; whole, or the test fails."""
        content, report = unpacked(self.log), self.report
        if report.reason is not None:
            assert content == ""
            return []
        texts, raw = content.split("\n")[:-1], content.encode()
        told = (len(texts), len(raw), hashlib.sha256(raw).hexdigest())
        assert told == (report.count, report.bytes, report.sha256)
        return [PageLine.model_validate_json(text) for text in texts]

    @property
    def found(self) -> list[FoundItem]:
        return [line.found for line in self.lines if line.found]

    @property
    def rejected(self) -> list[RejectedLine]:
        return [line.rejected for line in self.lines if line.rejected]

    @property
    def urls(self) -> list[str]:
        return [str(item.url) for item in self.found]

    @property
    def keys(self) -> list[str]:
        return [str(item.key) for item in self.found]

    @property
    def reasons(self) -> dict[str, str]:
        """Of what was rejected, by the last part of its address."""
        return {str(item.url).rpartition("/")[2]: item.reason.value for item in self.rejected}


@dataclass
class ListingHarness:
    """Writes tasks and runs workers; ``bucket`` is the destination."""

    bucket: Bucket
    folder: Path
    manifests: dict[str, bytes] = field(default_factory=dict)
    """The manifest's ConfigMap."""
    secret: dict[str, str] = field(
        default_factory=lambda: {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    )
    """The source's."""
    is_new: bool = False
    """Its workers begin with a new interpreter, as in an image, and are not copies of a loaded process."""

    def task(self, source: dict[str, Any], **more: Any) -> ListingTask:
        destination = {
            "s3": {"endpoint": self.bucket.store.endpoint, "bucket": self.bucket.name, "prefix": "in"},
            "credentialsSecretRef": {"name": "store-keys"},
        }
        defaults = {
            "uid": "bulk-uid", "namespace": "team", "name": "bulk", "run": 1, "page": 0, "destination": destination,
            "output": {}, "incremental": False, "allowed_networks": LOOPBACK, "page_seconds": 60,
        }  # fmt: skip
        return ListingTask.model_validate({**defaults, **more, "source": BulkSource.model_validate(source)})

    def start(self, task: ListingTask, *, is_leader: bool = False) -> Process:
        self._write("source", self.secret)
        self._write("destination", {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET})
        self._write("manifest", self.manifests)
        (self.folder / "scratch").mkdir(exist_ok=True)
        (self.folder / "task.json").write_text(task.model_dump_json(by_alias=True))
        (self.folder / "message").unlink(missing_ok=True)
        own = {
            "task": "task.json", "scratch": "scratch", "credentials": "destination", "source-credentials": "source",
            "manifest": "manifest", "termination-message": "message",
        }  # fmt: skip
        argv = [word for name, path in own.items() for word in (f"--{name}", str(self.folder / path))]
        if is_leader or self.is_new:
            return start_interpreter(argv, os.environ, is_joined=True, is_leader=is_leader)
        return start_copy(argv, os.environ, is_joined=True)

    def page(self, source: dict[str, Any], **more: Any) -> ListedPage:
        """The first page, or the one after a cursor."""
        return self.ended(self.start(self.task(source, **more)))

    def ended(self, process: Process) -> ListedPage:
        log, _ = process.communicate(timeout=LONGEST_SECONDS)
        message = self.folder / "message"
        return ListedPage(process.returncode, log, message.read_bytes() if message.exists() else b"")

    def pages(self, source: dict[str, Any], **more: Any) -> Iterator[ListedPage]:
        """All pages, each begun where the one before ended."""
        cursor = None
        for number in range(200):
            page = self.page(source, page=number, cursor=cursor, **more)
            assert page.code == 0, page.log + page.message.decode()
            yield page
            if page.report.done:
                assert page.report.cursor is None
                return
            assert page.report.cursor != cursor
            cursor = page.report.cursor
        raise AssertionError("the list does not end")

    def _write(self, name: str, content: dict[str, Any]) -> None:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for key, value in content.items():
            (folder / key).write_bytes(value if isinstance(value, bytes) else value.encode())

    def bucket_source(self, bucket: Bucket, **more: Any) -> dict[str, Any]:
        return {
            "s3": {"endpoint": bucket.store.endpoint, "bucket": bucket.name, **more},
            "credentialsSecretRef": {"name": "source-keys"},
        }


def jsonl(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def terminate(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
