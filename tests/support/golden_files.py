"""Golden files: what users and disks see, one JSON file each in ``expected/``.

A difference fails its test and prints a diff, until the expected files are rewritten on purpose with ``COMMAND``.
"""

import difflib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

FOLDER = Path(__file__).resolve().parents[1] / "unit/frozen/expected"
VARIABLE = "VIDEOIMPORT_TEST_REWRITE"
COMMAND = f"{VARIABLE}=1 .venv/bin/pytest -q tests/unit/frozen"


def check(name: str, found: Any) -> None:
    """Compare a JSON value with ``expected/<name>.json``. The order of keys does not count, the order of lists does."""
    path, text = FOLDER / f"{name}.json", as_text(found)
    if os.environ.get(VARIABLE):
        path.write_text(text)
    expected = path.read_text() if path.exists() else ""
    if text != expected:
        pytest.fail(difference(name, expected, text), pytrace=False)


def as_text(found: Any) -> str:
    """Return a JSON value as an expected file has it, with JSON inside strings as JSON."""
    return json.dumps(_parsed(found), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def difference(name: str, expected: str, text: str) -> str:
    """Return what the author of a change reads: what differs, and what to do."""
    lines = difflib.unified_diff(
        expected.splitlines(), text.splitlines(), f"expected/{name}.json", "this checkout", n=4, lineterm=""
    )
    advice = f"Users or stored data depend on this. If the change is meant, rewrite the expected files:\n  {COMMAND}"
    return "\n".join([f"{name} changed.", "", *lines, "", advice])


def _parsed(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _parsed(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_parsed(value) for value in found]
    if not isinstance(found, str) or not found.startswith(("{", "[{")):
        return found
    try:
        return {"JSON lines" if "\n" in found else "JSON": _parsed([json.loads(line) for line in found.splitlines()])}
    except ValueError:
        return found


def fields_of(model: type[BaseModel], *left_out: str) -> dict[str, str]:
    """Return each field of a model by its path in JSON, with its types, or its values where these are a closed set.

    Names of classes and descriptions do not count. ``left_out`` names top-level fields.
    """
    schema = model.model_json_schema(mode="serialization")
    found: dict[str, set[str]] = {}
    for path, kind in _leaves(schema, schema.get("$defs", {}), ""):
        if path.split(".")[1].removesuffix("[]") not in left_out:
            found.setdefault(path.removeprefix("."), set()).add(kind)
    return {path: " | ".join(sorted(kinds - {"null"})) for path, kinds in found.items() if kinds != {"null"}}


def _leaves(node: dict[str, Any], definitions: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if "$ref" in node:
        node = definitions[node["$ref"].rpartition("/")[2]]
    options = node.get("anyOf", node.get("oneOf", []))
    inner = [(path, option) for option in options]
    inner += [(f"{path}.{name}", child) for name, child in node.get("properties", {}).items()]
    inner += [(f"{path}[]", node["items"])] if "items" in node else []
    if isinstance(values := node.get("additionalProperties"), dict):
        inner.append((f"{path}.*", values))
    for place, child in inner:
        yield from _leaves(child, definitions, place)
    if not inner and path:
        yield from ((path, str(kind)) for kind in node.get("enum", [node.get("const", node.get("type", "any"))]))
