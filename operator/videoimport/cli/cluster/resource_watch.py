"""The present state of watched resources. Each watch has a separate thread. All watches write to one queue."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from videoimport.api.labels import BULK, BULK_KIND, VIDEO_KIND
from videoimport.cli.cluster.resource_reference import with_kind
from videoimport.cli.errors import UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.resource_facts import Raw

_TRIES = 6
"""Maximum number of failed requests in a row. The pauses between these requests take about 25 seconds together."""
_LONGEST_PAUSE = 10
_CHANGES = ("ADDED", "MODIFIED", "DELETED")


@dataclass(frozen=True, slots=True)
class Selection:
    """A set of resources of one kind, as a query of the API server."""

    kind: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class SelectionList:
    """The whole list of a selection. The selection is given by its number."""

    number: int
    resources: list[Raw]


@dataclass(frozen=True, slots=True)
class SelectionChange:
    """A resource of a selection that was added, changed or deleted."""

    number: int
    resource: Raw
    deleted: bool


Update = SelectionList | SelectionChange | UnusableError


class WatchedState:
    """The resources of all selections."""

    def __init__(self, number_of_selections: int) -> None:
        self._lists: list[dict[str, Raw] | None] = [None] * number_of_selections

    @property
    def is_complete(self) -> bool:
        """True if every selection has been listed at least once."""
        return all(listed is not None for listed in self._lists)

    def all_of(self, kind: str) -> list[Raw]:
        """Return the resources of a kind, each once and in the order of their names."""
        merged = {name: one for listed in self._lists for name, one in (listed or {}).items() if one["kind"] == kind}
        return [merged[name] for name in sorted(merged)]

    def apply(self, update: Update) -> None:
        """Apply a list or a change. If the update is an exception, raise it."""
        if isinstance(update, UnusableError):
            raise update
        if isinstance(update, SelectionList):
            self._lists[update.number] = {one["metadata"]["name"]: one for one in update.resources}
        elif (listed := self._lists[update.number]) is not None:
            name = update.resource["metadata"]["name"]
            listed.pop(name, None)
            if not update.deleted:
                listed[name] = update.resource


def select(resources: Sequence[Raw]) -> list[Selection]:
    """Return the selections for watching these resources, and the imports of each BulkImport among these resources."""
    found: list[Selection] = []
    for resource in resources:
        name = resource["metadata"]["name"]
        found.append(Selection(resource["kind"], {"fieldSelector": f"metadata.name={name}"}))
        if resource["kind"] == BULK_KIND:
            found.append(Selection(VIDEO_KIND, {"labelSelector": f"{BULK}={name}"}))
    return found


def follow(kube: Kube, selections: Sequence[Selection]) -> Iterator[WatchedState]:
    """Yield the state at the start, and after each change. Raises UnusableError if the cluster cannot be reached.

    All states are the same object. The threads end with the process.
    """
    updates: queue.SimpleQueue[Update] = queue.SimpleQueue()
    for number, selection in enumerate(selections):
        threading.Thread(target=_feed, args=(kube, number, selection, updates), daemon=True).start()
    state = WatchedState(len(selections))
    while True:
        state.apply(updates.get())
        while not updates.empty():  # many changes at once are one state
            state.apply(updates.get())
        if state.is_complete:
            yield state


def _feed(kube: Kube, number: int, selection: Selection, updates: "queue.SimpleQueue[Update]") -> None:
    """List and watch without end. After a broken connection or an expired version, list again."""
    try:
        while True:
            resources, version = _list(kube, selection)
            updates.put(SelectionList(number, resources))
            _watch(kube, number, selection, version, updates)
    except UnusableError as error:
        updates.put(error)


def _list(kube: Kube, selection: Selection) -> tuple[list[Raw], str]:
    """Return the list and its version. Raises UnusableError after several tries."""
    tries = Retrying(
        retry=retry_if_exception_type(UnusableError),
        stop=stop_after_attempt(_TRIES),
        wait=wait_exponential(max=_LONGEST_PAUSE),
        reraise=True,
    )
    resources, version = tries(kube.versioned_list, kube.namespace, selection.kind, selection.query)
    return [with_kind(resource, selection.kind) for resource in resources], version


def _watch(kube: Kube, number: int, selection: Selection, version: str, updates: "queue.SimpleQueue[Update]") -> None:
    """Put changes into the queue until the watch breaks or its version expires."""
    try:
        while True:
            for event in kube.watched(kube.namespace, selection.kind, selection.query | {"resourceVersion": version}):
                if event["type"] not in _CHANGES:
                    return
                resource = with_kind(event["object"], selection.kind)
                version = resource["metadata"]["resourceVersion"]
                updates.put(SelectionChange(number, resource, event["type"] == "DELETED"))
    except UnusableError:
        return  # the next list shows whether the cluster can be reached
