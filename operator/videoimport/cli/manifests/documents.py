"""All documents of one run: imports as an API server would store them, and the Secrets and ConfigMaps of the YAML
files."""

import difflib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from videoimport.api.labels import API_VERSION, BULK_KIND, GROUP, VIDEO_KIND
from videoimport.api.untrusted_text import clean_text
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.admission import Raw
from videoimport.cli.manifests.key_values import read_key_values
from videoimport.cli.manifests.manifest_files import ManifestText, read_texts
from videoimport.cli.manifests.object_metadata import select_metadata
from videoimport.cli.manifests.object_problems import examine
from videoimport.cli.manifests.shown_values import shorten_text
from videoimport.cli.manifests.yaml_documents import parse_documents, split_lists

Place = tuple[str, str]
"""Namespace and name."""
ObjectKey = tuple[str, str, str]
"""Kind, namespace and name."""
MOST_DOCUMENTS = 10_000
"""Maximum number of documents of one run."""
MOST_PROBLEMS = 100
"""Maximum number of problems that are shown."""
_OURS = (VIDEO_KIND, BULK_KIND)
_HOLDERS = ("Secret", "ConfigMap")
_KINDS = f"there are {VIDEO_KIND} and {BULK_KIND}."
_CORE_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """One document as written."""

    content: Raw = field(repr=False)  # it may be a Secret
    called: str
    """The name in messages, such as ``course.yaml document 2``."""
    folder: Path
    """The folder of the file."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The manifests of one run."""

    videos: tuple[Raw, ...]
    """VideoImports with the defaults of the schema. The metadata has name and namespace, labels and annotations."""
    bulks: tuple[Raw, ...]
    """BulkImports, in the same form."""
    secrets: Mapping[Place, Mapping[str, bytes]] = field(repr=False)
    config_maps: Mapping[Place, Mapping[str, bytes]] = field(repr=False)
    homeless: frozenset[ObjectKey]
    """Imports without a destination in the YAML file. Their destination is the claim ``destinations.HERE``."""
    folders: Mapping[ObjectKey, Path]
    """The folder of the file of every import."""
    ignored: tuple[str, ...]
    """A sentence for each resource of another kind."""


def read(sources: Sequence[str], standard_input: TextIO | None = None) -> Documents:
    """Return the manifests of files, folders and ``-`` for standard input, which is ``sys.stdin`` by default.

    Raises UnusableError with every problem of every document, or if there is no import. No message has a value of a
    Secret.
    """
    documents: list[ManifestDocument] = []
    problems: list[str] = []
    for text in read_texts(sources, standard_input or sys.stdin):
        try:
            documents += _split(text)
        except UnusableError as error:
            problems += error.problems
    return collect(documents, problems)


def collect(documents: Sequence[ManifestDocument], problems: Iterable[str] = ()) -> Documents:
    """Return the manifests of documents that are parsed already. Raises UnusableError as ``read`` does; ``problems``
    are reported too."""
    if len(documents) > MOST_DOCUMENTS:
        raise UnusableError(f"there are {len(documents)} documents; run at most {MOST_DOCUMENTS} at once.")
    collector = _ManifestCollector(problems=list(problems))
    for document in documents:
        collector.add(document)
    if not (collector.problems or collector.videos or collector.bulks):
        collector.problems.append(_describe_nothing(documents))
    if collector.problems:
        raise UnusableError(*_limit(collector.problems))
    return collector.finish()


def _split(text: ManifestText) -> Iterator[ManifestDocument]:
    parsed = parse_documents(text.text, text.name)
    for number, document in enumerate(parsed, 1):
        called = text.name if len(parsed) == 1 else f"{text.name} document {number}"
        try:
            for place, content in split_lists(document):
                yield ManifestDocument(content, f"{called} {place}".rstrip(), text.folder)
        except UnusableError as error:
            raise UnusableError(*(f"{called}: {problem}" for problem in error.problems)) from None


