"""Objects in memory, with the rules of an API server that the controller relies on.

Every write makes a new resourceVersion. Deletion waits for dependents and finalizers, as foreground deletion does.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from videoimport.cli.manifests.admission import apply_defaults, prune, validate
from videoimport.controller.client import errors
from videoimport.controller.client.resources import Place, Raw
from videoimport.core.plan import Kind

Change = Literal["MODIFIED", "DELETED"]
Observer = Callable[[Change, Kind, Raw], None]
ANY_VERSION = ""
_SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation")
_WITH_GENERATION: tuple[Kind, ...] = ("VideoImport", "BulkImport", "Job")


class Keeper(Protocol):
    """Storage that outlives the process. Every change is written to this storage."""

    def keep(self, kind: Kind, raw: Raw) -> None:
        """Write the object."""

    def drop(self, kind: Kind, raw: Raw) -> None:
        """Remove the object."""


def admit(kind: Kind, raw: Raw, old: Raw | None) -> Raw:
    """Return an object as an API server would store it. Raises Rejected if the schema does not allow the object."""
    if kind not in ("VideoImport", "BulkImport"):
        return raw
    filled = prune(kind, apply_defaults(kind, raw))
    if problems := validate(kind, filled, old):
        raise errors.Rejected(f"{kind} {raw['metadata']['name']} is invalid: {'; '.join(problems)}")
    return filled


def utc_text(moment: datetime) -> str:
    """Return a time as the API server writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class ObjectStore:
    """All objects of one run. Use this class from one thread. Callers receive copies of the objects."""

    make_uid: Callable[[Kind, Raw], str]
    now: Callable[[], datetime]
    keeper: Keeper | None = None
    admit: Callable[[Kind, Raw, Raw | None], Raw] = admit
    """Function that applies defaults to an object and checks the object. The second argument is the previous object.
    Raises Rejected."""
    _objects: dict[Kind, dict[Place, Raw]] = field(default_factory=dict)
    _owned: dict[str, set[tuple[Kind, Place]]] = field(default_factory=dict)
    """Objects with an owner, by the UID of the owner."""
    _observers: list[Observer] = field(default_factory=list)
    _version: int = 0

    @property
    def version(self) -> int:
        """The resourceVersion of the newest change."""
        return self._version

    def observe(self, observer: Observer) -> None:
        """Call ``observer`` after every change."""
        self._observers.append(observer)

    def load(self, kind: Kind, raw: Raw) -> None:
        """Put an object of an earlier process into the store, with a new resourceVersion."""
        self._put(kind, copy.deepcopy(raw))

    def list(self, kind: Kind) -> list[Raw]:
        """Return all objects of a kind."""
        return [copy.deepcopy(raw) for raw in self._objects.get(kind, {}).values()]

    def view(self, kind: Kind) -> Iterable[Raw]:
        """Return the objects of a kind themselves, for a display. The caller must not change or keep them."""
        return self._objects.get(kind, {}).values()

    def get(self, kind: Kind, namespace: str, name: str) -> Raw:
        """Return an object. Raises NotFound."""
        return copy.deepcopy(self._find(kind, namespace, name))

    def create(self, manifest: Raw) -> Raw:
        """Create an object. Raises AlreadyExists, or Rejected if the schema does not allow the object."""
        kind: Kind = manifest["kind"]
        metadata = manifest["metadata"]
        place = (metadata.setdefault("namespace", "default"), metadata["name"])
        if place in self._objects.get(kind, {}):
            raise errors.AlreadyExists(f"{kind} {'/'.join(place)} already exists")
        raw = self.admit(kind, copy.deepcopy(manifest), None)
        given = {key: value for key, value in raw["metadata"].items() if key not in _SERVER_FIELDS}
        made = {"uid": self.make_uid(kind, raw), "creationTimestamp": utc_text(self.now())}
        raw["metadata"] = given | made | ({"generation": 1} if kind in _WITH_GENERATION else {})
        return self._put(kind, raw)

    def replace_status(self, kind: Kind, raw: Raw) -> Raw:
        """Write ``raw["status"]``. Raises Conflict unless ``raw`` has the newest version."""
        metadata = raw["metadata"]
        found = self._find(kind, metadata["namespace"], metadata["name"])
        if metadata.get("resourceVersion", ANY_VERSION) not in (ANY_VERSION, found["metadata"]["resourceVersion"]):
            raise errors.Conflict(f"{kind} {metadata['name']}: the object has been modified")
        return self._put(kind, {**found, "status": copy.deepcopy(raw["status"])})

    def patch(self, kind: Kind, namespace: str, name: str, patch: Raw) -> Raw:
        """Apply a JSON merge patch. Raises Conflict if the patch has another ``metadata.uid``."""
        found = self._find(kind, namespace, name)
        uid = found["metadata"]["uid"]
        if patch.get("metadata", {}).get("uid", uid) != uid:
            raise errors.Conflict(f"{kind} {name}: another object has the name")
        made = self.replace(kind, merge(found, copy.deepcopy(patch)))
        self._finish_deletion(kind, made)
        return made

    def replace(self, kind: Kind, raw: Raw) -> Raw:
        """Write the whole object without a comparison of versions. Raises Rejected if the schema does not allow the
        object."""
        found = self._find(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])
        changed = self.admit(kind, copy.deepcopy(raw), copy.deepcopy(found))
        if kind in _WITH_GENERATION and changed.get("spec") != found.get("spec"):
            changed["metadata"]["generation"] = found["metadata"].get("generation", 0) + 1
        return self._put(kind, changed)

    def delete(self, kind: Kind, namespace: str, name: str, uid: str | None = None) -> Raw:
        """Delete an object after its dependents. Raises Conflict for another UID.

        Return the object that is being deleted, or a Status if the object is already gone.
        """
        found = self._find(kind, namespace, name)
        if uid not in (None, found["metadata"]["uid"]):
            raise errors.Conflict(f"{kind} {name}: another object has the name")
        if "deletionTimestamp" not in found["metadata"]:
            stamp = {"deletionTimestamp": utc_text(self.now())}
            found = self._put(kind, {**found, "metadata": found["metadata"] | stamp})
            for other, dependent in list(self._dependents(found)):
                self.delete(other, namespace, dependent["metadata"]["name"])
        return found if not self._finish_deletion(kind, found) else {"kind": "Status", "status": "Success"}

    def _finish_deletion(self, kind: Kind, raw: Raw) -> bool:
        """Remove an object that is being deleted, once it has no dependents and no finalizers. Return whether the
        object is gone."""
        metadata = raw["metadata"]
        place = (metadata["namespace"], metadata["name"])
        if self._objects.get(kind, {}).get(place, {}).get("metadata", {}).get("uid") != metadata["uid"]:
            return True
        if "deletionTimestamp" not in metadata or metadata.get("finalizers") or any(self._dependents(raw)):
            return False
        del self._objects[kind][place]
        for owner_uid in _owner_uids(raw):
            self._owned[owner_uid].discard((kind, place))
        self._version += 1
        raw = {**raw, "metadata": metadata | {"resourceVersion": str(self._version)}}
        if self.keeper:
            self.keeper.drop(kind, raw)
        self._announce("DELETED", kind, raw)
        for owner_kind, owner in list(self._owners(raw)):
            self._finish_deletion(owner_kind, owner)
        return True

    def _dependents(self, owner: Raw) -> Iterator[tuple[Kind, Raw]]:
        """Yield the objects that name this object as an owner. Owner and dependents are in the same namespace."""
        uid, namespace = owner["metadata"]["uid"], owner["metadata"]["namespace"]
        for kind, place in self._owned.get(uid, ()):
            if place[0] == namespace and place in self._objects[kind]:
                yield kind, self._objects[kind][place]

    def _owners(self, raw: Raw) -> Iterator[tuple[Kind, Raw]]:
        for reference in raw["metadata"].get("ownerReferences") or ():
            kind: Kind = reference["kind"]
            found = self._objects.get(kind, {}).get((raw["metadata"]["namespace"], reference["name"]))
            if found is not None and found["metadata"]["uid"] == reference["uid"]:
                yield kind, found

    def _find(self, kind: Kind, namespace: str, name: str) -> Raw:
        found = self._objects.get(kind, {}).get((namespace, name))
        if found is None:
            raise errors.NotFound(f"{kind} {namespace}/{name} not found")
        return found

    def _put(self, kind: Kind, raw: Raw) -> Raw:
        self._version += 1
        raw["metadata"] = raw["metadata"] | {"resourceVersion": str(self._version)}
        place = (raw["metadata"]["namespace"], raw["metadata"]["name"])
        self._objects.setdefault(kind, {})[place] = raw
        for owner_uid in _owner_uids(raw):
            self._owned.setdefault(owner_uid, set()).add((kind, place))
        if self.keeper:
            self.keeper.keep(kind, raw)
        self._announce("MODIFIED", kind, raw)
        return copy.deepcopy(raw)

    def _announce(self, change: Change, kind: Kind, raw: Raw) -> None:
        shared = copy.deepcopy(raw)  # observers only read; a bulk of 1000 items takes long to copy
        for observer in self._observers:
            observer(change, kind, shared)


def _owner_uids(raw: Raw) -> set[str]:
    return {reference["uid"] for reference in raw["metadata"].get("ownerReferences") or ()}


def merge(target: Any, patch: Any) -> Any:
    """Return ``target`` with a JSON merge patch applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    base = target if isinstance(target, dict) else {}
    kept = {key: value for key, value in base.items() if patch.get(key, "") is not None}
    return kept | {key: merge(base.get(key), value) for key, value in patch.items() if value is not None}
