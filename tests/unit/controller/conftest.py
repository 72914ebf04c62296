"""A cluster of dictionaries, for the parts that speak to one."""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any

import pytest

from support.fake_clock import FakeClock
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.errors import ClusterError, NotFound

Raw = dict[str, Any]


class FakeCluster:
    """Remembers what it was asked; ``failures`` are raised by the next calls of a method, in order."""

    def __init__(self) -> None:
        self.listings: dict[str, Page] = {}
        self.objects: dict[tuple[str, str], Raw] = {}
        self.logs: dict[str, str] = {}
        self.about: list[Raw] = []
        self.calls: list[tuple[str, Any]] = []
        self.failures: dict[str, list[ClusterError]] = {}
        self.version = 1000

    def _asked(self, method: str, what: Any) -> None:
        self.calls.append((method, deepcopy(what)))
        if self.failures.get(method):
            raise self.failures[method].pop(0)

    def _next(self, raw: Raw) -> Raw:
        self.version += 1
        kept = deepcopy(raw)
        kept["metadata"]["resourceVersion"] = str(self.version)
        return kept

    def called(self, method: str) -> list[Any]:
        return [what for name, what in self.calls if name == method]

    async def pages(self, kind: str, namespace: str | None, selector: str | None = None) -> AsyncIterator[Page]:
        self._asked("pages", (kind, namespace, selector))
        yield self.listings.get(kind, Page([], self.version))

    async def get(self, kind: str, namespace: str, name: str) -> Raw:
        self._asked("get", (kind, name))
        if (kind, name) not in self.objects:
            raise NotFound(name)
        return deepcopy(self.objects[kind, name])

    async def create(self, manifest: Raw) -> Raw:
        self._asked("create", manifest)
        made = self._next(manifest)
        made["metadata"] |= {"uid": f"uid-{self.version}", "creationTimestamp": "2026-01-01T00:00:00Z"}
        return made

    async def replace_status(self, kind: str, raw: Raw) -> Raw:
        self._asked("replace_status", raw)
        return self._next({**self.objects[kind, raw["metadata"]["name"]], "status": raw["status"]})

    async def patch(self, kind: str, namespace: str, name: str, patch: Raw) -> Raw:
        self._asked("patch", (kind, name, patch))
        return self._next(self.objects[kind, name])

    async def delete(self, kind: str, namespace: str, name: str, uid: str) -> Raw:
        self._asked("delete", (kind, name, uid))
        return {"kind": "Status", "status": "Success"}

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int, limit_bytes: int) -> str:
        self._asked("log_tail", pod)
        return self.logs.get(pod, "")

    async def log(self, namespace: str, pod: str, container: str, limit_bytes: int) -> str:
        self._asked("log", pod)
        return self.logs.get(pod, "")

    async def events_about(self, namespace: str, uid: str) -> list[Raw]:
        self._asked("events_about", uid)
        return self.about

    async def post_event(self, event: Raw) -> None:
        self._asked("post_event", event)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


API_VERSIONS = {
    "VideoImport": "videoimport.io/v1alpha1",
    "BulkImport": "videoimport.io/v1alpha1",
    "Job": "batch/v1",
}
"""Of those that own."""


def thing(
    kind: str, name: str, version: int, *, uid: str = "", owner: tuple[str, str, str] | None = None, **rest: Any
) -> Raw:
    """An object; ``owner`` is kind, name and UID of its controller."""
    metadata: Raw = {"namespace": "ns", "name": name, "uid": uid or f"{name}-uid", "resourceVersion": str(version)}
    if owner:
        by = dict(zip(("kind", "name", "uid"), owner, strict=True))
        metadata["ownerReferences"] = [{"apiVersion": API_VERSIONS[owner[0]], **by, "controller": True}]
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata | rest.pop("meta", {}), **rest}


@pytest.fixture(name="thing")
def thing_fixture() -> Callable[..., Raw]:
    return thing


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)
