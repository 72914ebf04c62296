"""Rows of a manifest: one URL per line, a table with a URL column, or JSON Lines. Pure functions from bytes to rows.
An invalid row is rejected with its line number, and the next rows are read as usual. The numbers of skipped lines
and values are reported."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from videoimport.api.bulkimport_source import Item
from videoimport.api.tasks.listing_task import Skipped
from videoimport.worker.fetch.process_messages import sayable
from videoimport.worker.listing import csv_table as table
from videoimport.worker.listing import json_lines as jsonlines
from videoimport.worker.listing.cells import has_address, trim
from videoimport.worker.listing.csv_line_joining import MOST_LINE_BYTES, Quotes, Record
from videoimport.worker.listing.csv_table import HeaderError, Table
from videoimport.worker.listing.json_lines import JsonLines
from videoimport.worker.listing.plain_list import PlainList
from videoimport.worker.listing.row_to_item import RowError, RowReader, item_of

_MOST_ABOVE = 10
"""Maximum number of lines above a header, such as a title, a date or an author."""
_ONE_A_LINE = "Write JSON Lines, one object per line, for example with jq -c '.items[]'."
_TAGGED = re.compile(r"<https?://|!?\[[^\]]{0,500}\]\(", re.I)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest. ``line`` is the number of its first line, from 1."""

    line: int
    item: Item | None = None
    url: str | None = None
    """The URL of a rejected row, if the row has one."""
    wrong: str | None = None
    """The reason why the row is rejected. If both ``item`` and ``wrong`` are None, this is the end of the list, and
    only ``skipped`` is reported."""
    skipped: Skipped | None = None
    """Skipped parts of the row, and skipped lines between this row and the row before."""


class NoListError(ValueError):
    """The file is not a list. The error's text completes "The manifest …"."""

    def __init__(self, found: str, advice: str = "") -> None:
        super().__init__(found)
        self.advice = advice
        """Advice for the user, if it is more exact than the general advice about lists."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """The format of a list, detected from its first lines."""

    reader: RowReader
    titles: list[Record] = field(default_factory=list)
    """Rows above the header."""
    rows: list[Record] = field(default_factory=list)
    """Rows that were read to detect the format."""


def rows(content: Iterable[bytes], after: int = 0) -> Iterator[Row]:
    """Yield the rows of a file after line ``after``. Raises NoListError."""
    records = _records(content)
    skipped, first, last = _first_lines(records, after)
    if not first:
        yield from [Row(last, skipped=skipped)] if skipped else []
        return
    layout = _layout(first)
    rest: Iterator[Record] = chain(layout.rows, records)
    if isinstance(layout.reader, Table) and not layout.reader.is_markdown:
        rest = Quotes(layout.reader.delimiter).whole(rest)
    read = chain(zip(layout.titles, repeat(PlainList())), zip(rest, repeat(layout.reader)))
    yield from _read(read, after, skipped)


def _read(records: Iterator[tuple[Record, RowReader]], after: int, skipped: Skipped | None) -> Iterator[Row]:
    """Yield the rows with an item or an error, each with the lines skipped before it. The last row has the lines
    skipped at the end."""
    line = after
    for record, reader in records:
        if record.line <= after:
            continue
        line, row = record.line, _row(record, reader)
        skipped = _sum(skipped, row.skipped)
        if row.item or row.wrong:
            row = replace(row, skipped=skipped)
            # JSON escapes may contain half a surrogate pair, which no protocol can encode.
            yield row if row.item else replace(row, url=_sayable(row.url), wrong=_sayable(row.wrong))
            skipped = None
    if skipped:
        yield Row(line, skipped=skipped)


def _records(content: Iterable[bytes]) -> Iterator[Record]:
    for number, raw in enumerate(content, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        yield _record(number, line)


def _record(number: int, line: bytes) -> Record:
    if len(line) > MOST_LINE_BYTES:
        return Record(number, wrong=f"it has more than {MOST_LINE_BYTES} bytes")
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return Record(number, wrong="it is not UTF-8 text; save the list as UTF-8, in Excel as 'CSV UTF-8'")
    return Record(number, wrong="it has a zero byte") if "\x00" in text and number > 1 else Record(number, text)


def _first_lines(records: Iterator[Record], after: int) -> tuple[Skipped | None, list[Record], int]:
    """Return the skipped lines, the first lines with content, and the number of the last line that was read.

    The first lines end with the first line that shows the format of the list. Blank lines and comments are only
    counted, because there may be many.
    """
    skipped: Skipped | None = None
    first: list[Record] = []
    last = 0
    for record in records:
        last, text = record.line, trim(record.text)
        is_comment = text.startswith("#") and not first and not _is_header(text)
        if record.wrong or (text and not is_comment):
            first.append(record)
            if _ends_first_lines(text) or len(first) > _MOST_ABOVE:
                break
        elif record.line > after:
            skipped = _sum(skipped, Skipped(comments=1) if is_comment else Skipped(blank=1))
    return skipped, first, last


def _ends_first_lines(text: str) -> bool:
    """Return whether a line shows the format of the list. A comment does not, because it can have any form."""
    return not text.startswith("#") and (has_address(text) or text.startswith(("{", "[", "<")) or _is_header(text))


def _is_header(text: str) -> bool:
    """Return whether a line is a header, even if the name of its first column begins with #."""
    try:
        return table.header(text) is not None
    except HeaderError:
        return not text.startswith("#")


