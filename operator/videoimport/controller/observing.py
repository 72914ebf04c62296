"""What a decision gets to see, put together from the store and the notes. Parses each version of an object once."""

from collections.abc import Iterable

import structlog
from pydantic import ValidationError

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.controller.notes import Notes
from videoimport.controller.store import Entry, Store
from videoimport.core.observe import ObservedBulk, ObservedVideo
from videoimport.core.parse import job_view, pod_view, shard_view
from videoimport.core.refuse import problem_of

_log = structlog.get_logger(__name__)


def observe_video(entry: Entry, store: Store, notes: Notes) -> ObservedVideo:
    """Raises ValidationError when our models cannot read the resource."""
    video = entry.view(VideoImport.parse)
    jobs = tuple(job.view(job_view) for job in store.owned("Job", entry.uid))
    pods = tuple(pod.view(pod_view) for job in jobs for pod in store.owned("Pod", job.uid))
    current = notes.progress if notes.progress and notes.progress.run == video.status.run else None
    uids = {job.uid for job in jobs} | {pod.uid for pod in pods}
    return ObservedVideo(video, jobs, pods, current, notes.events_about(uids))


def observe_bulk(entry: Entry, store: Store) -> ObservedBulk:
    """Raises ValidationError when our models cannot read the resource."""
    bulk = entry.view(BulkImport.parse)
    children = tuple(_readable(store.owned("VideoImport", entry.uid)))
    shards = [shard.view(shard_view) for shard in store.owned("ConfigMap", entry.uid)]
    return ObservedBulk(bulk, children, tuple(sorted(shards, key=lambda shard: shard.number)))


def _readable(children: list[Entry]) -> Iterable[VideoImport]:
    for child in children:
        try:
            yield child.view(VideoImport.parse)
        except ValidationError as problem:
            _log.error("a child cannot be read", child=child.raw["metadata"]["name"], problem=problem_of(problem))
