"""Parsing of YAML and JSON text into the documents that it contains, as written."""

import math
from collections.abc import Iterator
from typing import Any

import yaml

from videoimport.cli.errors import UnusableError

Document = dict[str, Any]
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
MOST_VALUES = 2_000_000
"""Maximum number of values in a text. Aliases can make a short text very large."""
MOST_DEPTH = 100
"""Maximum depth of nested lists and objects."""
_KINDS = {str: "a text", list: "a list", bool: "a truth value"}
_TOO_DEEP = f"{{}} has more than {MOST_DEPTH} lists or objects within each other; give a manifest."


class _AsKubectl:
    """Mixin for a YAML loader that reads YAML as kubectl does: a date stays text, and a duplicate key is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012 — pyyaml declares the attribute so
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} occurs twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)  # type: ignore[misc]


class _Loader(_AsKubectl, yaml.SafeLoader):
    """A loader with messages for users."""


class _FastLoader(_AsKubectl, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A loader that is about ten times as fast."""


def parse_documents(text: str, name: str) -> list[Document]:
    """Return all documents of a text as JSON values, without empty documents. ``name`` is the name of the text in
    messages.

    Raises UnusableError if the text is not YAML or has other values than objects, or if aliases make it too large.
    """
    documents = _load(text, name)
    if strange := [document for document in documents if not isinstance(document, dict)]:
        kind = _KINDS.get(type(strange[0]), "a number")
        raise UnusableError(f"{name} holds {kind} instead of a resource; begin with apiVersion and kind.")
    return documents


def _load(text: str, name: str) -> list[Any]:
    try:
        found = _load_fast(text, name)
        return [_Converter(name).convert(document) for document in found if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnusableError(f"{name} is not YAML: {error.problem}{where}. Correct that line.") from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise UnusableError(f"{name} is not YAML: {said}. Give a manifest in YAML or JSON.") from None
    except (AttributeError, LookupError, ValueError):  # pyyaml, for a value that does not fit its tag
        raise UnusableError(f"{name} has a value that does not fit its tag; remove the tags, such as !!int.") from None
    except RecursionError:
        raise UnusableError(_TOO_DEEP.format(name)) from None


def _load_fast(text: str, name: str) -> list[Any]:
    try:
        _check_depth(text, name)
        return list(yaml.load_all(text, _FastLoader))
    except yaml.YAMLError:
        return list(yaml.load_all(text, _Loader))


def _check_depth(text: str, name: str) -> None:
    """Raise UnusableError if the nesting of a text exceeds MOST_DEPTH. Otherwise the fast loader could exhaust the
    stack."""
    depth = 0
    for event in yaml.parse(text, _FastLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise UnusableError(_TOO_DEEP.format(name))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Converter:
    """Converts YAML values to JSON values, as kubectl does. Values of types that JSON does not have become text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MOST_VALUES

    def convert(self, value: Any) -> Any:
        """Return a value of JSON. Raises UnusableError if there are more than MOST_VALUES values, or for a number that
        JSON does not have."""
        self._left -= 1
        if self._left < 0:
            raise UnusableError(
                f"{self._name} has more than {MOST_VALUES} values; remove its aliases, or split the file."
            )
        if isinstance(value, dict):
            return {_convert_key(key): self.convert(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.convert(child) for child in value]
        if isinstance(value, float) and not math.isfinite(value):
            raise UnusableError(f"{self._name} has the number {value}, which no manifest can have; put it in quotes.")
        if isinstance(value, bytes):
            return value.decode()
        return value if value is None or isinstance(value, str | int | float) else str(value)


def _convert_key(key: Any) -> str:
    if isinstance(key, bool) or key is None:
        return "null" if key is None else str(key).lower()
    return str(key)


def split_lists(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield the objects of a document, each with its place in the document. The place is empty for a document that is
    not a list. Raises UnusableError if an entry of a list is not an object."""
    kind, items = str(document.get("kind", "")), document.get("items")
    if not kind.endswith("List") or not isinstance(items, list):
        yield "", document
        return
    given = {"apiVersion": document.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise UnusableError(f"items[{number}] is not a resource; begin with apiVersion and kind.")
        yield f"items[{number}]", given | item
