"""The changes and checks that an API server makes before it stores an object of this project: defaults, pruning,
validation.

A new object is first checked by the models' predicates in Python. They have the same rules as the CEL of the
CustomResourceDefinition, and are about a hundred times as fast. CEL is evaluated only for the fields that a predicate
refuses, and for rules about a change. It gives the messages.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from videoimport.api import bulkimport, videoimport
from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.api.metadata import MOST_KEY_LETTERS, PREDEFINED
from videoimport.api.untrusted_text import clean_text
from videoimport.cli.manifests.schema_defaults import (
    Schema,
    convert_numbers,
    drop_nulls,
    drop_unknown_of_object,
    fill_defaults,
)
from videoimport.cli.manifests.schema_values import find_value_problems
from videoimport.cli.manifests.shown_values import shorten_text
from videoimport.crdgen.admission_policy import CHECKS
from videoimport.crdgen.definitions import bulk_definition, video_definition

Place = tuple[str | int, ...]
Raw = dict[str, Any]
OurKind = Literal["VideoImport", "BulkImport"]
_IMMUTABLE = ("source", "destination", "output")
"""Fields of a VideoImport that the CEL rules about a change read."""
MOST_RULES = 100
"""Maximum number of broken rules that are reported. A rule takes about a millisecond."""
_PREDEFINED, _SCALAR, _KEY_SIZE = (message for _, message in CHECKS.values())


@dataclass(frozen=True, slots=True)
class _Traits:
    """The schema of a kind, and the facts from the model of the kind."""

    schema: Schema
    model: type[videoimport.VideoImportSpec] | type[bulkimport.BulkImportSpec]
    longest_name: int
    unchanging: tuple[str, ...]


@cache
def _traits_of(kind: OurKind) -> _Traits:
    if kind == VIDEO_KIND:
        schema = _schema_in(video_definition())
        return _Traits(schema, videoimport.VideoImportSpec, videoimport.MAX_NAME, _IMMUTABLE)
    return _Traits(_schema_in(bulk_definition()), bulkimport.BulkImportSpec, bulkimport.MAX_NAME, ())


def _schema_in(definition: Raw) -> Schema:
    schema: Schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def get_schema(kind: OurKind) -> Schema:
    """Return the structural schema of a kind. All callers share this schema and must not change it."""
    return _traits_of(kind).schema


def get_model(kind: OurKind) -> type[BaseModel]:
    """Return the model of a kind's spec."""
    return _traits_of(kind).model


def apply_defaults(kind: OurKind, raw: Raw) -> Raw:
    """Return an object with the defaults of its spec, without null fields, and with whole numbers as integers.

    Metadata and status are unchanged. A spec that is not an object is returned unchanged, and ``validate`` refuses this
    spec.
    """
    if "spec" not in raw:
        return dict(raw)
    schema = get_schema(kind)["properties"]["spec"]
    return raw | {"spec": fill_defaults(schema, drop_nulls(schema, convert_numbers(raw["spec"])))}


def prune(kind: OurKind, raw: Raw) -> Raw:
    """Return an object without the fields that the schema lacks. Metadata is unchanged."""
    return drop_unknown_of_object(get_schema(kind), raw)


def validate(kind: OurKind, new: Raw, old: Raw | None = None) -> list[str]:
    """Return a sentence for each problem for which the API server would refuse an object. The list is empty if the API
    server would accept the object.

    ``new`` has its defaults and ``metadata.name``. ``old`` is the stored object that ``new`` replaces. With ``old``,
    rules about a change apply, and unchanged fields of the spec are accepted. The status is not checked, because only
    the controller writes it. Each sentence begins with the field. No sentence contains a password from a URL.
    """
    traits = _traits_of(kind)
    spec, before = new.get("spec"), (old or {}).get("spec")
    if "spec" not in new:
        return ["spec: Required value"]
    known = {"old": before} if old is not None else {}
    problems = [*find_value_problems(traits.schema["properties"]["spec"], spec, "spec", **known)]
    if not isinstance(spec, dict):
        return problems
    problems += _find_broken_rules(traits, new, old)
    if old is None or spec != before:
        problems += _find_metadata_problems(kind, spec)
    return list(dict.fromkeys(map(clean_text, problems)))


