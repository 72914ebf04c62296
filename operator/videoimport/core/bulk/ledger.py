"""The ledger: one result for each finished item, in ConfigMaps of limited size (shards). The ledger outlives the
children."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videoimport.api.bulkimport import IDENTITY, BulkImport
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.labels import BULK, SHARD
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.list_item import Listed
from videoimport.core.names_and_owners import CALM, OUR_LABELS, build_owner_references, build_shard_name
from videoimport.core.observed import ShardView
from videoimport.core.plan import Action, Create, Manifest, Patch

MAX_SHARD_BYTES = 700_000
"""Maximum bytes of a shard's data after new entries are added."""
MAX_GROWN_BYTES = 1_000_000
"""Maximum bytes of a shard's data after existing entries grow, for example by a longer message after a retry. A
ConfigMap holds 1 MiB."""

Entries = Mapping[str, LedgerEntry]
_Changes = Mapping[str, LedgerEntry | None]
"""New entries of a shard by key. None removes an entry."""


def build_ledger_entry(child: VideoImport, item: Listed, address: str) -> LedgerEntry:
    """Return the result of an item's child. ``address`` is the item's address in the form for users."""
    return LedgerEntry(name=item.name, url=address, **_extract_result(child))


def matches_item(entry: LedgerEntry, child: VideoImport, item: Listed) -> bool:
    """Return whether this entry has the result of the item's child.

    Every reconcile calls this function for each finished child. For speed, the function does not build a second
    entry for the comparison.
    """
    return entry.name == item.name and matches_child(entry, child)


def matches_child(entry: LedgerEntry, child: VideoImport) -> bool:
    """Return whether this entry has the child's result, for a child whose item is unknown."""
    return all(getattr(entry, name) == value for name, value in _extract_result(child).items())


def has_same_outcome(entry: LedgerEntry, other: LedgerEntry) -> bool:
    """Return whether both entries have the same success and retryToken. Other fields, such as the item's name, may
    differ."""
    return (entry.success, entry.retry_token) == (other.success, other.retry_token)


def _extract_result(child: VideoImport) -> dict[str, Any]:
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


def read_ledger(shards: tuple[ShardView, ...]) -> dict[str, LedgerEntry]:
    """Return all entries, by the identity of the item. Entries of a shard that is being deleted are left out."""
    found: dict[str, LedgerEntry] = {}
    for shard in shards:
        if not shard.deleting:
            found.update(shard.entries)
    return found


def plan_ledger_writes(
    bulk: BulkImport, shards: tuple[ShardView, ...], updates: Entries, shard_size: int
) -> tuple[Action, ...]:
    """Return the fewest writes that store these entries.

    An item with an entry keeps its shard, and a new item goes into a shard with free space. If an entry no longer fits
    into its shard, the plan writes it to a later shard. Then only the later entry is valid. The old entry is removed
    once the controller has observed the new one.
    """
    existing_shards = {shard.number: shard for shard in shards if not shard.deleting}
    changes: dict[int, _Changes] = {
        number: dict.fromkeys(keys) for number, keys in _find_superseded_keys(shards).items()
    }
    for number, entries in _assign_shards(shards, updates, shard_size).items():
        changes[number] = {**changes.get(number, {}), **entries}
    writes: list[Action] = []
    for number, data in sorted(changes.items()):
        if shard := existing_shards.get(number):
            writes.append(
                Patch("ConfigMap", bulk.metadata.namespace, shard.name, shard.uid, {"data": _encode_entries(data)})
            )
        else:
            writes.append(Create(_build_shard_manifest(bulk, number, data)))
    return tuple(writes)


def _find_superseded_keys(shards: tuple[ShardView, ...]) -> dict[int, list[str]]:
    """Return the keys that a later shard has too, by the number of the shard in which they are no longer valid."""
    found: dict[int, list[str]] = {}
    later: set[str] = set()
    for shard in reversed(shards):
        if shard.deleting:
            continue
        if not shard.immutable and not later.isdisjoint(shard.entries):
            found[shard.number] = [key for key in shard.entries if key in later]
        later.update(shard.entries)
    return found


