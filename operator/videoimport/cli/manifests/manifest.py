"""Validation of a YAML file: the result is a valid VideoImport, or all errors that the API server would report."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from videoimport.api.rules.validation import BrokenRuleError
from videoimport.api.videoimport import MAX_NAME, VideoImport
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.schema_defaults import Schema, convert_numbers
from videoimport.cli.manifests.schema_rules import corrected, repeated_entries, unknown_fields
from videoimport.cli.manifests.yaml_documents import Document, the_import
from videoimport.crdgen.definitions import video_definition

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_USER_INFO = re.compile(r"://[^/]*@")
_MOST_SHOWN = 80
HERE = "here"
"""Claim name of an import without a destination. Such an import needs no claim in a cluster.

All these imports have the same claim name, because they may share a folder. An import then finds by address what
another import stored.
"""
_IDLE = {
    "suspend": "spec.suspend is true, so there is nothing to run; leave it out.",
    "cancel": "spec.cancel is true, so there is nothing to run; leave it out.",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A valid import."""

    video: VideoImport
    homeless: bool
    """True if the YAML file has no destination. The import then has a volume with the claim ``HERE``."""


def read(text: str, called: str, now: datetime) -> Manifest:
    """Return the import of a YAML file. ``called`` is the file's name in messages, and ``now`` is the creation time.

    The UID is empty, and the caller sets it. Raises UnusableError with every problem that could be found.
    """
    from videoimport.cli.manifests.cel_rules import (
        broken_rules,
    )  # cel-python loads slowly, and only this function needs it

    document = the_import(text, called)
    schema: Schema = video_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    mistyped = [*_unknown(schema, document)]
    document = convert_numbers(corrected(schema, document))
    if problems := [*_name_problems(document), *_spec_problems(document)]:
        raise UnusableError(*_in(called, (*mistyped, *problems)))
    broken = dict.fromkeys(broken_rules(schema, _as_json(document)))
    problems = [*_idle(document), *mistyped, *(f"{field}: {message}" for field, message in broken)]
    try:
        video = _parsed(document, now)
    except ValidationError as error:
        told = {message for _, message in broken}
        raise UnusableError(*_in(called, (*problems, *_refusals(error, document, schema, told)))) from None
    problems += repeated_entries(schema["properties"]["spec"], video.spec.wire(), "spec")
    if problems:
        raise UnusableError(*_in(called, problems))
    return Manifest(video, homeless=_is_homeless(document))


def _in(called: str, problems: Iterable[str]) -> Iterator[str]:
    return (f"{called}: {problem}" for problem in dict.fromkeys(problems))


def _name_problems(document: Document) -> Iterator[str]:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str):
        yield "metadata.name is missing; give the import a name, such as lecture-1."
    elif len(name) > MAX_NAME or not _NAME.fullmatch(name):
        yield (
            f"metadata.name is {_shown(name)}; it has at most {MAX_NAME} lowercase letters, digits, '-' or '.', and "
            "begins and ends with a letter or digit."
        )


def _spec_problems(document: Document) -> Iterator[str]:
    if not isinstance(document.get("spec"), dict):
        yield f"spec is {_kind(document.get('spec'))}; it must be an object with a source, such as source.url."


def _idle(document: Document) -> Iterator[str]:
    return (words for field, words in _IDLE.items() if document["spec"].get(field) is True)


def _unknown(schema: Schema, document: Document) -> Iterator[str]:
    wish = {key: value for key, value in document.items() if key != "status"}
    return (problem.removeprefix(".") for problem in unknown_fields(schema, wish, ""))


def _is_homeless(document: Document) -> bool:
    return document["spec"].get("destination") is None


def _parsed(document: Document, now: datetime) -> VideoImport:
    """Parse strictly, as the API server parses JSON: a number in quotes is text."""
    metadata, spec = document["metadata"], document["spec"]
    if _is_homeless(document):
        spec = spec | {"destination": {"persistentVolumeClaim": {"claimName": HERE}}}
    resource = {
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata.get("namespace", "default"),
            "uid": "",
            "generation": 1,
            "creationTimestamp": now.isoformat(),
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": spec,
    }
    return VideoImport.model_validate_json(json.dumps(resource, default=str), strict=True)


def _as_json(document: Document) -> Any:
    """Return the parts of a document that rules read, as the API server receives them. A date of YAML becomes text in
    JSON."""
    read = {"metadata": {"name": document["metadata"]["name"]}, "spec": document["spec"]}
    return json.loads(json.dumps(read, default=str))


def _refusals(error: ValidationError, document: Document, schema: Schema, told: Collection[str]) -> Iterator[str]:
    """Yield one sentence for each invalid field. Rules with a message in ``told`` are left out.

    pydantic reports each member of a union. This function reports the field once.
    """
    for detail in error.errors(include_url=False):
        path, found, whole = _located(document, detail["loc"])
        broken = detail.get("ctx", {}).get("error")
        if isinstance(broken, BrokenRuleError):
            rules = ((field, message) for field, message in broken.broken if message not in told)
            yield from (f"{_joined(detail['loc'])}{field}: {message}" for field, message in rules)
            continue
        about = _description(schema, detail["loc"])
        if detail["type"] == "missing":
            yield f"{_joined(detail['loc'])} is missing; it is required.{about}"
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


def _located(document: Document, where: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Any, bool]:
    """Return the part of ``where`` that is in the document, the value there, and whether that part is the whole
    path."""
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
    """Return the found value for a message. A scalar is shown with its value, and a URL without secrets."""
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
