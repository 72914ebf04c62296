"""Context of a decision about discovery: the valid pages, the current run, and the attempts for the next page."""

from datetime import datetime
from functools import cached_property

from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.discovery.page_digest import prune_chain
from videoimport.core.discovery.pages import (
    get_recorded_chain,
    hash_listing,
    hash_listing_spec,
    is_list_complete,
    select_counted_pages,
)
from videoimport.core.jobs.bulk_task_job import find_task_run
from videoimport.core.jobs.run_lifecycle import RunState
from videoimport.core.names_and_owners import Word
from videoimport.core.observed import ObservedBulk, PageView
from videoimport.core.settings import Settings

LISTING_TASK: Word = "list"
"""Name of the listing task in the names of its Jobs."""


class DiscoveryContext:
    """The state of one list at the time of a decision."""

    def __init__(self, observed: ObservedBulk, now: datetime, settings: Settings, wanted: bool) -> None:
        self.observed = observed
        self.bulk = observed.bulk
        self.now = now
        """Current time in whole seconds, like timestamps in a status."""
        self.settings = settings
        self.wanted = wanted
        self.listing = hash_listing(observed.bulk)
        self.pages = select_counted_pages(observed, self.listing)
        self.spec_hash = hash_listing_spec(observed.bulk)

    @property
    def job_spec_hash(self) -> str:
        """Hash of the page to list next, and of the spec fields from which its Job is made."""
        return f"{self.spec_hash}-{len(self.pages)}"

    @cached_property
    def status(self) -> DiscoveryStatus:
        """The present status, derived from the pages.

        The number of attempts starts again at zero for another page, for another list, and for a changed spec. After
        a failure, a new retryToken has the same effect. In each case another run must begin, because the last run
        was for other values.
        """
        last = self.pages[-1] if self.pages else None
        changes = {
            "listing": self.listing,
            "pages": len(self.pages),
            "cursor": last.cursor if last else None,
            "page_digests": prune_chain(get_recorded_chain(self.bulk, self.listing), len(self.pages)),
            "done": is_list_complete(self.bulk, self.pages),
        }
        before = self.previous
        restarted = (before.listing, before.pages, before.wish) != (self.listing, len(self.pages), self.spec_hash)
        if restarted or (self._token_changed and before.reason is not None):
            changes |= {
                "attempts": Attempts(),
                "reason": None,
                "message": None,
                "wish": "",
                "since": None,
                "host_failures": 0,
            }
        status = before.model_copy(update=changes)
        attempts = status.attempts.model_copy(update={"max": self.bulk.spec.template.max_attempts})
        return status.model_copy(update={"attempts": attempts})

    @cached_property
    def run(self) -> RunState:
        """The current run."""
        return find_task_run(
            self.observed, LISTING_TASK, self.previous.run, self.status.attempts, self.now, self.settings
        )

    @property
    def since(self) -> datetime:
        """Time of the start of the tries for the present page."""
        return self.status.since or self.now

    @property
    def interrupted_page(self) -> PageView | None:
        """The last page, if the page has just been stored and reading of the source failed after this page.
        Otherwise None."""
        if not self.pages or self.previous.pages == len(self.pages) or self.pages[-1].pushed_back is None:
            return None
        return self.pages[-1]

    @property
    def previous(self) -> DiscoveryStatus:
        """The status that the controller wrote last."""
        return self.bulk.status.discovery or DiscoveryStatus()

    @property
    def _token_changed(self) -> bool:
        return (self.bulk.status.observed_retry_token or "") != self.bulk.spec.retry_token
