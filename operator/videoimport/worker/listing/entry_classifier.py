"""Classification of a list's entries: found, already in the destination, or rejected with a reason. The checks here
are all fast."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from videoimport.api.container_formats import ContainerFormat, named
from videoimport.api.identity import item_identity
from videoimport.api.prefilter import cheap
from videoimport.api.redaction import shown_text, shown_url
from videoimport.api.short_names import slug_of
from videoimport.api.tasks.listing_task import MAX_SLUG, FoundItem, Known, ListingTask, PageLine, RejectedLine
from videoimport.api.videoimport_source import S3Source, VideoSource
from videoimport.media.source import probe, requirements
from videoimport.media.source.findings import Finding
from videoimport.media.source.requirements import CheckedSource
from videoimport.media.source.streams import Media
from videoimport.worker.listing.process_messages import ListEntry, Look
from videoimport.worker.runtime.subprocesses import Child, Children
from videoimport.worker.source import probe as examine
from videoimport.worker.storage import index_hit_check as hits
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.record_checks import Scope

PROBES_AT_ONCE = 4
PROBE_SECONDS = 20.0
"""Maximum number of seconds for ffprobe on one file. The import checks a file that takes longer."""
_LOOKUPS_AT_ONCE = 16


class Judge:
    """Classifies the entries of one task.

    ``store`` is the destination's store. It is None if the worker does not read the destination.
    """

    def __init__(
        self,
        task: ListingTask,
        store: DestinationStore | None,
        children: Children,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task, self._store, self._children, self._clock = task, store, children, clock
        self._pool = ThreadPoolExecutor(_LOOKUPS_AT_ONCE)
        self._has_index = store is not None and _has_entries(store, task)

    @property
    def looks(self) -> bool:
        """Return whether the worker checks the first bytes of objects."""
        return self._task.source.s3 is not None and self._task.requirements is not None

    def known(self, entries: Sequence[ListEntry]) -> list[Known | None]:
        """Return one value for each entry: the video that the destination already has for this entry, or None.
        Raises ImportFailure."""
        return list(self._pool.map(self._known, entries)) if self._has_index else [None] * len(entries)

    def objection(self, entry: ListEntry) -> Finding | None:
        """Return the reason to reject an entry, from the list's data alone. Return None if the list's data gives no
        such reason."""
        if entry.reason is not None:
            return Finding(entry.reason, entry.message)
        found = cheap(
            entry.url or entry.key or "", is_named_by_site=entry.url is not None and entry.identity is not None,
            size_bytes=entry.size_bytes, duration_ms=entry.duration_ms,
            width=entry.width, height=entry.height, requirements=self._task.requirements,
        )  # fmt: skip
        return Finding(*found) if found else None

    def looked(self, looks: Sequence[Look], sizes: Sequence[int], last_moment: float) -> Iterator[Finding | None]:
        """Yield one value for each object: the reason to reject the object, from its first bytes, or None. Several
        ffprobe processes run at once. If an object is not probed before ``last_moment``, the import of the object
        does the check."""
        under_way: deque[tuple[Look, int, Child | None]] = deque()
        for look, size in zip(looks, sizes, strict=True):
            under_way.append((look, size, self._probing(look, last_moment)))
            if len(under_way) > PROBES_AT_ONCE:
                yield self._probed(*under_way.popleft(), last_moment)
        for one in under_way:
            yield self._probed(*one, last_moment)

    def _probing(self, look: Look, last_moment: float) -> Child | None:
        if look.path is None or self._clock() >= last_moment:
            return None
        path = Path(look.path)
        size = path.stat().st_size
        if look.container not in ("mkv", "webm") and examine.excess_of(path, size):
            path.unlink(missing_ok=True)  # the import refuses the file
            return None
        child = self._children.start(probe.probe_argv(look.path))
        child.tell("")
        return child

    def _probed(self, look: Look, size: int, child: Child | None, last_moment: float) -> Finding | None:
        if look.reason is not None:
            return Finding(look.reason, look.message)
        if child is None or look.path is None:
            return None
        timer = threading.Timer(max(0.0, min(PROBE_SECONDS, last_moment - self._clock())), child.kill)
        timer.start()
        ended = child.ended("".join(child.lines()))
        timer.cancel()
        Path(look.path).unlink(missing_ok=True)
        if ended.code < 0:
            return None  # ffprobe was killed, which proves nothing
        try:
            media = probe.parse_probe(ended.stdout if ended.code == 0 else "{}", ended.stderr)
        except ValueError:
            return None  # the import probes the object again
        return _refusal(look, size, media, self._task)

    def _known(self, entry: ListEntry) -> Known | None:
        if entry.identity is None or entry.reason is not None or self._store is None:
            return None
        key = index.source_key(self._task.destination, entry.identity, self._task.output)
        there = index.look(Scope(self._store, self._task.destination), key)
        if there is None or not hits.meets(there, entry.checksum, self._task.requirements):
            return None
        return Known(video_id=there.video_id, uri=there.uri[:2048] or None)

    # Lines of the list page

    def found(self, entry: ListEntry, known: Known | None) -> PageLine:
        """Return the page line of an item that will be imported, or of an item that the destination already has."""
        return PageLine(
            found=FoundItem(
                id=self.identity(entry) or "", url=entry.url, key=entry.key, name=entry.name, metadata=entry.metadata,
                checksum=entry.checksum, known=known, slug=slug_of(entry.title or "")[:MAX_SLUG].strip("-") or None,
            )
        )  # fmt: skip

    def rejected(self, entry: ListEntry, why: Finding) -> PageLine:
        """Return the page line of a rejected item."""
        bucket = self._task.source.s3
        shown = (
            shown_url(entry.url) if entry.url else f"s3://{bucket.bucket}/{entry.key}" if bucket and entry.key else None
        )
        line = RejectedLine(
            id=self.identity(entry), name=entry.name, url=shown[:2048] if shown else None, reason=why.reason,
            message=shown_text(why.text)[:512],
        )  # fmt: skip
        return PageLine(rejected=line)

    def identity(self, entry: ListEntry) -> str | None:
        """Return the identity of an entry's item, or None if the entry has no URL and no object key."""
        if entry.url is not None:
            return item_identity(entry.url)
        bucket = self._task.source.s3
        if bucket is None or not entry.key:
            return None
        found = S3Source(endpoint=bucket.endpoint, region=bucket.region, bucket=bucket.bucket, key=entry.key)
        return item_identity(VideoSource(s3=found).locator)


