"""Output of the items of a BulkImport: a table for users, and CSV or JSON for programs."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal

from videoimport.api.bulkimport_status import ItemResult, LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.cli.progress_display import printable
from videoimport.cli.results.account import Account

Format = Literal["table", "csv", "json"]
Row = dict[str, Any]
COLUMNS = ("state", "name", "url", "reason", "message", "attempts", "videoId", "importName", "uri")
"""Columns of the CSV output, which has one line for each item."""
_RESULT = frozenset(ItemResult.model_json_schema()["properties"])
_SHOWN = ("STATE", "ITEM", "REASON", "WHERE OR WHY")
_FORMULA = frozenset("=+-@")
"""Characters at the beginning of a spreadsheet formula."""


def rendered(account: Account, form: Format) -> str:
    """Return the results in the format ``form``, as text for standard output."""
    return {"table": _table, "csv": _csv, "json": _json}[form](account)


def headline(account: Account) -> str:
    """Return one line about the whole BulkImport."""
    return f"{account.bulk.metadata.name}: {account.state}"


def _counts(account: Account) -> dict[str, int]:
    return {
        "total": len(account.results) + len(account.open),
        "completed": account.completed,
        "failed": account.failed,
        "rejectedCount": len(account.rejected),
        "skippedDuplicates": account.duplicates,
    }


def _state(result: ItemResult) -> str:
    if not result.success:
        return "Failed"
    return "Duplicate" if result.reason is Reason.DUPLICATE else "Imported"


def rows(account: Account) -> Iterator[Row]:
    """Yield one row for each item, as a dictionary by column without empty values. Among ended items, failures come
    first, as in the status."""
    for result in sorted(account.results, key=lambda result: result.success):
        wire = _wire(result)
        yield {"state": _state(result), "message": wire.pop("error", ""), **wire}
    for rejected in account.rejected:
        yield {"state": "Rejected", **rejected.wire()}
    for item in account.open:
        yield {"state": "Open", **item.wire()}


def _wire(result: LedgerEntry) -> Row:
    """Return the result with the fields that the status shows."""
    return {name: value for name, value in result.wire().items() if name in _RESULT}


def _json(account: Account) -> str:
    meta, status = account.bulk.metadata, account.bulk.status.wire()
    whole: Row = {
        "namespace": meta.namespace,
        "name": meta.name,
        **{field: status[field] for field in ("phase", "message") if field in status},
        **_counts(account),
        "results": [_wire(result) for result in account.results],
        "rejected": [item.wire() for item in account.rejected],
        "open": [item.wire() for item in account.open],
    }
    return "".join(map(_escaped, json.dumps(whole, indent=2, ensure_ascii=False))) + "\n"


def _escaped(letter: str) -> str:
    """Escape a control character of a terminal as in JSON. A program that parses the JSON reads the same text."""
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]


def _csv(account: Account) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows(account))
    return text.getvalue()


def _cell(value: object) -> str:
    """Return the text without terminal control characters, and in a form that a spreadsheet does not treat as a
    formula. The value may come from an untrusted list."""
    text = "\n".join(map(printable, str(value).split("\n")))
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])  # some spreadsheets accept full-width signs too
    return f"'{text}" if first in _FORMULA else text


def _table(account: Account) -> str:
    shown = [
        (
            row["state"],
            row.get("name") or row.get("url", ""),
            row.get("reason", ""),
            row.get("uri") or row.get("message", ""),
        )
        for row in rows(account)
    ]
    if not shown:
        return ""
    lines = [_SHOWN, *(tuple(map(printable, cells)) for cells in shown)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_SHOWN) - 1)]
    return "".join(
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[-1])).rstrip() + "\n"
        for line in lines
    )