def _layout(first: list[Record]) -> _Layout:
    """Return the format of a list with these first lines. Raises NoListError."""
    text = trim(first[0].text)
    _refuse(text)
    if text.startswith("{"):
        return _Layout(JsonLines(), rows=first)
    try:
        found = _headers(first)
    except HeaderError as error:
        advice = "Name one column url, and give each other column a different name that does not mean an address."
        raise NoListError(str(error), advice) from None
    if not found:
        return _Layout(PlainList(), rows=[record for record in first if not table.separator(record.text)])
    # A comment may have column names too. A header that begins with # is only used if there is no other header.
    place, header = next((one for one in found if not trim(first[one[0]].text).startswith("#")), found[0])
    titles = [_title(record, header) for record in first[:place] if not table.separator(record.text)]
    is_single = len(header.columns) == 1 and not any(table.separator(record.text) for record in first[:place])
    return _Layout(PlainList() if is_single else header, titles, first[place + 1 :])


def _headers(first: list[Record]) -> list[tuple[int, Table]]:
    """Return the lines that are headers, each with its index in ``first``. Raises HeaderError."""
    forced = next((sign for record in first if (sign := table.separator(record.text))), None)
    some = [
        (place, record.text)
        for place, record in enumerate(first)
        if not record.wrong and (not trim(record.text).startswith("#") or _is_header(trim(record.text)))
    ]
    return [(place, header) for place, text in some if (header := table.header(text, forced)) is not None]


def _title(record: Record, header: Table) -> Record:
    """Return a line above the header as a comment, a blank row or an error."""
    text = trim(record.text)
    if record.wrong or text.startswith("#") or not text.strip(f'{header.delimiter} \t"'):
        return replace(record, text="#" if text.startswith("#") else "")
    return replace(record, wrong="it is above the header of the table and has no address")


def _refuse(text: str) -> None:
    if "\x00" in text:
        raise NoListError("is not text: its first line has zero bytes")
    if "\r" in text:
        raise NoListError("ends its lines in two ways", "Save it again with one kind of line end.")
    if _TAGGED.match(text):
        return
    if text.startswith("<"):
        raise NoListError("is a web page or XML")
    if text.startswith("["):
        raise NoListError("is a JSON array, and not one object per line", _ONE_A_LINE)
    if text.startswith("{") and jsonlines.is_document(text):
        raise NoListError("is one JSON document, and not one object per line", _ONE_A_LINE)


def _row(record: Record, reader: RowReader) -> Row:
    if record.wrong:
        return Row(record.line, wrong=record.wrong)
    try:
        given = reader.read(record.text)
        if given.fields is None:
            return Row(record.line, skipped=given.skipped)
        return Row(record.line, item_of(given), skipped=given.skipped)
    except RowError as error:
        return Row(record.line, url=error.url, wrong=str(error))
    except (ValueError, csv.Error) as error:
        return Row(record.line, wrong=str(error))


def _sum(one: Skipped | None, other: Skipped | None) -> Skipped | None:
    return one.plus(other) if one and other else one or other


def _sayable(text: str | None) -> str | None:
    return text and sayable(text)
