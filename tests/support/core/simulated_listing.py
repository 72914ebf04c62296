"""The hand-sized cluster with lists to be looked through: Jobs, logs, and who of several bulks goes first."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from support.core.simulated_cluster import Raw, SimulatedCluster, _pod
from videoimport.api.bulkimport import BulkImport
from videoimport.api.identity import integration, item_identity
from videoimport.api.labels import TASK
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import FoundItem, ListingTask, PageLine, PageReport, RejectedLine
from videoimport.core.bulk.phase import FINISHED_PHASES
from videoimport.core.bulk.retry_failed import collect_failed_items, needs_failed_items
from videoimport.core.list_item import LINES
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Action, Create, StoreListingPage

PAGE_SIZE = 3


@dataclass
class SimulatedListingCluster(SimulatedCluster):
    lists: dict[str, list[str]] = field(default_factory=dict)
    """The URLs that a manifest's address gives; one that ends in .jpg is rejected."""
    logs: dict[str, str] = field(default_factory=dict)
    """What a pod printed."""
    unkept: set[str] = field(default_factory=set)
    """Job UIDs, as the controller remembers them: a crash forgets all."""
    listed: Counter[str] = field(default_factory=Counter)
    """Runs that listed a page, by bulk."""

    def observe_bulk(self, name: str) -> ObservedBulk:
        plain = super().observe_bulk(name)
        older = self._older(plain)
        blocking = [one for one in older if _blocks(one)]
        found = replace(plain, unkept=frozenset(self.unkept), ahead=len(blocking))
        if not older or blocking or not needs_failed_items(plain):
            return found
        return replace(found, left_failed=collect_failed_items(older))

    def _older(self, own: ObservedBulk) -> list[ObservedBulk]:
        others = (self.parse(BulkImport.parse, raw) for raw in self.of_kind("BulkImport"))
        older = sorted((one for one in others if _age(one) < _age(own.bulk)), key=_age)
        same = [one for one in older if integration(one.spec) == integration(own.bulk.spec)]
        return [super(SimulatedListingCluster, self).observe_bulk(one.metadata.name) for one in same]

    def _act(self, action: Action) -> None:
        if isinstance(action, StoreListingPage):
            self._collect(action)
        else:
            super()._act(action)

    def _collect(self, wish: StoreListingPage) -> None:
        lines = self.logs.get(wish.pod) if ("Pod", wish.pod) in self.objects else None
        if lines is None or hashlib.sha256(lines.encode()).hexdigest() != wish.sha256:
            self.unkept.add(wish.job)
            return
        self._act(Create({**wish.manifest, "data": {**wish.manifest["data"], LINES: lines}}))

    def _work(self, job: Raw, fate: str) -> None:
        told = job["spec"]["template"]["metadata"]["annotations"][TASK]
        if json.loads(told).get("kind") != "Listing":
            super()._work(job, fate)
            return
        task, pod = ListingTask.model_validate_json(told), self.put(_pod(job))["metadata"]["name"]
        if fate == "lost":
            self.remove("Job", job["metadata"]["name"])
        elif fate in ("fails", "evicted"):
            self._tell(job, pod, PageReport(uid=task.uid, run=task.run, page=task.page, reason=_TROUBLE))
        elif fate == "succeeds":
            self._list(task, job, pod)

    def _list(self, task: ListingTask, job: Raw, pod: str) -> None:
        assert task.source.manifest is not None
        if task.source.manifest.url not in self.lists:
            gone = PageReport(uid=task.uid, run=task.run, page=task.page, reason=Reason.SOURCE_NOT_FOUND)
            self._tell(job, pod, gone)
            return
        urls, start = self.lists[task.source.manifest.url], int(task.cursor or 0)
        lines = "".join(f"{_line(url)}\n" for url in urls[start : start + PAGE_SIZE])
        end = start + PAGE_SIZE
        done = end >= len(urls)
        report = PageReport(
            uid=task.uid, run=task.run, page=task.page, done=done, cursor=None if done else str(end),
            count=lines.count("\n"), bytes=len(lines.encode()), sha256=hashlib.sha256(lines.encode()).hexdigest(),
        )  # fmt: skip
        self.listed[task.name] += 1
        self.logs[pod] = lines[5:] if self.dice.random() < 0.1 else lines
        self._tell(job, pod, report)

    def _tell(self, job: Raw, pod: str, report: PageReport) -> None:
        message, code = report.model_dump_json(by_alias=True, exclude_none=True), 85 if report.reason else 0
        self.end_worker(job, pod, code, message)


_TROUBLE = Reason.SOURCE_UNAVAILABLE


def _line(url: str) -> str:
    identity = item_identity(url)
    if url.endswith(".jpg"):
        line = PageLine(rejected=RejectedLine(id=identity, url=url, reason=Reason.NOT_VIDEO, message="A picture."))
    else:
        line = PageLine(found=FoundItem(id=identity, url=url))
    return line.model_dump_json(by_alias=True, exclude_none=True)


def _age(bulk: BulkImport) -> Any:
    meta = bulk.metadata
    return (meta.creation_timestamp, meta.uid)


def _blocks(observed: ObservedBulk) -> bool:
    spec, status = observed.bulk.spec, observed.bulk.status
    return status.phase not in FINISHED_PHASES and not spec.suspend and not spec.dry_run
