"""Places among those that run are given in turn, at a cost that does not grow with those that wait."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from videoimport.controller.cache.start_order import Slots
from videoimport.core.start_limits import DEFAULT, AdmissionState, Limits

START = datetime(2026, 1, 1, tzinfo=UTC)
Place = tuple[str, str]


class Imports:
    """Of several owners; each starts as soon as it is told that it may."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.told: list[Place] = []
        self.slots = Slots(self.told.append, limits)
        self.owners: dict[Place, str] = {}
        self.running: list[Place] = []
        self.born = 0

    def asks(self, name: str, owner: str, namespace: str = "ns") -> str:
        """A new import: why it has to wait, or that it runs."""
        place = (namespace, name)
        self.owners[place] = owner
        self.born += 1
        words = self.slots.no_room(place, self.standing(place).owner)
        if words:
            self.slots.put(place, self.standing(place, waits=True), answered=True)
        else:
            self.start(place)
        return words

    def standing(self, place: Place, *, holds: bool = False, waits: bool = False) -> AdmissionState:
        number = int(place[1].rpartition("-")[2])
        return AdmissionState(self.owners[place], holds, waits, (START + timedelta(seconds=number), place[1]))

    def start(self, place: Place) -> None:
        assert self.slots.no_room(place, self.standing(place).owner) == ""
        self.slots.take(place, self.standing(place).owner)
        self.slots.put(place, self.standing(place, holds=True), answered=True)
        self.running.append(place)

    def sticks(self, place: Place) -> list[Place]:
        """It turns out that it cannot start: who starts for it."""
        self.told.clear()
        self.slots.put(place, replace(self.standing(place, holds=True), stuck=True), answered=True)
        for told in self.told:
            self.start(told)
        return list(self.told)

    def end(self, place: Place) -> list[Place]:
        """Who starts for it."""
        self.running.remove(place)
        self.told.clear()
        self.slots.put(place, self.standing(place), answered=True)
        for told in self.told:
            self.start(told)
        return list(self.told)

    def by_owner(self) -> Counter[str]:
        return Counter(self.owners[place] for place in self.running)


def test_no_more_run_than_the_cluster_and_the_namespace_may() -> None:
    imports = Imports(Limits(cluster=3, namespace=2))
    words = [imports.asks(f"v-{n}", f"v-{n}", f"ns{n % 2}") for n in range(6)]
    assert words[:3] == ["", "", ""]
    assert "3 imports run in the cluster" in words[3]
    assert "2 imports run in this namespace" in words[4]
    assert imports.end(("ns0", "v-0")) == [("ns1", "v-3")]


@pytest.mark.parametrize("owners", [1, 40])
def test_a_namespace_gets_its_share_into_however_many_owners_another_divides_its_imports(owners: int) -> None:
    imports = Imports(Limits(cluster=4))
    for number in range(40):
        imports.asks(f"a-{number}", f"owner-{number % owners}", "a-crowd")
    for number in range(40, 44):
        imports.asks(f"b-{number}", "one bulk", "b-few")
    for place in list(imports.running)[:2]:
        imports.end(place)
    assert Counter(namespace for namespace, _ in imports.running) == {"a-crowd": 2, "b-few": 2}


def test_a_small_bulk_beside_a_large_one_gets_its_share() -> None:
    imports = Imports(Limits(cluster=10))
    for number in range(100):
        imports.asks(f"large-{number}", "large")
    for number in range(2):
        imports.asks(f"small-{number}", "small")
    assert imports.by_owner() == {"large": 10}
    imports.end(("ns", "large-0"))
    imports.end(("ns", "large-1"))
    assert imports.by_owner() == {"large": 8, "small": 2}
    assert imports.end(("ns", "small-0")) == [("ns", "large-10")]


def test_those_that_cannot_start_take_no_place_of_others_but_of_their_owner_and_namespace() -> None:
    imports = Imports(Limits(cluster=2))
    imports.slots.allow(("ns", "bad"), 2)
    words = [imports.asks(f"bad-{n}", "bad") for n in range(3)]
    assert [bool(word) for word in words] == [False, False, True]
    assert "2 imports run in the cluster" in imports.asks("good-3", "good", "other")
    assert imports.sticks(("ns", "bad-0")) == [("other", "good-3")]
    assert imports.sticks(("ns", "bad-1")) == []
    assert "parallelism" in imports.slots.no_room(("ns", "bad-2"), imports.standing(("ns", "bad-2")).owner)
    assert imports.slots.total == 1

    strict = Imports(Limits(cluster=2, namespace=1))
    strict.asks("bad-0", "bad")
    strict.sticks(("ns", "bad-0"))
    assert "1 imports run in this namespace" in strict.asks("v-1", "v-1")


