"""Cached objects: the metadata that identifies an object, and the fields that decisions read.

All other fields of an object are dropped at once. They are most of the object.
"""

import marshal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from videoimport.api.base import Model
from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import BULK, GROUP, IMPORT, PAGE
from videoimport.api.videoimport import VideoImport
from videoimport.controller.client.resources import Key, Raw
from videoimport.core.names_and_owners import find_controller
from videoimport.core.observed import ClaimView, JobView, Owner, PageView, PodView, ShardView
from videoimport.core.observed_parsers import parse_claim, parse_job, parse_page, parse_pod, parse_shard
from videoimport.core.plan import Kind

_HEAD = ("namespace", "name", "uid", "resourceVersion", "generation", "labels", "ownerReferences")
_CONDITIONS_WORDS = ("type", "status", "reason", "message")
_NAMED_BY: tuple[tuple[Kind, str], ...] = (("VideoImport", IMPORT), ("BulkImport", BULK))
"""Labels of a Job and of its pod. These labels name the owner."""
_RECONCILED: tuple[Kind, ...] = ("VideoImport", "BulkImport")
_WITHOUT_REFERENCES = 2
"""Version of the marshal format in which equal values have equal bytes."""
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A resource that the models of ``api`` reject."""

    raw: Raw
    problem: ValidationError


View = VideoImport | BulkImport | JobView | PodView | ShardView | PageView | ClaimView | Unreadable


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of an object. Values that the store needs often are stored as fields."""

    head: Raw
    """The apiVersion, the kind and the identifying metadata. These parts are enough to write the status."""
    version: int
    view: View
    uid: str
    generation: int
    """Generation of the spec."""
    controller: Owner | None
    """Controlling owner, which is always in the object's own namespace."""
    keys: tuple[Key, ...]
    """Keys that a change of this object affects: the key of a VideoImport or BulkImport itself, and the key of the
    owner."""

    def of(self, kind: type[T]) -> T:
        """Return the view. Its type must be ``kind``. Raises ValidationError if the object cannot be read."""
        if isinstance(self.view, Unreadable):
            raise self.view.problem
        if not isinstance(self.view, kind):
            raise TypeError(f"{self.view} is no {kind}")
        return self.view

    @property
    def owner(self) -> Owner:
        """This VideoImport or BulkImport as an owner, for comparison with the owners of other objects."""
        metadata = self.head["metadata"]
        return Owner(metadata["namespace"], GROUP, self.head["kind"], metadata["name"], metadata["uid"])


def read(kind: Kind, raw: Raw, version: int, known: Mapping[str, Model] = MappingProxyType({})) -> Entry:
    """Parse an object. ``known`` has parts that are parsed already, such as the spec and the status."""
    metadata = {key: raw["metadata"][key] for key in _HEAD if key in raw["metadata"]}
    head = {"apiVersion": raw["apiVersion"], "kind": raw["kind"], "metadata": metadata}
    controller = find_controller(metadata)
    keys = _list_concerned(kind, metadata, controller)
    return Entry(
        head, version, _parse(kind, raw, known), metadata["uid"], metadata.get("generation", 0), controller, keys
    )


def _list_concerned(kind: Kind, metadata: Mapping[str, Any], controller: Owner | None) -> tuple[Key, ...]:
    """Return the keys in the object's own namespace that the object affects.

    The decision about a key checks whether the object really belongs to the key. The owner of a pod is a Job. Labels of
    the pod name the owner of that Job, even after the Job is deleted.
    """
    namespace, labels = metadata["namespace"], metadata.get("labels") or {}
    if kind == "Pod":
        return tuple(Key(owner, namespace, labels[label]) for owner, label in _NAMED_BY if labels.get(label))
    own = (Key(kind, namespace, metadata["name"]),) if kind in _RECONCILED else ()
    if controller is None or controller.group != GROUP:
        return own
    return own + tuple(Key(owner, namespace, controller.name) for owner in _RECONCILED if owner == controller.kind)


def _parse(kind: Kind, raw: Raw, known: Mapping[str, Model]) -> View:
    try:
        view = _VIEWS[kind]({**raw, **known})
    except ValidationError as problem:
        return Unreadable(raw, problem)
    if isinstance(view, BaseModel):
        _share_field_sets(view)
    if isinstance(view, ShardView):
        for result in view.entries.values():
            _share_field_sets(result)
    if isinstance(view, VideoImport):
        _share_parts(view, raw["spec"])
    return view


def _list_view(raw: Raw) -> ShardView | PageView:
    """Parse a ConfigMap of the controller, which holds results or a page of a list."""
    return parse_page(raw) if PAGE in (raw["metadata"].get("labels") or {}) else parse_shard(raw)


_VIEWS: Mapping[Kind, Callable[[Raw], View]] = MappingProxyType(
    {
        "VideoImport": VideoImport.parse,
        "BulkImport": BulkImport.parse,
        "Job": parse_job,
        "Pod": parse_pod,
        "ConfigMap": _list_view,
        "PersistentVolumeClaim": parse_claim,
    }
)
_COMMON = ("destination", "requirements", "output", "worker")
_PARTS: dict[tuple[str, bytes], Any] = {}
_WORDS: dict[str, str] = {}
_MOST = 10_000
"""Maximum number of shared parts, and of shared texts. If a table reaches this number, it is cleared."""
_FIELD_SETS: dict[frozenset[str], set[str]] = {}


def _share_parts(video: VideoImport, spec: Raw) -> None:
    """Replace equal parts of imports by one shared copy.

    The children of a BulkImport share most of their spec. Most imports share the texts of their conditions. Shared
    copies reduce the memory of a finished import by a quarter. This is safe, because frozen models never change.
    """
    for name in _COMMON:
        if name in spec:
            key = (name, marshal.dumps(spec[name], _WITHOUT_REFERENCES))
            video.spec.__dict__[name] = _shared(_PARTS, key, video.spec.__dict__[name])
    for condition in video.status.conditions:
        words = condition.__dict__
        words.update({name: _shared(_WORDS, words[name], words[name]) for name in _CONDITIONS_WORDS})


def _shared(known: dict[K, V], key: K, value: V) -> V:
    if len(known) >= _MOST:
        known.clear()
    return known.setdefault(key, value)


def _share_field_sets(model: BaseModel) -> None:
    """Replace equal sets of field names by one shared set.

    Each model has a set of its given fields. The sets take half of the memory, 14 of 27 KB of a finished import, and
    nearly all are equal. Sharing is safe, because frozen models never change their sets.
    """
    given = model.model_fields_set
    object.__setattr__(model, "__pydantic_fields_set__", _FIELD_SETS.setdefault(frozenset(given), given))
    for value in model.__dict__.values():
        inner: Iterable[Any] = value if isinstance(value, tuple) else (value,)
        for part in inner:
            if isinstance(part, BaseModel):
                _share_field_sets(part)
