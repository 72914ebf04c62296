from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from videoimport.controller.telemetry.health import pages
from videoimport.controller.telemetry.liveness import LivenessLimits, Vitals

LIMITS = LivenessLimits(election=60, news=600, head=300)


@pytest.fixture
def vitals(clock: Any) -> Vitals:
    return Vitals(LIMITS, clock)


def test_a_standby_is_alive_and_ready_while_it_tries(vitals: Vitals, clock: Any) -> None:
    clock.now += 59
    assert vitals.trouble() is None
    clock.now += 2
    assert vitals.trouble() == "no attempt to lead for 61 s"
    vitals.tried()
    assert vitals.trouble() is None
    assert vitals.unready() is None


def test_a_leader_is_ready_once_all_is_listed(vitals: Vitals) -> None:
    vitals.leads(lambda: 0.0)
    assert vitals.unready() == "not all objects are listed yet"
    vitals.compared()
    assert vitals.unready() is None


def test_a_leader_that_hears_nothing_is_in_trouble(vitals: Vitals, clock: Any) -> None:
    vitals.leads(lambda: 0.0)
    vitals.compared()
    clock.now += 601
    assert vitals.trouble() == "no answer from the cluster for 601 s"
    vitals.heard()
    assert vitals.trouble() is None


def test_a_leader_that_cannot_list_yet_is_left_in_peace(vitals: Vitals, clock: Any) -> None:
    vitals.leads(lambda: 0.0)
    clock.now += 10_000
    assert vitals.trouble() is None


def test_a_key_that_waits_too_long_is_trouble(vitals: Vitals) -> None:
    vitals.leads(lambda: 301.0)
    assert vitals.trouble() == "a key has waited for 301 s"


def test_pages_say_what_is_wrong(vitals: Vitals, clock: Any) -> None:
    known = pages(vitals, CollectorRegistry())
    assert known["/healthz"]() == (200, b"ok\n")
    clock.now += 61
    assert known["/healthz"]() == (503, b"no attempt to lead for 61 s\n")
    assert known["/readyz"]() == (200, b"ok\n")