def test_of_those_that_cannot_start_there_are_never_more_than_places_in_the_cluster() -> None:
    imports = Imports(Limits(cluster=2))
    for number in range(6):
        imports.asks(f"v-{number}", f"v-{number}")
    for place in list(imports.running) * 2:
        imports.sticks(place)
    assert imports.running == [("ns", f"v-{n}") for n in range(4)]
    for place in imports.running[2:]:
        imports.sticks(place)
    assert imports.slots.total == 0
    assert "4 imports run in the cluster or cannot start" in imports.asks("v-9", "v-9")
    assert imports.end(("ns", "v-0")) == [("ns", "v-4")]


def test_those_that_can_start_after_all_count_again() -> None:
    imports = Imports(Limits(cluster=1))
    for number in range(3):
        imports.asks(f"v-{number}", f"v-{number}")
    assert imports.sticks(("ns", "v-0")) == [("ns", "v-1")]
    imports.slots.put(("ns", "v-0"), imports.standing(("ns", "v-0"), holds=True), answered=True)
    assert imports.slots.total == 2
    assert imports.end(("ns", "v-0")) == []
    assert imports.end(("ns", "v-1")) == [("ns", "v-2")]


def test_of_equals_the_one_that_was_made_first_goes_first() -> None:
    imports = Imports(Limits(cluster=1))
    for number in (5, 3, 4, 2):
        imports.asks(f"v-{number}", f"v-{number}")
    order = [imports.end(place)[0][1] for place in [("ns", "v-5"), ("ns", "v-2"), ("ns", "v-3")]]
    assert order == ["v-2", "v-3", "v-4"]


def test_a_bulk_never_runs_more_than_its_parallelism_and_an_edit_counts_at_once() -> None:
    imports = Imports()
    imports.slots.allow(("ns", "bulk"), 2)
    words = [imports.asks(f"v-{n}", "bulk") for n in range(5)]
    assert [bool(word) for word in words] == [False, False, True, True, True]
    assert imports.asks("v-9", "v-9") == ""
    imports.slots.allow(("ns", "bulk"), 4)
    assert imports.told == [("ns", "v-2"), ("ns", "v-3")]


def test_a_promise_that_is_not_taken_goes_to_the_next() -> None:
    imports = Imports(Limits(cluster=1))
    for number in range(3):
        imports.asks(f"v-{number}", f"v-{number}")
    imports.told.clear()
    imports.slots.put(("ns", "v-0"), None, answered=True)
    assert imports.told == [("ns", "v-1")]
    imports.slots.put(("ns", "v-1"), imports.standing(("ns", "v-1")), answered=True)  # suspended meanwhile
    assert imports.told == [("ns", "v-1"), ("ns", "v-2")]


def test_promises_made_before_all_was_known_are_taken_back() -> None:
    imports = Imports(Limits(cluster=1))
    imports.owners = {("ns", "v-1"): "a", ("ns", "v-2"): "b"}
    imports.slots.put(("ns", "v-1"), imports.standing(("ns", "v-1"), waits=True), answered=True)
    assert imports.told == [("ns", "v-1")]
    imports.slots.put(("ns", "v-2"), imports.standing(("ns", "v-2"), holds=True), answered=True)
    assert "1 imports run" in imports.slots.no_room(("ns", "v-1"), imports.standing(("ns", "v-1")).owner)
    imports.slots.put(("ns", "v-2"), None, answered=True)
    assert imports.told == [("ns", "v-1")] * 2


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_and_goes_places_are_never_lost_and_never_too_many(seed: int) -> None:
    dice, imports = random.Random(seed), Imports(Limits(cluster=4, namespace=3))
    imports.slots.allow(("ns0", "bulk"), 2)
    for number in range(400):
        if imports.running and dice.random() < 0.5:
            imports.end(dice.choice(imports.running))
        else:
            owner = dice.choice(["bulk", f"v-{number}"])
            imports.asks(f"v-{number}", owner, f"ns{dice.randint(0, 1)}")
        assert imports.slots.total == len(imports.running) <= 4
        assert max(Counter(place[0] for place in imports.running).values(), default=0) <= 3
        assert sum(place[0] == "ns0" and imports.owners[place] == "bulk" for place in imports.running) <= 2
    while imports.running:
        imports.end(imports.running[0])
    assert imports.slots.total == 0


def test_a_decision_at_the_limit_costs_the_same_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Counter[int]()
    for size in (100, 3000):
        imports = Imports(Limits(cluster=1))
        for number in range(size):
            imports.asks(f"v-{number}", f"v-{number}")
        seen = imports.slots._still_waits

        def counted(entry: object, size: int = size, seen: object = seen) -> bool:
            looks[size] += 1
            return seen(entry)  # type: ignore[operator, no-any-return]

        monkeypatch.setattr(imports.slots, "_still_waits", counted)
        imports.end(("ns", "v-0"))
        imports.slots.no_room(("ns", "v-7"), imports.standing(("ns", "v-7")).owner)
    assert looks[3000] <= looks[100] + 2
