"""Which items of a list are accepted, and that none is left out without a word."""

from dataclasses import replace

import pytest

from support.core.discovery_builders import listed, page
from videoimport.api.bulkimport import BulkImport
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.core.bulk.accepted_items import collect_accepted_items
from videoimport.core.discovery import pages as pages_of_list
from videoimport.core.discovery.pages import exceeds_item_limit, is_list_complete, is_page_limit_reached
from videoimport.core.list_item import EARLIER, Listed
from videoimport.core.observed import PageView

ONE, OTHER = "https://video.example/1296522.mp4", "https://video.example/1388671.mp4"
"""Their hashes begin with the same ten digits."""


def kept(wish: BulkImport, number: int, *urls: str) -> PageView:
    return replace(page(wish, number), items=tuple(Listed(item_identity(url), url) for url in urls))


def test_of_two_items_with_one_identity_the_second_is_rejected_once_and_told():
    assert item_identity(ONE) == item_identity(OTHER)
    wish = listed()
    pages = [kept(wish, 0, ONE, OTHER), kept(wish, 1, OTHER, ONE)]
    roll = collect_accepted_items(wish, pages)
    assert [found.url for found in roll.accepted.values()] == [ONE]
    [rejected] = roll.rejected
    assert (rejected.identity, rejected.reason, rejected.url) == (None, Reason.INVALID_SPEC, OTHER)
    assert item_identity(ONE) in rejected.message


def test_inline_items_with_one_identity_are_told_too():
    roll = collect_accepted_items(listed(source={"items": [{"url": ONE}, {"url": OTHER, "name": "other"}]}), ())
    assert [found.url for found in roll.accepted.values()] == [ONE]
    assert [(line.name, line.url) for line in roll.rejected] == [("other", OTHER)]


PLAYLIST = {"url": "https://video.example/list", "limit": 3}


def numbered(wish: BulkImport, number: int, *items: int) -> PageView:
    return kept(wish, number, *(f"https://video.example/{item}" for item in items))


def test_limit_counts_what_stands_on_two_pages_once():
    wish = listed(source={"playlist": PLAYLIST})
    pages = (numbered(wish, 0, 1, 2), numbered(wish, 1, 2, 1))
    assert not is_list_complete(wish, pages)
    pages += (numbered(wish, 2, 2, 3, 4),)
    assert is_list_complete(wish, pages)
    assert not is_page_limit_reached(wish, pages)
    assert [str(item.url)[-1] for item in collect_accepted_items(wish, pages).accepted.values()] == ["1", "2", "3"]


def test_what_earlier_bulks_left_is_taken_beyond_the_limit():
    wish = listed(source={"playlist": PLAYLIST | {"limit": 1}})
    pages = (numbered(wish, 0, 1), replace(numbered(wish, 0, 2), listing=EARLIER))
    assert len(collect_accepted_items(wish, pages).accepted) == 2


def test_no_list_has_more_than_a_hundred_thousand_and_one_that_had_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages_of_list, "MAX_LISTED", 3)
    wish = listed()
    full = (numbered(wish, 0, 1, 2, 3, 3),)
    assert (is_list_complete(wish, full), exceeds_item_limit(wish, full)) == (True, True)
    last = (replace(full[0], done=True),)
    assert not exceeds_item_limit(wish, last)
    over = (replace(numbered(wish, 0, 1, 2, 3, 4), done=True),)
    assert exceeds_item_limit(wish, over)
    assert len(collect_accepted_items(wish, over).accepted) == 3


def test_what_is_listed_twice_is_rejected_by_nobody():
    wish = listed()
    roll = collect_accepted_items(wish, [kept(wish, number, ONE) for number in (0, 1)])
    assert (len(roll.accepted), roll.rejected) == (1, ())
