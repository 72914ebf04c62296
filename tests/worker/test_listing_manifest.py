"""Manifests as users write them, read by the real worker in its guarded process."""

import gzip

from support.fake_source_site import Exchange, FakeSourceSite, fixed, html, in_turn, redirect
from support.waiting import until
from support.worker.listing_harness import ListingHarness, jsonl
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason, info

FILE = {"manifest": {"configMapKeyRef": {"name": "list", "key": "list.txt"}}}


def from_web(url: str) -> dict[str, object]:
    return {"manifest": {"url": url}}


def test_a_url_a_line(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = b"# ours\n\nhttps://e.com/1.mp4\r\n  https://e.com/2.mp4  \nhttps://e.com/1.mp4\n"
    page = lists.page(FILE)
    assert page.code == 0, page.log
    assert page.urls == ["https://e.com/1.mp4", "https://e.com/2.mp4"]
    assert page.found[0].id == item_identity("https://e.com/1.mp4")
    assert page.report.done
    assert page.rejected == []


def test_a_line_that_is_wrong_is_rejected_with_its_number_and_the_rest_goes_on(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = b"\n".join(
        [
            b"https://e.com/1.mp4",
            b"ftp://e.com/2.mp4",
            b"\xff\xfe is no text",
            b"https://e.com/" + b"x" * 100_000,
            b"https://user:pass@e.com/photo.jpg?token=geheim",
            b"https://e.com/6.mp4",
        ]
    )
    page = lists.page(FILE)
    assert page.urls == ["https://e.com/1.mp4", "https://e.com/6.mp4"]
    told = [(item.reason, item.message) for item in page.rejected]
    assert told[:3] == [
        (Reason.INVALID_SPEC, "Line 2: its url is not an http or https address."),
        (Reason.INVALID_SPEC, "Line 3: it is not UTF-8 text; save the list as UTF-8, in Excel as 'CSV UTF-8'."),
        (Reason.INVALID_SPEC, "Line 4: it has more than 65536 bytes."),
    ]
    assert (page.rejected[3].reason, page.rejected[3].url) == (Reason.NOT_VIDEO, "https://e.com/photo.jpg")
    assert page.rejected[3].id == item_identity("https://user:pass@e.com/photo.jpg?token=geheim")
    assert "geheim" not in page.log
    assert "pass@" not in page.log
    assert "e.com" not in page.log, "logs are shipped to where others search them"


def test_csv_with_names_checksums_and_metadata(lists: ListingHarness) -> None:
    text = (
        "\ufeffURL;name;checksum;campaign;duration\n"
        f'https://e.com/1.mp4;"One; two";sha256:{"a" * 64};spring;7\n'
        'https://e.com/2.mp4;"a ""quoted""\nname";;\n'
        "https://e.com/3.mp4;;;007;\n"
        "https://e.com/4.mp4;;nothing;\n"
        ";no address;;\n"
        "https://e.com/5.mp4;a;b;c;d;e;f\n"
        'https://e.com/6.mp4;"never ends\n'
        "https://e.com/7.mp4;seven\n"
    )
    lists.manifests["list.txt"] = text.encode()
    page = lists.page(FILE)
    first, third, seventh = page.found
    assert (first.name, first.checksum, first.metadata) == ("One; two", f"sha256:{'a' * 64}", {"campaign": "spring"})
    assert (third.url, third.metadata) == ("https://e.com/3.mp4", {"campaign": "007"})
    assert (seventh.url, seventh.name) == ("https://e.com/7.mp4", "seven")
    told = [item.message.partition(":")[0] for item in page.rejected]
    assert told == ["Line 3", "Line 6", "Line 7", "Line 8", "Line 9"]
    assert "quotes do not end" in page.rejected[-1].message


def test_json_lines_keep_their_types(lists: ListingHarness) -> None:
    metadata = {"year": 2026, "score": 0.5, "public": True, "campaign": "spring"}
    lists.manifests["list.txt"] = (
        jsonl(
            {"url": "https://e.com/1.mp4", "name": "eins", "metadata": metadata},
            {"url": "https://e.com/2.mp4", "metadata": {"duration": 7}},
            {"url": "https://e.com/3.mp4", "sha256": "a"},
            {"url": "https://e.com/4.mp4", "name": "a/b"},
            {"name": "no address"},
            {"url": "https://e.com/5.mp4", "name": "\ud800"},
        )
        + b'{"url": "https://e.com/6.mp4"\n["https://e.com/7.mp4"]\n{"url": "https://e.com/8.mp4", "name": null}\n'
    )
    page = lists.page(FILE)
    assert page.urls == ["https://e.com/1.mp4", "https://e.com/8.mp4"]
    assert page.found[0].metadata == metadata
    assert [type(value) for value in page.found[0].metadata.values()] == [int, float, bool, str]
    assert [item.message.partition(":")[0] for item in page.rejected] == [f"Line {n}" for n in (2, 3, 4, 5, 6, 7, 8)]


def test_pages_go_on_where_they_ended_and_what_changed_begins_anew(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = b"".join(b"https://e.com/%d.mp4\n" % n for n in range(5))
    first, second, third = lists.pages(FILE, max_items=2)
    assert [page.urls for page in (first, second, third)] == [
        [f"https://e.com/{n}.mp4" for n in some] for some in ((0, 1), (2, 3), (4,))
    ]
    lists.manifests["list.txt"] = b"https://e.com/new.mp4\nhttps://e.com/1.mp4\n"
    again = lists.page(FILE, page=1, cursor=first.report.cursor)
    assert again.urls == ["https://e.com/new.mp4", "https://e.com/1.mp4"]


def test_the_list_that_fits_exactly_is_done_at_once(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = b"https://e.com/1.mp4\nhttps://e.com/2.mp4\n"
    assert lists.page(FILE, max_items=2).report.done


def test_a_page_has_at_most_half_a_mebibyte(lists: ListingHarness) -> None:
    rows = [{"url": f"https://e.com/{n}.mp4", "metadata": {f"k{k}": "ü" * 200 for k in range(40)}} for n in range(40)]
    lists.manifests["list.txt"] = jsonl(*rows)
    pages = list(lists.pages(FILE))
    assert all(page.report.bytes <= 512 * 1024 for page in pages)
    assert len(pages) > 1
    assert [url for page in pages for url in page.urls] == [row["url"] for row in rows]


def test_what_cannot_be_a_list_ends_the_discovery(lists: ListingHarness, site: FakeSourceSite) -> None:
    lists.manifests["list.txt"] = b"\x89PNG\r\n\x1a\n\x00\x00\x00"
    page = lists.page(FILE)
    assert (page.reason, page.code) == ("UnsupportedSource", info(Reason.UNSUPPORTED_SOURCE).exit_code)
    assert page.lines == []
    page = lists.page(from_web(site.add("/login", html("<p>Please log in.</p>"))))
    assert page.reason == "UnsupportedSource"
    assert "web page" in page.report.message
    lists.manifests["list.txt"] = b'["https://e.com/1.mp4"]'
    assert "JSON Lines" in lists.page(FILE).report.advice
    assert lists.page({"manifest": {"configMapKeyRef": {"name": "list", "key": "other"}}}).reason == "SourceNotFound"


def test_an_empty_list_is_a_list(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = b"\n# nothing yet\n"
    page = lists.page(FILE)
    assert (page.code, page.lines, page.report.done) == (0, [], True)


def test_a_manifest_of_a_web_server_packed_redirected_and_with_a_login(
    lists: ListingHarness, site: FakeSourceSite
) -> None:
    packed = gzip.compress(b"https://e.com/1.mp4\n") + gzip.compress(b"https://e.com/2.mp4\n")
    encoded = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    site.routes["/sent"] = lambda exchange: exchange.answer(200, packed, encoded)
    site.routes["/file.gz"] = fixed(packed, "application/gzip")
    site.routes["/utf16"] = fixed("url\tname\nhttps://e.com/ü.mp4\tÜ\n".encode("utf-16"), "text/plain")
    lists.secret = {"headers": "Authorization: Bearer geheim"}
    for path in ("/sent", "/file.gz"):
        source = from_web(site.add("/moved", redirect(path))) | {"credentialsSecretRef": {"name": "login"}}
        page = lists.page(source)
        assert page.urls == ["https://e.com/1.mp4", "https://e.com/2.mp4"], page.log
        assert site.asked(path)[0].headers["Authorization"] == "Bearer geheim"
        assert "geheim" not in page.log
    assert lists.page(from_web(site.url("/utf16"))).found[0].name == "Ü"


def busy(exchange: Exchange) -> None:
    exchange.answer(429, b"slow down", {"Content-Type": "text/plain", "Retry-After": "900"})


def test_what_a_web_server_says_instead_is_the_reason(lists: ListingHarness, site: FakeSourceSite) -> None:
    assert lists.page(from_web(site.url("/none"))).reason == "SourceNotFound"
    page = lists.page(from_web(site.add("/busy", busy)))
    assert (page.reason, page.code) == ("RateLimited", info(Reason.RATE_LIMITED).exit_code)
    assert page.report.retry_after_seconds == 900
    flaky = in_turn(fixed(b"", "text/plain", 503), fixed(b"https://e.com/1.mp4", "text/plain"))
    assert lists.page(from_web(site.add("/flaky", flaky))).urls == ["https://e.com/1.mp4"]
    assert lists.page(from_web(site.url("/busy")), allowed_networks=()).reason == "AddressForbidden"


def test_a_manifest_that_is_an_object(lists: ListingHarness) -> None:
    other = lists.bucket.store.new_bucket()
    other.put("lists/today.csv", b"url,name\nhttps://e.com/1.mp4,one\n")
    place = {"endpoint": other.store.endpoint, "bucket": other.name, "key": "lists/today.csv"}
    source = {"manifest": {"s3": place}, "credentialsSecretRef": {"name": "keys"}}
    assert [(item.url, item.name) for item in lists.page(source).found] == [("https://e.com/1.mp4", "one")]
    missing = {**source, "manifest": {"s3": {**place, "key": "lists/none"}}}
    assert lists.page(missing).reason == "SourceNotFound"
    lists.secret = {}
    assert lists.page(source).code in (0, info(Reason.CREDENTIALS_NOT_FOUND).exit_code)


def test_a_run_that_is_ended_says_so_and_prints_no_page(lists: ListingHarness, site: FakeSourceSite) -> None:
    site.routes["/hangs"] = lambda exchange: site.over.wait(60) and None
    running = lists.start(lists.task(from_web(site.url("/hangs"))))
    until(lambda: site.asked("/hangs"))
    running.terminate()
    page = lists.ended(running)
    assert (page.reason, page.lines) == ("WorkerLost", [])
    assert page.code == info(Reason.WORKER_LOST).exit_code


def test_a_line_that_json_cannot_say_is_rejected_alone_and_what_is_mistyped_shows_no_password(
    lists: ListingHarness,
) -> None:
    lists.manifests["list.txt"] = (
        b'{"url": "https://e.com/1.mp4", "metadata": {"a": 1e999}}\n'
        b'{"url": "https://e.com/\\ud800"}\n'
        b'{"url": "https://e.com/3.mp4", "\\ud800": 1}\n'
        b'{"url": "https:/user:geheim@e.com/4.mp4"}\n'
        b'{"url": "https://e.com/5.mp4"}\n'
    )
    page = lists.page(FILE)
    assert page.code == 0, page.log
    assert page.urls == ["https://e.com/5.mp4"]
    assert [(item.reason, item.message.partition(":")[0]) for item in page.rejected] == [
        (Reason.INVALID_SPEC, f"Line {number}") for number in (1, 2, 3, 4)
    ]
    assert page.rejected[3].url == "e.com/4.mp4"
    assert "geheim" not in page.log


def test_what_is_skipped_is_counted_page_by_page(lists: ListingHarness) -> None:
    lists.manifests["list.txt"] = (
        b"sep=;\r\nOur videos;;\r\n;;\r\nLink;Title;duration\r\nHTTPS://e.com/1.mp4\xe2\x80\x8b;One;7\r\n"
        b"https://e.com/1.mp4;One;\r\n\r\n#2;;\r\nhttps://e.com/2.mp4;Two;\r\n;;\r\n"
    )
    pages = list(lists.pages(FILE, max_items=2))
    assert [[(item.url, item.name) for item in page.found] for page in pages] == [
        [("https://e.com/1.mp4", "One")],
        [("https://e.com/2.mp4", "Two")],
    ]
    assert [[item.message for item in page.rejected] for page in pages] == [
        ["Line 2: it is above the header of the table and has no address."],
        ["Line 8: it has no url; in a table, # begins no comment."],
    ]
    assert [page.report.skipped and page.report.skipped.model_dump(exclude_defaults=True) for page in pages] == [
        {"blank": 1, "values": 1, "repeats": 1},
        {"blank": 2},
    ]
