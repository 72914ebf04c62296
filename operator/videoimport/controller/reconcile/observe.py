"""What a decision gets to see, put together from the store and the notes."""

from dataclasses import dataclass, replace

import structlog

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import IMPORT, RUN
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.cache.sync_state import Notes
from videoimport.controller.client.api_client import Cluster
from videoimport.controller.client.errors import NotFound
from videoimport.controller.client.resources import Key, Place, controller_of
from videoimport.controller.reconcile.apply import Writer
from videoimport.core.bulk.retry_failed import collect_failed_items, needs_failed_items
from videoimport.core.invalid_objects import describe_problem
from videoimport.core.list_item import Listed
from videoimport.core.observed import ClaimView, JobView, ObservedBulk, ObservedVideo, PageView, PodView, ShardView
from videoimport.core.owned_objects import (
    OUR_LABELS,
    build_job_owner,
    is_claim_of,
    is_job_of,
    is_page_of,
    is_pod_of,
    is_shard_of,
)
from videoimport.core.plan import Kind, Patch
from videoimport.core.video_status import is_finished

_log = structlog.get_logger(__name__)
LEAVING_SECONDS = 5.0
"""Between two looks at something that is being deleted."""


def observe_video(entry: Entry, store: Store, notes: Notes) -> ObservedVideo:
    """Raises ValidationError when our models cannot read the resource."""
    video, jobs = entry.of(VideoImport), jobs_of(entry, store)
    pods = tuple(pod for job in jobs for pod in pods_of(job, store))
    current = notes.progress if notes.progress and notes.progress.run == video.status.run else None
    claims = claims_of(entry, store)
    uids = {job.uid for job in jobs} | {pod.uid for pod in pods} | {claim.uid for claim in claims}
    host, no_room = store.turns.seen_by(video)
    return ObservedVideo(video, jobs, pods, current, notes.events_about(uids), claims, host, no_room)


def observe_bulk(entry: Entry, store: Store, notes: Notes) -> ObservedBulk:
    """Raises ValidationError when our models cannot read the resource."""
    children = store.owned("VideoImport", entry.owner)
    unreadable = frozenset(name for child in children if (name := _unreadable(child)))
    readable = tuple(child.of(VideoImport) for child in children if not isinstance(child.view, Unreadable))
    jobs = jobs_of(entry, store)
    pods = tuple(pod for job in jobs for pod in pods_of(job, store))
    place, on_record = _place(entry), _on_record(entry, store)
    return replace(
        on_record,
        children=readable,
        unreadable=unreadable,
        refusal=next(iter(notes.events_about(set())), None),
        jobs=jobs,
        pods=pods,
        events=notes.events_about({job.uid for job in jobs} | {pod.uid for pod in pods}),
        unkept=frozenset(notes.unkept),
        ahead=store.siblings.ahead(place),
        left_failed=_left_failed(on_record, place, store),
        hosts=store.turns.hosts.list_statuses(place[0]),
        source_backoff_until=store.turns.source_backoff_until(entry.of(BulkImport)),
    )


def jobs_of(entry: Entry, store: Store) -> tuple[JobView, ...]:
    """Return the Jobs that are runs of this very import or bulk."""
    owner = entry.owner
    jobs = (job.of(JobView) for job in store.owned("Job", owner))
    return tuple(job for job in jobs if is_job_of(job, owner))


def claims_of(video: Entry, store: Store) -> tuple[ClaimView, ...]:
    """Return the import's scratch."""
    owner = video.owner
    claims = (claim.of(ClaimView) for claim in store.owned("PersistentVolumeClaim", owner))
    return tuple(claim for claim in claims if is_claim_of(claim, owner))


def pods_of(job: JobView, store: Store) -> tuple[PodView, ...]:
    """Return the pods that were made for this very Job."""
    pods = (pod.of(PodView) for pod in store.owned("Pod", build_job_owner(job.namespace, job.name, job.uid)))
    return tuple(pod for pod in pods if is_pod_of(pod, job))


def _on_record(entry: Entry, store: Store) -> ObservedBulk:
    """A bulk with what is kept of its list and its results."""
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
    """Looked for only where somebody wants to know, and once."""
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
    _log.error("a child cannot be read", child=name, problem=describe_problem(child.view.problem))
    return name


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Every method raises ClusterError when it gets no answer; then nothing is decided."""

    cluster: Cluster
    store: Store

    async def lost_reports(self, key: Key, entry: Entry, notes: Notes) -> None:
        """A Job's end may be seen before its pod's: before a report counts as lost, its pods are listed, once."""
        for job in jobs_of(entry, self.store):
            reported = any(pod.exit_code is not None for pod in pods_of(job, self.store))
            if job.finished is None or job.expires or reported or job.uid in notes.confirmed:
                continue
            selector = f"batch.kubernetes.io/controller-uid={job.uid}"
            async for page in self.cluster.pages("Pod", key.namespace, selector):
                for raw in page.items:
                    self.store.put("Pod", raw)
            notes.confirmed.add(job.uid)

    async def lost_job(self, key: Key, entry: Entry) -> None:
        """A Job may have left our sight with its label only. It gets the label back: a second run beside it would do
        everything twice."""
        video = entry.view
        if not isinstance(video, VideoImport) or not _has_a_run(video.status):
            return
        job = video.status.job
        if job is None or job.uid is None or self.store.find("Job", key.namespace, job.name):
            return
        try:
            there = await self.cluster.get("Job", key.namespace, job.name)
        except NotFound:
            return
        if there["metadata"]["uid"] == job.uid and controller_of(there) == entry.owner:
            labels = OUR_LABELS | {IMPORT: key.name, RUN: str(video.status.run)}
            patch = {"metadata": {"labels": labels}}
            await Writer(self.cluster, self.store).act(Patch("Job", key.namespace, job.name, job.uid, patch))

    async def what_leaves(self, key: Key, entry: Entry, notes: Notes, now: float) -> float | None:
        """A thing that is on its way out may be gone already: what vanishes between our first list and the watches'
        is in no event, and what waits for it would wait for the next comparison. The seconds until the next look."""
        leaving = [job for job in jobs_of(entry, self.store) if job.deleting]
        leaving_claims = [claim for claim in claims_of(entry, self.store) if claim.deleting]
        things: list[tuple[Kind, str, str]] = [("Job", job.name, job.uid) for job in leaving]
        things += [("PersistentVolumeClaim", claim.name, claim.uid) for claim in leaving_claims]
        for kind, name, uid in things:
            if now - notes.asked.setdefault(uid, now) < LEAVING_SECONDS:
                continue
            notes.asked[uid] = now
            await Writer(self.cluster, self.store).reread(kind, key.namespace, name, uid)
        return LEAVING_SECONDS if things else None


def _has_a_run(status: VideoImportStatus) -> bool:
    """Whether its Job should be there: a recorded one may have expired, and a stopped one is gone."""
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return not (is_finished(status) or between or status.phase is VideoPhase.SUSPENDED)
