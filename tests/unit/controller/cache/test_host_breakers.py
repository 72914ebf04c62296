"""The store has the circuit breakers of hosts, and queues the imports that depend on one that changed."""

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import HostBackoff
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import BreakerState, combine_records

Raw = dict[str, Any]
Thing = Callable[..., Raw]
DESTINATION = {"s3": {"bucket": "videos"}}
TOLD_AT = datetime(2026, 1, 1, tzinfo=UTC)
FIVE = "2026-01-01T00:05:00Z"


class Cluster:
    """A store, and whom it told."""

    def __init__(self, thing: Thing) -> None:
        self.told: list[Key] = []
        self.store = Store(self.told.append)
        self.thing = thing
        self.version = 0

    def put(self, name: str, host: str = "a.example", status: Raw | None = None, namespace: str = "ns") -> None:
        self.version += 1
        spec = {"source": {"url": f"https://{host}/a.mp4"}, "destination": DESTINATION}
        meta = {"namespace": namespace}
        raw = self.thing("VideoImport", name, self.version, spec=spec, status=status or {}, meta=meta)
        self.store.put("VideoImport", raw)

    def video(self, name: str, namespace: str = "ns") -> VideoImport:
        entry = self.store.find("VideoImport", namespace, name)
        assert entry is not None
        return entry.of(VideoImport)

    def host(self, name: str) -> BreakerState | None:
        return self.store.turns.seen_by(self.video(name))[0]

    def told_besides(self, *names: str) -> set[str]:
        found = {key.name for key in self.told} - set(names)
        self.told.clear()
        return found


@pytest.fixture
def cluster(thing: Thing) -> Cluster:
    return Cluster(thing)


def told(until: str = FIVE, time: str = "2026-01-01T00:00:00Z", host: str = "a.example", failures: int = 1) -> Raw:
    record = {"host": host, "failures": failures, "time": time, "until": until}
    return {
        "phase": "Pending",
        "reason": "RateLimited",
        "run": 1,
        "attempts": {"nextRetryTime": until},
        "hostBackoff": record,
    }


def trying() -> Raw:
    return {
        **told(),
        "reason": None,
        "attempts": {},
        "job": {"name": "j"},
        "hostBackoff": told()["hostBackoff"] | {"probing": True},
    }


HELD = {"phase": "Pending", "reason": "RateLimited", "run": 0, "attempts": {"nextRetryTime": FIVE}}
ANSWERED = {"phase": "Completed", "hostBackoff": {"host": "a.example", "time": "2026-01-01T00:09:00Z"}}


