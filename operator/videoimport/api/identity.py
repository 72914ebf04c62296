"""Identities: of an item in a list, of an imported video."""

import hashlib
import json

from videoimport.api.output import Output


def item_identity(url: str) -> str:
    """Ten hex digits of the SHA-256 of an item's URL: the child's name and the ledger's key."""
    return hashlib.sha256(url.encode()).hexdigest()[:10]


def source_hash8(locator: str) -> str:
    """The eight hex digits that {hash} stands for in destination.name."""
    return hashlib.sha256(locator.encode()).hexdigest()[:8]


def video_id(source_sha256: str, output: Output, folder: str | None) -> str:
    """SHA-256 (hex) of source hash, output settings and folder: a 360p copy does not stand for a 1080p wish."""
    key = {"source": source_sha256, "output": output.canonical(), "folder": folder or ""}
    return hashlib.sha256(json.dumps(key, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
