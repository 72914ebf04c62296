"""The identity is the key: a title that changes makes no second import of an item, and what is there counts once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.core.bulk_builders import bad, bulk, child, good, key, kinds, plan, recorded, started, url
from support.core.discovery_builders import page
from support.core.page_digests import proven
from support.core.video_builders import NOW, after
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.list_item import Listed
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Create, Delete

LISTED = {"source": {"playlist": {"url": "https://video.example/list"}}}


def renamed(one, name, *, born=0, uid=None, **meta):
    fields = {"name": name, "uid": uid or name, "creation_timestamp": NOW + timedelta(seconds=born)} | meta
    return one.model_copy(update={"metadata": one.metadata.model_copy(update=fields)})


def titled(wish, title):
    """The list as it is now: its one item has this title."""
    return (replace(page(wish, 0, done=True), items=(Listed(key(0), url(0), slug=title),)),)


def deleted(found):
    return [action.name for action in found.actions if isinstance(action, Delete)]


@pytest.mark.parametrize(
    "name", [f"talks-{key(0)}", f"talks-an-old-title-{key(0)}"], ids=["before slugs", "older title"]
)
@pytest.mark.parametrize("make", [child, good, bad], ids=["running", "completed", "failed"])
def test_a_child_of_another_title_is_still_its_items_child(name, make):
    wish = bulk(1, **LISTED)
    there = renamed(make(bulk(1), 0), name)
    pages = titled(wish, "a-new-title")
    book = BulkSnapshot(proven(ObservedBulk(wish, (there,), pages=pages)))
    assert (book.children, book.surplus) == ({key(0): there}, ())
    found = plan(wish, (there,), pages=pages)
    assert not started(found)
    assert deleted(found) == []


def test_an_unreadable_child_of_another_title_holds_its_items_place():
    wish = bulk(1, **LISTED)
    found = plan(wish, pages=titled(wish, "new"), unreadable=frozenset({f"talks-old-{key(0)}"}))
    assert not any(isinstance(action, Create) and action.manifest["kind"] == "VideoImport" for action in found.actions)


def test_of_two_children_the_one_with_the_derived_name_counts():
    wish = bulk(1, **LISTED)
    old = renamed(child(bulk(1), 0), f"talks-old-{key(0)}", born=-9)
    new = renamed(child(bulk(1), 0), f"talks-new-{key(0)}")
    for seen in ((old, new), (new, old)):
        book = BulkSnapshot(proven(ObservedBulk(wish, seen, pages=titled(wish, "new"))))
        assert (book.children[key(0)], book.surplus) == (new, (old,))
        assert deleted(plan(wish, seen, pages=titled(wish, "new"))) == [old.metadata.name]


def test_else_the_oldest_counts_and_never_one_that_is_being_deleted_before_one_that_stays():
    wish = bulk(1, **LISTED)
    first = renamed(child(bulk(1), 0), f"talks-b-{key(0)}", born=-9)
    second = renamed(child(bulk(1), 0), f"talks-a-{key(0)}")
    leaving = renamed(child(bulk(1), 0), f"talks-new-{key(0)}", deletion_timestamp=NOW)
    for seen in ((first, second, leaving), (leaving, second, first)):
        book = BulkSnapshot(proven(ObservedBulk(wish, seen, pages=titled(wish, "new"))))
        assert book.children[key(0)] == first
        assert [child.metadata.name for child in book.surplus] == [second.metadata.name, leaving.metadata.name]
        assert book.children_to_prune == (second,)


def test_a_surplus_child_keeps_its_bulk_from_ending_while_it_runs_and_is_pruned_when_it_has_ended():
    wish = bulk(1, **LISTED)
    done = renamed(good(bulk(1), 0), f"talks-new-{key(0)}")
    runs = renamed(child(bulk(1), 0), f"talks-old-{key(0)}", deletion_timestamp=NOW)
    found = plan(wish, (done, runs), recorded(done), pages=titled(wish, "new"))
    assert found.status is not None
    assert found.status.phase is BulkPhase.PROCESSING
    over = renamed(bad(bulk(1), 0, completion_time=NOW), f"talks-old-{key(0)}")
    pruned = plan(
        bulk(1, **LISTED, childTTLSeconds=1), (done, over), recorded(done), pages=titled(wish, "new"), at=after(60)
    )
    assert over.metadata.name in deleted(pruned)
    assert "Create VideoImport" not in kinds(pruned)
