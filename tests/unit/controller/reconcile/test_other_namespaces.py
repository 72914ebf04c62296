"""Nothing in one namespace changes what is decided for another, whatever it looks like."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.controller.simulated_tenants import KEYS, grown, planted
from support.examples import examples
from videoimport.controller.client.resources import Key


@given(st.data(), st.integers(0, 6), st.booleans())
@examples(40)
def test_objects_of_other_namespaces_change_no_plan_and_wake_no_key_of_this_one(
    data: Any, steps: int, works: bool
) -> None:
    world = grown(steps, works=works)
    keys = [*KEYS, *(Key("VideoImport", *place[1:]) for place in world.objects if place[0] == "VideoImport")]
    before = {key: world.plan(key) for key in keys}
    total = world.store.turns.slots.total
    world.told.clear()
    for raw in data.draw(st.lists(planted(world), min_size=1, max_size=8)):
        world.put(raw)
        assert {key.namespace for key in world.told} <= {raw["metadata"]["namespace"]}
        world.told.clear()
    assert {key: world.plan(key) for key in keys} == before
    running = [raw for place, raw in world.objects.items() if place[1] != "victim" and _may_hold(raw)]
    assert world.store.turns.slots.total <= total + len(running), "places are taken by more than imports"


def _may_hold(raw: dict[str, Any]) -> bool:
    return raw["kind"] == "VideoImport" and bool(raw.get("status", {}).get("run"))