def _find_broken_rules(traits: _Traits, new: Raw, old: Raw | None) -> Iterator[str]:
    places = _find_suspects(traits, new, old)
    if not places:
        return
    from videoimport.cli.manifests.cel_rules import broken_rules  # cel-python takes half a second to load

    found = broken_rules(traits.schema, _select_parts(new), old=old and _select_parts(old), places=places)
    for field, message in itertools.islice(found, MOST_RULES):
        yield f"{field}: Invalid value: {message}" if field else message


def _find_suspects(traits: _Traits, new: Raw, old: Raw | None) -> set[Place]:
    """Return the paths of the fields that a CEL rule may refuse, and the paths of all enclosing fields."""
    found: set[Place] = set()
    if len(new["metadata"]["name"]) > traits.longest_name:
        found.add(())
    if old is not None and any(new["spec"].get(name) != old["spec"].get(name) for name in traits.unchanging):
        found.add(())
    if old is None or new["spec"] != old["spec"]:
        found |= _find_refused_places(traits.model, new["spec"])
    return found


def _find_refused_places(model: type[BaseModel], spec: Raw) -> set[Place]:
    try:
        model.model_validate_json(json.dumps(spec), strict=True)
    except ValidationError as refusal:
        return collect_places(refusal)
    return set()


def collect_places(refusal: ValidationError) -> set[Place]:
    """Return the paths of the fields that the model refused, and the paths of all enclosing fields.

    The model checks sibling fields independently. So a CEL rule can refuse only these fields.
    """
    refused = [("spec", *detail["loc"]) for detail in refusal.errors(include_url=False, include_input=False)]
    return {place[:length] for place in refused for length in range(len(place) + 1)}


def _select_parts(raw: Raw) -> Raw:
    """Return the fields of an object that CEL rules read, as JSON values."""
    parts = {name: raw[name] for name in ("spec", "status") if name in raw}
    return parts | {"metadata": {"name": raw["metadata"]["name"]}}


def _find_metadata_problems(kind: OurKind, spec: Raw) -> Iterator[str]:
    """Yield the messages of the ValidatingAdmissionPolicy, one for each field and check, as the policy does."""
    for field, maps in _collect_metadata(kind, spec):
        for is_bad, message in _METADATA_CHECKS:
            bad = [key for pairs in maps for key, value in pairs.items() if is_bad(key, value)]
            if bad:
                yield f"{field}.{shorten_text(bad[0])} {message}"


def _collect_metadata(kind: OurKind, spec: Raw) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    if kind == BULK_KIND:
        template, source = _read_object(spec, "template"), _read_object(spec, "source")
        items = source.get("items")
        yield "spec.template.metadata", [_read_object(template, "metadata")]
        yield "spec.source.items.metadata", [_read_object(item, "metadata") for item in items or () if item]
    else:
        yield "spec.metadata", [_read_object(spec, "metadata")]


def _read_object(parent: Any, name: str) -> Mapping[str, Any]:
    """Return the child if it is an object, otherwise an empty object. The schema check reports other types."""
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


_METADATA_CHECKS: tuple[tuple[Callable[[str, Any], bool], str], ...] = (
    (lambda key, _: key in PREDEFINED, _PREDEFINED),
    (lambda _, value: not isinstance(value, str | int | float), _SCALAR),
    (lambda key, _: not 1 <= len(key) <= MOST_KEY_LETTERS, _KEY_SIZE),
)
"""The checks of ``crdgen.admission_policy.CHECKS``, for one key and its value, and their messages."""
