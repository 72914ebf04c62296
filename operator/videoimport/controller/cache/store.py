"""The cache of all kinds. Three sources fill it: watches, lists, and the API server's responses to the controller's own
writes.

The store keeps the newest resourceVersion. The order in which the versions arrive does not matter. A list that is older
than a deletion does not restore the object. Use the store from one thread. Only ``objects`` may be called from another
thread, for metrics.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from videoimport.api.base import Model
from videoimport.api.labels import GROUP, VIDEO_KIND
from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.entry import Entry, Unreadable, read
from videoimport.controller.cache.same_destination_bulks import Siblings
from videoimport.controller.cache.start_order import Turns
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.resources import KINDS, Key, Place, Raw
from videoimport.controller.queue.workqueue import Clock
from videoimport.core.jobs.run_lifecycle import is_active
from videoimport.core.names_and_owners import build_job_owner, is_job_of_video, is_pod_of
from videoimport.core.observed import JobView, Owner, PodView
from videoimport.core.plan import Kind
from videoimport.core.start_limits import DEFAULT, Limits

TOMBSTONE_SECONDS = 600.0
"""Seconds for which the store keeps a deletion. No list takes longer."""


@dataclass(frozen=True, slots=True)
class _Tombstone:
    version: int
    buried: float


class Store:
    """The cache. ``changed`` is called with the key of each VideoImport or BulkImport that a change affects."""

    def __init__(self, changed: Callable[[Key], None], clock: Clock = time.monotonic, limits: Limits = DEFAULT) -> None:
        self._changed = changed
        self._clock = clock
        self._entries: dict[Kind, dict[Place, Entry]] = {kind: {} for kind in KINDS}
        self._tombstones: dict[Kind, dict[Place, _Tombstone]] = {kind: {} for kind in KINDS}
        self.turns = Turns(self._wake, limits)
        self.siblings = Siblings(changed)
        self._owned: dict[tuple[Kind, Owner], set[Place]] = defaultdict(set)
        """Namespaces and names of objects, by kind and controlling owner. An object is in the namespace of its
        owner."""
        self._working: dict[Place, set[str]] = {}
        """UIDs of imports whose Jobs were seen running, until these Jobs end. The key is the namespace and name of the
        imports."""

    def find(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        """Return the object of that name, if the store has it."""
        return self._entries[kind].get((namespace, name))

    def owned(self, kind: Kind, owner: Owner) -> list[Entry]:
        """Return the objects of this controlling owner, sorted by name."""
        places = self._owned.get((kind, owner), ())
        return [self._entries[kind][place] for place in sorted(places)]

    def objects(self, kind: Kind) -> list[Entry]:
        """Return all objects of a kind. Other threads may call this method."""
        return list(self._entries[kind].values())

    def put(self, kind: Kind, raw: Raw, known: Mapping[str, Model] = MappingProxyType({})) -> bool:
        """Store this object unless the store has a newer version or a deletion. Return whether the store changed.

        ``known`` has parts that are parsed already, such as the spec and the status.
        """
        place, version = _place(raw), _version(raw)
        if version <= self._known_version(kind, place):
            return False
        older = self._forget(kind, place)
        entry = self._entries[kind][place] = read(kind, raw, version, known)
        self._tombstones[kind].pop(place, None)
        if entry.controller:
            self._owned[kind, entry.controller].add(place)
        self._take_turns(kind, entry)
        if older is not None:
            self._leave_owner(kind, older, entry.controller)
        self._tell(kind, *([older] if older is not None else []), entry)
        return True

    def remove(self, kind: Kind, raw: Raw) -> None:
        """Remove a deleted object. ``raw`` is its last version, with the resourceVersion of the deletion."""
        self._bury(kind, _place(raw), _version(raw))

    def vanished(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Remove an object that does not exist at the API server any more."""
        entry = self.find(kind, namespace, name)
        if entry is not None and entry.uid == uid:
            self._bury(kind, (namespace, name), entry.version)

    def keep_only(self, kind: Kind, listed: Container[Place], version: int, namespace: str | None) -> int:
        """Remove the objects that are missing in a list of this version, unless they are newer than the list. Return
        the number of removed objects.

        The list has the objects of one namespace, or of all namespaces if ``namespace`` is None.
        """
        missing = [
            place
            for place, entry in self._entries[kind].items()
            if place not in listed and entry.version <= version and namespace in (None, place[0])
        ]
        for place in missing:
            self._bury(kind, place, version)
        self._drop_old_tombstones(kind)
        return len(missing)

    def _known_version(self, kind: Kind, place: Place) -> int:
        entry, tombstone = self._entries[kind].get(place), self._tombstones[kind].get(place)
        return max(entry.version if entry else 0, tombstone.version if tombstone else 0)

    def _bury(self, kind: Kind, place: Place, version: int) -> None:
        if version < self._known_version(kind, place):
            return
        self._tombstones[kind][place] = _Tombstone(version, self._clock())
        if entry := self._forget(kind, place):
            self._take_turns(kind, entry)
            self._tell(kind, entry)

    def _forget(self, kind: Kind, place: Place) -> Entry | None:
        entry = self._entries[kind].pop(place, None)
        if entry is not None and (owner := entry.controller):
            owned = self._owned[kind, owner]
            owned.discard(place)
            if not owned:
                del self._owned[kind, owner]
        return entry

    def _take_turns(self, kind: Kind, changed: Entry) -> None:
        """Update the indexes of hosts, slots and BulkImports after this entry was added or removed."""
        owner = changed.controller
        if kind == "BulkImport":
            place = _place(changed.head)
            now = self.find(kind, *place)
            self.siblings.put(place, now and now.view)
            self.turns.bulk(place, changed.uid, now)
        elif kind == "VideoImport":
            self._import(_place(changed.head), changed.uid, answered=True)
        elif kind == "Job" and owner is not None and (owner.group, owner.kind) == (GROUP, VIDEO_KIND):
            self._import((owner.namespace, owner.name), owner.uid, answered=False)
        elif kind == "Pod" and owner is not None:
            self._take_turns_of_job(owner)

    def _leave_owner(self, kind: Kind, older: Entry, owner: Owner | None) -> None:
        """Update the indexes for the earlier owner of this Job or pod. That owner may thus lose a slot."""
        if kind in ("Job", "Pod") and older.controller not in (owner, None):
            self._take_turns(kind, older)

    def _take_turns_of_job(self, owner: Owner) -> None:
        """Update the indexes for the Job of a pod, because the work of a Job ends with the worker of its pod."""
        if (job := self._job_that_is(owner)) is not None:
            self._take_turns("Job", job)

    def _job_that_is(self, owner: Owner) -> Entry | None:
        """Return the Job that a pod names as its owner. Return None if the store has no Job with this UID."""
        job = self.find("Job", owner.namespace, owner.name)
        is_it = job is not None and build_job_owner(owner.namespace, owner.name, job.uid) == owner
        return job if is_it else None

    def _import(self, place: Place, uid: str, *, answered: bool) -> None:
        entry = self._entries["VideoImport"].get(place)
        self.turns.video(place, uid, entry, working=self._is_working(place, entry), answered=answered)

    def _is_working(self, place: Place, entry: Entry | None) -> bool:
        """Return whether a Job of an import with this name has not ended.

        A run takes a slot only after its number is in the import's status. Otherwise any user could take slots with
        Jobs. The run then keeps the slot until its end, even if the import is deleted.
        """
        known = self._working.get(place, frozenset[str]())
        uids = known | ({entry.uid} if entry else set())
        working = {uid for uid in uids if self._runs(place, uid, entry, known=uid in known)}
        if working:
            self._working[place] = working
        else:
            self._working.pop(place, None)
        return bool(working)

    def _runs(self, place: Place, uid: str, entry: Entry | None, *, known: bool) -> bool:
        namespace, name = place
        owner = Owner(namespace, GROUP, VIDEO_KIND, name, uid)
        views = (job.view for job in self.owned("Job", owner))
        jobs = [job for job in views if isinstance(job, JobView) and is_job_of_video(job, owner)]
        decided = _decided_runs(entry) if entry is not None and entry.uid == uid else None
        active = (job for job in jobs if is_active(job, self._pods_of(job)))
        return any(known if decided is None else job.run <= decided for job in active)

    def _pods_of(self, job: JobView) -> Iterator[PodView]:
        views = (pod.view for pod in self.owned("Pod", build_job_owner(job.namespace, job.name, job.uid)))
        return (pod for pod in views if isinstance(pod, PodView) and is_pod_of(pod, job))

    def withdraw(self, key: Key) -> None:
        """Undo the last decision about an import in the indexes, because its write failed."""
        entry = self.find(*key)
        if entry is not None and key.kind == "VideoImport":
            self._import((key.namespace, key.name), entry.uid, answered=True)

    def _wake(self, key: Key) -> None:
        if entry := self.find(*key):
            self._tell(key.kind, entry)

    def _tell(self, kind: Kind, *versions: Entry) -> None:
        """Queue the keys that a change affects, including the keys that an earlier version named. Any user may edit
        these names."""
        for key in dict.fromkeys(key for entry in versions for key in (*entry.keys, *self._keys_of_job(kind, entry))):
            self._changed(key)

    def _keys_of_job(self, kind: Kind, pod: Entry) -> tuple[Key, ...]:
        """Return the keys of the Job that owns a pod, because the pod itself may have lost its labels."""
        job = self._job_that_is(pod.controller) if kind == "Pod" and pod.controller is not None else None
        return job.keys if job is not None else ()

    def _drop_old_tombstones(self, kind: Kind) -> None:
        oldest = self._clock() - TOMBSTONE_SECONDS
        kept = {place: stone for place, stone in self._tombstones[kind].items() if stone.buried > oldest}
        self._tombstones[kind] = kept


