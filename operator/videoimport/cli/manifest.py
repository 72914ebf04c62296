"""From a manifest's text to a valid VideoImport, or to all errors that the API server would report."""

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
from videoimport.cli.schema_rules import Schema, as_stored, corrected, repeated_entries, unknown_fields
from videoimport.cli.yaml_documents import Document, the_import
from videoimport.crdgen.definitions import video_definition

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_USER_INFO = re.compile(r"://[^/]*@")
_MOST_SHOWN = 80
HERE = "here"
"""The claim of an import that needs none in a cluster. One for all, because such imports may share a folder: then one
knows by its address what another stored."""
_IDLE = {
    "suspend": "spec.suspend is true, so there is nothing to run; leave it out.",
    "cancel": "spec.cancel is true, so there is nothing to run; leave it out.",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """An import that can be run."""

    video: VideoImport
    homeless: bool
    """It gave no destination; the import got a volume, ``HERE``."""


def read(text: str, called: str, now: datetime) -> Manifest:
    """The import of a manifest that is ``called`` so, created ``now``; its UID is the caller's to give.

    Raises UnusableError with every problem that could be found.
    """
    from videoimport.cli.cel_rules import broken_rules  # cel-python is slow to load, and only a manifest needs it

    document = the_import(text, called)
    schema: Schema = video_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    mistyped = [*_unknown(schema, document)]
    document = as_stored(corrected(schema, document))
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
    """Strictly, as the API server reads JSON: a number in quotes is text."""
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
    """Return what rules read of a document, as the API server gets it: YAML has dates, JSON has their text."""
    read = {"metadata": {"name": document["metadata"]["name"]}, "spec": document["spec"]}
    return json.loads(json.dumps(read, default=str))


def _refusals(error: ValidationError, document: Document, schema: Schema, told: Collection[str]) -> Iterator[str]:
    """Yield a sentence a field; rules whose message was ``told`` are left out. pydantic reports each of a union's
    members; this reports the field once."""
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
    """The description of the field, as `kubectl explain` prints it."""
    node: Any = schema
    for step in path:
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
    return f" ({node['description']})" if "description" in node else ""


def _located(document: Document, where: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Any, bool]:
    """The part of ``where`` that is in the document, the value there, and whether that is all of it."""
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
    """What was found, fit to be shown: a scalar with its value, URLs without their secrets."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return _shown(value) if isinstance(value, str) else f"the number {value}"


def _shown(text: str) -> str:
    """Text in quotes. If it looks like an invalid address, the possibly secret parts are removed."""
    safe = _USER_INFO.sub("://", text).partition("?")[0] if "://" in text else text
    return f'"{safe if len(safe) <= _MOST_SHOWN else safe[: _MOST_SHOWN - 1] + "…"}"'
