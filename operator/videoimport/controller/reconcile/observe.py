"""What a decision gets to see, put together from the store and the notes."""

from dataclasses import replace

import structlog

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.cache.sync_state import Notes
from videoimport.controller.client.resources import Place
from videoimport.core.bulk.retry_failed import collect_failed_items, needs_failed_items
from videoimport.core.invalid_objects import describe_problem
from videoimport.core.list_item import Listed
from videoimport.core.observed import ClaimView, JobView, ObservedBulk, ObservedVideo, PageView, PodView, ShardView
from videoimport.core.owned_objects import build_job_owner, is_claim_of, is_job_of, is_page_of, is_pod_of, is_shard_of

_log = structlog.get_logger(__name__)


def observe_video(entry: Entry, store: Store, notes: Notes) -> ObservedVideo:
    """Raises ValidationError when our models cannot read the resource."""
    video, jobs = entry.of(VideoImport), jobs_of(entry, store)
    pods = tuple(pod for job in jobs for pod in pods_of(job, store))
    current = notes.progress if notes.progress and notes.progress.run == video.status.run else None
    claims = claims_of(entry, store)
    uids = {job.uid for job in jobs} | {pod.uid for pod in pods} | {claim.uid for claim in claims}
    host, no_room = store.turns.seen_by(video)
    return ObservedVideo(video, jobs, pods, current, notes.events_about(uids), claims, host, no_room)


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
