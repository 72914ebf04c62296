"""Events for people, the last and least step of a sync: one that cannot be posted is logged and dropped."""

from collections.abc import Iterable
from datetime import datetime

import structlog

from videoimport.controller.cluster import Cluster
from videoimport.controller.errors import ClusterError
from videoimport.controller.kinds import Raw
from videoimport.core.plan import Announcement

COMPONENT = "videoimport-controller"
_MESSAGE_LIMIT = 1024
"""Bytes the API server takes."""
_log = structlog.get_logger(__name__)


async def announce(cluster: Cluster, about: Raw, announcements: Iterable[Announcement], now: datetime) -> None:
    """Post an Event each."""
    for announcement in announcements:
        try:
            await cluster.post_event(event(about, announcement, now))
        except ClusterError as problem:
            _log.warning("an Event was not posted", reason=announcement.reason, problem=str(problem))


def event(about: Raw, announcement: Announcement, now: datetime) -> Raw:
    """A core/v1 Event about an object, as ``kubectl describe`` shows it."""
    metadata, moment = about["metadata"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "generateName": f"{metadata['name']}."},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": announcement.type,
        "reason": announcement.reason,
        "message": announcement.message.encode()[:_MESSAGE_LIMIT].decode(errors="ignore"),
        "source": {"component": COMPONENT},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
