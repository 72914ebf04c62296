"""Invalid Kubernetes objects: one for each check of the API server, with the expected message.

If a schema has a bound, the invalid value is computed from the bound. For the CEL rules, ``EXAMPLES`` has an invalid
value for each message. The controller tests send all objects to a real API server and compare the messages.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from videoimport.api.labels import API_VERSION, BULK_KIND, VIDEO_KIND
from videoimport.crdgen.admission_policy import CHECKS

Schema = dict[str, Any]


class ManifestKey(str):
    """A map key within a path."""

    __slots__ = ()


Path = tuple[str | int, ...]
_URL = "https://example.com/video.mp4"
_LONG_NAME = "日" * 86
"""Name of 258 bytes. A volume permits 255 bytes."""
EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "give exactly one of": ({},),
    "it must begin with http:// or https://": ("ftp://example.com/video.mp4", "example.com/video.mp4"),
    "its host is neither a name nor an IP address": (
        "https:///video.mp4",
        "https://exa mple.com/",
        "https://%/",
        "https://[::1",
        "https://ｅxample.com/",
        "https://①.example.com/",
    ),
    "its login has a square bracket": ("https://]@example.com/", "https://[a]@example.com/"),
    "its port must be": ("https://example.com:99999/", "https://example.com:65536/", "https://example.com:80a/"),
    "its host has an empty part": ("https://example..com/", f"https://{'a' * 64}.example.com/"),
    "the text in brackets": ("https://[1::2::3]/",),
    "it has a control character": ("https://example.com/a\u202eb",),
    "it must have no login": ("https://user:word@example.com", "https://example.com/?a=b", "https://example.com/#a"),
    "it must be an origin": ("https://lists.example.com/feed", "https://user@lists.example.com"),
    "the host of a store": ("https://my_store:9000", "https://-store.example.com"),
    "its host has more than 253": (f"https://{'a.' * 126}aa",),
    "it has a backslash": ("/videos", "videos/", "videos//2026", "videos\\2026"),
    "must not contain": ("../videos", "videos/./2026"),
    "the folder .videoimport": (".videoimport/imports", "videos/.VideoImport"),
    "it is the name of one folder": ("spring/lecture", "spring\\lecture"),
    "it is the name of a file": ("talks/lecture.mp4", ".."),
    "it must be a SHA-256": ("9F86D081", "9f86"),
    "it names no folder of its own": ("..", ".", " ", ".videoimport"),
    "it has an unknown placeholder": ("{author}", "{title", "title}"),
    "an item's name has no braces": ("{title}",),
    "it must be the name of a Kubernetes object": ("My_Object", "a..b"),
    "it must be a key of a ConfigMap": ("my/key", "..key"),
    "it must be the name of a bucket": ("My_Bucket", "-videos"),
    "it must be the name of a region": ("us-east-1-", "EU"),
    "a region's name": ("12",),
    "it must be an S3 storage class": ("standard",),
    "it is sent as an HTTP header": ("no-störe",),
    "it must be sha256:": ("md5:d41d8cd98f00b204e9800998ecf8427e",),
    "it becomes a file's name": ("720P", "a/b"),
    "a tag has letters": ("a&b",),
    "the key of a tag": ({"aws:team": "press"}, {"a?": "b"}),
    "prefix, folder and name": ({"s3": {"bucket": "videos", "prefix": "é" * 480}},),
    "a volume takes at most": (
        {"persistentVolumeClaim": {"claimName": "media"}, "folder": _LONG_NAME},
        {"persistentVolumeClaim": {"claimName": "media", "path": _LONG_NAME}},
        {"persistentVolumeClaim": {"claimName": "media"}, "name": _LONG_NAME},
    ),
    "minHeight is": ({"minHeight": 2160, "maxHeight": 1080}, {"minHeight": 1440}),
    "it is not a quantity of bytes": ("10 gigabytes", "-1"),
    "it must be more than 0": ("0", "0.0Gi"),
    "it is not a quantity;": ("two", "1Q"),
    "crf is at most 51": ({"crf": 52}, {"renditions": [{"name": "360p", "height": 360, "crf": 52}]}),
    "mode Original": (
        {"mode": "Original", "audioFile": {}},
        {"mode": "Original", "renditions": [{"name": "360p", "height": 360}]},
    ),
    "keys under videoimport.io/": ({"videoimport.io/run": "9"}, {"app.kubernetes.io/name": "mine"}),
    "keys under batch.kubernetes.io/": ({"job-name": "mine"},),
    "a key has letters": ({"-team": "press"}, {f"{'a' * 64}": "press"}),
    "the value of a label": ("-press",),
    "a resource is cpu": ({"cpus": "1"},),
    "a request is above the limit": ({"requests": {"memory": "4Gi"}, "limits": {"memory": "2Gi"}},),
    "a request for a device": ({"requests": {"example.com/gpu": "1"}},),
    "a taint's key": ("-media",),
    "without a key the operator": ({"value": "media"},),
    "operator Exists has no value": ({"key": "media", "operator": "Exists", "value": "gpu"},),
    "tolerationSeconds is for": ({"key": "media", "tolerationSeconds": 5},),
}
"""Values that break a rule, by the beginning of the rule's message. A value with fields is used only for objects that
have these fields."""

_SAMPLES: Mapping[str, Any] = {
    "url": _URL, "bucket": "videos", "key": "video.mp4", "claimName": "media", "path": "video.mp4", "name": "a",
    "height": 360, "filename": "video.mp4", "size": 1000,
    "secretRef": {"name": "keys"}, "source": {"url": _URL}, "destination": {"s3": {"bucket": "videos"}},
}  # fmt: skip
_SPECS: Mapping[str, Any] = {
    VIDEO_KIND: {"source": {"url": _URL}, "destination": {"s3": {"bucket": "videos"}}},
    BULK_KIND: {"source": {"items": [{"url": _URL}]}, "template": {"destination": {"s3": {"bucket": "videos"}}}},
}
_ALTERNATIVES = "give exactly one of "


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that the API server refuses."""

    kind: str
    path: Path
    """Path of the field in the API server's message, from ``spec``."""
    value: Any
    """Refused value of this field."""
    message: str
    """Message of the API server after the field."""
    manifest: dict[str, Any]
    """Kubernetes object that is valid except for this value."""
    is_rule: bool = False
    """True if the message is from a rule of this project."""
    has_field: bool = True
    """True if the API server names the field separately. Otherwise the field is in the message."""

    @property
    def field(self) -> str:
        """The path in the API server's notation. A rule's message has map keys in brackets."""
        return joined(self.path, bracketed=(int, ManifestKey) if self.is_rule else (int,))


