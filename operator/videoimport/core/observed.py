"""Input of decisions: the resources as models, and the needed fields of Jobs, pods, ConfigMaps and Events.

``core.parsers`` makes these views from the API server's JSON. If a field is missing in the JSON, the field of the
view is None.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import HostStatus, LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Progress
from videoimport.api.tasks.listing_task import Skipped
from videoimport.api.videoimport import VideoImport
from videoimport.core.circuit_breaker import BreakerState
from videoimport.core.list_item import Listed, RefusedItem


class Owner(NamedTuple):
    """Identity of a controlling owner. Two owners are equal only if all five fields are equal.

    An equal UID alone is not enough. Every user who may read an object can copy its UID into an owner reference in
    another namespace.
    """

    namespace: str
    """Namespace of the owner. An owner reference has no namespace, because the owner is in the namespace of the
    object."""
    group: str
    """API group; empty for the core group. The version is left out, because an upgrade of the API does not change
    owners."""
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class JobView:
    """A Job of the controller."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    """The object's controlling owner."""
    run: int
    """Run number from the Job's label; 0 if the label is missing."""
    created: datetime
    deleting: bool
    finished: Literal["Complete", "Failed"] | None
    failure_reason: str | None
    """Reason of the condition Failed, or of FailureTarget before it: PodFailurePolicy, DeadlineExceeded and others."""
    failure_message: str | None
    exit_code: int | None
    """Exit code that the podFailurePolicy put into failure_message. The Job keeps the exit code when the pod is
    gone."""
    disrupted: bool
    """True if the DisruptionTarget rule of the podFailurePolicy matched."""
    expires: bool
    """True if ttlSecondsAfterFinished is set."""
    suspended: bool = False
    """True if spec.suspend is true: a queue (Kueue) holds the Job back. The controller never sets spec.suspend."""
    wish: str | None = None
    """``wish_hash`` of the spec from which the Job was made, or None if unknown."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod of one of the controller's Jobs. The fields about a container are about the container ``worker``."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    """Controlling owner of the pod: the Job, if the Job controller made the pod."""
    created: datetime
    deleting: bool
    phase: str
    reason: str | None
    """Value of status.reason, such as Evicted."""
    message: str | None
    disrupted: bool
    """True if the condition DisruptionTarget is True."""
    unscheduled: str | None
    """Message of the condition PodScheduled=False with reason Unschedulable; None without this condition."""
    waiting_reason: str | None
    """Reason why the container waits: ContainerCreating, ImagePullBackOff, CreateContainerConfigError …"""
    waiting_message: str | None
    running: bool
    """True while the container runs."""
    exit_code: int | None
    oom_killed: bool
    termination_message: str | None
    gated: bool = False
    """True if a scheduling gate holds the pod back from the scheduler."""
    running_since: datetime | None = None
    """Start time of the container while the container runs."""
    ended_at: datetime | None = None
    """End time of the container, by the clock of the node."""
    companions: tuple[str, ...] = ()
    """Names of other containers that have not ended, such as the containers that a service mesh adds. Native sidecars
    are left out, because the kubelet ends native sidecars by itself."""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A PersistentVolumeClaim of the controller: the scratch volume of an import."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    """The object's controlling owner."""
    created: datetime
    deleting: bool
    bound: bool
    """True if the claim has its volume. A claim without a volume may still wait for its first pod."""
    room: str | None
    """Requested size and storage class, as ``core.video.start_run`` writes them, or None if unknown."""


@dataclass(frozen=True, slots=True)
class EventView:
    """A Kubernetes Event about an object of the controller, such as a Job, a pod or a claim."""

    uid: str
    """UID of the object that the message is about."""
    reason: str
    """Reason of the Event: FailedCreate, FailedMount, FailedScheduling …"""
    message: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class ShardView:
    """A ConfigMap with results of a BulkImport."""

    name: str
    uid: str
    owner: Owner | None
    """The object's controlling owner."""
    number: int
    deleting: bool
    entries: dict[str, LedgerEntry]
    """Results by the identity of the item."""
    size: int = 0
    """Bytes of all data in the ConfigMap, including unreadable data."""
    immutable: bool = False
    """True if a user made the ConfigMap immutable. The controller can read the ConfigMap but not change it."""


