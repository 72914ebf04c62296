"""The ledger: a result for each finished item, in ConfigMaps of bounded size. It outlives the children."""

from collections.abc import Mapping

from videoimport.api.bulkimport import IDENTITY, BulkImport, Item, LedgerEntry
from videoimport.api.labels import BULK, SHARD
from videoimport.api.redact import shown_url
from videoimport.api.status import VideoPhase
from videoimport.api.videoimport import VideoImport
from videoimport.core.naming import shard_name
from videoimport.core.observe import ShardView
from videoimport.core.ownership import CALM, OUR_LABELS, owned_by
from videoimport.core.plan import Action, Create, Manifest, Patch
from videoimport.core.wording import fit

MAX_SHARD_BYTES = 700_000
"""Of a shard's entries when new ones are put: a ConfigMap holds 1 MiB, and entries may grow when they are retried."""
_MAX_URL = 2048

Entries = Mapping[str, LedgerEntry]


def entry_of(child: VideoImport, item: Item) -> LedgerEntry:
    """How an item's child ended."""
    status, success = child.status, child.status.phase is VideoPhase.COMPLETED
    video = status.outputs.video if status.outputs else None
    return LedgerEntry(
        name=item.name,
        url=fit(shown_url(item.url), _MAX_URL),
        success=success,
        video_id=status.video_id,
        import_name=child.metadata.name,
        reason=None if success else status.reason,
        error=None if success else status.message,
        attempts=status.attempts.count if status.attempts else 0,
        uri=video.uri if video else None,
        retry_token=status.observed_retry_token or "",
        bytes_in=status.usage.bytes_in if status.usage else 0,
        bytes_out=status.usage.bytes_out if status.usage else 0,
    )


def ledger_of(shards: tuple[ShardView, ...]) -> dict[str, LedgerEntry]:
    """Every entry by its item's identity; what is in a shard that is being deleted is as good as gone."""
    return {key: entry for shard in shards if not shard.deleting for key, entry in shard.entries.items()}


def recording(bulk: BulkImport, shards: tuple[ShardView, ...], news: Entries, shard_size: int) -> tuple[Action, ...]:
    """The fewest writes that put these entries: known items where they are, new ones where there is room."""
    places = _places(shards, news, shard_size) if news else {}
    uids = {shard.number: shard for shard in shards if not shard.deleting}
    return tuple(
        _patched(bulk, uids[number], entries) if number in uids else Create(_manifest(bulk, number, entries))
        for number, entries in sorted(places.items())
    )


def _places(shards: tuple[ShardView, ...], news: Entries, shard_size: int) -> dict[int, dict[str, LedgerEntry]]:
    """The entries to put, by shard number. New shards are numbered after all there are, the vanishing ones included."""
    known = {key: shard.number for shard in shards if not shard.deleting for key in shard.entries}
    rooms = [_Room.of(shard, shard_size) for shard in shards if not shard.deleting]
    fresh = 1 + max((shard.number for shard in shards), default=-1)
    places: dict[int, dict[str, LedgerEntry]] = {}
    for key, entry in news.items():
        number = known.get(key)
        if number is None:
            if not any(room.takes(entry) for room in rooms):
                rooms.append(_Room(fresh, shard_size, MAX_SHARD_BYTES))
                fresh += 1
            number = next(room for room in rooms if room.takes(entry)).take(entry)
        places.setdefault(number, {})[key] = entry
    return places


class _Room:
    """What a shard can still take."""

    def __init__(self, number: int, entries: int, size: int) -> None:
        self.number, self._entries, self._bytes = number, entries, size

    @classmethod
    def of(cls, shard: ShardView, shard_size: int) -> "_Room":
        used = sum(_size(entry) for entry in shard.entries.values())
        return cls(shard.number, shard_size - len(shard.entries), MAX_SHARD_BYTES - used)

    def takes(self, entry: LedgerEntry) -> bool:
        return self._entries > 0 and self._bytes >= _size(entry)

    def take(self, entry: LedgerEntry) -> int:
        self._entries, self._bytes = self._entries - 1, self._bytes - _size(entry)
        return self.number


def _size(entry: LedgerEntry) -> int:
    return len(_text(entry).encode())


def _text(entry: LedgerEntry) -> str:
    return entry.model_dump_json(by_alias=True, exclude_none=True)


def _data(entries: Entries) -> dict[str, str]:
    return {key: _text(entry) for key, entry in entries.items()}


def _patched(bulk: BulkImport, shard: ShardView, entries: Entries) -> Patch:
    return Patch("ConfigMap", bulk.metadata.namespace, shard.name, shard.uid, {"data": _data(entries)})


def _manifest(bulk: BulkImport, number: int, entries: Entries) -> Manifest:
    meta = bulk.metadata
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": shard_name(meta.name, number),
            "namespace": meta.namespace,
            "labels": OUR_LABELS | {BULK: meta.name, SHARD: str(number)},
            "annotations": CALM,
            "ownerReferences": owned_by(IDENTITY, meta),
        },
        "data": _data(entries),
    }
