"""A bulk whose children the cluster refuses, or that cannot be read."""

from support.core.bulk_builders import bulk, child, good, key, kinds, plan, recorded, started, url, written
from support.core.video_builders import after, condition, event
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.core.names_and_owners import build_child_object_name

REFUSED = event("bulk-uid", "JobRejected", "videoimports.videoimport.io is forbidden: exceeded quota")
UNREADABLE = frozenset({build_child_object_name("talks", "0", key(0))})


def test_refused_child_shows_in_message_and_condition():
    status = plan(written(bulk(2)), refusal=REFUSED).status
    assert status is not None
    assert "exceeded quota" in (status.message or "")
    working = condition(status, "Reconciling")
    assert (working.status, working.reason) == ("True", "CreationRefused")
    assert "exceeded quota" in working.message
    assert status.phase is BulkPhase.PROCESSING


def test_refusal_that_is_over_is_shown_no_more():
    refused = written(written(bulk(1)), refusal=REFUSED)
    status = plan(refused, (child(refused, 0),), at=after(5)).status
    assert status is not None
    assert "exceeded quota" not in (status.message or "")
    assert condition(status, "Reconciling").reason == "Processing"


def test_old_refusal_is_not_shown_when_nothing_more_is_to_be_created():
    wish = bulk(1)
    status = plan(wish, (child(wish, 0),), refusal=REFUSED).status
    assert status is not None
    assert "exceeded quota" not in (status.message or "")


def test_refusal_is_shown_at_once_and_once():
    refused = written(written(bulk(2)), at=after(1), refusal=REFUSED)
    assert plan(refused, at=after(2), refusal=REFUSED).status is None


def test_unreadable_child_keeps_its_place_and_is_not_made_again():
    wish = bulk(3, parallelism=2)
    found = plan(wish, unreadable=UNREADABLE)
    assert started(found) == [url(1)]
    assert found.status is not None
    assert found.status.active == 1
    assert "cannot be read" in (found.status.message or "")


def test_unreadable_child_whose_success_stands_is_done():
    wish = bulk(1)
    found = plan(wish, (), recorded(good(wish, 0)), unreadable=UNREADABLE)
    assert kinds(found) == []
    assert found.status is not None
    assert (found.status.phase, found.status.active) == (BulkPhase.COMPLETED, 0)


def test_bulk_with_an_unreadable_child_does_not_end():
    wish = bulk(2)
    found = plan(wish, (good(wish, 1),), recorded(good(wish, 1)), unreadable=UNREADABLE)
    assert found.status is not None
    assert found.status.phase is BulkPhase.PROCESSING


def test_cancelled_bulk_leaves_an_unreadable_child_alone():
    assert kinds(plan(bulk(1, cancel=True), unreadable=UNREADABLE)) == []
