"""Collection of the input of a decision: the objects of a VideoImport or BulkImport, from the store and the API server.

The watches may be late. So the controller reads an object at the API server before the object counts as lost.
"""

from dataclasses import dataclass, replace

import structlog

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import IMPORT, RUN
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.controller.cache.additional_state import Notes
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.client.errors import NotFound
from videoimport.controller.client.resources import Key, Place
from videoimport.controller.reconcile.apply import Writer
from videoimport.core.bulk.retry_failed import collect_failed_items, needs_failed_items
from videoimport.core.invalid_objects import describe_problem
from videoimport.core.list_item import Listed
from videoimport.core.names_and_owners import (
    OUR_LABELS,
    build_job_owner,
    find_controller,
    is_claim_of,
    is_job_of,
    is_page_of,
    is_pod_of,
    is_shard_of,
)
from videoimport.core.observed import ClaimView, JobView, ObservedBulk, ObservedVideo, PageView, PodView, ShardView
from videoimport.core.plan import Kind, Patch
from videoimport.core.video_status import is_finished

_log = structlog.get_logger(__name__)
LEAVING_SECONDS = 5.0
"""Seconds between two reads of an object that is being deleted."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The Jobs, pods and scratch claims of one VideoImport or BulkImport."""

    jobs: tuple[JobView, ...]
    pods: tuple[PodView, ...]
    claims: tuple[ClaimView, ...]


async def collect_owned(
    key: Key, entry: Entry, cluster: Cluster, store: Store, notes: Notes, now: float
) -> tuple[Owned, float | None]:
    """Return the objects of this import or BulkImport in the store, and the seconds until the next read.

    Objects that may be lost are first read at the API server. The seconds are None if no object is being deleted. If
    the API server does not answer, raises ClusterError, and no decision is made.
    """
    live, owned = LiveReads(cluster, store), list_owned(entry, store)
    if await live.read_lost_reports(key, owned, notes):
        owned = list_owned(entry, store)
    if await live.restore_lost_job(key, entry):
        owned = list_owned(entry, store)
    deleting: list[tuple[Kind, JobView | ClaimView]] = [("Job", job) for job in owned.jobs if job.deleting]
    deleting += [("PersistentVolumeClaim", claim) for claim in owned.claims if claim.deleting]
    if await live.read_deleting(key, deleting, notes, now):
        owned = list_owned(entry, store)
    return owned, LEAVING_SECONDS if deleting else None


def observe_video(entry: Entry, owned: Owned, store: Store, notes: Notes) -> ObservedVideo:
    """Return the input of a decision about this VideoImport. Raises ValidationError if the resource cannot be read."""
    video = entry.of(VideoImport)
    current = notes.progress if notes.progress and notes.progress.run == video.status.run else None
    uids = {job.uid for job in owned.jobs} | {pod.uid for pod in owned.pods} | {claim.uid for claim in owned.claims}
    host, no_room = store.turns.seen_by(video)
    return ObservedVideo(video, owned.jobs, owned.pods, current, notes.events_about(uids), owned.claims, host, no_room)


def observe_bulk(entry: Entry, owned: Owned, store: Store, notes: Notes) -> ObservedBulk:
    """Return the input of a decision about this BulkImport. Raises ValidationError if the resource cannot be read."""
    children = store.owned("VideoImport", entry.owner)
    unreadable = frozenset(name for child in children if (name := _unreadable(child)))
    readable = tuple(child.of(VideoImport) for child in children if not isinstance(child.view, Unreadable))
    place, on_record = _place(entry), _on_record(entry, store)
    return replace(
        on_record,
        children=readable,
        unreadable=unreadable,
        refusal=next(iter(notes.events_about(set())), None),
        jobs=owned.jobs,
        pods=owned.pods,
        events=notes.events_about({job.uid for job in owned.jobs} | {pod.uid for pod in owned.pods}),
        unkept=frozenset(notes.unkept),
        ahead=store.siblings.ahead(place),
        left_failed=_left_failed(on_record, place, store),
        hosts=store.turns.hosts.list_statuses(place[0]),
        source_backoff_until=store.turns.source_backoff_until(entry.of(BulkImport)),
    )


def _on_record(entry: Entry, store: Store) -> ObservedBulk:
    """Return a BulkImport with the stored pages of its list and the stored results."""
    owner = entry.owner
    lists = [config_map.view for config_map in store.owned("ConfigMap", owner)]
    shards = (view for view in lists if isinstance(view, ShardView) and is_shard_of(view, owner))
    pages = (view for view in lists if isinstance(view, PageView) and is_page_of(view, owner))
    return ObservedBulk(
        bulk=entry.of(BulkImport),
        shards=tuple(sorted(shards, key=lambda shard: shard.number)),
        pages=tuple(sorted(pages, key=lambda page: page.number)),
    )