def joined(path: Path, bracketed: tuple[type, ...] = (int,)) -> str:
    """Return a path in the API server's notation, such as ``spec.source.items[0].url``."""
    words = "".join(f"[{step}]" if isinstance(step, bracketed) else f".{step}" for step in path)
    return words.removeprefix(".")


def violations(kind: str, root: Schema) -> Iterator[Violation]:
    """Yield the violations of a kind, field by field. ``root`` is the whole schema of the kind."""
    walk = _Walk(kind, root["properties"]["spec"])
    yield walk.name(root)
    for path, node in nodes(walk.spec, ("spec",)):
        found = [*walk.bounds(path, node), *walk.missing(path, node), *walk.rules(path, node)]
        yield from found or walk.types(path, node)
        if path[-1] == "metadata" and node.get("type") == "object":
            yield from walk.metadata(path)


def nodes(node: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    """Yield ``node`` and every node below it. For a list, the nodes of the first entry are yielded. For a map, the
    nodes of a valid key are yielded."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, (*path, name))
    if "items" in node:
        yield from nodes(node["items"], (*path, 0))
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], (*path, ManifestKey(_key_of(path))))


def _key_of(path: Path) -> str:
    """Return a valid key for the map at this path."""
    return "memory" if path[-1] in ("requests", "limits") else "a"


def beginning_of(message: str) -> str | None:
    """Return the key in EXAMPLES for a rule's message, or None if there is none."""
    return next((known for known in EXAMPLES if message.startswith(known)), None)


@dataclass(frozen=True, slots=True)
class _Walk:
    kind: str
    spec: Schema

    def bounds(self, path: Path, node: Schema) -> Iterator[Violation]:
        """Yield a value beyond each bound."""
        for word, refused in _BOUNDS.items():
            if word in node:
                value, message = refused(node[word], joined(path), node)
                yield self._violation(path, value, message)
        yield from self._repeated(path, node)

    def _repeated(self, path: Path, node: Schema) -> Iterator[Violation]:
        kind = node.get("x-kubernetes-list-type")
        if kind == "set":
            value = node["items"]["enum"][0]
            yield self._violation(path, [value, value], f"Duplicate value: {shown(value)}", (*path, 1))
        if kind == "map":
            entry = self._filled(node["items"])
            key = {name: entry[name] for name in node["x-kubernetes-list-map-keys"]}
            yield self._violation(path, [entry, entry], f"Duplicate value: {shown(key)}", (*path, 1))

    def missing(self, path: Path, node: Schema) -> Iterator[Violation]:
        """Yield the object without each of its required fields."""
        for name in node.get("required", ()):
            whole = self._filled(node) if path != ("spec",) else dict(_SPECS[self.kind])
            value = {key: part for key, part in whole.items() if key != name}
            yield self._violation(path, value, "Required value", (*path, name))

    def rules(self, path: Path, node: Schema) -> Iterator[Violation]:
        """Yield one or more values that break each rule."""
        told = set()
        for rule in node.get("x-kubernetes-validations", ()):
            if rule["message"] in told:
                continue
            told.add(rule["message"])
            where = (*path, *filter(None, rule.get("fieldPath", "").split(".")))
            for example in EXAMPLES[beginning_of(rule["message"]) or ""]:
                if _fits(node, example):
                    yield self._rule(path, node, rule, example, where)

    def _rule(self, path: Path, node: Schema, rule: Schema, example: Any, where: Path) -> Violation:
        value = example
        if isinstance(example, str) and not _is_text(node, example):
            value = "a\u202eb"
        is_scalar = not isinstance(value, dict)
        message = f"{f'{shown(value)}: ' if is_scalar else ''}{_said(rule, value, node)}"
        return self._violation(path, value, f"Invalid value: {message}", where, is_rule=True)

    def name(self, root: Schema) -> Violation:
        """Return the violation for a name that is too long."""
        rule = next(rule for rule in root["x-kubernetes-validations"] if "metadata.name" in rule["rule"])
        manifest = {"apiVersion": API_VERSION, "kind": self.kind, "spec": _SPECS[self.kind]}
        manifest["metadata"] = {"name": "a" * 60}
        return Violation(self.kind, ("metadata", "name"), "a" * 60, rule["message"], manifest, True, False)

    def metadata(self, path: Path) -> Iterator[Violation]:
        """Yield the violations of the admission policy in a map of metadata."""
        field = joined(tuple(step for step in path if not isinstance(step, int)))
        for key, value, (_, message) in zip(
            ("duration", "tags", "a" * 65), (5, ["a"], 1), CHECKS.values(), strict=True
        ):
            found = {key: value}
            text = f"{field}.{key} {message}"
            yield Violation(self.kind, (*path, ManifestKey(key)), value, text, self._manifest(path, found), True, False)

    def types(self, path: Path, node: Schema) -> Iterator[Violation]:
        """Yield a violation of a field's type. This is used only for fields that have no other bound."""
        kind = node.get("type")
        if kind in ("boolean", "integer", "string"):
            value, found = (5, "integer") if kind == "string" else ("yes", "string")
            message = f'Invalid value: "{found}": {joined(path)} in body must be of type {kind}: "{found}"'
            yield self._violation(path, value, message)

    def _violation(
        self, path: Path, value: Any, message: str, where: Path | None = None, *, is_rule: bool = False
    ) -> Violation:
        return Violation(self.kind, where or path, value, message, self._manifest(path, value), is_rule)

    def _manifest(self, path: Path, value: Any) -> dict[str, Any]:
        spec = self._with(self.spec, _SPECS[self.kind], path[1:], value)
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": {"name": "refused"}, "spec": spec}

    def _with(self, node: Schema, found: Any, path: Path, value: Any) -> Any:
        """Return ``found`` with ``value`` at ``path``, and with the other required fields above that path."""
        if not path:
            return value
        step, rest = path[0], path[1:]
        if isinstance(step, int):
            return [self._with(node["items"], self._filled(node["items"]), rest, value)]
        child = node.get("properties", {}).get(step) or node["additionalProperties"]
        whole = self._filled(node) | (found if isinstance(found, dict) else {})
        others = {name for name in _alternatives(node) if name != step} if step in _alternatives(node) else set()
        kept = {name: part for name, part in whole.items() if name not in others}
        return kept | {step: self._with(child, whole.get(step), rest, value)}

    def _filled(self, node: Schema) -> dict[str, Any]:
        return {name: _SAMPLES[name] for name in node.get("required", ()) if name in _SAMPLES}


def _alternatives(node: Schema) -> list[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        if rule["message"].startswith(_ALTERNATIVES):
            return list(rule["message"].removeprefix(_ALTERNATIVES).removesuffix(".").split(", "))
    return []


def _fits(node: Schema, example: Any) -> bool:
    """Return whether an example fits this node: an object must have all fields of the example."""
    if not isinstance(example, dict) or "properties" not in node:
        return True
    return set(example) <= set(node["properties"])


def _is_text(node: Schema, example: str) -> bool:
    """Return whether the example fits this node. An example with U+202E is an address, and fits only fields for
    addresses."""
    least: int = node.get("minLength", 0)
    return "\u202e" not in example or least == len("https://a.")


def _said(rule: Schema, value: Any, node: Schema) -> str:
    """Return a rule's message. If the message shows values of the fields, these values are filled in."""
    found = re.fullmatch(r"'(.*)'\.format\(\[(.*)\]\)", rule.get("messageExpression", ""))
    if found is None:
        message: str = rule["message"]
        return message
    names = [name.removeprefix("self.") for name in found[2].split(", ")]
    return found[1] % tuple(value.get(name, node["properties"][name].get("default")) for name in names)


def shown(value: Any) -> str:
    """Return a value in the notation of the API server's messages."""
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in written)


def _too_many(most: int, _: str, node: Schema) -> tuple[Any, str]:
    if "additionalProperties" in node:
        key = "example.com/{}" if node["additionalProperties"].get("x-kubernetes-int-or-string") else "a{}"
        value: Any = {key.format(number): "1" for number in range(most + 1)}
    else:
        value = [_entry(node["items"], number) for number in range(most + 1)]
    return value, f"Too many: {most + 1}: must have at most {most} items"


def _entry(node: Schema, number: int) -> Any:
    if "properties" not in node:
        return node.get("enum", [f"a{number}"])[number % len(node.get("enum", [0]))]
    known = {name: _SAMPLES[name] for name in node.get("required", ()) if name in _SAMPLES}
    return known | ({"name": f"a{number}"} if "name" in known else {})


_Refused = Callable[[Any, str, Schema], tuple[Any, str]]
_BOUNDS: Mapping[str, _Refused] = {
    "enum": lambda choices, _field, _node: (
        "Other",
        f'Unsupported value: "Other": supported values: {", ".join(shown(choice) for choice in choices)}',
    ),
    "minimum": lambda least, field, _node: (
        least - 1,
        f"Invalid value: {least - 1}: {field} in body should be greater than or equal to {least}",
    ),
    "maximum": lambda most, field, _node: (
        most + 1,
        f"Invalid value: {most + 1}: {field} in body should be less than or equal to {most}",
    ),
    "minLength": lambda least, field, _node: (
        "a" * (least - 1),
        f"Invalid value: {shown('a' * (least - 1))}: {field} in body should be at least {least} chars long",
    ),
    "maxLength": lambda most, _field, _node: ("a" * (most + 1), f"Too long: may not be more than {most} bytes"),
    "minItems": lambda least, field, _node: (
        [],
        f"Invalid value: 0: {field} in body should have at least {least} items",
    ),
    "maxItems": _too_many,
    "maxProperties": _too_many,
}
