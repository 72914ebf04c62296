"""The BulkImports of examples/ with their places moved into this cluster: what is asked for stays as it is written."""

from typing import Any

import yaml

from support.e2e.example_manifests import EXAMPLES, KEYS
from support.e2e.manifests import SITE, STORE, Manifest

ELSEWHERE = ("bulkimport",)
"""Its four links are those of test_bulk.py."""
_PLACES = {
    "https://media.example.com/lectures/feed.xml": f"{SITE}/feed.xml",
    "https://media.example.com/lectures/list.": f"{SITE}/list.",
    "https://media.example.com/lectures/": f"{SITE}/clips/",
    "https://hooks.example.com/videoimport": f"{SITE}/hook",
    "https://s3.example.com": STORE["endpoint"],
}
"""By how an address begins, the longest first; all is served by hack/demo's site and store."""


def bulks() -> dict[str, list[Manifest]]:
    """The documents of each example with a BulkImport, by file; that is the last of them."""
    found = {path.stem: [*yaml.safe_load_all(path.read_text())] for path in sorted(EXAMPLES.glob("bulk*.yaml"))}
    return {stem: documents for stem, documents in found.items() if stem not in ELSEWHERE}


def moved(documents: list[Manifest], folder: str) -> list[Manifest]:
    """The same, from this cluster's site and store into a folder of its bucket."""
    *things, bulk = (_moved(document) for document in documents)
    destination = bulk["spec"]["template"]["destination"]
    destination["s3"] |= {"prefix": "e2e/examples"}
    destination |= {"folder": folder, "credentialsSecretRef": KEYS}
    bulk["metadata"] = {"name": folder}
    _made_small(bulk["spec"])
    return [*things, bulk]


def _made_small(spec: dict[str, Any]) -> None:
    """Two cores run them all. What an example is about is kept: the words of two items, the newest of a list."""
    source = spec["source"]
    if "items" in source and not any("metadata" in item for item in source["items"]):
        source["items"] = source["items"][:1]
    if "limit" in source.get("playlist", {}):
        source["playlist"]["limit"] = 2


def _moved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _moved(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_moved(child) for child in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    for start, here in _PLACES.items():
        text = text.replace(start, here)
    return text
