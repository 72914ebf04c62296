"""The input of decisions: the resources as models, and the needed parts of Jobs, pods, ConfigMaps and Events.

``core.parsers`` makes these views; a missing field is None.
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
    """Identity of a controlling owner. Two are equal only if all five fields are. A UID alone proves nothing: every
    user who may read an object knows it and may write it into an owner reference in another namespace."""

    namespace: str
    """Of the owner. An owner reference names none: it holds within the namespace of the object that has it."""
    group: str
    """API group; empty for the core group. The version is left out: an upgrade of the API does not change owners."""
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
    """Its controlling owner."""
    run: int
    """From its label; 0 when the label is missing."""
    created: datetime
    deleting: bool
    finished: Literal["Complete", "Failed"] | None
    failure_reason: str | None
    """Of the Failed condition, or FailureTarget before it: PodFailurePolicy, DeadlineExceeded, and others."""
    failure_message: str | None
    exit_code: int | None
    """As the podFailurePolicy wrote it into failure_message; it outlives the pod."""
    disrupted: bool
    """The podFailurePolicy's DisruptionTarget rule matched."""
    expires: bool
    """ttlSecondsAfterFinished is set."""
    suspended: bool = False
    """A queue (Kueue) holds it back: spec.suspend is true, which the controller never sets."""
    wish: str | None = None
    """The wish_hash of the spec that it was made from; None where that is not known."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod of one of the controller's Jobs, by the state of its container ``worker``."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    """Its controlling owner: the Job, where the controller made it."""
    created: datetime
    deleting: bool
    phase: str
    reason: str | None
    """status.reason, such as Evicted."""
    message: str | None
    disrupted: bool
    """Condition DisruptionTarget is True."""
    unscheduled: str | None
    """Message of PodScheduled=False with reason Unschedulable."""
    waiting_reason: str | None
    """Of the container: ContainerCreating, ImagePullBackOff, CreateContainerConfigError …"""
    waiting_message: str | None
    running: bool
    """The container runs."""
    exit_code: int | None
    oom_killed: bool
    termination_message: str | None
    gated: bool = False
    """Held back from the scheduler by a scheduling gate."""
    running_since: datetime | None = None
    """When the container began, while it runs."""
    ended_at: datetime | None = None
    """When the container ended, by its node's clock."""
    companions: tuple[str, ...] = ()
    """Names of other containers, as a mesh adds them, that have not ended. Native sidecars are not among them: the
    kubelet ends those by itself."""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A PersistentVolumeClaim of the controller: an import's scratch."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    """Its controlling owner."""
    created: datetime
    deleting: bool
    bound: bool
    """It has its volume. One that is not may still wait for its first pod."""
    room: str | None
    """The requested size and class, as ``core.video.scratch_claim`` writes them; None where that is not known."""


@dataclass(frozen=True, slots=True)
class EventView:
    """The cluster's message about a Job, pod or claim of the controller."""

    uid: str
    """Of the object it is about."""
    reason: str
    """FailedCreate, FailedMount, FailedScheduling …"""
    message: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class ShardView:
    """A ConfigMap that holds results of a bulk."""

    name: str
    uid: str
    owner: Owner | None
    """Its controlling owner."""
    number: int
    deleting: bool
    entries: dict[str, LedgerEntry]
    """By item identity."""
    size: int = 0
    """Bytes of all its data, of unreadable data as well."""
    immutable: bool = False
    """A user made it immutable: it can be read but not written."""


@dataclass(frozen=True, slots=True)
class PageView:
    """A ConfigMap that holds a page of a bulk's list; immutable from its creation."""

    name: str
    uid: str
    owner: Owner | None
    """Its controlling owner."""
    digest: str
    """Digest of the keys that are read, by ``core.discovery.page_digest``."""
    number: int
    listing: str
    """Which list it is of."""
    cursor: str | None
    """Where the next page begins."""
    done: bool
    """It is the last one."""
    deleting: bool
    items: tuple[Listed, ...]
    rejected: tuple[RefusedItem, ...]
    pushed_back: Reason | None = None
    """What broke the source off after it: the next page waits as after a failure."""
    integration: str | None = None
    """Of a page of items that earlier bulks left failed: under which source and destination it was added."""
    retry_after_seconds: int | None = None
    """The Retry-After of that failure, if the host sent one."""
    skipped: Skipped | None = None
    """What of the list is neither in it nor rejected."""


@dataclass(frozen=True, slots=True)
class ObservedVideo:
    """All that a decision about one VideoImport may depend on."""

    video: VideoImport
    jobs: tuple[JobView, ...] = ()
    """Jobs that name it as their owner. ``core.names_and_owners`` decides which of them are its own."""
    pods: tuple[PodView, ...] = ()
    """Pods of those Jobs."""
    progress: Progress | None = None
    """The latest snapshot of the current run's worker, if any was read."""
    events: tuple[EventView, ...] = ()
    """Answers to earlier Event queries."""
    claims: tuple[ClaimView, ...] = ()
    """PersistentVolumeClaims that name it as their owner."""
    host: BreakerState | None = None
    """The breaker of its source's host; None if closed."""
    no_room: str = ""
    """Which limit leaves no room for another run, in a sentence; empty when there is room for this one."""


@dataclass(frozen=True, slots=True)
class ObservedBulk:
    """All that a decision about one BulkImport may depend on."""

    bulk: BulkImport
    children: tuple[VideoImport, ...] = ()
    """VideoImports that name it as their owner. ``core.names_and_owners`` decides which of them are its own."""
    shards: tuple[ShardView, ...] = ()
    """Its result shards, in order of their number."""
    unreadable: frozenset[str] = frozenset()
    """Names of children that our models cannot read, such as those with a status of a newer version."""
    refusal: EventView | None = None
    """The API server's message when it last refused to create something for it."""
    pages: tuple[PageView, ...] = ()
    """Pages of its list, in order of their number; of an earlier list too."""
    jobs: tuple[JobView, ...] = ()
    """Its own Jobs, which list and deliver."""
    pods: tuple[PodView, ...] = ()
    """Pods of those Jobs."""
    events: tuple[EventView, ...] = ()
    """Answers to earlier Event queries about those."""
    unkept: frozenset[str] = frozenset()
    """UIDs of those Jobs whose page could not be kept: what their pod printed is gone or is not what was reported."""
    ahead: int = 0
    """Bulks with the same source and destination that go first: older, unfinished and not suspended."""
    hosts: tuple[HostStatus, ...] = ()
    """Open and half-open breakers of its namespace, by the host's name."""
    source_backoff_until: datetime | None = None
    """End of the backoff of the host that serves its list; may be in the past."""
    left_failed: tuple[Listed, ...] | None = None
    """The failed items of earlier bulks with the same source and destination that no later one imported. None where
    there are no earlier ones, or where they are not needed."""
