"""Lists as spreadsheets and people write them: the address is exact, or the row is rejected with a sentence."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from support.every_case import every_case
from videoimport.api.bulkimport_source import Item
from videoimport.api.tasks.listing_task import Skipped
from videoimport.worker.listing import manifest_rows as lines
from videoimport.worker.listing.cells import trim, unwrap
from videoimport.worker.listing.csv_table import ADDRESS_NAMES
from videoimport.worker.listing.manifest_rows import NoListError, Row
from videoimport.worker.listing.row_to_item import MOST_NAME_LETTERS

ONE, TWO = "https://e.com/1.mp4", "https://e.com/2.mp4"


def read(text: str | bytes, after: int = 0) -> list[Row]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(lines.rows(content.splitlines(keepends=True), after))


def items(rows: list[Row]) -> list[tuple[str, str | None]]:
    return [(row.item.url, row.item.name) for row in rows if row.item]


def rejected(rows: list[Row]) -> list[int]:
    return [row.line for row in rows if row.wrong]


def skipped(rows: list[Row]) -> Skipped:
    total = Skipped()
    for row in rows:
        total = total.plus(row.skipped)
    return total


def only_item(text: str) -> Item:
    (row,) = read(text)
    assert row.item is not None, row.wrong
    return row.item


def only_wrong(text: str) -> str:
    (row,) = read(text)
    assert row.wrong, row
    return row.wrong


def refusal(text: str) -> str:
    with pytest.raises(NoListError) as caught:
        read(text)
    return f"The manifest {caught.value}. {caught.value.advice}"


class TestTables:
    @every_case("sign", [",", ";", "\t", "|", "^"])
    @every_case("end", ["\n", "\r\n"])
    def test_the_line_that_names_the_delimiter_is_understood(self, sign: str, end: str) -> None:
        rows = read(end.join((f"sep={sign}", f"url{sign}name", f"{ONE}{sign}One", "")))
        assert (items(rows), rejected(rows)) == ([(ONE, "One")], [])

    @pytest.mark.parametrize("head", ["SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;;;"])
    def test_the_delimiter_line_in_other_spellings(self, head: str) -> None:
        assert items(read(f"{head}\nurl;name\n{ONE};One\n")) == [(ONE, "One")]

    @every_case(
        "header",
        [
            "url{}name", "URL{}Name", "Link{}Title", "LINK{}TITLE", "Address{}Name", "Video URL{}Video Title",
            "video_url{}video_title", "\ufeffUrl{}Title", "\u200bLink\u200b{} Title ",
            '"Link"{}"Title"', "Web-Address{}Name", "URL (required){}Name*",
        ],
    )  # fmt: skip
    @every_case("sign", [",", ";", "\t", "|"])
    def test_columns_are_known_by_more_than_one_name(self, header: str, sign: str) -> None:
        rows = read(f"{header.format(sign)}\n{ONE}{sign}One\n")
        assert (items(rows), rejected(rows)) == ([(ONE, "One")], [])

    def test_a_column_that_is_called_something_else_is_metadata(self) -> None:
        item = only_item(f"Id,Title,Link,Owner\n#7,One,{ONE},me\n")
        assert (item.name, item.metadata) == ("One", {"Id": "#7", "Owner": "me"})
        both = only_item(f"Title,Name,Link\nA title,a-name,{ONE}\n")
        assert (both.name, both.metadata) == ("a-name", {"Title": "A title"})

    def test_a_columns_name_has_no_characters_that_a_terminal_obeys(self) -> None:
        rows = read(f"url,\x1b[31mca\u202empaign,\u200bwidth,\u2066\u2069\n{ONE},spring,7,x\n")
        assert rows[0].item is not None
        assert rows[0].item.metadata == {"[31mcampaign": "spring"}
        assert skipped(rows) == Skipped(values=2)
        assert "names a column twice" in refusal(f"url,team,te\u202eam\n{ONE},a,b\n")

    @pytest.mark.parametrize("header", ["Link,Address", "url,Video URL,name", "URL;link", "url,url"])
    def test_two_columns_for_the_address_refuse_the_list(self, header: str) -> None:
        told = refusal(f"{header}\n{ONE},{TWO}\n")
        assert "columns for the address" in told
        assert "Name one column url" in told

    @pytest.mark.parametrize("sign", [";", ","])
    def test_a_title_above_the_header_is_rejected_and_the_table_is_read(self, sign: str) -> None:
        rows = read(f"Our videos{sign}{sign}\n{sign}{sign}\nurl{sign}name{sign}\n{ONE}{sign}One{sign}\n")
        assert items(rows) == [(ONE, "One")]
        assert rejected(rows) == [1]
        assert rows[0].wrong == "it is above the header of the table and has no address"
        assert skipped(rows) == Skipped(blank=1)

    def test_hash_signs_in_a_table_are_no_comments(self) -> None:
        rows = read(f"id,url\n#1,{ONE}\n#2,{TWO}\n# three\n")
        assert [(row.item.url, row.item.metadata) for row in rows if row.item] == [
            (ONE, {"id": "#1"}),
            (TWO, {"id": "#2"}),
        ]
        assert (rejected(rows), skipped(rows).total) == ([4], 0)

    @pytest.mark.parametrize("header", ["#,url,name", "#id,Link,Title"])
    def test_a_header_may_begin_with_a_hash_sign(self, header: str) -> None:
        rows = read(f"{header}\n1,{ONE},One\n")
        assert (items(rows), rejected(rows)) == ([(ONE, "One")], [])

    def test_a_comment_above_a_header_is_a_comment_even_if_it_names_columns(self) -> None:
        rows = read(f"# the columns are, url, name\n# by us\nid,url,name\n1,{ONE},One\n")
        assert (items(rows), rejected(rows), skipped(rows)) == ([(ONE, "One")], [], Skipped(comments=2))
        both = read(f"# a, url, link\nurl,name\n{ONE},One\n")
        assert (items(both), rejected(both), skipped(both)) == ([(ONE, "One")], [], Skipped(comments=1))

    def test_blank_rows_are_counted_however_they_are_written(self) -> None:
        rows = read(f'url,name,note\n,,\n{ONE},One,\n\n , ,\n"","",""\n\u200b\n{TWO},,,,\n,,,,,\n')
        assert (items(rows), rejected(rows)) == ([(ONE, "One"), (TWO, None)], [])
        assert skipped(rows) == Skipped(blank=6)

    def test_a_row_with_more_fields_than_the_header_is_rejected(self) -> None:
        assert only_wrong(f"url,name\n{ONE},a,b\n") == "it has 3 fields, and the header has 2"

    def test_values_that_no_column_keeps_are_counted(self) -> None:
        rows = read(f"url,duration,,campaign\n{ONE},7,x,spring\n{TWO},,,\n")
        assert rows[0].item is not None
        assert rows[0].item.metadata == {"campaign": "spring"}
        assert skipped(rows) == Skipped(values=2)

    def test_a_value_that_is_too_long_names_column_length_and_limit(self) -> None:
        assert only_wrong(f"url,notes\n{ONE},{'x' * 300}\n") == (
            "its column notes has 300 characters, more than the limit of 256; shorten it or leave it out"
        )
        assert "column Title has 200 characters, more than the limit of 128" in only_wrong(
            f"Link,Title\n{ONE},{'x' * 200}\n"
        )
        assert "column Link has 3021 characters, more than the limit of 2048" in only_wrong(
            f"Link\tTitle\nhttps://e.com/{'x' * 3007}\tOne\n"
        )
        assert "it has 60 columns of metadata, more than the limit of 50" in only_wrong(
            f"url,{','.join(f'c{n}' for n in range(60))}\n{ONE},{','.join('x' * 60)}\n"
        )
        assert "has 70 characters, more than the limit of 64" in only_wrong(f"url,{'k' * 70}\n{ONE},x\n")

    def test_a_name_in_json_has_no_characters_that_a_terminal_obeys(self) -> None:
        item = only_item(f'{{"url": "{ONE}", "metadata": {{"\\u001b[31mteam\\u202e": "press"}}}}')
        assert item.metadata == {"[31mteam": "press"}
        assert "differ only in characters that are not shown" in only_wrong(
            f'{{"url": "{ONE}", "metadata": {{"team": "a", "te\\u202eam": "b"}}}}'
        )
        assert "duration is set by the importer for every video" in only_wrong(
            f'{{"url": "{ONE}", "metadata": {{"dur\\u200bation": 5}}}}'
        )

    def test_no_complaint_is_in_the_words_of_a_library(self) -> None:
        told = [
            only_wrong(f"Link,Title,checksum\n{ONE},a/b,\n"),
            only_wrong(f"Link,Title,checksum\n{ONE},,nothing\n"),
            only_wrong(f'{{"url": "{ONE}", "name": 5}}'),
            only_wrong(f'{{"url": "{ONE}", "metadata": {{"a": [1]}}}}'),
            only_wrong(f'{{"url": "{ONE}", "metadata": 5}}'),
            only_wrong(f'{{"url": "{ONE}", "metadata": {{"duration": 5}}}}'),
        ]
        assert told[0].startswith("its Title: it is the name of one folder")
        assert not any("should" in one or "Value error" in one or "Input" in one for one in told), told

    def test_a_markdown_table(self) -> None:
        rows = read(
            "| Title | Link |\n|:------|-----:|\n"
            f"| One | <{ONE}> |\n| Two \\| 2 | [here]({TWO}) |\n|  |  |\n| three | |\n"
        )
        assert items(rows) == [(ONE, "One"), (TWO, "Two | 2")]
        assert (rejected(rows), skipped(rows)) == ([6], Skipped(blank=2))

    def test_line_breaks_and_quotes_within_quotes(self) -> None:
        rows = read(f'Link;Title;Note\r\n{ONE};"One; ""1""";"a\r\nb"\r\n"{TWO}";Two;\r\n')
        assert items(rows) == [(ONE, 'One; "1"'), (TWO, "Two")]

    def test_a_header_of_one_column_leaves_commas_to_the_address(self) -> None:
        rows = read("url\nhttps://e.com/video_,500,1000,.mp4.csmil/master.m3u8\n" + ONE)
        assert [url for url, _ in items(rows)] == ["https://e.com/video_,500,1000,.mp4.csmil/master.m3u8", ONE]

    @pytest.mark.parametrize("text", [f"File;Owner\n{ONE};me\n", f"1;{ONE};One\n", f"{ONE}|One\n", f"{ONE}\tOne\n"])
    def test_a_table_without_a_header_gives_no_address(self, text: str) -> None:
        rows = read(text)
        assert items(rows) == []
        assert all("first line that names the columns" in (row.wrong or "") for row in rows)

    @pytest.mark.parametrize(
        ("header", "row", "sign"),
        [
            ("url;name", f"{ONE},One", "semicolons"), ("url,name", f"{ONE};One", "commas"),
            ("url\tname", f"{ONE},One", "tabs"), ("url|name", f"{ONE};One", "bars"),
            ("link;title;note", f'"{ONE},One two"', "semicolons"),
        ],
    )  # fmt: skip
    def test_a_row_that_is_divided_in_another_way_is_rejected(self, header: str, row: str, sign: str) -> None:
        told = only_wrong(f"{header}\n{row}\n")
        assert told == f"its columns have another separator than the header, which has {sign}"

    @pytest.mark.parametrize("sign", [",", ";", "|"])
    def test_two_addresses_in_one_cell_are_rejected(self, sign: str) -> None:
        told = only_wrong(f'Link\tTitle\n"{ONE}{sign}{TWO}"\tOne\n')
        assert told == "its Link has two addresses; write one address per row"

    def test_a_cell_keeps_the_commas_of_its_address(self) -> None:
        url = "https://e.com/i/v_,500,1000,.mp4.csmil/x.m3u8"
        assert items(read(f"url;name\n{url};One\n{url}\n")) == [(url, "One"), (url, None)]

    @pytest.mark.parametrize("cell", [f"{ONE} first", f"{ONE} {TWO}", f'"{ONE}\n{TWO}"', "https://e.com/my video.mp4"])
    def test_a_cell_with_more_than_an_address_is_rejected(self, cell: str) -> None:
        assert only_wrong(f"Link;Title\n{cell};One\n") == (
            "its Link has a space; write a space within an address as %20"
        )

    def test_another_encoding_is_rejected_by_its_rows(self) -> None:
        rows = read(f"url;name\n{ONE};Prüfung\n{TWO};two\n".encode("cp1252"))
        assert (items(rows), rejected(rows)) == ([(TWO, "two")], [2])
        assert "save the list as UTF-8" in (rows[0].wrong or "")