def _left_failed(observed: ObservedBulk, place: Place, store: Store) -> tuple[Listed, ...] | None:
    """Return the failed items of older BulkImports.

    Return None if no decision needs the items, if there is no older BulkImport, or if an older BulkImport must run
    first.
    """
    if not needs_failed_items(observed):
        return None
    older = store.siblings.earlier(place)
    if not older or store.siblings.ahead(place):
        return None
    entries = (store.find("BulkImport", *other) for other in older)
    return collect_failed_items(_on_record(entry, store) for entry in entries if entry is not None)


def _place(entry: Entry) -> Place:
    metadata = entry.head["metadata"]
    return metadata["namespace"], metadata["name"]


def _unreadable(child: Entry) -> str | None:
    if not isinstance(child.view, Unreadable):
        return None
    name: str = child.head["metadata"]["name"]
    _log.error("child_unreadable", child=name, problem=describe_problem(child.view.problem))
    return name


def list_owned(entry: Entry, store: Store) -> Owned:
    """Return the objects in the store that belong to this import or BulkImport."""
    owner = entry.owner
    jobs = (job.of(JobView) for job in store.owned("Job", owner))
    own_jobs = tuple(job for job in jobs if is_job_of(job, owner))
    claims = (claim.of(ClaimView) for claim in store.owned("PersistentVolumeClaim", owner))
    pods = tuple(pod for job in own_jobs for pod in _list_pods(job, store))
    return Owned(own_jobs, pods, tuple(claim for claim in claims if is_claim_of(claim, owner)))


def _list_pods(job: JobView, store: Store) -> tuple[PodView, ...]:
    """Return only the pods that were created for this Job."""
    pods = (pod.of(PodView) for pod in store.owned("Pod", build_job_owner(job.namespace, job.name, job.uid)))
    return tuple(pod for pod in pods if is_pod_of(pod, job))


@dataclass(frozen=True, slots=True)
class LiveReads:
    """Reads of objects at the API server before they count as lost.

    Every method returns whether it read anything. Every method raises ClusterError if the API server does not answer.
    """

    cluster: Cluster
    store: Store

    async def read_lost_reports(self, key: Key, owned: Owned, notes: Notes) -> bool:
        """List the pods of finished Jobs, once for each Job. The watches may show the end of a Job before the end of
        its pod."""
        has_read = False
        for job in owned.jobs:
            reported = any(pod.exit_code is not None for pod in _list_pods(job, self.store))
            if job.finished is None or job.expires or reported or job.uid in notes.confirmed:
                continue
            has_read = True
            selector = f"batch.kubernetes.io/controller-uid={job.uid}"
            async for page in self.cluster.pages("Pod", key.namespace, selector):
                for raw in page.items:
                    self.store.put("Pod", raw)
            notes.confirmed.add(job.uid)
        return has_read

    async def restore_lost_job(self, key: Key, entry: Entry) -> bool:
        """Add the labels again to a Job that left the watch because a user removed its label.

        Without the labels, the controller would start a second run, which would do all work twice.
        """
        video = entry.view
        if not isinstance(video, VideoImport) or not _has_a_run(video.status):
            return False
        job = video.status.job
        if job is None or job.uid is None or self.store.find("Job", key.namespace, job.name):
            return False
        try:
            there = await self.cluster.get("Job", key.namespace, job.name)
        except NotFound:
            return True
        if there["metadata"]["uid"] == job.uid and find_controller(there["metadata"]) == entry.owner:
            labels = OUR_LABELS | {IMPORT: key.name, RUN: str(video.status.run)}
            patch = {"metadata": {"labels": labels}}
            await Writer(self.cluster, self.store).act(Patch("Job", key.namespace, job.name, job.uid, patch))
        return True

    async def read_deleting(
        self, key: Key, deleting: list[tuple[Kind, JobView | ClaimView]], notes: Notes, now: float
    ) -> bool:
        """Read objects that are being deleted, each at most once in LEAVING_SECONDS.

        If an object vanishes between the first list and the watch, no event reports the deletion. Then a decision would
        wait for the next relist.
        """
        has_read = False
        for kind, view in deleting:
            if now - notes.asked.setdefault(view.uid, now) < LEAVING_SECONDS:
                continue
            has_read = True
            notes.asked[view.uid] = now
            await Writer(self.cluster, self.store).reread(kind, key.namespace, view.name, view.uid)
        return has_read


def _has_a_run(status: VideoImportStatus) -> bool:
    """Return whether a Job of the import should exist. The Job of a recorded result may have expired, and a stopped Job
    is gone."""
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return not (is_finished(status) or between or status.phase is VideoPhase.SUSPENDED)
