"""Manifests of people who make mistakes, and of strangers who mean harm."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import Skipped
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import Request, Teller
from videoimport.worker.listing import csv_line_joining as quotes
from videoimport.worker.listing import manifest
from videoimport.worker.listing import manifest_rows as lines
from videoimport.worker.listing.manifest_rows import NoListError, Row
from videoimport.worker.listing.process_messages import ANSWERS, ListEntry, ListRequest, Passed
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route


def rows(*texts: str) -> list[Row]:
    return list(lines.rows(f"{text}\n".encode() for text in texts))


def entries(folder: Path, content: bytes) -> list[ListEntry]:
    """The entries of a ConfigMap's manifest, as the guarded process says them."""
    return [one for one in passed(folder, content) if isinstance(one, ListEntry)]


def passed(folder: Path, content: bytes) -> list[ListEntry | Passed]:
    """All that is told of a ConfigMap's manifest."""
    mounted, scratch = folder / "mounted", folder / "scratch"
    for one in (mounted, scratch):
        one.mkdir()
    (mounted / "list").write_bytes(content)
    fetch = Request(folder=str(scratch), max_height=1080, room_bytes=2**30)
    source = BulkSource.model_validate({"manifest": {"configMapKeyRef": {"name": "list", "key": "list"}}})
    request = ListRequest(fetch=fetch, source=source, manifest=str(mounted / "list"))
    around = Surroundings.of(fetch, Teller.__new__(Teller), Guard(()), Route())
    try:
        told = list(manifest.entries(around, request))
    finally:
        assert [(file.name, file.read_bytes()) for file in mounted.iterdir()] == [("list", content)]
    for one in told:
        assert ANSWERS.validate_json(one.model_dump_json()) == one
    return told


@pytest.mark.parametrize(
    "wrong",
    [
        '{"url": "https://e.com/1", "metadata": {"a": 1e999}}',
        '{"url": "https://e.com/1", "metadata": {"a": -1e999}}',
        '{"url": "https://e.com/1", "metadata": {"a": NaN}}',
        '{"url": "https://e.com/1", "metadata": {"a": 9223372036854775808}}',
        '{"url": "https://e.com/1", "metadata": {"a": ' + "9" * 5000 + "}}",
        '{"url": "https://e.com/\\ud800"}',
        '{"url": "xhttps://e.com/\\ud800"}',
        '{"url": "https://e.com/1", "\\ud800": 1}',
        '{"url": "https://e.com/1", "name": "\\ud800"}',
        '{"url": "https://e.com/1", "metadata": {"\\ud800": 1}}',
    ],
)
def test_one_line_of_nonsense_is_one_rejected_line(tmp_path: Path, wrong: str) -> None:
    right = '{"url": "https://e.com/2", "metadata": {"a": 1.5, "b": -9223372036854775808}}'
    first, second = entries(tmp_path, f"{wrong}\n{right}\n".encode())
    assert (first.reason, first.message.partition(":")[0]) == (Reason.INVALID_SPEC, "Line 1")
    assert second.reason is None
    assert second.metadata == {"a": 1.5, "b": -(2**63)}


PLAIN = "url\tname\nhttps://e.com/1.mp4\tEins\nhttps://e.com/2.mp4\tÜ\n"


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(PLAIN.encode()),
        PLAIN.encode("utf-16"),
        gzip.compress(PLAIN.encode("utf-16")),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
    ],
    ids=["packed", "wide", "packed and wide", "carriage returns", "both"],
)
def test_what_a_config_map_holds_is_made_readable_beside_it(tmp_path: Path, content: bytes) -> None:
    """``entries`` sees that nothing is written where the ConfigMap is mounted."""
    assert [(one.url, one.name) for one in entries(tmp_path, content)] == [
        ("https://e.com/1.mp4", "Eins"),
        ("https://e.com/2.mp4", "Ü"),
    ]


def test_a_header_that_cannot_be_read_is_the_files_fault(tmp_path: Path) -> None:
    with pytest.raises(NoListError):
        rows("url,name\rhttps://e.com/1,one", "https://e.com/2,two")
    with pytest.raises(ImportFailure) as told:
        entries(tmp_path, b"url,name\rhttps://e.com/1,one\nhttps://e.com/2,two\n")
    assert told.value.reason is Reason.UNSUPPORTED_SOURCE


