"""Atom feeds as strangers write them."""

import tracemalloc
from typing import Any

import pytest

from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.worker.listing import atom_feed as atom

PAGE = "https://e.com/feed"
NAMESPACES = 'xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015"'

ATTRIBUTES = " ".join(f"a{number}=''" for number in range(125_000))


def feed(*entries: str) -> bytes:
    return f"<feed {NAMESPACES}>{''.join(f'<entry>{entry}</entry>' for entry in entries)}</feed>".encode()


def told(content: bytes) -> list[dict[str, Any]] | None:
    found = atom.playlist(content, PAGE)
    return found and list(found["entries"])


@pytest.mark.parametrize("encoding", ["foo", "hex", "utf-7", "rot13"])
def test_an_encoding_that_nobody_reads_is_no_feed(encoding: str) -> None:
    assert told(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + feed()) is None


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"<feed></feed>", feed("<title>One")])
def test_what_is_no_atom_feed(content: bytes) -> None:
    assert told(content) is None


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (f"<feed {NAMESPACES}>{'<a/>' * 80_000}</feed>".encode(), 5),  # kept, they take 6.5 MiB
        (feed("<a/>" * 80_000), 5),
        (f"<feed {NAMESPACES}>{'<a>' * 80_000}".encode(), 10),  # kept, they take 20 MiB
        (f"<a>{'<a/>' * 80_000}</a>".encode(), 5),
        (f"<feed {NAMESPACES}><a {ATTRIBUTES}/></feed>".encode(), 10),  # kept, they take 30 MiB
    ],
)
def test_a_feed_of_many_elements_takes_no_memory_for_each(content: bytes, most: int) -> None:
    tracemalloc.start()
    try:
        assert not told(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most * 2**20


def test_no_more_entries_are_kept_than_a_list_may_have() -> None:
    found = told(feed(*[""] * (MAX_LISTED + 100)))
    assert found is not None
    assert len(found) == MAX_LISTED + 1


def test_each_entry_keeps_what_is_its_own() -> None:
    link = '<title>{0}</title><link href="https://e.com/{0}"/><author><name>of {0}</name></author>'
    found = told(feed(*(link.format(number) for number in range(1000))))
    assert found is not None
    assert [(one["title"], one["url"]) for one in found] == [(f"{n}", f"https://e.com/{n}") for n in range(1000)]


@pytest.mark.parametrize(
    ("address", "is_its"),
    [
        ("https://www.youtube.com/watch?v=abc", True),
        ("https://www.youtube.com/watch?v=abc&amp;t=1", True),
        ("https://www.youtube.com/shorts/abc", True),
        ("https://www.youtube.com/watch?v=other", False),
        ("https://www.youtube.com/watch?v=other&amp;v=abc", False),
        ("https://www.youtube.com/watch?v=other&amp;w=abc", False),
        ("https://www.youtube.com/watch?v=abcd", False),
        ("https://www.youtube.com/@abc?v=abc", False),
        ("https://e.com/watch?v=abc", False),
    ],
)
def test_a_video_is_what_its_address_names_not_what_the_feed_says(address: str, is_its: bool) -> None:
    found = told(feed(f'<yt:videoId>abc</yt:videoId><link href="{address}"/>'))
    assert found is not None
    assert found[0].get("id") == ("abc" if is_its else None)
    assert found[0].get("ie_key") == ("Youtube" if is_its else None)
