"""All problems of a VideoImport or BulkImport as a user wrote it, each with the field, the value and the solution.

The API server finds the same problems. The messages of the API server are shorter, and it reports fewer problems at
once (``admission``).
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError

from videoimport.api.labels import API_VERSION, VIDEO_KIND
from videoimport.api.rules.validation import BrokenRuleError
from videoimport.cli.manifests.admission import (
    MOST_RULES,
    OurKind,
    Raw,
    apply_defaults,
    collect_places,
    get_model,
    get_schema,
)
from videoimport.cli.manifests.destinations import HERE
from videoimport.cli.manifests.object_metadata import find_metadata_problems, select_metadata
from videoimport.cli.manifests.schema_defaults import Schema, convert_numbers, drop_nulls
from videoimport.cli.manifests.schema_rules import corrected, repeated_entries, unknown_fields

_USER_INFO = re.compile(r"://[^/]*@")
_MOST_SHOWN = 80
_NEEDED = {
    "VideoImport": "it must be an object with a source, such as source.url.",
    "BulkImport": "it must be an object with a source, such as source.items.",
}


@dataclass(frozen=True, slots=True)
class ExaminedManifest:
    """An object as the API server would store it, and its problems. Do not use the object if there are problems."""

    raw: Raw
    problems: tuple[str, ...]
    homeless: bool = False
    """True if the YAML file has no destination. The destination of the object is then the claim ``HERE``."""


def examine(kind: OurKind, document: Raw) -> ExaminedManifest:
    """Return the object of a document with its defaults, and every problem that could be found."""
    schema = get_schema(kind)
    problems = [*_unknown(schema, document)]
    document = drop_nulls(schema, convert_numbers(corrected(schema, document)))
    problems += find_metadata_problems(kind, document)
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return ExaminedManifest({}, (*problems, f"spec is {_kind(spec)}; {_NEEDED[kind]}"))
    spec, homeless = _with_destination(kind, spec)
    raw = apply_defaults(
        kind, {"apiVersion": API_VERSION, "kind": kind, "metadata": select_metadata(document), "spec": spec}
    )
    problems += _find_spec_problems(kind, raw)
    return ExaminedManifest(raw, tuple(dict.fromkeys(problems)), homeless)


def _unknown(schema: Schema, document: Raw) -> Iterator[str]:
    wish = {key: value for key, value in document.items() if key != "status"}
    return (problem.removeprefix(".") for problem in unknown_fields(schema, wish, ""))


def _with_destination(kind: OurKind, spec: Raw) -> tuple[Raw, bool]:
    """Return the spec, and whether its destination was missing. A missing destination becomes the claim ``HERE``."""
    here = {"destination": {"persistentVolumeClaim": {"claimName": HERE}}}
    if kind == VIDEO_KIND:
        return (spec, False) if "destination" in spec else (spec | here, True)
    template = spec.get("template", {})
    if not isinstance(template, dict) or "destination" in template:
        return spec, False
    return spec | {"template": template | here}, True


def _find_spec_problems(kind: OurKind, raw: Raw) -> Iterator[str]:
    schema = get_schema(kind)
    try:
        get_model(kind).model_validate_json(json.dumps(raw["spec"]), strict=True)
    except ValidationError as refusal:
        broken = dict.fromkeys(_find_broken_rules(schema, raw, refusal))
        yield from (f"{field}: {message}" for field, message in broken)
        yield from _refusals(refusal, raw, schema, {message for _, message in broken})
        return
    yield from repeated_entries(schema["properties"]["spec"], raw["spec"], "spec")


def _find_broken_rules(schema: Schema, raw: Raw, refusal: ValidationError) -> Iterator[tuple[str, str]]:
    from videoimport.cli.manifests.cel_rules import broken_rules  # cel-python takes half a second to load

    spec = {"type": "object", "properties": {"spec": schema["properties"]["spec"]}}
    return islice(broken_rules(spec, {"spec": raw["spec"]}, places=collect_places(refusal)), MOST_RULES)


def _refusals(error: ValidationError, document: Raw, schema: Schema, told: Collection[str]) -> Iterator[str]:
    """Yield one sentence for each invalid field. Problems that are already in ``told`` are left out. For a union,
    pydantic reports each member. This function reports the field once."""
    for detail in error.errors(include_url=False):
        where = ("spec", *detail["loc"])
        path, found, whole = _located(document, where)
        broken = detail.get("ctx", {}).get("error")
        if isinstance(broken, BrokenRuleError):
            rules = ((field, message) for field, message in broken.broken if message not in told)
            yield from (f"{_joined(where)}{field}: {message}" for field, message in rules)
            continue
        about = _description(schema, where)
        if detail["type"] == "missing":
            yield f"{_joined(where)} is missing; it is required.{about}"
        elif not whole:
            yield f"{_joined(path)} is {_kind(found)}; it must be text, a number, true or false."
        else:
            yield f"{_joined(path)} is {_kind(found)}; {_said(detail['msg'])}.{about}"


def _said(message: str) -> str:
    message = message.removeprefix("Value error, ").rstrip(".")
    return re.sub(r"^(Input|String|Tuple|List|Dictionary) should", "it should", message)


def _description(schema: Schema, path: tuple[int | str, ...]) -> str:
    """Return the description of the field, as `kubectl explain` prints the description."""
    node: Any = schema
    for step in path:
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
    return f" ({node['description']})" if "description" in node else ""


def _located(document: Raw, where: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Any, bool]:
    """Return three values: the part of the path ``where`` that exists in the document, the value at this part, and
    whether this part is the whole path."""
    found: Any = document
    for depth, step in enumerate(where):
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return where[:depth], found, False
    return where, found, True


def _joined(path: tuple[int | str, ...]) -> str:
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".")


def _kind(value: Any) -> str:
    """Return the text for a found value in a message. A scalar is shown with its value, and a URL without secrets."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return _shown(value) if isinstance(value, str) else f"the number {value}"


def _shown(text: str) -> str:
    """Return the text in quotes. Possibly secret parts of an invalid URL are removed."""
    safe = _USER_INFO.sub("://", text).partition("?")[0] if "://" in text else text
    return f'"{safe if len(safe) <= _MOST_SHOWN else safe[: _MOST_SHOWN - 1] + "…"}"'