def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many letters each look at quotes had."""
    seen: list[int] = []
    real = quotes.is_open

    def spied(text: str, *rest: Any, **more: Any) -> bool:
        seen.append(len(text))
        return real(text, *rest, **more)

    monkeypatch.setattr(quotes, "is_open", spied)
    return seen


@pytest.mark.parametrize(
    "group",
    [
        ['https://e.com/1,"open', *["x" * 300] * 299],
        ['https://e.com/1,x"y,"' + "z" * 300] * 300,
    ],
)
def test_quotes_that_never_end_are_looked_at_twice_at_most(group: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looked_at(monkeypatch)
    texts = ["url,name", *group]
    told = rows(*texts)
    assert 0 < sum(seen) <= 2 * sum(map(len, texts))
    assert [row.line for row in told] == list(range(2, 302))
    assert told[0].wrong == "its quotes do not end"


def test_quoted_line_breaks_belong_to_a_record_and_what_never_ends_to_its_line() -> None:
    told = rows(
        "url,name,note",
        'https://e.com/1,one,"first',
        "# no comment",
        "",
        'a ""third"", and ""fourth""',
        'fifth"',
        '"https://e.com/7" , "seven" ,a "letter',
        'https://e.com/8,"never ends',
        'https://e.com/9,nine,"but',
        'this does"',
        'https://e.com/11,"nor does this',
        "# a comment",
        "https://e.com/13,last",
    )
    note = 'first\n# no comment\n\na "third", and "fourth"\nfifth'
    assert [(row.line, row.item.url, row.item.metadata) for row in told if row.item] == [
        (2, "https://e.com/1", {"note": note}),
        (7, "https://e.com/7", {"note": 'a "letter'}),
        (13, "https://e.com/13", None),
    ]
    assert [row.line for row in told if row.wrong] == [8, 10, 11, 12]


@pytest.mark.parametrize(
    ("content", "found", "wrong"),
    [
        (b"sep=;\r\nurl;name\r\nhttps://e.com/1.mp4;One\r\n", [("https://e.com/1.mp4", "One")], []),
        (
            b"Our videos;;\nurl;name;\nhttps://e.com/1.mp4;One;\n",
            [("https://e.com/1.mp4", "One")],
            ["Line 1: it is above the header of the table and has no address."],
        ),
        (b"Link,Title\nhttps://e.com/1.mp4,One\n", [("https://e.com/1.mp4", "One")], []),
        (b"HTTPS://e.com/1.mp4\n", [("https://e.com/1.mp4", None)], []),
        (b"https://e.com/1.mp4\xe2\x80\x8b\n", [("https://e.com/1.mp4", None)], []),
        (
            b"id,url\n#1,https://e.com/1.mp4\n#2,https://e.com/2.mp4\n",
            [("https://e.com/1.mp4", None), ("https://e.com/2.mp4", None)],
            [],
        ),
        (
            b"url,notes\nhttps://e.com/1.mp4," + b"x" * 300 + b"\n",
            [],
            ["Line 2: its column notes has 300 characters, more than the limit of 256; shorten it or leave it out."],
        ),
    ],
    ids=["delimiter line", "title above", "other header", "capital scheme", "zero width", "id with hash", "long note"],
)
def test_lists_that_were_read_wrongly(
    tmp_path: Path, content: bytes, found: list[tuple[str, str | None]], wrong: list[str]
) -> None:
    told = entries(tmp_path, content)
    assert [(one.url, one.name) for one in told if one.reason is None] == found
    assert [one.message for one in told if one.reason is not None] == wrong


def test_what_is_skipped_at_the_end_is_told_without_an_entry(tmp_path: Path) -> None:
    told = passed(tmp_path, b"https://e.com/1.mp4\n# the end\n\n")
    assert [one.skipped for one in told] == [None, Skipped(comments=1, blank=1)]
    assert isinstance(told[1], Passed)


SHEET = 'Link;Title;Note\r\nhttps://e.com/1.mp4;"Über; uns";"a\r\nb"\r\n;;\r\n'


@pytest.mark.parametrize(
    "content",
    [
        SHEET.encode(),
        b"\xef\xbb\xbf" + SHEET.encode(),
        b"\xff\xfe" + SHEET.encode("utf-16-le"),
        b"\xfe\xff" + SHEET.encode("utf-16-be"),
        SHEET.replace("\r\n", "\n").encode(),
        SHEET.replace("\r\n", "\r").encode(),
        SHEET.replace(";", "\t").replace("Über\t", "Über;").encode("utf-16"),
        f"sep=;\r\n{SHEET}".encode(),
    ],
    ids=["plain", "mark", "little", "big", "line feeds", "carriage returns", "unicode text", "delimiter line"],
)
def test_what_spreadsheets_write_in_several_countries(tmp_path: Path, content: bytes) -> None:
    (one,) = entries(tmp_path, content)
    assert (one.url, one.name) == ("https://e.com/1.mp4", "Über; uns")
    assert one.metadata is not None
    assert one.metadata["Note"].splitlines() == ["a", "b"]  # type: ignore[union-attr]
