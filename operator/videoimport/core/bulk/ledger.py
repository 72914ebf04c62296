"""The ledger: a result for each finished item, in ConfigMaps of bounded size. It outlives the children."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videoimport.api.bulkimport import IDENTITY, BulkImport
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.labels import BULK, SHARD
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.list_item import Listed
from videoimport.core.object_metadata import CALM, OUR_LABELS, owned_by
from videoimport.core.object_names import shard_name
from videoimport.core.observed import ShardView
from videoimport.core.plan import Action, Create, Manifest, Patch

MAX_SHARD_BYTES = 700_000
"""Of a shard's data when new entries are put."""
MAX_GROWN_BYTES = 1_000_000
"""Of a shard's data when entries grow where they stand, retried with other words; a ConfigMap holds 1 MiB."""

Entries = Mapping[str, LedgerEntry]
_Changes = Mapping[str, LedgerEntry | None]
"""None takes an entry out."""


def entry_of(child: VideoImport, item: Listed, address: str) -> LedgerEntry:
    """How an item's child ended; ``address`` is what the item is called to people."""
    return LedgerEntry(name=item.name, url=address, **_told(child))


def records(entry: LedgerEntry, child: VideoImport, item: Listed) -> bool:
    """Whether this entry says how the item's child ended. Asked for each kept child at each look: nothing is built."""
    return entry.name == item.name and tells(entry, child)


def tells(entry: LedgerEntry, child: VideoImport) -> bool:
    """The same of a child whose item is not known."""
    return all(getattr(entry, name) == value for name, value in _told(child).items())


def same_ending(entry: LedgerEntry, other: LedgerEntry) -> bool:
    """Whether one may stand for the other as long as only its words differ, such as the item's name."""
    return (entry.success, entry.retry_token) == (other.success, other.retry_token)


def _told(child: VideoImport) -> dict[str, Any]:
    status = child.status
    success, video = status.phase is VideoPhase.COMPLETED, status.outputs.video if status.outputs else None
    return {
        "success": success,
        "video_id": status.video_id,
        "import_name": child.metadata.name,
        "reason": status.reason,
        "error": None if success else status.message,
        "attempts": status.attempts.count if status.attempts else 0,
        "uri": video.uri if video else status.duplicate_of,
        "retry_token": status.observed_retry_token or "",
        "bytes_in": status.usage.bytes_in if status.usage else 0,
        "bytes_out": status.usage.bytes_out if status.usage else 0,
    }


def ledger_of(shards: tuple[ShardView, ...]) -> dict[str, LedgerEntry]:
    """Every entry by its item's identity; what is in a shard that is being deleted is as good as gone."""
    found: dict[str, LedgerEntry] = {}
    for shard in shards:
        if not shard.deleting:
            found.update(shard.entries)
    return found


def recording(bulk: BulkImport, shards: tuple[ShardView, ...], news: Entries, shard_size: int) -> tuple[Action, ...]:
    """The fewest writes that put these entries: known items where they are, others where there is room. An entry that
    has outgrown its shard moves to a later one, which counts; once it is seen there, the old one is taken out."""
    standing = {shard.number: shard for shard in shards if not shard.deleting}
    changes: dict[int, _Changes] = {number: dict.fromkeys(keys) for number, keys in _superseded(shards).items()}
    for number, entries in _places(shards, news, shard_size).items():
        changes[number] = {**changes.get(number, {}), **entries}
    writes: list[Action] = []
    for number, data in sorted(changes.items()):
        if shard := standing.get(number):
            writes.append(Patch("ConfigMap", bulk.metadata.namespace, shard.name, shard.uid, {"data": _data(data)}))
        else:
            writes.append(Create(_manifest(bulk, number, data)))
    return tuple(writes)


def _superseded(shards: tuple[ShardView, ...]) -> dict[int, list[str]]:
    """Keys that stand in a later shard too, by the number of the shard where they no longer count."""
    found: dict[int, list[str]] = {}
    later: set[str] = set()
    for shard in reversed(shards):
        if shard.deleting:
            continue
        if not shard.immutable and not later.isdisjoint(shard.entries):
            found[shard.number] = [key for key in shard.entries if key in later]
        later.update(shard.entries)
    return found


def _places(shards: tuple[ShardView, ...], news: Entries, shard_size: int) -> dict[int, dict[str, LedgerEntry]]:
    """The entries to put, by shard number. New shards are numbered after all there are, the vanishing ones included."""
    rooms = [_Room.of(shard, shard_size) for shard in shards if not shard.deleting]
    fresh = 1 + max((shard.number for shard in shards), default=-1)
    places: dict[int, dict[str, LedgerEntry]] = {}
    for key, entry in news.items():
        room = _room_for(key, entry, rooms)
        if room is None:
            room = _Room(fresh, shard_size)
            rooms.append(room)
            fresh += 1
        room.put(key, entry)
        places.setdefault(room.number, {})[key] = entry
    return places


def _room_for(key: str, entry: LedgerEntry, rooms: "list[_Room]") -> "_Room | None":
    """Where the item stands, else the first with room among those that would count in its stead."""
    at = max((index for index, room in enumerate(rooms) if key in room), default=-1)
    if at >= 0 and rooms[at].grows(key, entry):
        return rooms[at]
    return next((room for room in rooms[at + 1 :] if room.takes(entry)), None)


@dataclass(slots=True)
class _Room:
    """What a shard holds and can still take."""

    number: int
    limit: int
    """Most entries."""
    standing: Mapping[str, LedgerEntry] = field(default_factory=dict)
    """What it holds."""
    put_in: dict[str, int] = field(default_factory=dict)
    """Bytes of each entry that is to be put."""
    used: int = 0
    sealed: bool = False
    fresh: int = 0
    """Entries that are new to it."""

    @classmethod
    def of(cls, shard: ShardView, shard_size: int) -> "_Room":
        used = shard.size or sum(map(_size, shard.entries.values()))
        return cls(shard.number, shard_size, shard.entries, used=used, sealed=shard.immutable)

    def __contains__(self, key: str) -> bool:
        return key in self.standing or key in self.put_in

    def takes(self, entry: LedgerEntry) -> bool:
        fits = self.used + _size(entry) <= MAX_SHARD_BYTES
        return fits and len(self.standing) + self.fresh < self.limit and not self.sealed

    def grows(self, key: str, entry: LedgerEntry) -> bool:
        return self.used - self._size_of(key) + _size(entry) <= MAX_GROWN_BYTES and not self.sealed

    def put(self, key: str, entry: LedgerEntry) -> None:
        self.fresh += key not in self
        self.used += _size(entry) - self._size_of(key)
        self.put_in[key] = _size(entry)

    def _size_of(self, key: str) -> int:
        if key in self.put_in:
            return self.put_in[key]
        return _size(self.standing[key]) if key in self.standing else 0


def _size(entry: LedgerEntry) -> int:
    return len(_text(entry).encode())


def _text(entry: LedgerEntry) -> str:
    return entry.model_dump_json(by_alias=True, exclude_none=True)


def _data(entries: _Changes) -> dict[str, str | None]:
    return {key: None if entry is None else _text(entry) for key, entry in entries.items()}


def _manifest(bulk: BulkImport, number: int, entries: _Changes) -> Manifest:
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
