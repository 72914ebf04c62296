#!/usr/bin/env python3
"""Writes docs/stores.md from what `make stores-test` recorded in build/stores.

python3 hack/stores_page.py   writes the page of the last whole run again, such as after a change of its words
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import stores

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

from support.worker import store_deviations, store_features  # noqa: E402 — for the tests that assert them

PAGE = ROOT / "docs/stores.md"
Rows = Sequence[Sequence[str]]

TEMPLATE = Path(__file__).with_suffix(".md")


def write(results: Path) -> None:
    """Write the page from the records of every store."""
    PAGE.write_text(page(read(results)))
    print(f"wrote {PAGE.relative_to(ROOT)}")


def read(results: Path) -> dict[str, Any]:
    """Read the records of each store: ``answers`` and ``imports``."""
    return {name: json.loads((results / f"{name}.json").read_text()) for name in stores.STORES}


def page(seen: Mapping[str, Any]) -> str:
    """Return the whole text of the page."""
    origins = [(f"`{name}`", store.version, store.origin) for name, store in stores.STORES.items()]
    return TEMPLATE.read_text().format(
        servers=table(("Server", "Version", "From"), origins),
        answers=_features(seen, "answers"),
        imports=_features(seen, "imports"),
        deviations=_deviations(),
    )


def _features(seen: Mapping[str, Any], kind: str) -> str:
    features = store_features.ANSWERED if kind == "answers" else store_features.IMPORTED
    rows = []
    for name, feature in features.items():
        cells = [seen[store][kind][name] for store in stores.STORES]
        rows.append((feature.title, *(_cell(cell, feature.usual) for cell in cells), feature.does))
    return table(("Feature", *(f"`{name}`" for name in stores.STORES), "What the importer does"), rows)


def _cell(text: str, usual: str) -> str:
    plain = text.replace("|", "\\|")
    return plain if text == usual else f"**{plain}**"


def _deviations() -> str:
    """Return a table with the reasons why some tests of the suites cannot pass."""
    why = store_deviations.DEVIATIONS.items()
    rows = [(f"`{store}`", f"`{part}`", text) for store, one in why for part, text in one.items()]
    return table(("Server", "Test", "Why it cannot pass"), rows) + "\n" if rows else ""


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    write(ROOT / "build/stores")
