"""Hashes that identify an item of a list, an imported video, and a BulkImport by its source and its destination."""

import hashlib
import json
from typing import Any

from videoimport.api.bulkimport import BulkImportSpec
from videoimport.api.bulkimport_source import BulkSource, ManifestSource
from videoimport.api.destination import Destination
from videoimport.api.output_options import Output
from videoimport.api.rules.string_rules import canonical_url


def item_identity(url: str) -> str:
    """Return ten hex digits of the SHA-256 of an item's URL. The name of the child ends with these digits. The
    digits are also the item's key in the ledger."""
    return hashlib.sha256(canonical_url(url).encode()).hexdigest()[:10]


def source_hash8(locator: str) -> str:
    """Return the eight hex digits of the source's hash that replace the placeholder {hash} in destination.name."""
    return hashlib.sha256(locator.encode()).hexdigest()[:8]


def video_id(source_sha256: str, output: Output, folder: str | None) -> str:
    """Return the SHA-256 (hex) of the source hash, the output settings and the folder. So two imports of one source
    with different settings have different IDs."""
    key = {"source": source_sha256, "output": output.canonical(), "folder": folder or ""}
    return _hash(key)


def integration(spec: BulkImportSpec) -> str:
    """Return the SHA-256 (hex) of two fields of a BulkImport: the source of the list, and the destination of the
    videos.

    If several BulkImports have the same hash, only one of them runs at a time.
    """
    return _hash([_place_of(spec.source), _goal(spec.template.destination)])


def _place_of(source: BulkSource) -> list[Any]:
    if source.playlist is not None:
        return ["playlist", source.playlist.url]
    if source.s3 is not None:
        return ["s3", source.s3.endpoint, source.s3.bucket, source.s3.prefix]
    if source.manifest is not None:
        return ["manifest", *_manifest(source.manifest)]
    return ["items", *sorted({item.url for item in source.items or ()})]


def _manifest(manifest: ManifestSource) -> list[Any]:
    if manifest.config_map_key_ref is not None:
        return [manifest.config_map_key_ref.name, manifest.config_map_key_ref.key]
    if manifest.s3 is not None:
        return [manifest.s3.endpoint, manifest.s3.bucket, manifest.s3.key, manifest.s3.version_id]
    return [manifest.url]


def _goal(destination: Destination) -> list[Any]:
    if destination.s3 is not None:
        place = ["s3", destination.s3.endpoint, destination.s3.bucket]
    else:
        claim = destination.persistent_volume_claim
        place = ["claim", claim.claim_name if claim else None]
    return [*place, destination.prefix or "", destination.folder or ""]


def _hash(key: Any) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
