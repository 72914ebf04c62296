"""A bulk among whose hosts one pushes back: others go on, and the status says so."""

from core_bulk import bulk, child, plan, started
from core_seen import after

from videoimport.api.bulk_status import HostStatus
from videoimport.api.reasons import Reason
from videoimport.api.status import Attempts, VideoPhase

BUSY = HostStatus(host="video.example", state="Resting", until=after(60), failures=2)
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
    assert started(plan(wish, hosts=(HostStatus(host="quiet.example", state="Resting"),))) == [own(0), own(1)]


def test_status_shows_only_hosts_of_its_own_imports():
    wish = a_bulk(own(0), OTHER)
    stranger = HostStatus(host="quiet.example", state="Probing")
    found = plan(wish, (waiting(wish, 0),), hosts=(stranger, BUSY))
    assert found.status.hosts == (BUSY,)
    assert plan(wish, hosts=(BUSY,)).status.hosts == ()
