"""When a host that pushed back may be asked again: a state machine over what the statuses of a namespace say of it.

    open ── RateLimited ──> resting ── its time is over ──> one import tries ──┬── its download is through ──> open
                               ▲                                               │
                               └──────────────── RateLimited, twice as long ───┘

Nothing of it is kept anywhere else, so a restart loses nothing. Each status holds one record: what its import was told,
or, while it tries, what it has taken over from those that were told, or that the host answered. The newest answer voids
all records before it. Runs that were under way together count as one push-back, since none of them was a try.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from urllib.parse import urlsplit

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import HostRest
from videoimport.core.lifecycle import ENDED, under_way
from videoimport.core.observed import HostView
from videoimport.core.settings import Settings

_MAX_HOST = 253
_MAX_DOUBLINGS = 20
_SHORTEST = timedelta(seconds=1)
"""Times in a status are whole seconds."""


def host_of(video: VideoImport) -> str | None:
    """Whom its source is asked from; None for a volume."""
    return host_of_source(video.spec.source)


def host_of_source(source: VideoSource) -> str | None:
    """Whom a video is asked from; None for a volume."""
    if source.s3 is not None:
        return host_of_store(source.s3.endpoint, source.s3.bucket)
    return host_of_url(source.url) if source.url is not None else None


def host_of_store(endpoint: str | None, bucket: str) -> str | None:
    """AWS itself limits each bucket by itself, and so do its hosts' names: one busy bucket is no reason to leave the
    others alone."""
    return f"{bucket}.s3.amazonaws.com" if endpoint is None else host_of_url(endpoint)


def host_of_url(url: str) -> str | None:
    """The host's name; None where there is none to be found."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.removeprefix("www.")[:_MAX_HOST] if host else None


def host_of_list(source: BulkSource) -> str | None:
    """Whom a list is asked from; None for one that stands in the cluster."""
    if source.s3 is not None:
        return host_of_store(source.s3.endpoint, source.s3.bucket)
    if source.manifest is not None and source.manifest.s3 is not None:
        return host_of_store(source.manifest.s3.endpoint, source.manifest.s3.bucket)
    url = source.playlist.url if source.playlist else source.manifest.url if source.manifest else None
    return host_of_url(url) if url is not None else None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one import, or one bulk's listing, contributes to what is known of a host."""

    host: str
    record: HostRest | None = None
    pause: datetime | None = None
    """Until when the host wants to be left alone, by the word of a listing; nobody need try first after that."""
    tries: bool = False
    waits: bool = False
    """Nothing keeps it from running but the host."""
    starts: bool = False
    """Its run is decided and has not begun to ask the host, as far as that is known."""

    @property
    def says_something(self) -> bool:
        """Of the host."""
        return self.record is not None or self.pause is not None or self.tries


def knowledge_of(video: VideoImport, *, working: bool) -> Knowledge | None:
    """``working``: a Job of it has not ended, whatever the status says. None for most imports."""
    rest = video.status.host_rest
    starts = under_way(video.status) and not video.status.stages
    if rest is None and not starts and video.status.reason is not Reason.RATE_LIMITED:
        return None
    host = host_of(video)
    if host is None:
        return None
    if rest is not None and rest.host != host:  # the source was mended meanwhile
        rest = None
    leaving = video.metadata.deletion_timestamp is not None
    tries = rest is not None and rest.probing and (working or (under_way(video.status) and not leaving))
    return Knowledge(host, rest, tries=tries, waits=waits_for_host(video), starts=starts)


def knowledge_of_list(bulk: BulkImport) -> Knowledge | None:
    """A listing that was told to come back later is a witness too, but it tries nothing for others. One that is not to
    go on never asks again, so that nothing would ever replace what it was told."""
    discovery = bulk.status.discovery
    if discovery is None or discovery.reason is not Reason.RATE_LIMITED or _is_stopped(bulk):
        return None
    host, until = host_of_list(bulk.spec.source), discovery.attempts.next_retry_time
    return Knowledge(host, pause=until) if host is not None and until is not None else None


def _is_stopped(bulk: BulkImport) -> bool:
    stopped = bulk.spec.suspend or bulk.spec.cancel or bulk.metadata.deletion_timestamp is not None
    return stopped or bulk.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED, BulkPhase.CANCELLED)


def waits_for_host(video: VideoImport) -> bool:
    """Whether nothing keeps it from running but a host that pushed back."""
    status = video.status
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return between and status.reason is Reason.RATE_LIMITED and status.phase not in ENDED


class Word(NamedTuple):
    """What a record says of its host."""

    failures: int
    time: datetime
    until: datetime | None


def word_of(record: HostRest) -> Word:
    """Without what concerns only the import itself."""
    return Word(record.failures, record.time, record.until)


def seen_of(host: str, records: Iterable[HostRest | Word]) -> HostView | None:
    """What all records together say; None when the host is open. Of an answer and a push-back in the same second the
    latter counts."""
    records = tuple(records)
    answered = max((record.time for record in records if not record.failures), default=None)
    valid = [record for record in records if record.failures and (answered is None or record.time >= answered)]
    if not valid:
        return None
    time = max(record.time for record in valid)
    until = max((record.until for record in valid if record.until), default=time)
    return HostView(host, max(record.failures for record in valid), time, until)


def pushed_back(
    host: str, before: HostRest | None, seen: HostView | None, now: datetime, settings: Settings, asked: int | None
) -> HostRest:
    """The record of an import whose run has just ended with RateLimited; ``asked`` are the seconds for which the host
    itself wanted to be left alone. Only a try that failed counts as one more time."""
    known = max(seen.failures if seen else 0, before.failures if before and before.probing else 0)
    failures = known + 1 if before and before.probing else max(1, known)
    wanted = min(timedelta(seconds=asked or 0), settings.host_rest_cap)
    until = now + max(_rest(failures, settings), wanted)
    since = before.since if before and before.since else now
    return HostRest(
        host=host, failures=failures, time=now, until=max(until, seen.until) if seen else until, since=since
    )


def _rest(failures: int, settings: Settings) -> timedelta:
    doubled: timedelta = settings.host_rest * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    return timedelta(seconds=ceil(max(min(doubled, settings.host_rest_cap), _SHORTEST).total_seconds()))


def starting(host: str, before: HostRest | None, seen: HostView | None, now: datetime) -> HostRest | None:
    """The record of an import whose run starts: a try takes over what is known, so that it stays known whatever becomes
    of those that were told. Who was told before remembers since when it waits."""
    since = before.since if before else None
    if seen is not None and seen.failures:
        return HostRest(
            host=host, failures=seen.failures, time=seen.time, until=seen.until, since=since or now, probing=True
        )
    return HostRest(host=host, time=before.time, since=since) if before and since else None


def answered(host: str, now: datetime) -> HostRest:
    """The record of an import that tried and got through."""
    return HostRest(host=host, time=now)
