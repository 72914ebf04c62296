"""Parsing of a YAML file that contains one VideoImport. The result is the document as written."""

import re
from typing import Any

import yaml

from videoimport.api.labels import API_VERSION, BULK_KIND, VIDEO_KIND
from videoimport.cli.errors import UnusableError

Document = dict[str, Any]
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_FROM_A_BULK = (
    f"a {BULK_KIND} needs the cluster: its controller makes a {VIDEO_KIND} of each item. To try one item here, write a "
    f"{VIDEO_KIND} with that item's url as spec.source.url and the content of spec.template as its spec"
)


class _Loader(yaml.SafeLoader):
    """A loader that reads YAML as kubectl does: a date stays text, and a duplicate key is an error."""

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
        return super().construct_mapping(node, deep=deep)


def the_import(text: str, name: str) -> Document:
    """Return the only VideoImport of a YAML file. ``name`` is the name of the file in messages.

    Raises UnusableError if the file cannot be read, or has no VideoImport, several, or another kind of this API.
    """
    documents = _documents(text, name)
    imports = [document for document in documents if document.get("kind") == VIDEO_KIND]
    if bulk := [document for document in documents if document.get("kind") == BULK_KIND]:
        raise UnusableError(f"{name}: {_called(bulk[0])}: {_FROM_A_BULK}.")
    if len(imports) != 1:
        raise UnusableError(_not_one(documents, imports, name))
    if imports[0].get("apiVersion") != API_VERSION:
        found = imports[0].get("apiVersion", "nothing")
        raise UnusableError(
            f"{name}: apiVersion is {found}; write {API_VERSION}, or use the program of that version's release."
        )
    return imports[0]


def _documents(text: str, name: str) -> list[Document]:
    try:
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnusableError(f"{name} is no YAML: {error.problem}{where}. Correct that line.") from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise UnusableError(f"{name} is no YAML: {said}. Give a manifest in YAML or JSON.") from None
    if strange := [document for document in documents if not isinstance(document, dict)]:
        kind = type(strange[0]).__name__
        raise UnusableError(f"{name} holds a {kind} where a resource should be; begin with apiVersion and kind.")
    return documents


def _not_one(documents: list[Document], imports: list[Document], name: str) -> str:
    if imports:
        names = ", ".join(_called(document) for document in imports)
        return f"{name} holds {len(imports)} VideoImports ({names}); give one: put each into a file of its own."
    kinds = ", ".join(dict.fromkeys(str(document.get("kind", "a thing without kind")) for document in documents))
    found = f"only {kinds}" if documents else "nothing"
    return f"{name} holds {found}; give a manifest with apiVersion: {API_VERSION} and kind: {VIDEO_KIND}."


def _called(document: Document) -> str:
    metadata = document.get("metadata")
    named = metadata.get("name") if isinstance(metadata, dict) else None
    return re.sub(r"\s+", " ", str(named or "one without a name"))