class TestPlainLists:
    @every_case(
        "line",
        [
            ONE, f"  {ONE}\t", f"{ONE}\u200b", f"\ufeff\u00a0{ONE}\u00ad\u2060", f"<{ONE}>", f'"{ONE}"',
            f"“{ONE}”", f"`{ONE}`",
            f"{ONE},", f"{ONE} ;", f"{ONE},,", f"- {ONE}", f"* {ONE}", f"• {ONE}", f"1. {ONE}", f"12) {ONE}",
            f"(3) {ONE}",
            f"7 {ONE}", f"- [ ] {ONE}", f"- [x] 1. {ONE}", f"[One]({ONE})", f"* [One, the first]({ONE})",
            f'[One]({ONE} "title")',
            f"[]({ONE})", f"<{ONE}>,", f'"{ONE}",', "HTTPS://e.com/1.mp4", "Https://e.com/1.mp4",
            "<HTTPS://e.com/1.mp4>",
        ],
    )  # fmt: skip
    def test_what_stands_around_an_address_is_no_part_of_it(self, line: str) -> None:
        assert only_item(line).url == ONE
        assert items(read(f"{TWO}\n{line}")) == [(TWO, None), (ONE, None)]

    @every_case(
        "line",
        [
            f"{ONE} # first", f"{ONE} the first lecture", f"{ONE} (first)", f"{ONE}\u00a0– first", f"{ONE} -- first",
            f"{ONE} // first 1/2", f"<{ONE}> the first, 1/2", f"- {ONE} - first", f"[One]({ONE}): the first",
            f"{ONE} #,a.b", f"{ONE}\u200e # first", f"{ONE}\u200b\u00a0(first)",
        ],
    )  # fmt: skip
    def test_a_remark_is_left_out_and_counted(self, line: str) -> None:
        rows = read(line)
        assert (items(rows), skipped(rows)) == ([(ONE, None)], Skipped(remarks=1))

    @every_case(
        "line",
        [
            f"{ONE},One", f"{ONE};One", f"{ONE};;One", f"{ONE}, One", f"{ONE};One two", f"{ONE};v1.0 intro",
            f"{ONE},sha256:{'a' * 64}", f"{ONE}\tOne", f"{ONE}|One", f"{ONE} | One", f"{ONE};7", f'"{ONE}","One"',
            "https://e.com/watch?v=a,One", f"{ONE} {TWO}", f"{ONE},{TWO}", f"{ONE};<{TWO}>",
            "https://e.com/my video.mp4",
            "https://e.com/Artist - Title.mp4", "https://e.com/a b/c.mp4", "https://e.com/a page",
            "Our videos", "e.com/1.mp4",
            "www.e.com/1.mp4", "ftp://e.com/1.mp4", f"One: {ONE}", f"One;{ONE}", "https://", "https:///x",
            "name,One", "---",
            "https://e.com/watch?v=a,12:30", "https://e.com/v/1;1:02:03", "https://e.com/v/1,2026-01-05",
            "https://e.com/v/1;5.1.2026",
            "https://e.com:99999/x.mp4", f"url: {ONE}", f"- url: {ONE}",
        ],
    )  # fmt: skip
    def test_a_row_that_is_no_item_is_rejected_with_a_sentence(self, line: str) -> None:
        assert only_wrong(line)
        rows = read(f"{ONE}\n{line}\n{TWO}\n")
        assert (items(rows), rejected(rows)) == ([(ONE, None), (TWO, None)], [2])

    @every_case(
        "url",
        [
            "https://e.com/a-1,2.html", "https://e.com/i/v_,500,1000,.mp4.csmil/x.m3u8",
            "https://e.com/x;jsessionid=A1?b=c,d",
            "https://e.com/maps,13", "https://web.archive.org/web/2020/https://e.com/1.mp4",
            "https://e.com/?u=https://e.org/x",
            "https://e.com/?q=a\u200bb", "https://e.com/ü.mp4", "https://e.com/a(b)", "https://e.com/#t=1",
            "http://[::1]:8/x.mp4",
        ],
    )  # fmt: skip
    def test_an_address_keeps_what_is_its_own(self, url: str) -> None:
        assert only_item(url).url == url

    def test_only_a_line_that_begins_with_a_hash_sign_is_a_comment(self) -> None:
        rows = read(f"# ours\n\n  # indented\n{ONE}#part\n#{TWO}\n\n")
        assert items(rows) == [(f"{ONE}#part", None)]
        assert skipped(rows) == Skipped(comments=3, blank=2)

    def test_a_zero_byte_is_one_rejected_row(self) -> None:
        rows = read(f"{ONE}\nhttps://e.com/\x00.mp4\n{TWO}")
        assert (items(rows), rejected(rows)) == ([(ONE, None), (TWO, None)], [2])

    @given(
        some.sampled_from([",", ";", "\t", "|", " ; ", ", ", ",,"]),
        some.text(string.ascii_letters + " äß-", min_size=1, max_size=20).filter(
            lambda text: trim(text).strip("-") != ""
        ),
    )
    def test_a_whole_row_never_becomes_an_address(self, sign: str, name: str) -> None:
        for row in read(f"{ONE}{sign}{name}\n{name}{sign}{ONE}\n"):
            assert row.item is None or row.item.url == ONE
            assert row.item or row.wrong

    @given(some.text(max_size=60))
    def test_anything_is_an_item_a_sentence_or_counted(self, text: str) -> None:
        line = text.replace("\n", " ").replace("\r", " ")
        rows = read(f"{ONE}\n{line}\n{TWO}\n".encode(errors="replace").replace(b"\x85", b" "))
        assert items(rows)[0] == (ONE, None)
        assert items(rows)[-1] == (TWO, None)
        assert len(rows) + skipped(rows).total == 3 + (skipped(rows).remarks)


