"""The results page: hostile texts stay text, failures come first, and nothing is ever requested."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from support.every_case import every_case
from videoimport.cli.results import html_page
from videoimport.cli.results.html_page import ProblemItem, ResultsPage, Tile, encode_picture, render_page

JPEG = b"\xff\xd8\xff\xe0" + b"picture"
HOSTILE = "</title></style><script>alert(1)</script><img src=https://trap.example.com/x onerror=alert(1)>\"'"
EMPTY = ResultsPage("course", "Completed", (), (), (), (), (), datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(**parts: object) -> Elements:
    return Elements(render_page(replace(EMPTY, **parts)))  # type: ignore[arg-type]


def test_hostile_texts_everywhere_add_no_element_and_no_attribute() -> None:
    problem = ProblemItem(HOSTILE, f"{HOSTILE} of it", HOSTILE, HOSTILE, HOSTILE)
    tile = Tile(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    hostile = page(
        title=HOSTILE, headline=HOSTILE, counts=[(HOSTILE, 1)], failed=[problem], rejected=[problem], videos=[tile],
        open=[HOSTILE],
    )  # fmt: skip
    plain = page(
        title="a", headline="a", counts=[("a", 1)], failed=[ProblemItem("a", "b", "c", "d", "e")],
        rejected=[ProblemItem("a", "b", "c", "d", "e")], videos=[Tile("a", "b", "c", "d")], open=["a"],
    )  # fmt: skip
    assert hostile.found == plain.found
    assert hostile.text.count("<script>alert(1)</script>") >= 10


@every_case(
    ("address", "is_link"),
    [
        ("https://cdn.example.com/a/video.mp4", True),
        ("http://cdn.example.com/a", True),
        ("s3://videos/a/video.mp4", False),
        ("pvc://claim/a/video.mp4", False),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("file:///etc/passwd", False),
        ("//trap.example.com/x", False),
        ("http://[", False),
    ],
)
def test_only_web_addresses_are_links(address: str, *, is_link: bool) -> None:
    found = page(videos=[Tile("talk", address)])
    assert [one["href"] for one in found.of("a")] == ([address] if is_link else [])
    assert "talk" in found.text


def test_addresses_of_files_are_links_where_the_caller_made_them() -> None:
    found = page(videos=[Tile("talk", "file:///tmp/a.mp4")], links_files=True)
    assert [one["href"] for one in found.of("a")] == ["file:///tmp/a.mp4"]


def test_a_policy_that_forbids_every_request_comes_before_all_content() -> None:
    text = render_page(EMPTY)
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src &#x27;none&#x27;; img-src data:; style-src &#x27;sha256-")
    assert "unsafe" not in policy[1]
    assert policy.start() < text.index("<title>")
    assert Elements(text).of("script") == []


def test_pictures_are_data_uris_and_other_bytes_are_not_shown() -> None:
    tiles = [Tile("a", "", picture=JPEG), Tile("b", "", picture=b"<svg onload=alert(1)>"), Tile("c", "")]
    found = page(videos=tiles)
    assert [one["src"] for one in found.of("img")] == [encode_picture(JPEG)]
    assert found.text.count("no picture") == 2


def test_a_picture_that_is_too_large_is_not_shown() -> None:
    assert encode_picture(JPEG.ljust(html_page.MOST_PICTURE_BYTES, b"x")) is not None
    assert encode_picture(JPEG.ljust(html_page.MOST_PICTURE_BYTES + 1, b"x")) is None


def test_all_pictures_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_page, "MOST_PICTURES_BYTES", 2 * len(JPEG))
    assert len(page(videos=[Tile("a", "", picture=JPEG)] * 3).of("img")) == 2


def test_items_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_page, "MOST_SHOWN", 2)
    found = page(open=["a", "b", "c"])
    assert "Not finished (3)" in found.text
    assert "… and 1 more" in found.text


def test_failures_come_before_videos() -> None:
    found = page(
        failed=[
            ProblemItem("lecture-3", "https://example.com/3", "SourceNotFound", "It is gone.", "Correct the address.")
        ],
        videos=[Tile("Lecture 1", "s3://videos/1", "1:02:03")],
    )
    order = [found.text.index(word) for word in ("SourceNotFound", "It is gone.", "Correct", "Lecture 1")]
    assert order == sorted(order)
    assert "1:02:03" in found.text
