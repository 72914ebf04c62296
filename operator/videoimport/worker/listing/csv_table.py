"""Tables: CSV in the variants that spreadsheet programs of all countries write, and Markdown tables. Pure functions."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from videoimport.api.metadata import PREDEFINED
from videoimport.api.tasks.listing_task import Skipped
from videoimport.api.untrusted_text import clean_text
from videoimport.worker.listing.cells import begins_address, has_address, trim, unwrap
from videoimport.worker.listing.plain_list import has_another, is_row
from videoimport.worker.listing.row_to_item import Given, RowError

DELIMITERS = (",", ";", "\t", "|")
_SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ADDRESS_NAMES = frozenset({
    "url", "urls", "uri", "link", "links", "hyperlink", "href", "address", "webaddress", "weburl", "weblink",
    "videourl", "videouri", "videolink", "videoaddress", "mediaurl", "medialink", "fileurl", "filelink", "sourceurl",
    "sourcelink", "downloadurl", "downloadlink", "pageurl",
})  # fmt: skip
NAME_NAMES = ("name", "title", "videoname", "videotitle", "itemname")
"""Column names for the item's name, by priority."""
_ADDRESS_WORD = re.compile(r"u[\W_]*r[\W_]*[il]|link|href|address", re.I)
"""Matches each of ``ADDRESS_NAMES``. A test checks that."""
_MOST_NAME_LETTERS = 100
"""Maximum number of characters of a column name that may name the URL. Longer names would make the regular expressions
slow."""
_SEPARATOR = re.compile(r"\"?sep=(?P<sign>[^\w\s\"]|\t)\"?(?P=sign)*", re.I)
_RULE = re.compile(r":?-+:?")


@dataclass(frozen=True, slots=True)
class Table:
    """Reads the rows below a header."""

    delimiter: str
    columns: tuple[str, ...]
    """Names of the columns: url, name and checksum. Other columns keep the names in the header, for metadata."""
    labels: dict[str, str] = field(default_factory=dict)
    """Names in the header for url, name and checksum."""
    is_markdown: bool = False

    def read(self, text: str) -> Given:
        """Return the fields of a row. Raises RowError."""
        cells = [trim(cell) for cell in split(text, self.delimiter, is_markdown=self.is_markdown)]
        if not any(cells) or (self.is_markdown and all(_RULE.fullmatch(cell) for cell in cells)):
            return Given(skipped=Skipped(blank=1))
        while len(cells) > len(self.columns) and not cells[-1]:
            cells.pop()
        if len(cells) > len(self.columns):
            raise RowError(f"it has {len(cells)} fields, and the header has {len(self.columns)}")
        if len(cells) == 1 and begins_address(cells[0]) and is_row(cells[0]):
            sign = _SIGNS.get(self.delimiter, self.delimiter)
            raise RowError(f"its columns have another separator than the header, which has {sign}")
        named = [(self.columns[number], cell) for number, cell in enumerate(cells) if cell]
        kept = {name: cell for name, cell in named if name and name not in PREDEFINED}
        lost = len(named) - len(kept)
        return Given(self._fields(kept, text), Skipped(values=lost) if lost else None, self.labels)

    def _fields(self, kept: dict[str, str], text: str) -> dict[str, Any]:
        if "url" not in kept or kept["url"].startswith("#"):
            hint = "; in a table, # begins no comment" if trim(text).startswith("#") else ""
            raise RowError(f"it has no url{hint}")
        url = unwrap(kept["url"])
        if has_another(url) and not re.search(r"\s", url):
            raise RowError(f"its {self.labels.get('url', 'url')} has two addresses; write one address per row")
        known = {name: kept[name] for name in ("name", "checksum") if name in kept}
        metadata = {name: cell for name, cell in kept.items() if name not in ("url", "name", "checksum")}
        return {"url": url} | known | ({"metadata": metadata} if metadata else {})


def split(text: str, delimiter: str, *, is_markdown: bool = False) -> list[str]:
    """Return the cells of a record. Raises csv.Error."""
    if is_markdown:
        inner = trim(text).removeprefix("|")
        cells = re.split(r"(?<!\\)\|", inner)
        return [cell.replace("\\|", "|") for cell in (cells[:-1] if not cells[-1].strip() else cells)]
    return next(csv.reader([text], delimiter=delimiter, skipinitialspace=delimiter != "\t"), [])


def separator(text: str) -> str | None:
    """Return the delimiter in a line such as ``sep=;``, which spreadsheet programs write above the header. Return None
    for any other line."""
    found = _SEPARATOR.fullmatch(text.strip(" \r\n\ufeff"))
    return found["sign"] if found else None


def header(text: str, forced: str | None = None) -> Table | None:
    """Return the table below a header line, or None if the line is not a header.

    ``forced`` is the delimiter from a line such as ``sep=;`` above the header. Raises HeaderError for a header with two
    URL columns or a repeated name.
    """
    if not _ADDRESS_WORD.search(text) or has_address(text):
        return None  # the most frequent case, which is cheap to detect
    is_markdown = forced is None and trim(text).startswith("|")
    for delimiter in (forced,) if forced else ("|",) if is_markdown else DELIMITERS:
        try:
            cells = [trim(clean_text(cell)) for cell in split(text, delimiter, is_markdown=is_markdown)]
        except csv.Error:
            continue
        if any(_plain(cell) in ADDRESS_NAMES for cell in cells):
            return _table(delimiter, cells, is_markdown=is_markdown)
    return None


class HeaderError(ValueError):
    """The header can be read in two ways. The error's text completes "The manifest …"."""


def _table(delimiter: str, cells: Sequence[str], *, is_markdown: bool) -> Table:
    addresses = [cell for cell in cells if _plain(cell) in ADDRESS_NAMES]
    if len(addresses) > 1:
        raise HeaderError(f"has a header with {len(addresses)} columns for the address: {', '.join(addresses)[:100]}")
    names = [cell for wanted in NAME_NAMES for cell in cells if _plain(cell) == wanted]
    checksums = [cell for cell in cells if _plain(cell) == "checksum"]
    found = {"url": addresses, "name": names, "checksum": checksums}
    labels = {name: some[0] for name, some in found.items() if some}
    ours = {label: name for name, label in labels.items()}
    columns = tuple(ours.get(cell, cell) for cell in cells)
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise HeaderError(f"names a column twice in its header: {', '.join(twice)[:100]}")
    return Table(delimiter, columns, labels, is_markdown)


def _plain(cell: str) -> str:
    """Return a column name without case, spaces, underscores and the text in parentheses. Empty for a longer text."""
    if len(cell) > _MOST_NAME_LETTERS:
        return ""
    return re.sub(r"[\W_]+", "", re.sub(r"\([^)]*\)", "", cell.casefold()))