class TestJsonLines:
    def test_commas_behind_objects_and_invisible_characters(self) -> None:
        rows = read(f'\ufeff{{"url": "{ONE}"}},\n\u200b{{"url": "HTTPS://e.com/2.mp4\u200b"}}\n\n# two\n')
        assert (items(rows), skipped(rows)) == ([(ONE, None), (TWO, None)], Skipped(blank=1, comments=1))

    @pytest.mark.parametrize(
        "text",
        [
            f'{{"items": [{{"url": "{ONE}"}}]}}', f'{{\n  "items": [\n    {{"url": "{ONE}"}}\n  ]\n}}',
            f'{{"url":\n"{ONE}"}}',
            f'{{"items": [\n{{"url": "{ONE}"}}]}}', f'["{ONE}"]', f'[\n{{"url": "{ONE}"}},\n{{"url": "{TWO}"}}\n]',
        ],
    )  # fmt: skip
    def test_one_json_document_is_no_list(self, text: str) -> None:
        assert "Write JSON Lines, one object per line" in refusal(text)


class TestCounting:
    TEXT = f"# one\n\n{ONE} # first\n\n# two\n{TWO}\nnothing\n\n\n# end"

    def test_each_row_tells_what_is_skipped_before_it_and_the_end_the_rest(self) -> None:
        rows = read(self.TEXT)
        assert [(row.line, row.skipped) for row in rows] == [
            (3, Skipped(comments=1, blank=1, remarks=1)), (6, Skipped(comments=1, blank=1)), (7, None),
            (10, Skipped(blank=2, comments=1)),
        ]  # fmt: skip

    @every_case("after", range(11))
    def test_nothing_is_counted_twice_where_a_page_goes_on(self, after: int) -> None:
        whole = read(self.TEXT)
        ends = [0, *(row.line for row in whole)]
        if after in ends:
            rest = read(self.TEXT, after)
            assert rest == [row for row in whole if row.line > after]

    def test_a_list_of_comments_alone_is_counted(self) -> None:
        assert read("\n# nothing yet\n") == [Row(2, skipped=Skipped(blank=1, comments=1))]
        assert read("") == []


