"""Actions that create, change or delete the child of an item."""

import re
from typing import Any

from videoimport.api.bulkimport import IDENTITY as BULK_IDENTITY
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.labels import BULK, ITEM
from videoimport.api.videoimport import IDENTITY, VideoImport, VideoImportSpec
from videoimport.api.videoimport_source import VideoSource
from videoimport.core.bulk.retry_tokens import derive_retry_token
from videoimport.core.list_item import Listed, build_object_source, derive_item_slug
from videoimport.core.names_and_owners import (
    CALM,
    OUR_LABELS,
    build_child_object_name,
    build_owner_references,
    select_queue_labels,
)
from videoimport.core.plan import Create, Delete, Patch

DEFAULT_NAME = "{title}-{hash}"
"""Default of destination.name in a BulkImport. Two titles may be equal, and {name} would mean nothing to a viewer."""
_Json = dict[str, Any]


def create_child(bulk: BulkImport, item: Listed) -> Create:
    """Return the action that creates the child of an item."""
    meta, identity = bulk.metadata, item.identity
    return Create(
        {
            **IDENTITY,
            "metadata": {
                "name": build_child_name(bulk, item),
                "namespace": meta.namespace,
                "labels": select_queue_labels(meta.labels) | OUR_LABELS | {BULK: meta.name, ITEM: identity},
                "annotations": CALM,
                "ownerReferences": build_owner_references(BULK_IDENTITY, meta),
            },
            "spec": build_child_spec(bulk, item).wire(),
        }
    )


def build_child_name(bulk: BulkImport, item: Listed) -> str:
    """Return the name of the child of an item."""
    return build_child_object_name(bulk.metadata.name, derive_item_slug(item), item.identity)


def build_child_spec(bulk: BulkImport, item: Listed) -> VideoImportSpec:
    """Return the spec of the template with the item's own fields. If both have the same metadata key, the item's value
    wins."""
    template = bulk.spec.template
    name = item.name or template.destination.name or DEFAULT_NAME
    return VideoImportSpec(
        source=build_child_source(bulk, item),
        destination=template.destination.model_copy(update={"name": name}),
        requirements=template.requirements,
        output=template.output,
        metadata={**(template.metadata or {}), **(item.metadata or {})} or None,
        incremental=bulk.spec.incremental,
        max_attempts=template.max_attempts,
        timeout_seconds=template.timeout_seconds,
        retry_token=derive_retry_token(bulk.spec),
        worker=template.worker,
    )


def build_child_source(bulk: BulkImport, item: Listed) -> VideoSource:
    """Return the source of an item."""
    bucket, key, secret = bulk.spec.source.s3, item.key, bulk.spec.source.credentials_secret_ref
    if bucket is not None and key is not None:
        stored = build_object_source(bucket, key)
        return VideoSource(s3=stored, credentials_secret_ref=secret, checksum=item.checksum)
    origins = find_header_origins(bulk.spec.source) if secret else None
    return VideoSource(url=item.url, credentials_secret_ref=secret, header_origins=origins, checksum=item.checksum)


_ORIGIN = re.compile(r"(https?://)(?:[^/?#\\\s]*@)?([^/?#\\\s@]{1,280})(?=[/?#]|\Z)", re.IGNORECASE)


def find_header_origins(source: BulkSource) -> tuple[str, ...]:
    """Return the origins to which a request for an item may send the Secret's headers.

    For a list with a URL, this is the origin of the list. Otherwise the result is empty, and the items get the headers
    only for hosts that the Secret names. The same applies to a URL that two parsers could read in two ways.
    """
    manifest = source.manifest.url if source.manifest else None
    found = _ORIGIN.match((source.playlist.url if source.playlist else manifest) or "")
    return (found[1] + found[2],) if found else ()


def restart_child(bulk: BulkImport, item: Listed, child: VideoImport) -> Patch:
    """Return the action that starts a finished child again, with the present template. A user may have changed the
    template since the last start."""
    changes = _diff_json(child.spec.wire(), build_child_spec(bulk, item).wire())
    return _patch_child(child, changes | {"retryToken": derive_retry_token(bulk.spec), "cancel": False})


def cancel_child(child: VideoImport) -> Patch:
    """Return the action that cancels an unfinished child."""
    return _patch_child(child, {"cancel": True})


def patch_child_suspend(child: VideoImport, *, suspend: bool) -> Patch:
    """Return the action that suspends or resumes an unfinished child."""
    return _patch_child(child, {"suspend": suspend})


def delete_child(child: VideoImport) -> Delete:
    """Return the action that deletes a child. Use this function if the item of the child is no longer listed, or if
    the ended child is not needed any more."""
    meta = child.metadata
    return Delete("VideoImport", meta.namespace, meta.name, meta.uid)


def _patch_child(child: VideoImport, spec: _Json) -> Patch:
    meta = child.metadata
    return Patch("VideoImport", meta.namespace, meta.name, meta.uid, {"spec": spec})


def _diff_json(old: _Json, new: _Json) -> _Json:
    """Return the JSON merge patch that changes ``old`` into ``new``."""
    gone: _Json = dict.fromkeys(old.keys() - new.keys())
    return gone | {key: _diff_value(old.get(key), value) for key, value in new.items() if old.get(key) != value}


def _diff_value(old: Any, new: Any) -> Any:
    return _diff_json(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