class Comparison:
    """A comparison of the store with a list that arrives in pages. Missing objects are removed only by ``finish``."""

    def __init__(self, store: Store, kind: Kind, namespace: str | None) -> None:
        self._store = store
        self._kind: Kind = kind
        self._namespace = namespace
        self._listed: set[Place] = set()
        self._version: int | None = None
        self._changed = 0

    def take(self, page: Page) -> None:
        """Compare the next page with the store."""
        self._version = page.version if self._version is None else min(self._version, page.version)
        for raw in page.items:
            self._listed.add(_place(raw))
            self._changed += self._store.put(self._kind, raw)

    def finish(self) -> int:
        """Remove missing objects after the last page. Return how many objects changed or were removed."""
        if self._version is None:
            return 0
        return self._changed + self._store.keep_only(self._kind, self._listed, self._version, self._namespace)


def _decided_runs(video: Entry) -> int:
    """Return the number of the last run in the status of an import, or 0 before the first run."""
    if isinstance(video.view, VideoImport):
        return video.view.status.run or 0
    run = video.view.raw.get("status", {}).get("run", 0) if isinstance(video.view, Unreadable) else 0
    return run if isinstance(run, int) else 0


def _place(raw: Raw) -> Place:
    metadata = raw["metadata"]
    return metadata["namespace"], metadata["name"]


def _version(raw: Raw) -> int:
    """Return the resourceVersion as a number.

    Since Kubernetes 1.35, clients may compare versions of one kind (KEP-5504, "Comparable Resource Version"). In every
    older API server these numbers increase too.
    """
    return int(raw["metadata"]["resourceVersion"])