@dataclass(slots=True)
class _ManifestCollector:
    """Sorts documents by kind and collects their problems."""

    problems: list[str]
    videos: list[Raw] = field(default_factory=list)
    bulks: list[Raw] = field(default_factory=list)
    secrets: dict[Place, Mapping[str, bytes]] = field(default_factory=dict)
    config_maps: dict[Place, Mapping[str, bytes]] = field(default_factory=dict)
    homeless: set[ObjectKey] = field(default_factory=set)
    folders: dict[ObjectKey, Path] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    _first: dict[ObjectKey, str] = field(default_factory=dict)

    def add(self, document: ManifestDocument) -> None:
        kind = document.content.get("kind")
        if problem := _find_kind_problem(document.content):
            self._report(document, [problem])
        elif kind in _OURS:
            self._add_import(document)
        elif kind in _HOLDERS and document.content["apiVersion"] == _CORE_VERSION:
            self._add_holder(document)
        else:
            self.ignored.append(f"{document.called}: {_describe(document.content)} is ignored.")

    def _add_import(self, document: ManifestDocument) -> None:
        kind = document.content["kind"]
        found = examine(kind, document.content)
        self._report(document, found.problems)
        key = self._claim_name(document)
        if found.problems or key is None:
            return
        (self.videos if kind == VIDEO_KIND else self.bulks).append(found.raw)
        self.folders[key] = document.folder
        if found.homeless:
            self.homeless.add(key)

    def _add_holder(self, document: ManifestDocument) -> None:
        kind = document.content["kind"]
        found = read_key_values(kind, document.content)
        self._report(document, found.problems)
        if (key := self._claim_name(document)) is not None:
            (self.secrets if kind == "Secret" else self.config_maps)[key[1:]] = found.values

    def _report(self, document: ManifestDocument, problems: Iterable[str]) -> None:
        self.problems += [f"{document.called}: {problem}" for problem in problems]

    def _claim_name(self, document: ManifestDocument) -> ObjectKey | None:
        """Return the key of an object. Return None if its name is not a text, or if another document has the same
        key."""
        metadata = select_metadata(document.content)
        kind, namespace, name = document.content["kind"], metadata["namespace"], metadata["name"]
        if not (isinstance(name, str) and isinstance(namespace, str)):
            return None
        key = (kind, namespace, name)
        first = self._first.setdefault(key, document.called)
        if first == document.called:
            return key
        where = f" in the namespace {shorten_text(namespace)}" if "namespace" in document.content["metadata"] else ""
        self._report(document, [f"{kind} {shorten_text(name)}{where} is also in {first}; rename one of them."])
        return None

    def finish(self) -> Documents:
        return Documents(
            tuple(self.videos),
            tuple(self.bulks),
            self.secrets,
            self.config_maps,
            frozenset(self.homeless),
            self.folders,
            tuple(self.ignored),
        )


def _find_kind_problem(content: Raw) -> str | None:
    """Return the problem of the kind or the apiVersion of a document. Return None if there is no problem, or if the
    document has an unknown kind that is ignored."""
    kind, version = content.get("kind"), content.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        return f"kind is missing; write kind: {VIDEO_KIND} or kind: {BULK_KIND}."
    if kind in _OURS and version != API_VERSION:
        found = "nothing" if version is None else shorten_text(str(version))
        return f"apiVersion is {found}; write {API_VERSION}, or use the program of that version's release."
    if kind in _HOLDERS and version is None:
        return f"apiVersion is missing; write apiVersion: {_CORE_VERSION}."
    if kind not in _OURS and str(version).startswith(f"{GROUP}/"):
        meant = difflib.get_close_matches(kind.lower(), [known.lower() for known in _OURS], n=1)
        way_out = next((f"did you mean {known}?" for known in _OURS if [known.lower()] == meant), _KINDS)
        return f"there is no kind {shorten_text(kind)}; {way_out}"
    return None


def _describe_nothing(documents: Sequence[ManifestDocument]) -> str:
    kinds = Counter(str(document.content["kind"]) for document in documents)
    found = f"only {', '.join(map(shorten_text, kinds))}" if kinds else "nothing"
    return f"the manifests hold {found}; give one with apiVersion: {API_VERSION} and kind: {VIDEO_KIND} or {BULK_KIND}."


def _describe(content: Raw) -> str:
    metadata = content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return shorten_text(f"{content['kind']} {name or 'without a name'}")


def _limit(problems: list[str]) -> list[str]:
    unique = list(dict.fromkeys(map(clean_text, problems)))
    rest = len(unique) - MOST_PROBLEMS
    return unique if rest <= 0 else [*unique[:MOST_PROBLEMS], f"There are {rest} more problems; correct these first."]
