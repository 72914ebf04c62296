"""Manifests: a URL a line, CSV with a header that names url, or JSON Lines. Pure: bytes in, rows out.

A row that is not understood is rejected with the number of its line, and the rest goes on.
"""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from videoimport.api.bulk_source import Item
from videoimport.api.metadata import PREDEFINED
from videoimport.worker.fetch.protocol import sayable
from videoimport.worker.listing.addresses import is_address
from videoimport.worker.listing.quotes import MOST_LINE_BYTES, Quotes, Record, says

_FIELDS = ("url", "name", "checksum", "metadata")
_MOST_DIGITS = 20
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest, at the line that it begins in, from 1."""

    line: int
    item: Item | None = None
    url: str | None = None
    """Of a row that is rejected, where it has one."""
    wrong: str | None = None
    """What is wrong with it."""


class NoListError(ValueError):
    """The whole file is no list. Its text completes "The manifest …"."""


def rows(content: Iterable[bytes], after: int = 0) -> Iterator[Row]:
    """What stands in a file's lines behind line ``after``. Raises NoListError."""
    records = _records(content)
    first = next((record for record in records if record.wrong or says(record.text)), None)
    if first is None:
        return
    read, is_header = _reader(first)
    if not is_header:
        records = _chained(first, records)
    if isinstance(read, _Csv):
        records = Quotes(read.delimiter).whole(records)
    for record in records:
        if record.line > after and (record.wrong or says(record.text)):
            yield _said(Row(record.line, wrong=record.wrong) if record.wrong else _row(record, read))


def _chained(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest


def _records(content: Iterable[bytes]) -> Iterator[Record]:
    for number, raw in enumerate(content, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if len(line) > MOST_LINE_BYTES:
            yield Record(number, wrong=f"it has more than {MOST_LINE_BYTES} bytes")
            continue
        try:
            yield Record(number, line.decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            yield Record(number, wrong="it is no UTF-8 text")


@dataclass(frozen=True, slots=True)
class _Csv:
    delimiter: str
    columns: tuple[str, ...]

    def __call__(self, text: str) -> dict[str, Any]:
        cells = next(csv.reader([text], delimiter=self.delimiter, skipinitialspace=True), [])
        if len(cells) > len(self.columns):
            raise ValueError(f"it has {len(cells)} fields, and the header has {len(self.columns)}")
        given = {name: cell.strip() for name, cell in zip(self.columns, cells, strict=False) if cell.strip() and name}
        known = {name: given[name] for name in given if name in ("url", "name", "checksum")}
        others = {name: given[name] for name in given if name not in known and name not in PREDEFINED}
        return known | ({"metadata": others} if others else {})


_Read = Callable[[str], dict[str, Any]]


def _reader(first: Record) -> tuple[_Read, bool]:
    """How a file is read whose first line that says something is this, and whether that is a header."""
    text = first.text.strip()
    if "\x00" in text:
        raise NoListError("is no text: its first line has zero bytes")
    if text.startswith("<"):
        raise NoListError("is a web page or XML: give a file with a URL a line, CSV or JSON Lines")
    if text.startswith("["):
        raise NoListError("is a JSON array; write one object a line (JSON Lines)")
    if text.startswith("{"):
        return _json, False
    for delimiter in _DELIMITERS:
        header = _header(text, delimiter)
        lowered = tuple(cell.lower() if cell.lower() in _FIELDS else cell for cell in header)
        if "url" in lowered:
            _refuse_twice(lowered)
            return _Csv(delimiter, lowered), True
    return _url, False


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), []))
    except csv.Error as error:
        raise NoListError(f"cannot be read in its first line: {error}") from None


def _refuse_twice(columns: tuple[str, ...]) -> None:
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise NoListError(f"names a column twice in its header: {', '.join(twice)[:100]}")


def _url(text: str) -> dict[str, Any]:
    return {"url": text.strip()}


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_counted)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error.msg if isinstance(error, json.JSONDecodeError) else error})") from None
    except RecursionError:
        raise ValueError("it is no JSON that anybody would write") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 — the file's fault, not a caller's
    if unknown := sorted(set(found) - set(_FIELDS)):
        raise ValueError(f"it has unknown fields ({', '.join(unknown)[:100]}); known are {', '.join(_FIELDS)}")
    return {name: value for name, value in found.items() if value is not None}


def _no_number(name: str) -> float:
    raise ValueError(f"{name[:20]} is no number")


def _finite(digits: str) -> float:
    """JSON may name any number; one that is infinite here could not be told to anybody."""
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _counted(digits: str) -> int:
    """The API server keeps whole numbers in 64 bits."""
    if len(digits) > _MOST_DIGITS or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"{digits[:20]} is too large a number")
    return int(digits)


def _row(record: Record, read: _Read) -> Row:
    try:
        given = read(record.text)
    except (ValueError, csv.Error) as error:
        return Row(record.line, wrong=str(error))
    url = given["url"] if isinstance(given.get("url"), str) else None
    if url is None:
        return Row(record.line, wrong="it has no url")
    if not is_address(url):
        return Row(record.line, url=url, wrong="its url is no http or https address")
    try:
        return Row(record.line, Item.model_validate(given))
    except ValidationError as error:
        return Row(record.line, url=url, wrong=f"its {_complaints(error)}")


def _said(row: Row) -> Row:
    """What JSON escapes may name half a letter, which nobody could be told of."""
    return row if row.item else replace(row, url=_sayable(row.url), wrong=_sayable(row.wrong))


def _sayable(text: str | None) -> str | None:
    return text and sayable(text)


def _complaints(error: ValidationError) -> str:
    """Which fields, and what of them; not what stands there."""
    told = (
        f"{'.'.join(map(str, one['loc'][:2]))}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    )
    return "; ".join(told)[:300]