MANY = 64_000


@every_case(
    "line",
    [
        "(" * MANY, "(" * 32_000 + ")" * 32_000, f"url,{'(' * MANY}", f"url{'_' * MANY}", "u_" * 32_000, "a." * 32_000,
        f"{{{' ' * MANY}x", f"https://e.com/{',' * MANY}x y", f"https://e.com/{' ' * MANY}x", "[" * MANY, "- " * 32_000,
        f"[a]({')' * MANY}", f"[a](x{' ' * MANY}x", f"<{'<' * MANY}", "\u200b" * 20_000 + "x", '"' * MANY,
        "1." * 32_000,
        f"https://e.com/?{'https://' * 8000}", f"|{'-|' * 32_000}", f"# url,{'(' * MANY}", f"sep={';' * MANY}x",
    ],
)  # fmt: skip
def test_long_lines_of_one_sign_take_no_longer_than_others(line: str) -> None:
    """Each would take an hour where the time grows with the square of the length."""
    for text in (f"{line}\n" * 3, f"url,name\n{line}\n{line}\n"):
        try:
            rows = read(text)
        except NoListError:
            continue
        assert all(row.wrong or row.skipped or row.item for row in rows)


def test_the_limit_of_a_name_is_the_models() -> None:
    assert only_item(f"url,name\n{ONE},{'x' * MOST_NAME_LETTERS}\n").name
    with pytest.raises(ValueError, match="128"):
        Item(url=ONE, name="x" * (MOST_NAME_LETTERS + 1))


@given(some.text(alphabet="\u200b\ufeff \u00a0\u00ad\u2060\t\u3164\ufe0f", max_size=5))
def test_invisible_characters_at_the_ends_are_taken_off(around: str) -> None:
    assert trim(f"{around}x{around}y{around}") == f"x{around}y"
    assert unwrap(f"{around}<{around}HTTPS://E.com/A?b={around}c{around}>{around}") == f"https://E.com/A?b={around}c"


@every_case("name", sorted(ADDRESS_NAMES))
def test_each_name_of_the_address_column_is_known(name: str) -> None:
    assert only_item(f"Id;{name.upper()}\n1;{ONE}\n").url == ONE
