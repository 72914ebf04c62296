"""While the breaker of a site is open no import contacts it, one at a time probes it, and all its videos arrive."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply, await_state, finished
from support.e2e.manifests import SITE, bulk
from support.e2e.rate_limited_site import TAKES, URL, answers, put_up

MINUTE = 60 * 15 / 300
"""The e2e cluster's chart has a hostBackoffSeconds of 15 instead of 300: so much shorter is a minute."""
ITEMS = 15
"""Some more than the site takes at first."""
AT_ONCE = 5
"""Imports that may be under way when the site begins to answer 429, each with a request of its own."""


@pytest.fixture(scope="module", autouse=True)
def applied(kubectl: Kubectl) -> None:
    put_up(kubectl)
    urls = [f"{URL}/{number}.mp4" for number in range(ITEMS)]
    wish = bulk("busy", [*urls, f"{SITE}/encode.webm"], parallelism=AT_ONCE, incremental=False)
    wish["spec"]["template"]["output"] = {"mode": "Original"}
    apply(kubectl, wish)


def test_all_arrive_and_nothing_fails(kubectl: Kubectl) -> None:
    shown = await_state(kubectl, "bi/busy", lambda found: bool(found.get("status", {}).get("hosts")), "backing off")
    [host] = shown["status"]["hosts"]
    assert (host["host"], host["failures"] >= 1) == (URL.removeprefix("http://"), True)
    assert host["state"] in ("Open", "HalfOpen")
    status = finished(kubectl, "bi/busy")["status"]
    assert (status["phase"], status["completed"], status["failed"]) == ("Completed", ITEMS + 1, 0)
    assert status.get("hosts", []) == []


def test_the_site_gets_few_requests_while_it_answers_429(kubectl: Kubectl) -> None:
    finished(kubectl, "bi/busy")
    asked = answers(kubectl)
    refusals = list(list_refusals(asked))
    assert refusals, f"{len(asked)} requests, of which it takes {TAKES} at once"
    for lasted, requests in refusals:
        assert requests - AT_ONCE < 1 + lasted / MINUTE, f"{requests} requests in {lasted:.0f} s: {asked}"


def list_refusals(asked: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """Each time from the first 429 to the next answer that is none: its seconds, and the requests in it."""
    since, requests = None, 0
    for at, status in asked:
        if status == 429:
            since, requests = since or at, requests + 1
        elif since is not None:
            yield at - since, requests
            since, requests = None, 0


def test_other_hosts_go_on_meanwhile(kubectl: Kubectl) -> None:
    finished(kubectl, "bi/busy")
    children: list[dict[str, Any]] = kubectl.json("get", "vi", "-l", "videoimport.io/bulk=busy")["items"]
    [other] = [child for child in children if child["spec"]["source"]["url"].startswith(SITE)]
    slowest = max(child["status"]["completionTime"] for child in children)
    assert other["status"]["completionTime"] < slowest
    assert other["status"]["attempts"]["count"] == 1
