"""Which items of a list are accepted, and that none is left out without a word."""

from dataclasses import replace

from core_listing import listed, page

from videoimport.api.bulkimport import BulkImport
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.core.listed import Listed
from videoimport.core.observe import PageView
from videoimport.core.roll import roll_of

ONE, OTHER = "https://video.example/1296522.mp4", "https://video.example/1388671.mp4"
"""Their hashes begin with the same ten digits."""


def kept(wish: BulkImport, number: int, *urls: str) -> PageView:
    return replace(page(wish, number), items=tuple(Listed(item_identity(url), url) for url in urls))


def test_of_two_items_with_one_identity_the_second_is_rejected_once_and_told():
    assert item_identity(ONE) == item_identity(OTHER)
    wish = listed()
    pages = [kept(wish, 0, ONE, OTHER), kept(wish, 1, OTHER, ONE)]
    roll = roll_of(wish, pages)
    assert [found.url for found in roll.accepted.values()] == [ONE]
    [rejected] = roll.rejected
    assert (rejected.identity, rejected.reason, rejected.url) == (None, Reason.INVALID_SPEC, OTHER)
    assert item_identity(ONE) in rejected.message


def test_inline_items_with_one_identity_are_told_too():
    roll = roll_of(listed(source={"items": [{"url": ONE}, {"url": OTHER, "name": "other"}]}), ())
    assert [found.url for found in roll.accepted.values()] == [ONE]
    assert [(line.name, line.url) for line in roll.rejected] == [("other", OTHER)]


def test_what_is_listed_twice_is_rejected_by_nobody():
    wish = listed()
    roll = roll_of(wish, [kept(wish, number, ONE) for number in (0, 1)])
    assert (len(roll.accepted), roll.rejected) == (1, ())
