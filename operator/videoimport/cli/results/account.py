"""The outcome of every item of a BulkImport. It is computed with the controller's rules, from the objects in the
cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import AcceptedItem, BulkPhase, LedgerEntry
from videoimport.api.labels import BULK, BULK_KIND, PAGE, SHARD
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.cli.errors import UnusableError
from videoimport.cli.resource_facts import explain_reason
from videoimport.core.bulk.messages import format_counts
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.list_item import RefusedItem
from videoimport.core.names_and_owners import build_bulk_owner, find_controller
from videoimport.core.observed import ObservedBulk
from videoimport.core.observed_parsers import parse_page, parse_shard

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """The outcome of every item of a list. Each item occurs once."""

    bulk: BulkImport
    results: tuple[LedgerEntry, ...]
    """Results of ended items, in the order of the list."""
    rejected: tuple[RejectedItem, ...]
    """Items that are not imported, each with a reason."""
    open: tuple[AcceptedItem, ...]
    """Items that have not ended or will be retried."""
    counts: str
    """The counts as text, as in the status."""

    @property
    def state(self) -> str:
        """The phase with the counts. For a BulkImport that failed, the reason and the message, which begins with the
        counts."""
        status = self.bulk.status
        if status.phase is not BulkPhase.FAILED or not status.message:
            return f"{status.phase or 'not begun'}, {self.counts}"
        wire = {"kind": BULK_KIND, "metadata": {}, "status": status.wire()}
        return f"{status.phase}: {explain_reason(wire)}"

    @property
    def completed(self) -> int:
        """Number of successful items, including duplicates."""
        return sum(result.success for result in self.results)

    @property
    def duplicates(self) -> int:
        """Number of successful items that the destination already had."""
        return sum(result.success and result.reason is Reason.DUPLICATE for result in self.results)

    @property
    def failed(self) -> int:
        """Number of items that ended without success."""
        return len(self.results) - self.completed


def of_cluster(kube: "Kube", namespace: str, name: str) -> Account:
    """Read the BulkImport, its results and the pages of its list. Raises UnusableError."""
    raw = kube.bulk(namespace, name)
    return counted(raw, kube.config_maps(namespace, f"{BULK}={name}"))


def counted(raw: Raw, config_maps: Iterable[Raw]) -> Account:
    """Return the outcomes, computed from the BulkImport and from the ConfigMaps that it names. Raises UnusableError.

    ConfigMaps of another BulkImport with the same name are ignored.
    """
    try:
        bulk = BulkImport.parse(raw)
    except ValidationError as error:
        what = error.errors()[0]
        where = ".".join(map(str, what["loc"]))
        raise UnusableError(
            f"This version of the program cannot read the BulkImport: {where}: {what['msg']}; use the same "
            "release as the controller."
        ) from None
    owner = build_bulk_owner(bulk.metadata)
    own = [found for found in config_maps if find_controller(found["metadata"]) == owner]
    shards = sorted((parse_shard(found) for found in own if _has(found, SHARD)), key=lambda shard: shard.number)
    pages = sorted((parse_page(found) for found in own if _has(found, PAGE)), key=lambda page: page.number)
    snapshot = BulkSnapshot(ObservedBulk(bulk, shards=tuple(shards), pages=tuple(pages)))
    return Account(
        bulk=bulk,
        results=snapshot.results,
        rejected=tuple(_shown(line) for line in snapshot.rejected),
        open=tuple(
            AcceptedItem(name=line.listed.name, url=snapshot.format_address(line.listed))
            for line in snapshot.outcomes
            if not line.done
        ),
        counts=format_counts(snapshot),
    )


def _shown(line: RefusedItem) -> RejectedItem:
    return RejectedItem(name=line.name, url=line.url, reason=line.reason, message=line.message)


def _has(raw: Raw, label: str) -> bool:
    return label in (raw["metadata"].get("labels") or {})
