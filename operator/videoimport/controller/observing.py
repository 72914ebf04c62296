"""What a decision gets to see, put together from the store and the notes."""

from dataclasses import replace

import structlog

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.controller.kinds import Place
from videoimport.controller.notes import Notes
from videoimport.controller.reading import Entry, Unreadable
from videoimport.controller.store import Store
from videoimport.core.earlier import asks_for_earlier, left_failed
from videoimport.core.listed import Listed
from videoimport.core.observe import ClaimView, JobView, ObservedBulk, ObservedVideo, PageView, PodView, ShardView
from videoimport.core.refuse import problem_of

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


def jobs_of(owner: Entry, store: Store) -> tuple[JobView, ...]:
    """Jobs that this very import or bulk controls."""
    return tuple(job.of(JobView) for job in store.owned("Job", owner.uid))


def claims_of(video: Entry, store: Store) -> tuple[ClaimView, ...]:
    """Its scratch."""
    return tuple(claim.of(ClaimView) for claim in store.owned("PersistentVolumeClaim", video.uid))


def pods_of(job: JobView, store: Store) -> tuple[PodView, ...]:
    """Its pods."""
    return tuple(pod.of(PodView) for pod in store.owned("Pod", job.uid))


def observe_bulk(entry: Entry, store: Store, notes: Notes) -> ObservedBulk:
    """Raises ValidationError when our models cannot read the resource."""
    children = store.owned("VideoImport", entry.uid)
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
        hosts=store.turns.hosts.statuses(),
        source_rests_until=store.turns.source_rests_until(entry.of(BulkImport)),
    )


def _on_record(entry: Entry, store: Store) -> ObservedBulk:
    """A bulk with what is kept of its list and its results."""
    lists = [config_map.view for config_map in store.owned("ConfigMap", entry.uid)]
    shards = (view for view in lists if isinstance(view, ShardView))
    pages = (view for view in lists if isinstance(view, PageView))
    return ObservedBulk(
        bulk=entry.of(BulkImport),
        shards=tuple(sorted(shards, key=lambda shard: shard.number)),
        pages=tuple(sorted(pages, key=lambda page: page.number)),
    )


def _left_failed(observed: ObservedBulk, place: Place, store: Store) -> tuple[Listed, ...] | None:
    """Looked for only where somebody wants to know, and once."""
    if not asks_for_earlier(observed):
        return None
    older = store.siblings.earlier(place)
    if not older or store.siblings.ahead(place):
        return None
    entries = (store.find("BulkImport", *other) for other in older)
    return left_failed(_on_record(entry, store) for entry in entries if entry is not None)


def _place(entry: Entry) -> Place:
    metadata = entry.head["metadata"]
    return metadata["namespace"], metadata["name"]


def _unreadable(child: Entry) -> str | None:
    if not isinstance(child.view, Unreadable):
        return None
    name: str = child.head["metadata"]["name"]
    _log.error("a child cannot be read", child=name, problem=problem_of(child.view.problem))
    return name
