"""What the API server would refuse beyond the models: unknown fields, CEL rules, entries that stand twice.

There is no API server here, and the models ignore what they do not know, as a controller must. So a manifest is held
against the very schema that the API server would hold it against.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_OUR_KEYS = ("videoimport.io/", "app.kubernetes.io/")
PREDICATES: Mapping[str, Callable[[Any], bool]] = {
    "[has(self.url), has(self.s3), has(self.persistentVolumeClaim)].filter(given, given).size() == 1": (
        lambda self: sum(kind in self for kind in ("url", "s3", "persistentVolumeClaim")) == 1
    ),
    "[has(self.items), has(self.playlist), has(self.s3), has(self.manifest)].filter(given, given).size() == 1": (
        lambda self: sum(kind in self for kind in ("items", "playlist", "s3", "manifest")) == 1
    ),
    "[has(self.configMapKeyRef), has(self.url), has(self.s3)].filter(given, given).size() == 1": (
        lambda self: sum(kind in self for kind in ("configMapKeyRef", "url", "s3")) == 1
    ),
    "has(self.s3) != has(self.persistentVolumeClaim)": (
        lambda self: ("s3" in self) != ("persistentVolumeClaim" in self)
    ),
    "!self.split('/').exists(part, part == '..' || part == '.')": (lambda self: not {".", ".."} & set(self.split("/"))),
    "!has(self.mode) || self.mode != 'Original' || "
    "((!has(self.renditions) || size(self.renditions) == 0) && !has(self.audioFile))": (
        lambda self: self["mode"] != "Original" or not (self.get("renditions") or "audioFile" in self)
    ),
    "!has(self.renditions) || self.renditions.all(one, !has(one.crf) || one.crf <= 51) || "
    "(has(self.video) && has(self.video.codec) && self.video.codec == 'av1')": lambda self: (
        self["video"]["codec"] == "av1" or all((one.get("crf") or 1) <= 51 for one in self.get("renditions", ()))
    ),
    "!has(self.crf) || self.crf <= 51 || (has(self.codec) && self.codec == 'av1')": lambda self: (
        self["codec"] == "av1" or self["crf"] <= 51
    ),
    "self.all(key, !key.startsWith('videoimport.io/') && !key.startsWith('app.kubernetes.io/'))": (
        lambda self: not any(key.startswith(_OUR_KEYS) for key in self)
    ),
}
"""The schema's CEL rules in Python, by their text; those about an earlier state (oldSelf) have nothing to say here.
A test holds that none is missing."""


def unknown_fields(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """A sentence for each field that the schema does not know, with the one that was probably meant."""
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for name, child in value.items():
            if name in known:
                yield from unknown_fields(known[name], child, f"{path}.{name}")
            else:
                yield f"{path}.{name}: there is no such field; {_meant(str(name), known)}"
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for name, child in value.items():
            yield from unknown_fields(schema["additionalProperties"], child, f"{path}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for number, child in enumerate(value):
            yield from unknown_fields(schema["items"], child, f"{path}[{number}]")


def _meant(name: str, known: Iterable[str]) -> str:
    by_lower = {field.lower(): field for field in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]}?" if close else f"there are {', '.join(sorted(known))}."


def broken_rules(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """A sentence for each rule that a value breaks; the value has its defaults, as when the API server asks."""
    for rule in schema.get("x-kubernetes-validations", ()):
        holds = PREDICATES.get(rule["rule"])
        if holds is not None and not holds(value):
            yield f"{path}{rule.get('fieldPath', '')}: {rule['message']}."
    if isinstance(value, dict):
        children = schema.get("properties", {})
        for name, child in value.items():
            if name in children:
                yield from broken_rules(children[name], child, f"{path}.{name}")
    elif isinstance(value, list):
        yield from _twice(schema, value, path)
        for number, child in enumerate(value):
            yield from broken_rules(schema["items"], child, f"{path}[{number}]")


def _twice(schema: Schema, value: list[Any], path: str) -> Iterator[str]:
    kind = schema.get("x-kubernetes-list-type")
    keys = schema.get("x-kubernetes-list-map-keys", ())
    if kind not in ("map", "set"):
        return
    seen: list[Any] = []
    for entry in value:
        identity = [entry[key] for key in keys] if kind == "map" else entry
        if identity in seen:
            shown = ", ".join(map(str, identity)) if kind == "map" else identity
            yield f"{path}: {shown} stands twice; give each once."
        seen.append(identity)