def test_a_backoff_concerns_every_import_of_the_host_and_no_other(cluster: Cluster) -> None:
    cluster.put("same")
    cluster.put("other", "b.example")
    cluster.put("told", "www.a.example", told())
    seen = BreakerState("a.example", 1, TOLD_AT, datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    assert (cluster.host("same"), cluster.host("told"), cluster.host("other")) == (seen, seen, None)


def test_what_one_namespace_was_told_holds_up_no_other(cluster: Cluster) -> None:
    cluster.put("held", status=HELD)
    cluster.told_besides()
    cluster.put("told", status=told(), namespace="other")
    cluster.put("tries", status=trying(), namespace="other")
    assert (cluster.host("held"), cluster.told_besides()) == (None, {"told", "tries"})
    hosts = cluster.store.turns.hosts
    assert (hosts.list_statuses("ns"), [one.host for one in hosts.list_statuses("other")]) == ((), ["a.example"])
    assert cluster.store.turns.seen_by(cluster.video("told", "other"))[0] is not None


def test_the_longest_backoff_counts_and_a_deleted_import_is_no_witness(cluster: Cluster, thing: Thing) -> None:
    cluster.put("same")
    cluster.put("one", status=told())
    cluster.put("two", status=told("2026-01-01T00:09:00Z", failures=2))
    seen = cluster.host("same")
    assert seen is not None
    assert (seen.until.minute, seen.failures) == (9, 2)
    cluster.store.remove("VideoImport", thing("VideoImport", "two", 9))
    seen = cluster.host("same")
    assert seen is not None
    assert (seen.until.minute, seen.failures) == (5, 1)


def test_a_mended_source_takes_the_witness_from_its_old_host(cluster: Cluster) -> None:
    cluster.put("same")
    cluster.put("told", status=told())
    cluster.put("told", "b.example", told())
    assert cluster.host("same") is None


def test_one_that_tries_is_seen_by_all_but_itself_and_those_that_wait_are_told_of_its_end(cluster: Cluster) -> None:
    cluster.put("held", status=HELD)
    cluster.put("tries", status=trying())
    held, tries = cluster.host("held"), cluster.host("tries")
    assert held is not None
    assert tries is not None
    assert (held.probing, tries.probing) == (True, False)
    cluster.told_besides()
    cluster.put("tries", status=ANSWERED)
    assert cluster.told_besides("tries") == {"held"}
    assert cluster.host("held") is None


@pytest.mark.parametrize("status", [{"phase": "Suspended"}, {"phase": "Cancelled"}, {"phase": "Failed"}])
def test_one_that_no_longer_tries_lets_another_try_and_what_it_knew_stays(cluster: Cluster, status: Raw) -> None:
    cluster.put("held", status=HELD)
    cluster.put("tries", status=trying())
    cluster.told_besides()
    cluster.put("tries", status=trying() | status)
    assert cluster.told_besides("tries") == {"held"}
    held = cluster.host("held")
    assert held is not None
    assert not held.probing


def test_a_worker_that_is_still_being_stopped_tries(cluster: Cluster, thing: Thing) -> None:
    job = thing("Job", "tries-1", 90, owner=("VideoImport", "tries", "tries-uid"), spec={}, status={})
    job["metadata"] |= {"creationTimestamp": FIVE, "labels": {"videoimport.io/run": "1"}}
    cluster.put("held", status=HELD)
    cluster.put("tries", status=trying())
    cluster.store.put("Job", job)
    cluster.put("tries", status=trying() | {"phase": "Suspended"})
    held = cluster.host("held")
    assert held is not None
    assert held.probing
    cluster.told_besides()
    cluster.store.remove("Job", {**job, "metadata": job["metadata"] | {"resourceVersion": "91"}})
    assert "held" in cluster.told_besides()
    held = cluster.host("held")
    assert held is not None
    assert not held.probing


def test_a_decision_to_try_counts_before_it_is_written(cluster: Cluster) -> None:
    cluster.put("told", status=told())
    for name in ("one", "two"):
        cluster.put(name, status=HELD)
    one = cluster.video("one")
    planned = VideoImport.model_validate({**one.model_dump(), "status": trying()}).status
    cluster.store.turns.decided(one, planned)
    two = cluster.host("two")
    assert two is not None
    assert two.probing
    cluster.put("one", status=HELD)  # somebody else's write came first, so that one fails
    two = cluster.host("two")
    assert two is not None
    assert not two.probing


def test_a_listing_that_was_told_is_a_witness_until_its_time_is_over(cluster: Cluster, thing: Thing) -> None:
    cluster.put("same")
    spec = {"source": {"playlist": {"url": "https://a.example/list"}}, "template": {"destination": DESTINATION}}
    discovery = {"reason": "RateLimited", "attempts": {"nextRetryTime": FIVE}}
    cluster.store.put("BulkImport", thing("BulkImport", "b", 5, spec=spec, status={"discovery": discovery}))
    seen = cluster.host("same")
    assert seen is not None
    assert (seen.failures, seen.until.minute) == (0, 5)
    cluster.store.put("BulkImport", thing("BulkImport", "b", 6, spec=spec, status={"discovery": {}}))
    assert cluster.host("same") is None


def test_nothing_is_kept_of_imports_that_have_nothing_to_do_with_it(cluster: Cluster) -> None:
    cluster.put("told", status=told())
    for number in range(100):
        cluster.put(f"v{number}", status={"phase": "Completed"})
    cluster.put("told", status={"phase": "Completed"})
    assert not cluster.store.turns.hosts
    assert cluster.store.turns.slots.total == 0


def test_those_whose_run_has_not_begun_are_queued_when_the_breaker_opens(cluster: Cluster) -> None:
    cluster.put("starting", status={"phase": "Pending", "run": 1, "job": {"name": "j"}})
    stages = [{"name": "Download", "state": "Running"}]
    cluster.put("begun", status={"phase": "Downloading", "run": 1, "job": {"name": "j"}, "stages": stages})
    cluster.told_besides()
    cluster.put("told", status=told())
    assert cluster.told_besides("told") == {"starting"}


PAUSED = {"discovery": {"reason": "RateLimited", "attempts": {"nextRetryTime": FIVE}}}


@pytest.mark.parametrize(
    ("spec", "phase"), [({"suspend": True}, "Suspended"), ({"cancel": True}, None), ({}, "Failed")]
)
def test_a_listing_that_does_not_go_on_is_no_witness(cluster: Cluster, thing: Thing, spec: Raw, phase: str) -> None:
    cluster.put("same")
    wish = {"source": {"playlist": {"url": "https://a.example/list"}}, "template": {"destination": DESTINATION}}
    cluster.store.put("BulkImport", thing("BulkImport", "b", 5, spec=wish, status=PAUSED))
    assert cluster.host("same") is not None
    status = PAUSED | ({"phase": phase} if phase else {})
    cluster.store.put("BulkImport", thing("BulkImport", "b", 6, spec=wish | spec, status=status))
    assert cluster.host("same") is None
    assert not cluster.store.turns.hosts


def test_a_host_that_only_a_listing_spares_is_not_counted_as_backing_off(cluster: Cluster, thing: Thing) -> None:
    wish = {"source": {"playlist": {"url": "https://a.example/list"}}, "template": {"destination": DESTINATION}}
    cluster.store.put("BulkImport", thing("BulkImport", "b", 5, spec=wish, status=PAUSED))
    cluster.put("held", status=HELD)
    hosts = cluster.store.turns.hosts
    assert (hosts.backing_off, hosts.waiting) == (0, 1)
    cluster.put("told", status=told())
    assert (hosts.backing_off, hosts.waiting) == (1, 2)


def test_many_that_were_told_together_leave_at_a_cost_that_does_not_grow_with_them(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        cluster.put(f"v{number}", status=told())
    looked_at = 0

    def counted(name: str, records: Iterable[Any]) -> BreakerState | None:
        nonlocal looked_at
        kept = list(records)
        looked_at += len(kept)
        return combine_records(name, kept)

    monkeypatch.setattr("videoimport.controller.cache.host_breakers.combine_records", counted)
    for number in range(100):
        assert cluster.store.turns.hosts
        cluster.put(f"v{number}", status={"phase": "Completed"})
    assert not cluster.store.turns.hosts
    assert looked_at <= 100


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_of_a_host_is_what_all_records_say_whoever_comes_and_goes(cluster: Cluster, seed: int) -> None:
    dice, kept = random.Random(seed), dict[str, Raw]()
    for _ in range(300):
        name, minute = f"v{dice.randrange(8)}", dice.randrange(4)
        kept[name] = dice.choice(
            [
                told(f"2026-01-01T00:0{minute + 1}:00Z", f"2026-01-01T00:0{minute}:00Z", failures=dice.randint(1, 2)),
                {**ANSWERED, "hostBackoff": {"host": "a.example", "time": f"2026-01-01T00:0{minute}:00Z"}},
                HELD,
                {"phase": "Completed"},
            ]
        )
        cluster.put(name, status=kept[name])
        records = [
            HostBackoff.model_validate(status["hostBackoff"]) for status in kept.values() if "hostBackoff" in status
        ]
        assert cluster.host(name) == combine_records("a.example", records)
