"""A page of a list: its lines, its limits of lines and bytes, the code that fills it, and its report."""

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_log import packed
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES, Known, ListingTask, PageLine, PageReport, Skipped
from videoimport.media.source.findings import Finding
from videoimport.worker.listing.client import Batch, Lister
from videoimport.worker.listing.entry_classifier import Judge
from videoimport.worker.listing.process_messages import ListEntry
from videoimport.worker.runtime.errors import ImportFailure

_BREAKS = {letter: f"\\u{letter:04x}" for letter in (0x85, 0x2028, 0x2029)}
"""Characters that some programs treat as the end of a line. JSON can escape these characters."""


class PageBuilder:
    """Collects the lines of a page until the page is complete. Either all lines are printed, or no line is printed."""

    def __init__(self, most_items: int, most_bytes: int = MAX_PAGE_BYTES) -> None:
        self._most_items, self._most_bytes = most_items, most_bytes
        self._lines: list[str] = []
        self.size = 0
        """Total size in bytes of all lines, each with its newline."""

    @property
    def count(self) -> int:
        """Number of lines."""
        return len(self._lines)

    @property
    def left(self) -> int:
        """Number of lines that may still be added. The page may reach its limit of bytes earlier."""
        return self._most_items - self.count

    def add(self, line: PageLine) -> bool:
        """Add a line. Returns False if there is no space for it."""
        text = line.model_dump_json(by_alias=True, exclude_none=True).translate(_BREAKS)
        size = len(text.encode()) + 1
        if not self.left or self.size + size > self._most_bytes:
            return False
        self._lines.append(text)
        self.size += size
        return True

    @property
    def sha256(self) -> str:
        """SHA-256 of the lines, each with its newline."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    def print(self) -> None:
        """Print the lines to stdout in compressed form, so that no URL is in the log as text."""
        sys.stdout.write(packed(self._text))
        sys.stdout.flush()

    @property
    def _text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


_BATCH, _LOOKED_AT_ONCE = 250, 48
_MARGIN_SECONDS = 20.0
"""Seconds before the deadline that are reserved for the report."""


@dataclass(frozen=True, slots=True)
class _Judged:
    entry: ListEntry
    known: Known | None
    objection: Finding | None


class Pager:
    """Fills one page."""

    def __init__(
        self,
        task: ListingTask,
        lister: Lister,
        judge: Judge,
        page: PageBuilder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task, self._lister, self._judge, self._page, self._clock = task, lister, judge, page, clock
        self._began = clock()
        self._until = self._began + task.page_seconds
        self._last_moment = self._began + max(task.timeout_seconds / 2, task.timeout_seconds - _MARGIN_SECONDS)
        self._cursor = task.cursor
        self._found: dict[str | None, str | None] = {}
        """URLs or object keys of the entries on this list page, by identity."""
        self._is_waiting = True
        self._skipped = Skipped()

    def report(self) -> PageReport:
        """Fill the page and return its report. Raises ImportFailure if no entry could be added."""
        while True:
            batch = self._lister.more(self._wanted, self._until, self._last_moment)
            self._note_start(batch)
            if (ended := self._took(batch)) is not None:
                return ended
            if batch.passed is not None:
                self._cursor, self._skipped = batch.passed, self._skipped.plus(batch.skipped)
            if batch.failure is not None:
                return self._broken_off(batch.failure)
            if batch.is_last:
                return self._report(is_last=True)
            if self._is_over(batch):
                return self._over()

    @property
    def _wanted(self) -> int:
        """Number of entries to request next. It is at least one: after a full list page, one more entry shows whether
        the list continues."""
        return max(1, min(_LOOKED_AT_ONCE if self._judge.looks else _BATCH, self._page.left))

    def _note_start(self, batch: Batch) -> None:
        """Give the list page at least as much time as reading up to its first entry took.

        Some lists can only be read from their start. With less time, each list page would add few entries, and the
        start would be read again for the next.
        """
        if self._is_waiting and (batch.entries or batch.passed):
            self._is_waiting = False
            self._until = max(self._until, min(self._last_moment, self._clock() + (self._clock() - self._began)))

    def _took(self, batch: Batch) -> PageReport | None:
        """Add a batch to the list page. Returns the report if the list page ends within the batch, else None."""
        for judged in self._judged(batch):
            if isinstance(judged, ImportFailure):
                return self._broken_off(judged)
            if not self._added(judged):
                return self._report(is_last=False)
            self._cursor, self._skipped = judged.entry.cursor, self._skipped.plus(judged.entry.skipped)
            if self._is_enough():
                return self._report(is_last=True)
        return None

    def _judged(self, batch: Batch) -> Sequence[_Judged | ImportFailure]:
        """Return the classified entries in the order of the list. A failure stands for all entries after it."""
        entries = batch.entries
        objections = [self._judge.objection(entry) for entry in entries]
        known = self._judge.known(entries)
        wanted = [
            number
            for number, entry in enumerate(entries)
            if self._judge.looks and entry.key and objections[number] is None and known[number] is None
        ]
        if wanted:
            try:
                self._look(batch, wanted, objections)
            except ImportFailure as failure:
                return [*map(_Judged, entries[: wanted[0]], known, objections), failure]
        return list(map(_Judged, entries, known, objections))

    def _look(self, batch: Batch, wanted: Sequence[int], objections: list[Finding | None]) -> None:
        """Check the first bytes of the objects. The import checks an object that is not checked in time."""
        if batch.is_late or batch.failure is not None:
            return
        looks = self._lister.look([batch.entries[number].key or "" for number in wanted], self._last_moment)
        batch.is_late = len(looks) < len(wanted)
        sizes = [batch.entries[number].size_bytes or 0 for number in wanted[: len(looks)]]
        for number, finding in zip(wanted, self._judge.looked(looks, sizes, self._last_moment), strict=False):
            objections[number] = finding

    def _added(self, judged: _Judged) -> bool:
        identity = self._judge.identity(judged.entry)
        address = judged.entry.url or judged.entry.key
        if identity is not None and self._found.get(identity) == address:
            self._skipped = self._skipped.plus(Skipped(repeats=1))
            return True  # another item with the same identity is reported, and the controller rejects it
        if judged.objection is not None and judged.known is None:
            return self._page.add(self._judge.rejected(judged.entry, judged.objection))
        if not self._page.add(self._judge.found(judged.entry, judged.known)):
            return False
        self._found.setdefault(identity, address)
        return True

    def _is_enough(self) -> bool:
        """Return whether this list page alone has as many items as requested.

        An item of an earlier list page may occur again, so the controller counts the items of all list pages.
        """
        limit = self._task.source.playlist.limit if self._task.source.playlist else None
        return limit is not None and len(self._found) >= limit

    def _is_over(self, batch: Batch) -> bool:
        return batch.is_late or self._clock() >= self._until

    def _over(self) -> PageReport:
        if self._cursor == self._task.cursor:
            message = f"The list sent no entry within {self._task.timeout_seconds} s."
            raise ImportFailure(Reason.STALLED, message)
        return self._report(is_last=False)

    def _broken_off(self, failure: ImportFailure) -> PageReport:
        """Return a report with the entries so far.

        The next list page begins where the source failed. If the source fails at its first entry, this method raises
        the failure.
        """
        if self._cursor == self._task.cursor:
            raise failure
        return self._report(is_last=False, broken=failure)

    def _report(self, *, is_last: bool, broken: ImportFailure | None = None) -> PageReport:
        task, page = self._task, self._page
        return PageReport(
            uid=task.uid, run=task.run, page=task.page, cursor=None if is_last else self._cursor, done=is_last,
            count=page.count, bytes=page.size, sha256=page.sha256,
            skipped=self._skipped if self._skipped.total else None,
            pushed_back=broken and broken.reason, retry_after_seconds=broken and broken.retry_after,
        )  # fmt: skip