def _assign_shards(
    shards: tuple[ShardView, ...], updates: Entries, shard_size: int
) -> dict[int, dict[str, LedgerEntry]]:
    """Return the entries to store by shard number. The numbers of new shards come after all existing numbers, including
    the numbers of shards that are being deleted."""
    capacities = [_ShardCapacity.measure(shard, shard_size) for shard in shards if not shard.deleting]
    next_number = 1 + max((shard.number for shard in shards), default=-1)
    assignments: dict[int, dict[str, LedgerEntry]] = {}
    for key, entry in updates.items():
        capacity = _find_shard(key, entry, capacities)
        if capacity is None:
            capacity = _ShardCapacity(next_number, shard_size)
            capacities.append(capacity)
            next_number += 1
        capacity.put(key, entry)
        assignments.setdefault(capacity.number, {})[key] = entry
    return assignments


def _find_shard(key: str, entry: LedgerEntry, capacities: "list[_ShardCapacity]") -> "_ShardCapacity | None":
    """Return the shard of the item if the entry fits. Otherwise return the first later shard with space, or None if
    there is none."""
    at = max((index for index, capacity in enumerate(capacities) if key in capacity), default=-1)
    if at >= 0 and capacities[at].can_replace(key, entry):
        return capacities[at]
    return next((capacity for capacity in capacities[at + 1 :] if capacity.can_add(entry)), None)


@dataclass(slots=True)
class _ShardCapacity:
    """The entries of a shard, and the remaining space in the shard."""

    number: int
    limit: int
    """Maximum number of entries."""
    existing: Mapping[str, LedgerEntry] = field(default_factory=dict)
    """Entries that the shard has."""
    added_bytes: dict[str, int] = field(default_factory=dict)
    """Bytes of each entry to store."""
    used_bytes: int = 0
    immutable: bool = False
    new_count: int = 0
    """Number of entries to store that the shard does not have yet."""

    @classmethod
    def measure(cls, shard: ShardView, shard_size: int) -> "_ShardCapacity":
        used = shard.size or sum(map(_measure_entry, shard.entries.values()))
        return cls(shard.number, shard_size, shard.entries, used_bytes=used, immutable=shard.immutable)

    def __contains__(self, key: str) -> bool:
        return key in self.existing or key in self.added_bytes

    def can_add(self, entry: LedgerEntry) -> bool:
        fits = self.used_bytes + _measure_entry(entry) <= MAX_SHARD_BYTES
        return fits and len(self.existing) + self.new_count < self.limit and not self.immutable

    def can_replace(self, key: str, entry: LedgerEntry) -> bool:
        return self.used_bytes - self._get_size(key) + _measure_entry(entry) <= MAX_GROWN_BYTES and not self.immutable

    def put(self, key: str, entry: LedgerEntry) -> None:
        self.new_count += key not in self
        self.used_bytes += _measure_entry(entry) - self._get_size(key)
        self.added_bytes[key] = _measure_entry(entry)

    def _get_size(self, key: str) -> int:
        if key in self.added_bytes:
            return self.added_bytes[key]
        return _measure_entry(self.existing[key]) if key in self.existing else 0


def _measure_entry(entry: LedgerEntry) -> int:
    return len(_encode_entry(entry).encode())


def _encode_entry(entry: LedgerEntry) -> str:
    return entry.model_dump_json(by_alias=True, exclude_none=True)


def _encode_entries(entries: _Changes) -> dict[str, str | None]:
    return {key: None if entry is None else _encode_entry(entry) for key, entry in entries.items()}


def _build_shard_manifest(bulk: BulkImport, number: int, entries: _Changes) -> Manifest:
    meta = bulk.metadata
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": build_shard_name(meta.name, number),
            "namespace": meta.namespace,
            "labels": OUR_LABELS | {BULK: meta.name, SHARD: str(number)},
            "annotations": CALM,
            "ownerReferences": build_owner_references(IDENTITY, meta),
        },
        "data": _encode_entries(entries),
    }
