"""Pages and lists that would take all memory: each ends with a true reason, in bounded memory, and never as
OutOfMemory. The peaks are printed, and kept in build/memory.md.

`make test` runs half of the pages and lists, `make full-test` all.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, fixed, html
from support.memory_peaks import MemoryPeaks
from support.portion import portion
from support.worker import hostile_lists
from support.worker.fetch_harness import FetchHarness
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import Bucket
from videoimport.api.reasons import Reason, info

ROOT = Path(__file__).resolve().parent.parent.parent
ROOM = 64 * 2**20
FETCH_MIB = 400
"""Of the fetching process, for a page."""
LIMIT_MIB = 800
"""The same where only the process's own limit helps."""
LISTING_MIB = 450
"""Of all processes of a listing: the default limit of its container is 512 MiB."""
MANIFEST_MIB = 200
"""The same for a manifest, which is read in pieces: the idle processes have 84 MiB."""
PAGES = portion(
    "page",
    hostile_lists.PAGES,
    ("a page without end", "brotli of a page without end", "gzip in gzip", "six million tags", "a billion repeats",
     "a billion numbers"),
)  # fmt: skip
FEEDS = portion(
    "feed",
    [*hostile_lists.PAGES, *hostile_lists.FEEDS],
    ("gzip of a page without end", "a million segments", "a billion numbers", "a feed that expands 87-fold",
     "the same in UTF-16", "a feed of empty items", "a feed without end", "deep elements"),
)  # fmt: skip
PEAKS: list[tuple[str, str, int]] = []


@pytest.fixture(scope="module", autouse=True)
def report() -> Iterator[None]:
    yield
    rows = "\n".join(f"| {name} | {reason} | {mib} |" for name, reason, mib in PEAKS)
    text = f"| Hostile source | Ends as | Peak MiB |\n| --- | --- | --- |\n{rows}\n"
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/memory.md").write_text(text)
    print(f"\n{text}")


@pytest.fixture
def lists(bucket: Bucket, tmp_path: Path) -> ListingHarness:
    return ListingHarness(bucket, tmp_path, is_new=True)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_would_take_all_memory_is_too_large(bench: FetchHarness, site: FakeSourceSite, name: str) -> None:
    url = site.add("/watch", hostile_lists.PAGES[name])
    with MemoryPeaks() as peaks:
        refusal = bench.refusal(url=url, room_bytes=ROOM)
    PEAKS.append((f"import: {name}", refusal.reason.value, peaks.of("worker.fetch")))
    assert refusal.reason is Reason.PAGE_TOO_LARGE, refusal.message
    assert "127.0.0.1" in refusal.message
    assert peaks.of("worker.fetch") < (LIMIT_MIB if name in hostile_lists.UNFORESEEN else FETCH_MIB)


@pytest.mark.parametrize("name", FEEDS)
def test_a_list_that_would_take_all_memory_is_too_large(lists: ListingHarness, site: FakeSourceSite, name: str) -> None:
    url = site.add("/feed", (hostile_lists.PAGES | hostile_lists.FEEDS)[name])
    with MemoryPeaks() as peaks:
        page = lists.page({"playlist": {"url": url}})
    PEAKS.append((f"listing: {name}", str(page.reason), peaks.together))
    assert page.reason == Reason.PAGE_TOO_LARGE, page.log + page.message.decode()
    assert page.code == info(Reason.PAGE_TOO_LARGE).exit_code
    assert peaks.together < LISTING_MIB


@pytest.mark.full(but=["a dated Atom feed*-newest first"])
@pytest.mark.parametrize("order", ["as it stands", "newest first"])
@pytest.mark.parametrize("name", hostile_lists.LONG_FEEDS)
def test_the_longest_feed_that_is_allowed_has_room(
    lists: ListingHarness, site: FakeSourceSite, name: str, order: str
) -> None:
    """100,000 dated items are sorted in memory: all of them, or the list says why not."""
    url = site.add("/feed", hostile_lists.LONG_FEEDS[name])
    with MemoryPeaks() as peaks:
        page = lists.page({"playlist": {"url": url, "newest": order == "newest first"}}, page_seconds=300)
    PEAKS.append((f"listing: {name}, {order}", str(page.reason), peaks.together))
    assert page.reason is None, page.log + page.message.decode()
    last = hostile_lists.LONGEST - 1 if order == "newest first" else 0
    assert page.urls[0] == f"https://e.com/{last:06}.mp4"
    assert peaks.together < LISTING_MIB


@pytest.mark.full(
    but=[
        "a line of 200 MB",
        "a quote without end",
        "UTF-16 without line breaks",
        "gzip of 5 GB",
        "deep JSON",
        "wide metadata",
    ]
)
@pytest.mark.parametrize("name", hostile_lists.MANIFESTS)
def test_a_manifest_takes_little_memory(lists: ListingHarness, site: FakeSourceSite, name: str) -> None:
    content, reason = hostile_lists.MANIFESTS[name]
    url = site.add("/manifest", fixed(content(), "text/plain"))
    with MemoryPeaks() as peaks:
        page = lists.page({"manifest": {"url": url}})
    PEAKS.append((f"manifest: {name}", str(page.reason), peaks.together))
    assert page.reason == reason, page.message.decode()
    assert peaks.together < MANIFEST_MIB


def test_the_body_of_a_redirect_is_not_read(bench: FetchHarness, site: FakeSourceSite) -> None:
    """yt-dlp's library would read all of it, to use the connection again."""

    def answer(exchange: Exchange) -> None:
        exchange.start(302, {"Location": "/end", "Connection": "close"})
        try:
            while not site.over.is_set():
                exchange.write(b"x" * 65536)
        except OSError:
            pass

    site.routes["/end"] = html("<p>Just words.</p>")
    with MemoryPeaks() as peaks:
        refusal = bench.refusal(url=site.add("/watch", answer), room_bytes=ROOM)
    assert refusal.reason is Reason.UNSUPPORTED_SOURCE, refusal.message
    assert peaks.of("worker.fetch") < FETCH_MIB
