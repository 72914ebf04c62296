from collections.abc import Callable
from typing import Any

from videoimport.controller.cache.kopf_watch import EndlessDelays, Intake, registry, settings
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import OURS

Raw = dict[str, Any]
Thing = Callable[..., Raw]


class Scene:
    def __init__(self) -> None:
        self.store = Store(lambda _: None)
        self.restarts: list[str] = []
        self.heard = 0
        self.intake = Intake(self.store, self._hear, self.restarts.append)

    def _hear(self) -> None:
        self.heard += 1

    def take(self, type_: str | None, raw: Raw) -> None:
        self.intake.take("Job", {"type": type_, "object": raw})  # type: ignore[typeddict-item]

    @property
    def names(self) -> list[str]:
        return [entry.head["metadata"]["name"] for entry in self.store.objects("Job")]


def test_events_fill_and_empty_the_store(thing: Thing) -> None:
    scene = Scene()
    scene.take(None, thing("Job", "a", 1))
    scene.take("ADDED", thing("Job", "b", 2))
    scene.take("MODIFIED", thing("Job", "a", 3))
    scene.take("DELETED", thing("Job", "b", 4))
    assert scene.names == ["a"]
    assert scene.heard == 4
    assert scene.restarts == []


def test_a_second_list_means_that_the_watch_had_a_gap(thing: Thing) -> None:
    scene = Scene()
    scene.take(None, thing("Job", "a", 1))
    scene.take("ADDED", thing("Job", "b", 2))
    scene.take(None, thing("Job", "b", 2))
    assert scene.restarts == ["Job"]


def test_a_name_used_again_is_no_gap(thing: Thing) -> None:
    scene = Scene()
    scene.take("ADDED", thing("Job", "a", 1))
    scene.take("DELETED", thing("Job", "a", 2))
    scene.take(None, thing("Job", "a", 3, uid="another"))
    assert scene.restarts == []


def test_kopf_is_told_to_keep_to_itself_and_never_to_give_up() -> None:
    chosen = settings()
    assert not chosen.posting.enabled
    assert chosen.peering.standalone
    assert chosen.scanning.disabled
    assert dict(chosen.watching.label_selectors).values().__len__() == 4
    assert set(chosen.watching.label_selectors.values()) == {OURS}
    delays = iter(EndlessDelays())
    assert [next(delays) for _ in range(100)][-1] == 30


def test_there_is_one_handler_a_kind() -> None:
    chosen = registry(Scene().intake)
    assert sorted(str(handler.id) for handler in chosen._watching.get_all_handlers()) == [
        "BulkImport", "ConfigMap", "Job", "PersistentVolumeClaim", "Pod", "VideoImport"
    ]  # fmt: skip
