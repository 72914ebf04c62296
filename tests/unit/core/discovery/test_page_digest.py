"""Pages count only as the status recorded them before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.core.bulk_builders import BULK, bulk, plan
from support.core.discovery_builders import begun, collected, deleted, listed, look, noted, page, told
from support.core.page_digests import proven
from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.core.discovery.page_digest import KEEP_EVERY, hash_chain, hash_page, prune_chain
from videoimport.core.discovery.page_digest import count_proven_pages as proven_pages
from videoimport.core.discovery.pages import hash_listing, select_counted_pages, select_retry_pages
from videoimport.core.list_item import EARLIER, FACTS, Listed
from videoimport.core.observed import ObservedBulk


def test_a_digest_is_written_before_its_page_is_stored_and_only_that_page_counts():
    wish, there = begun()
    found = look(wish, **told(there, done=True, sha256="a" * 64))
    assert collected(found)
    ((count, digest),) = found.status.page_digests.items()
    after = noted(wish, found.status)
    right = replace(page(after, 0, done=True), digest=_digest_of(found))
    assert count == "1"
    assert digest == hash_chain(hash_listing(wish), [right.digest])
    assert look(after, pages=(right,)).done
    forged = look(after, pages=(replace(right, digest="f" * 32),), **told(there, done=True, sha256="a" * 64))
    assert (forged.done, deleted(forged)) == (False, [right.name]), "it makes way"
    assert collected(forged)


def _digest_of(found):
    wish = collected(found)
    return hash_page(wish.manifest["data"][FACTS], wish.sha256)


def test_without_a_record_no_page_counts():
    wish = listed(status=DiscoveryStatus())
    observed = ObservedBulk(wish, pages=(page(wish, 0, done=True),))
    assert select_counted_pages(observed, hash_listing(wish)) == ()
    assert len(select_counted_pages(proven(observed), hash_listing(wish))) == 1


@pytest.mark.parametrize("spoilt", range(3))
def test_pages_before_the_one_that_is_another_still_count(spoilt):
    wish = listed()
    pages = tuple(page(wish, number, done=number == 2) for number in range(3))
    observed = proven(ObservedBulk(wish, pages=pages))
    others = tuple(replace(one, digest="f" * 32) if one.number == spoilt else one for one in pages)
    assert select_counted_pages(replace(observed, pages=others), hash_listing(wish)) == pages[:spoilt]
    swapped = (
        replace(pages[1], name=pages[0].name, number=0),
        replace(pages[0], name=pages[1].name, number=1),
        pages[2],
    )
    assert select_counted_pages(replace(observed, pages=swapped), hash_listing(wish)) == ()


@given(st.integers(1, 400), st.data())
def test_a_long_list_is_proven_by_few_digests_and_at_most_so_many_pages_are_listed_again(total, data):
    digests, recorded = [f"page {number}" for number in range(total)], {}
    for count in range(1, total + 1):
        recorded = prune_chain(recorded | {str(count): hash_chain("list", digests[:count])}, count - 1)
    assert len(recorded) <= 2 * KEEP_EVERY + 1
    assert proven_pages("list", digests, recorded) == total
    lost = data.draw(st.integers(0, total - 1))
    assert lost - KEEP_EVERY < proven_pages("list", digests[:lost], recorded) <= lost
    forged = [*digests[:lost], "forged", *digests[lost + 1 :]]
    assert proven_pages("list", forged, recorded) <= lost


def test_pages_of_what_earlier_bulks_left_count_only_as_they_were_recorded():
    wish = bulk(1, retryFailed=True)
    left = (Listed("ab" * 5, "https://video.example/left.mp4"),)
    found = plan(wish, left_failed=left)
    ((number, digest),) = found.status.earlier_digests.items()
    assert number == "0"
    recorded = wish.model_copy(update={"status": found.status})
    name, owner = "talks-earlier-0", BULK
    right = replace(
        page(listed(), 0, done=True), name=name, owner=owner, listing=EARLIER, digest=digest, integration="items"
    )
    assert select_retry_pages(ObservedBulk(recorded, pages=(right,))) == (right,)
    assert select_retry_pages(ObservedBulk(recorded, pages=(replace(right, digest="f" * 32),))) == ()
    assert select_retry_pages(ObservedBulk(wish, pages=(right,))) == ()
