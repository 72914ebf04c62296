"""References to resources on the command line: NAME, vi/NAME, videoimport/NAME, bi/NAME or bulkimport/NAME."""

import difflib
from dataclasses import dataclass

from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.cli.errors import NotFoundError, UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import SHORT_KINDS, Raw

_KINDS = {
    "vi": VIDEO_KIND,
    "videoimport": VIDEO_KIND,
    "videoimports": VIDEO_KIND,
    "bi": BULK_KIND,
    "bulkimport": BULK_KIND,
    "bulkimports": BULK_KIND,
}
_MOST_COMPARED = 500
"""Maximum number of names of a kind that are compared to find the nearest name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as the user wrote it."""

    kind: str
    name: str
    explicit: bool
    """True if the user wrote the kind."""

    def __str__(self) -> str:
        return f"{SHORT_KINDS[self.kind]}/{self.name}"


def parse_reference(word: str, default_kind: str = VIDEO_KIND) -> Reference:
    """Return the reference. Raises UnusableError if there is no such kind."""
    kind, slash, name = word.partition("/")
    if not slash:
        return Reference(default_kind, word, explicit=False)
    if kind.lower() in _KINDS:
        return Reference(_KINDS[kind.lower()], name, explicit=True)
    near = difflib.get_close_matches(kind.lower(), _KINDS, n=1)
    hint = f"did you mean {near[0]}/{name}?" if near else f"write vi/{name} for an import or bi/{name} for a bulk."
    raise UnusableError(f"{word}: there is no kind {kind} here; {hint}")


def find_resource(kube: Kube, word: str, *, any_kind: bool = False) -> Raw:
    """Return the resource that a word of the command line names. If ``any_kind`` is true, a NAME without a kind may
    also be a BulkImport. A command that changes a BulkImport needs bi/NAME. Raises NotFoundError with the name of the
    nearest resource."""
    asked = parse_reference(word)
    try:
        return with_kind(kube.resource(kube.namespace, asked.kind, asked.name), asked.kind)
    except NotFoundError:
        if any_kind and not asked.explicit:
            try:
                return with_kind(kube.resource(kube.namespace, BULK_KIND, asked.name), BULK_KIND)
            except NotFoundError:
                pass
        raise NotFoundError(_format_missing(kube, asked)) from None


def with_kind(resource: Raw, kind: str) -> Raw:
    """Return the resource with the field ``kind``, because items of a list have no kind."""
    return {"kind": kind, **resource}


def _format_missing(kube: Kube, asked: Reference) -> str:
    """Return the sentence about a resource that does not exist, with the nearest name."""
    names = [
        Reference(kind, one["metadata"]["name"], explicit=True)
        for kind in (asked.kind, *(() if asked.explicit else (BULK_KIND,)))
        for one in kube.first_resources(kube.namespace, kind, _MOST_COMPARED)
    ]
    by_name = {reference.name: reference for reference in reversed(names)}
    near = difflib.get_close_matches(asked.name, by_name, n=1)
    what = f"{asked.kind} {asked.name}" if asked.explicit else f"{asked.kind} or BulkImport {asked.name}"
    same = near and near[0] == asked.name
    start = f"{asked.kind} {asked.name}" if same else what
    hint = f"did you mean {by_name[near[0]]}?" if near else "choose the namespace with --namespace."
    return f"The namespace {kube.namespace} has no {start}; {hint}"
