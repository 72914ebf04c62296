"""What a decision gets to see, put together from the store and the notes."""

from collections.abc import Iterable

import structlog
from pydantic import ValidationError

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.controller.notes import Notes
from videoimport.controller.reading import Entry
from videoimport.controller.store import Store
from videoimport.core.observe import ClaimView, JobView, ObservedBulk, ObservedVideo, PodView, ShardView
from videoimport.core.refuse import problem_of

_log = structlog.get_logger(__name__)


def observe_video(entry: Entry, store: Store, notes: Notes) -> ObservedVideo:
    """Raises ValidationError when our models cannot read the resource."""
    video, jobs = entry.of(VideoImport), jobs_of(entry, store)
    pods = tuple(pod for job in jobs for pod in pods_of(job, store))
    current = notes.progress if notes.progress and notes.progress.run == video.status.run else None
    claims = tuple(claim.of(ClaimView) for claim in store.owned("PersistentVolumeClaim", entry.uid))
    uids = {job.uid for job in jobs} | {pod.uid for pod in pods} | {claim.uid for claim in claims}
    return ObservedVideo(video, jobs, pods, current, notes.events_about(uids), claims)


def jobs_of(video: Entry, store: Store) -> tuple[JobView, ...]:
    """Jobs that this very import controls."""
    return tuple(job.of(JobView) for job in store.owned("Job", video.uid))


def pods_of(job: JobView, store: Store) -> tuple[PodView, ...]:
    """Its pods."""
    return tuple(pod.of(PodView) for pod in store.owned("Pod", job.uid))


def observe_bulk(entry: Entry, store: Store) -> ObservedBulk:
    """Raises ValidationError when our models cannot read the resource."""
    bulk, children = entry.of(BulkImport), tuple(_readable(store.owned("VideoImport", entry.uid)))
    shards = [shard.of(ShardView) for shard in store.owned("ConfigMap", entry.uid)]
    return ObservedBulk(bulk, children, tuple(sorted(shards, key=lambda shard: shard.number)))


def _readable(children: list[Entry]) -> Iterable[VideoImport]:
    for child in children:
        try:
            yield child.of(VideoImport)
        except ValidationError as problem:
            _log.error("a child cannot be read", child=child.head["metadata"]["name"], problem=problem_of(problem))
