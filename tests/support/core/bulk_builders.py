"""Builders of what a bulk's decision sees: the list, children in all states, shards."""

from datetime import datetime
from typing import Any

from support.core.page_digests import proven
from support.core.video_builders import NOW, SETTINGS, URI
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_source import Item
from videoimport.api.bulkimport_status import BulkImportStatus, LedgerEntry
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import ObjectMeta, VideoImport
from videoimport.api.videoimport_status import Attempts, OutputFile, Outputs, Usage, VideoImportStatus, VideoPhase
from videoimport.core.bulk.accepted_items import format_item_address
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.bulk.ledger import build_ledger_entry
from videoimport.core.bulk.reconcile import reconcile_bulk
from videoimport.core.list_item import convert_inline_item
from videoimport.core.names_and_owners import build_bulk_owner
from videoimport.core.observed import ObservedBulk, ShardView
from videoimport.core.plan import Create, Delete, Patch, Plan

BULK_UID = "bulk-uid"
BULK = build_bulk_owner(ObjectMeta(name="talks", namespace="films", uid=BULK_UID))


def url(number: int) -> str:
    return f"https://video.example/{number}.mp4"


def key(number: int) -> str:
    return item_identity(url(number))


def bulk(
    items: int = 3, *, status: BulkImportStatus | None = None, meta: dict[str, Any] | None = None, **spec: Any
) -> BulkImport:
    """A bulk named ``talks`` of this many items; ``spec`` in the API's own camelCase."""
    wish: dict[str, Any] = {
        "source": {"items": [{"url": url(number)} for number in range(items)]},
        "template": {"destination": {"s3": {"bucket": "media"}}},
        "parallelism": 2,
    }
    base = {"name": "talks", "namespace": "films", "uid": BULK_UID, "generation": 1}
    read = BulkImport.parse({"metadata": base | (meta or {}), "spec": wish | spec})
    return read.model_copy(update={"status": status}) if status else read


def edited(wish: BulkImport, **spec: Any) -> BulkImport:
    changed = wish.spec.model_validate(wish.spec.wire() | spec)
    meta = wish.metadata.model_copy(update={"generation": wish.metadata.generation + 1})
    return wish.model_copy(update={"spec": changed, "metadata": meta})


def plan(
    wish: BulkImport,
    children: tuple[VideoImport, ...] = (),
    shards: tuple[ShardView, ...] = (),
    at: datetime = NOW,
    settings: Any = SETTINGS,
    **seen: Any,
) -> Plan[BulkImportStatus]:
    return reconcile_bulk(proven(ObservedBulk(wish, children, shards, **seen)), at, settings)


def written(wish: BulkImport, *seen: Any, **given: Any) -> BulkImport:
    status = plan(wish, *seen, **given).status
    if status is None:
        return wish
    return wish.model_copy(update={"status": BulkImportStatus.model_validate(status.wire())})


def child(wish: BulkImport, number: int, **status: Any) -> VideoImport:
    """The child of an item; running at its beginning unless told otherwise."""
    item = next((item for item in wish.spec.source.items if item.url == url(number)), Item(url=url(number)))
    manifest = create_child(wish, convert_inline_item(item)).manifest
    manifest["metadata"] |= {"uid": f"child-{number}", "generation": 1}
    fields: dict[str, Any] = {
        "phase": VideoPhase.DOWNLOADING,
        "observed_generation": 1,
        "observed_retry_token": wish.spec.retry_token,
        "attempts": Attempts(count=1),
        "progress_percent": 0,
    }
    return VideoImport.parse(manifest).model_copy(update={"status": VideoImportStatus(**fields | status)})


def good(wish: BulkImport, number: int) -> VideoImport:
    outputs = Outputs(video=OutputFile(uri=URI))
    usage = Usage(bytes_in=10, bytes_out=4)
    return child(wish, number, phase=VideoPhase.COMPLETED, progress_percent=100, outputs=outputs, usage=usage)


def bad(wish: BulkImport, number: int, reason: Reason = Reason.NOT_VIDEO, **status: Any) -> VideoImport:
    fields = {"phase": VideoPhase.FAILED, "reason": reason, "message": f"Item {number} is none."}
    return child(wish, number, **fields | status)


def cancelled(wish: BulkImport, number: int) -> VideoImport:
    ended = child(wish, number, phase=VideoPhase.CANCELLED, reason=Reason.CANCELLED, message="Cancelled as asked.")
    return wishing(ended, cancel=True)


def wishing(wish: VideoImport, **spec: Any) -> VideoImport:
    return wish.model_copy(update={"spec": wish.spec.model_copy(update=spec)})


def entries(*children: VideoImport) -> dict[str, LedgerEntry]:
    return {item_identity(one.spec.source.url): entry(one, Item(url=one.spec.source.url)) for one in children}


def entry(one: VideoImport, item: Item) -> LedgerEntry:
    return build_ledger_entry(one, convert_inline_item(item), format_item_address(bulk(1), convert_inline_item(item)))


def shard(number: int, found: dict[str, LedgerEntry], **changes: Any) -> ShardView:
    fields: dict[str, Any] = {
        "name": f"talks-results-{number}",
        "uid": f"shard-{number}",
        "owner": BULK,
        "deleting": False,
    }
    return ShardView(number=number, entries=found, **fields | changes)


def recorded(*children: VideoImport) -> tuple[ShardView, ...]:
    return (shard(0, entries(*children)),)


def kinds(found: Plan[Any]) -> list[str]:
    """The plan's actions in a word each, such as ``Create VideoImport``."""
    return [f"{type(action).__name__} {_kind(action)}" for action in found.actions]


def started(found: Plan[Any]) -> list[str]:
    """The URLs of the children that the plan makes."""
    creations = [action.manifest for action in found.actions if isinstance(action, Create)]
    return [manifest["spec"]["source"]["url"] for manifest in creations if manifest["kind"] == "VideoImport"]


def _kind(action: Create | Patch | Delete) -> str:
    return str(action.manifest["kind"]) if isinstance(action, Create) else action.kind
