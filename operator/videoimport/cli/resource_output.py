"""Resources as JSON or YAML for programs. Text of a resource never becomes a control code of a terminal."""

import json
from typing import Any

import yaml

from videoimport.cli.options import OutputFormat
from videoimport.cli.progress_display import printable


def dump(value: Any, form: OutputFormat) -> str:
    """Return JSON-compatible data as text that ends with a line break. ``form`` is JSON or YAML.

    Characters that a terminal could interpret are escaped. A program that parses the text reads the same data.
    """
    if form is OutputFormat.JSON:
        return f"{escape_json(json.dumps(value, indent=2, ensure_ascii=False))}\n"
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
    if all(printable(line) == line for line in text.split("\n")):
        return text
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=False, width=120)


def as_list(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the resources as a List, as kubectl prints several resources."""
    return {"apiVersion": "v1", "kind": "List", "items": items}


def without_bookkeeping(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without metadata.managedFields, as kubectl prints it."""
    metadata = {key: value for key, value in resource["metadata"].items() if key != "managedFields"}
    return resource | {"metadata": metadata}


def escape_json(text: str) -> str:
    """Return JSON in which every character is escaped that a terminal could interpret. The JSON has the same data."""
    return "".join(
        letter if letter == "\n" or printable(letter) == letter else json.dumps(letter)[1:-1] for letter in text
    )
