"""A bulk with an open breaker among its hosts: imports from others go on, and the status shows it."""

import pytest

from support.core.bulk_builders import bulk, child, plan, started
from support.core.video_builders import after
from videoimport.api.bulkimport_status import HostStatus
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, VideoPhase
from videoimport.core import circuit_breaker
from videoimport.core.bulk.child_actions import build_child_source
from videoimport.core.bulk.start_window import select_next_items
from videoimport.core.list_item import Listed

BUSY = HostStatus(host="video.example", state="Open", until=after(60), failures=2)
OTHER = "https://other.example/a.mp4"


def a_bulk(*urls, **more):
    return bulk(**({"source": {"items": [{"url": url} for url in urls]}} | more))


def own(number):
    return f"https://video.example/{number}.mp4"


def waiting(wish, number):
    return child(
        wish,
        number,
        phase=VideoPhase.PENDING,
        reason=Reason.RATE_LIMITED,
        attempts=Attempts(next_retry_time=after(60)),
    )


def test_import_that_waits_for_its_host_leaves_its_place_to_other_hosts():
    wish = a_bulk(own(0), own(1), OTHER, parallelism=1)
    found = plan(wish, (waiting(wish, 0),), hosts=(BUSY,))
    assert started(found) == [OTHER]


def test_one_import_is_enough_to_wait_for_a_host():
    wish = a_bulk(own(0), own(1), own(2), parallelism=3)
    assert started(plan(wish, hosts=(BUSY,))) == [own(0)]


def test_hosts_that_others_wait_for_change_nothing():
    wish = a_bulk(own(0), own(1), parallelism=2)
    assert started(plan(wish, hosts=(HostStatus(host="quiet.example", state="Open"),))) == [own(0), own(1)]


def test_status_shows_only_hosts_of_its_own_imports():
    wish = a_bulk(own(0), OTHER)
    stranger = HostStatus(host="quiet.example", state="HalfOpen")
    found = plan(wish, (waiting(wish, 0),), hosts=(stranger, BUSY))
    assert found.status.hosts == (BUSY,)
    assert plan(wish, hosts=(BUSY,)).status.hosts == ()


def test_passing_by_a_host_looks_at_it_once_however_many_items_it_has(monkeypatch):
    wish, parsed = a_bulk(own(0), parallelism=3), []
    items = [Listed(f"{number:010}", own(number)) for number in range(1, 500)]
    split = circuit_breaker.urlsplit
    monkeypatch.setattr(circuit_breaker, "urlsplit", lambda url: parsed.append(url) or split(url))
    assert select_next_items(wish, items, (waiting(wish, 0),), 0, frozenset({BUSY.host})) == []
    assert len(parsed) < 10


@pytest.mark.parametrize(
    "url",
    [
        "https://www.Video.Example",
        "https://video.example:8443/a/b.mp4",
        "http://user:word@video.example/a",
        "https://video.example?list=/a",
        "https://video.example#/a",
        "http://v/a",
        "https://v?a",
    ],
)
def test_an_item_is_passed_by_for_the_very_host_that_its_import_would_wait_for(url):
    wish, item = a_bulk(own(0), parallelism=3), Listed("0123456789", url)
    host = circuit_breaker.find_source_host(build_child_source(wish, item))
    held = waiting(wish, 0)
    held = held.model_copy(update={"spec": held.spec.model_copy(update={"source": build_child_source(wish, item)})})
    assert select_next_items(wish, [item], (held,), 0, frozenset({host})) == []
    assert select_next_items(wish, [item], (held,), 0, frozenset({"quiet.example"})) == [item]
