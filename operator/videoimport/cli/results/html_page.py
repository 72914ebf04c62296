"""The results of a BulkImport as one HTML page that a browser opens without a network.

The page depends only on the data. Pictures are data URIs in the page. The Content-Security-Policy of the page forbids
every request and every script. All text is escaped, because titles and messages come from untrusted sources.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from string import Template
from urllib.parse import urlsplit

from videoimport.api.untrusted_text import clean_text
from videoimport.cli.results.page_style import STYLE

MOST_PICTURE_BYTES = 512 * 1024
"""Maximum number of bytes of one picture. The page does not show a larger picture."""
MOST_PICTURES_BYTES = 32 * 2**20
"""Maximum number of bytes of all pictures of a page. In the page they need a third more, because of Base64."""
MOST_SHOWN = 2000
"""Maximum number of items of one section. A sentence has the number of the other items."""
_SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
"""First bytes of the pictures that a page may contain. SVG is not among them, because it can contain addresses."""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
<header>
<h1><bdi>$title</bdi></h1>
<p class="dim"><bdi>$headline</bdi></p>
<ul class="counts">
$counts
</ul>
</header>
<main>
$sections
</main>
<footer>Made by kubectl videoimport at $time.</footer>
</body>
</html>
""")


@dataclass(frozen=True, slots=True)
class ProblemItem:
    """An item that has no video in the destination."""

    item: str
    """The name of the item, otherwise the address."""
    address: str
    """The address of the source."""
    reason: str
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A video of the contact sheet."""

    title: str
    address: str
    """The address of the video: an http or https URL, which becomes a link, or a URI such as s3://bucket/key."""
    duration: str = ""
    """The duration for display, such as 1:02:03."""
    note: str = ""
    """A remark, such as that the destination had the video before."""
    picture: bytes | None = None
    """A JPEG or PNG image. Other content is not shown."""


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """The data of the page."""

    title: str
    headline: str
    counts: Sequence[tuple[str, int]]
    """Names of the states, each with the number of items."""
    failed: Sequence[ProblemItem]
    rejected: Sequence[ProblemItem]
    videos: Sequence[Tile]
    open: Sequence[str]
    """Items that have not ended, each with its name or address."""
    time: datetime
    """The time of the page, in UTC."""
    links_files: bool = False
    """True if addresses of local files become links too. Set this only if this program created the addresses."""


def render_page(page: ResultsPage) -> str:
    """Return the page as HTML. Failures come first, then rejected items, videos and open items."""
    schemes = ("http", "https", "file") if page.links_files else ("http", "https")
    sections = (
        _render_section("Failed", "problems", [_render_problem(one) for one in page.failed[:MOST_SHOWN]], page.failed),
        _render_section(
            "Rejected", "problems", [_render_problem(one) for one in page.rejected[:MOST_SHOWN]], page.rejected
        ),
        _render_section("Videos", "sheet", list(_render_tiles(page.videos[:MOST_SHOWN], schemes)), page.videos),
        _render_section("Not finished", "", [_render_open(one) for one in page.open[:MOST_SHOWN]], page.open),
    )
    return _PAGE.substitute(
        policy=escape(_POLICY),
        style=STYLE,
        title=_quote(page.title),
        headline=_quote(page.headline),
        counts="\n".join(f"<li><b>{number}</b> {_quote(name)}</li>" for name, number in page.counts),
        sections="\n".join(filter(None, sections)),
        time=page.time.strftime("%Y-%m-%d %H:%M UTC"),
    )


def _render_section(heading: str, style: str, entries: Sequence[str], items: Sequence[object]) -> str:
    """Return a section with its entries, or nothing without items."""
    if not items:
        return ""
    hidden = len(items) - len(entries)
    rest = f'<p class="dim">… and {hidden} more; the formats csv and json have all.</p>' if hidden else ""
    lines = "\n".join(entries)
    return f'<section>\n<h2>{heading} ({len(items)})</h2>\n<ul class="{style}">\n{lines}\n</ul>\n{rest}</section>'


def _render_problem(problem: ProblemItem) -> str:
    address = f'<div class="dim"><bdi>{_quote(problem.address)}</bdi></div>' if problem.address != problem.item else ""
    advice = f'<div class="dim">{_quote(problem.advice)}</div>' if problem.advice else ""
    return (
        f'<li><span class="reason">{_quote(problem.reason)}</span> <b><bdi>{_quote(problem.item)}</bdi></b>'
        f"<div>{_quote(problem.message)}</div>{advice}{address}</li>"
    )


def _render_tiles(tiles: Iterable[Tile], schemes: Sequence[str]) -> Iterable[str]:
    """Yield the entries of the contact sheet. After ``MOST_PICTURES_BYTES`` of pictures, entries have no picture."""
    left = MOST_PICTURES_BYTES
    for tile in tiles:
        picture = tile.picture if tile.picture and len(tile.picture) <= left else None
        source = encode_picture(picture)
        left -= len(picture) if picture and source else 0
        shown = f'<img src="{source}" alt="">' if source else "<div>no picture</div>"
        duration = f"<span>{_quote(tile.duration)}</span>" if tile.duration else ""
        note = f'<div class="dim">{_quote(tile.note)}</div>' if tile.note else ""
        yield (
            f'<li><div class="frame">{shown}{duration}</div><div class="about"><b><bdi>{_quote(tile.title)}</bdi></b>'
            f"{_render_address(tile.address, schemes)}{note}</div></li>"
        )


def encode_picture(picture: bytes | None) -> str | None:
    """Return the data URI of a picture. Return None if the bytes are not a JPEG or PNG image, or exceed the maximum
    size."""
    if picture is None or len(picture) > MOST_PICTURE_BYTES:
        return None
    kind = next((kind for start, kind in _SIGNATURES.items() if picture.startswith(start)), None)
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}" if kind else None


def _render_address(address: str, schemes: Sequence[str]) -> str:
    """Return a link for an address with one of the schemes, and plain text for every other address."""
    text = _quote(address)
    if _scheme(address) not in schemes:
        return f'<span class="dim">{text}</span>'
    return f'<a href="{text}" rel="noopener noreferrer" target="_blank">{text}</a>'


def _render_open(item: str) -> str:
    return f"<li><bdi>{_quote(item)}</bdi></li>"


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _quote(text: str) -> str:
    return escape(clean_text(text), quote=True)
