"""The VideoImport of one item: as it is made, and as a finished one is told to start again."""

from typing import Any

from videoimport.api.bulk_source import Item
from videoimport.api.bulkimport import IDENTITY as BULK_IDENTITY
from videoimport.api.bulkimport import BulkImport
from videoimport.api.identity import item_identity
from videoimport.api.labels import BULK, ITEM
from videoimport.api.source import VideoSource
from videoimport.api.videoimport import IDENTITY, VideoImport, VideoImportSpec
from videoimport.core.naming import child_name
from videoimport.core.ownership import CALM, OUR_LABELS, owned_by, queue_labels
from videoimport.core.plan import Create, Delete, Patch

DEFAULT_NAME = "{title}-{hash}"
"""A bulk's destination.name: titles alone may meet, and {name} would tell a viewer nothing."""
_Json = dict[str, Any]


def creation(bulk: BulkImport, item: Item) -> Create:
    """The child that is to be made for an item."""
    meta, identity = bulk.metadata, item_identity(item.url)
    return Create(
        {
            **IDENTITY,
            "metadata": {
                "name": child_name(meta.name, identity),
                "namespace": meta.namespace,
                "labels": queue_labels(meta.labels) | OUR_LABELS | {BULK: meta.name, ITEM: identity},
                "annotations": CALM,
                "ownerReferences": owned_by(BULK_IDENTITY, meta),
            },
            "spec": spec_of(bulk, item).wire(),
        }
    )


def spec_of(bulk: BulkImport, item: Item) -> VideoImportSpec:
    """The template, with what is the item's own."""
    template = bulk.spec.template
    name = item.name or template.destination.name or DEFAULT_NAME
    return VideoImportSpec(
        source=VideoSource(url=item.url),
        destination=template.destination.model_copy(update={"name": name}),
        requirements=template.requirements,
        output=template.output,
        metadata=template.metadata,
        incremental=bulk.spec.incremental,
        max_attempts=template.max_attempts,
        timeout_seconds=template.timeout_seconds,
        retry_token=bulk.spec.retry_token,
        worker=template.worker,
    )


def restart(bulk: BulkImport, item: Item, child: VideoImport) -> Patch:
    """A finished child is told to start again, under the template as it is now: it may have been mended meanwhile."""
    changes = _difference(child.spec.wire(), spec_of(bulk, item).wire())
    return _patched(child, changes | {"retryToken": bulk.spec.retry_token, "cancel": False})


def cancellation(child: VideoImport) -> Patch:
    """An unfinished child is told to end."""
    return _patched(child, {"cancel": True})


def removal(child: VideoImport) -> Delete:
    """A child whose item is no longer listed goes."""
    meta = child.metadata
    return Delete("VideoImport", meta.namespace, meta.name, meta.uid)


def _patched(child: VideoImport, spec: _Json) -> Patch:
    meta = child.metadata
    return Patch("VideoImport", meta.namespace, meta.name, meta.uid, {"spec": spec})


def _difference(old: _Json, new: _Json) -> _Json:
    """The JSON merge patch that makes ``new`` of ``old``."""
    gone: _Json = dict.fromkeys(old.keys() - new.keys())
    return gone | {key: _change(old.get(key), value) for key, value in new.items() if old.get(key) != value}


def _change(old: Any, new: Any) -> Any:
    return _difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
