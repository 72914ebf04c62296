"""Finished children go when they are too many or too old, and never before their results stand."""

from dataclasses import replace

from support.core.bulk_builders import (
    bad,
    bulk,
    child,
    edited,
    good,
    key,
    kinds,
    plan,
    recorded,
    shard,
    started,
    url,
    written,
)
from support.core.discovery_builders import page
from support.core.video_builders import NOW, after
from videoimport.core.list_item import Listed
from videoimport.core.plan import Create, Delete

WEEK = 604_800
LIST = {"manifest": {"url": "https://lists.example/all.txt"}}


def at(one, seconds):
    """The same child, ended so many seconds after NOW."""
    return one.model_copy(update={"status": one.status.model_copy(update={"completion_time": after(seconds)})})


def removed(found):
    return [action.name for action in found.actions if isinstance(action, Delete)]


def name(number):
    return f"talks-{number}-{key(number)}"


def test_oldest_beyond_the_limit_go():
    wish = bulk(4, childHistoryLimit=2)
    seen = (at(good(wish, 0), 30), at(good(wish, 1), 10), at(bad(wish, 2), 20), at(good(wish, 3), 40))
    assert removed(plan(wish, seen, recorded(*seen), at=after(50))) == [name(1), name(2)]


def test_child_whose_result_is_not_in_the_ledger_stays():
    wish = bulk(1, childHistoryLimit=0)
    found = plan(wish, (at(good(wish, 0), 0),), at=after(50))
    assert kinds(found) == ["Create ConfigMap"]
    found = plan(wish, (at(good(wish, 0), 0),), (shard(0, {}),), at=after(50))
    assert kinds(found) == ["Patch ConfigMap"]


def test_running_children_and_those_to_be_tried_again_stay():
    old = bulk(3, childHistoryLimit=0, parallelism=1)
    seen = (at(bad(old, 0), 0), at(bad(old, 1), 1))
    wish = edited(old, retryToken="b")
    assert removed(plan(wish, seen, recorded(*seen), at=after(50))) == []


def test_children_older_than_the_ttl_go_and_the_next_is_awaited():
    wish = bulk(2)
    seen = (at(good(wish, 0), 0), at(good(wish, 1), 60))
    done = written(wish, seen, recorded(*seen), at=after(60))
    early = plan(done, seen, recorded(*seen), at=after(WEEK - 1))
    assert (early.actions, early.requeue_at) == ((), after(WEEK))
    found = plan(done, seen, recorded(*seen), at=after(WEEK))
    assert (removed(found), found.requeue_at) == ([name(0)], after(WEEK + 60))


def test_pruned_child_changes_nothing_in_the_status():
    wish = bulk(2)
    seen = (at(good(wish, 0), 0), at(bad(wish, 1), 0))
    done = written(wish, seen, recorded(*seen))
    assert plan(done, (), recorded(*seen), at=after(9)).status is None


def test_retry_makes_a_pruned_child_anew():
    wish = bulk(1)
    done = written(wish, (bad(wish, 0),), recorded(bad(wish, 0)))
    found = plan(edited(done, retryToken="b"), (), recorded(bad(wish, 0)))
    assert kinds(found) == ["Create VideoImport"]


def test_finished_child_of_a_removed_item_ages_too():
    wish = bulk(1)
    gone = at(good(bulk(9), 5), 0)
    assert removed(plan(wish, (gone,), at=after(WEEK))) == [name(5)]
    assert removed(plan(wish, (gone,), at=after(WEEK - 1))) == []


def test_what_stands_nowhere_else_stays_while_its_item_may_yet_be_listed():
    wish = bulk(source=LIST, childHistoryLimit=0)
    one = at(good(bulk(1), 0), 0)
    item = Listed(key(0), url(0))
    assert removed(plan(wish, (one,), at=after(50))) == []
    assert removed(plan(wish, (one,), recorded(at(bad(bulk(1), 0), 0)), at=after(50))) == []
    assert removed(plan(wish, (one,), recorded(one), at=after(50))) == [name(0)]
    known = replace(page(wish, 0, done=True), items=(item,))
    found = plan(wish, (one,), pages=(known,), at=after(50))
    assert (removed(found), started(found)) == ([], [])
    assert found.status.completed == 1
    assert removed(plan(wish, (one,), pages=(replace(known, items=()),), at=after(50))) == [name(0)]


def test_child_on_its_way_out_is_not_told_twice():
    wish = bulk(1, childHistoryLimit=0)
    one = at(good(wish, 0), 0)
    leaving = one.model_copy(update={"metadata": one.metadata.model_copy(update={"deletion_timestamp": NOW})})
    assert removed(plan(wish, (leaving,), recorded(one), at=after(9))) == []


def test_results_wait_a_moment_for_more_of_their_kind():
    wish = written(bulk(9, parallelism=3), at=after(0))
    running, fresh, later = child(wish, 0), at(good(wish, 1), 10), at(good(wish, 2), 12)
    found = plan(wish, (running, fresh), at=after(11))
    assert "Create ConfigMap" not in kinds(found)
    assert found.requeue_at is not None
    assert found.requeue_at <= after(13)
    both = plan(wish, (running, fresh, later), at=after(13))
    made = next(action.manifest for action in both.actions if isinstance(action, Create))
    assert made["kind"] == "ConfigMap"
    assert made["data"].keys() == {key(1), key(2)}


def test_last_results_do_not_wait():
    wish = written(bulk(1), at=after(0))
    assert kinds(plan(wish, (at(good(wish, 0), 10),), at=after(10))) == ["Create ConfigMap"]