@dataclass(frozen=True, slots=True)
class PageView:
    """A ConfigMap with a page of a BulkImport's list. The ConfigMap is immutable from its creation."""

    name: str
    uid: str
    owner: Owner | None
    """The object's controlling owner."""
    digest: str
    """Digest of the data that is read, from ``core.discovery.page_digest``."""
    number: int
    listing: str
    """Identifier of the list that the page belongs to."""
    cursor: str | None
    """Position where the next page begins."""
    done: bool
    """True if this is the last page."""
    deleting: bool
    items: tuple[Listed, ...]
    rejected: tuple[RefusedItem, ...]
    pushed_back: Reason | None = None
    """Why the source broke off after this page. The next page then waits as after a failure."""
    integration: str | None = None
    """Short hash of the source and destination under which the page was added. Only a page of items that earlier
    BulkImports left failed has this hash."""
    retry_after_seconds: int | None = None
    """Seconds of the Retry-After header, if ``pushed_back`` is set and the host sent this header."""
    skipped: Skipped | None = None
    """Counts of this page's rows that are neither items nor rejected."""


@dataclass(frozen=True, slots=True)
class ObservedVideo:
    """All facts that a decision about one VideoImport may depend on."""

    video: VideoImport
    jobs: tuple[JobView, ...] = ()
    """Jobs that name it as their owner. ``core.names_and_owners`` decides which of them are its own."""
    pods: tuple[PodView, ...] = ()
    """Pods of those Jobs."""
    progress: Progress | None = None
    """Latest progress report of the current run's worker, if any was read."""
    events: tuple[EventView, ...] = ()
    """Answers to earlier Event queries."""
    claims: tuple[ClaimView, ...] = ()
    """PersistentVolumeClaims that name the VideoImport as their owner."""
    host: BreakerState | None = None
    """Breaker of the source's host, or None if the breaker is closed."""
    no_room: str = ""
    """Sentence about the limit that keeps another run from starting. The value is empty if this run may start."""


@dataclass(frozen=True, slots=True)
class ObservedBulk:
    """All facts that a decision about one BulkImport may depend on."""

    bulk: BulkImport
    children: tuple[VideoImport, ...] = ()
    """VideoImports that name it as their owner. ``core.names_and_owners`` decides which of them are its own."""
    shards: tuple[ShardView, ...] = ()
    """Result shards of the BulkImport, in order of their numbers."""
    unreadable: frozenset[str] = frozenset()
    """Names of children that the models cannot read, such as children with a status of a newer version."""
    refusal: EventView | None = None
    """Message of the API server's latest refusal to create an object for the BulkImport."""
    pages: tuple[PageView, ...] = ()
    """Pages of the BulkImport's list, in order of their numbers. Pages of an earlier list are included."""
    jobs: tuple[JobView, ...] = ()
    """Jobs of the BulkImport itself, which list pages and deliver webhook messages."""
    pods: tuple[PodView, ...] = ()
    """Pods of those Jobs."""
    events: tuple[EventView, ...] = ()
    """Answers to earlier Event queries about these Jobs and pods."""
    unkept: frozenset[str] = frozenset()
    """UIDs of Jobs whose page could not be stored: the output of the pod is gone or differs from the report."""
    ahead: int = 0
    """Number of BulkImports with the same source and destination that go first: older, unfinished and not suspended."""
    hosts: tuple[HostStatus, ...] = ()
    """Open and half-open breakers of the namespace, in order of host names."""
    source_backoff_until: datetime | None = None
    """End of the backoff of the host that serves the BulkImport's list; may be in the past."""
    left_failed: tuple[Listed, ...] | None = None
    """Failed items of earlier BulkImports with the same source and destination, unless a later BulkImport imported the
    item. The value is None if there are no earlier BulkImports, or if the decision does not need these items."""