def _has_entries(store: DestinationStore, task: ListingTask) -> bool:
    """Return whether the destination has an index.

    Before the first import, the destination usually has no index. The index is then not read for each item.
    """
    folder = naming.own_key(task.destination, "index", "source") + "/"
    return next(iter(itertools.islice(store.keys(folder), 1)), None) is not None


def _refusal(look: Look, size: int, media: Media, task: ListingTask) -> Finding | None:
    """Return the reason for rejection that an object's first bytes prove, or None.

    The import checks facts that are missing in the first bytes.
    """
    seconds = 0.0 if look.is_fragmented else media.duration or 0.0
    known = CheckedSource(media, look.container, seconds, size, task.requirements)
    found = requirements.early_refusal(known, lists_streams=look.container is not None and bool(media.demuxer))
    wanted = task.requirements.formats if task.requirements else ()
    name = named(look.container, media.demuxer)
    if found is None and look.container is None and media.video is None and wanted and _is_other(name, wanted):
        return requirements.unaccepted(name, media.demuxer, wanted)
    return found


def _is_other(name: ContainerFormat | None, wanted: tuple[ContainerFormat, ...]) -> bool:
    """Return whether an object's first bytes prove that its container format is none of ``wanted``.

    Only some formats can be detected by the first bytes. If ``wanted`` has other formats, the import checks an object
    that ffprobe cannot read.
    """
    told_by_bytes = set(wanted) <= set(requirements.TOLD_BY_BYTES)
    return name not in wanted if name else told_by_bytes
