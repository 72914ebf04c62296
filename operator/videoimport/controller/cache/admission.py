"""Which imports may start: the index of host breakers and of limits, kept up to date with the store."""

from collections.abc import Callable
from datetime import datetime

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.controller.cache.entry import Entry
from videoimport.controller.cache.fair_share import Slots
from videoimport.controller.cache.host_breakers import HostBreakers
from videoimport.controller.client.resources import Key, Place
from videoimport.core.admission import AdmissionState, Limits, find_admission_state, report_host, report_listing_host
from videoimport.core.circuit_breaker import BreakerState, find_host, find_list_host
from videoimport.core.video_status import has_active_run


class Turns:
    """``tell`` is called with the key of each that should look again."""

    def __init__(self, tell: Callable[[Key], None], limits: Limits) -> None:
        self.hosts = HostBreakers(tell)
        self.slots = Slots(lambda place: tell(_key(place)), limits)

    def video(self, place: Place, uid: str, entry: Entry | None, *, working: bool, answered: bool) -> None:
        """What is known of an import, or that nothing is. ``working``: a Job of it has not ended."""
        view = entry.view if entry else None
        report, standing = None, AdmissionState(uid, holds=True, waits=False) if working else None
        if isinstance(view, VideoImport):
            report, standing = report_host(view, working=working), find_admission_state(view, working=working)
        self.hosts.put(_key(place), report, answered=answered)
        self.slots.put(place, standing, answered=answered)

    def bulk(self, place: Place, uid: str, entry: Entry | None) -> None:
        """What is known of a bulk, or that nothing is."""
        view = entry.view if entry else None
        known = view if isinstance(view, BulkImport) else None
        self.hosts.put(Key("BulkImport", *place), report_listing_host(known) if known else None, answered=True)
        self.slots.allow((place[0], uid), known.spec.parallelism if known else None)

    def seen_by(self, video: VideoImport) -> tuple[BreakerState | None, str]:
        """The breaker of its host, unless closed, and which limit leaves no room for it."""
        place = (video.metadata.namespace, video.metadata.name)
        host = self.hosts.get_state(find_host(video), _key(place)) if self.hosts else None
        return host, self.slots.no_room(place, find_admission_state(video, working=False))

    def source_backoff_until(self, bulk: BulkImport) -> datetime | None:
        """Return when the backoff of the host that serves its list ends; None if the breaker is closed."""
        meta = bulk.metadata
        host = find_list_host(bulk.spec.source) if self.hosts else None
        breaker = self.hosts.get_state(host, Key("BulkImport", meta.namespace, meta.name))
        return breaker.until if breaker else None

    def decided(self, video: VideoImport, status: VideoImportStatus | None) -> None:
        """What a decision has just made of it, before any write: no other import takes the same place or probes the
        same host meanwhile."""
        if status is None or not has_active_run(status):
            return
        place, record = (video.metadata.namespace, video.metadata.name), status.host_backoff
        self.slots.take(place, find_admission_state(video, working=False))
        if record is not None and record.probing:
            self.hosts.decide_probe(_key(place), record.host)


def _key(place: Place) -> Key:
    return Key("VideoImport", *place)
