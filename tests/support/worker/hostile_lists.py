"""Pages, feeds and lists that take far more memory than bytes; each is made when it is asked for."""

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import brotli

from support.fake_source_site import Exchange, Route

MIB = 2**20
_HTML = b"<!doctype html><html><head><title>A page</title></head><body>"
_RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Talks</title>'
_ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom">'


def chunked(pieces: Callable[[], Iterator[bytes]], kind: str, **headers: str) -> Route:
    """Chunks without a length, until the client hangs up."""

    def answer(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.start(200, {"Content-Type": kind, "Connection": "close", **named})
        try:
            for piece in pieces():
                exchange.write(piece)
        except OSError:
            pass

    return answer


def endless(start: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([start], itertools.repeat(piece * (65536 // len(piece))))


def many(start: bytes, piece: bytes, times: int, end: bytes = b"") -> Callable[[], Iterator[bytes]]:
    """``piece`` so many times, in larger pieces."""

    def pieces() -> Iterator[bytes]:
        yield start
        for begin in range(0, times, 10_000):
            yield piece * min(10_000, times - begin)
        yield end

    return pieces


def gzipped(pieces: Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[bytes]]:
    """Something is sent now and then, also by a busy machine: a client that waits too long gives up."""

    def packed() -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        for number, piece in enumerate(pieces()):
            yield packer.compress(piece)
            if number % 100 == 99:
                yield packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()

    return packed


def brotlied(pieces: Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[bytes]]:
    def packed() -> Iterator[bytes]:
        packer = brotli.Compressor(quality=4)
        for piece in pieces():
            yield packer.process(piece)

    return packed


def entities(root: bytes, value: bytes, times: int, end: bytes, encoding: str = "utf-8") -> bytes:
    """XML in which one long entity stands many times: below the hundredfold at which expat refuses."""
    text = root.decode()
    head = f'<!DOCTYPE x [<!ENTITY a "{value.decode()}">]>'
    declared = (
        f'<?xml version="1.0" encoding="{encoding}"?>' + head + text.partition("?>")[2] if "?>" in text else head + text
    )
    return (declared + "&a;" * times + end.decode()).encode(encoding)


PAGES: dict[str, Route] = {
    "a page without end": chunked(endless(_HTML, b"<p>word</p>"), "text/html"),
    "one line without end": chunked(endless(_HTML, b"word"), "text/html"),
    "gzip of a page without end": chunked(gzipped(endless(_HTML, b"word")), "text/html", Content_Encoding="gzip"),
    "brotli of a page without end": chunked(brotlied(endless(_HTML, b"word")), "text/html", Content_Encoding="br"),
    "gzip in gzip": chunked(
        gzipped(gzipped(many(_HTML, b"word", 100_000_000))), "text/html", Content_Encoding="gzip, gzip"
    ),
    "six million tags": chunked(many(_HTML, b"<br>", 6_000_000), "text/html"),
    "a million segments": chunked(
        many(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n", b"#EXTINF:2,\na.ts\n", 1_000_000, b"#EXT-X-ENDLIST\n"),
        "application/vnd.apple.mpegurl",
    ),
    "a manifest without end": chunked(endless(b"#EXTM3U\n", b"#EXT-X-NOTHING:1\n"), "application/vnd.apple.mpegurl"),
    "a billion repeats": chunked(
        lambda: iter(
            [
                b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
                b'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate '
                b'timescale="1" media="$Time$.m4s" initialization="i.mp4"><SegmentTimeline><S t="0" d="1" '
                b'r="1000000000"/></SegmentTimeline></SegmentTemplate><Representation id="1" bandwidth="1" width="640" '
                b'height="360" codecs="avc1.4d401e"/></AdaptationSet></Period></MPD>'
            ]
        ),
        "application/dash+xml",
    ),
    "a billion numbers": chunked(
        lambda: iter(
            [
                b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
                b'mediaPresentationDuration="PT1000000H"><Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate '
                b'timescale="1000" duration="1" media="$Number$.m4s" initialization="i.mp4"/><Representation id="1" '
                b'bandwidth="1" width="640" height="360" codecs="avc1.4d401e"/></AdaptationSet></Period></MPD>'
            ]
        ),
        "application/dash+xml",
    ),
}
"""What a single import reads, and a listing too."""
UNFORESEEN = ("a billion numbers",)
"""Of these: what becomes large only in yt-dlp's own hands."""


def _feed(content: Callable[[], bytes]) -> Route:
    return lambda exchange: exchange.answer(200, content(), {"Content-Type": "application/rss+xml"})


FEEDS: dict[str, Route] = {
    "a feed that expands 87-fold": _feed(
        lambda: entities(_RSS + b"<description>", b"w" * 60_000, 20_000, b"</description></channel></rss>")
    ),
    "the same in UTF-16": _feed(
        lambda: entities(_RSS + b"<description>", b"w" * 60_000, 20_000, b"</description></channel></rss>", "utf-16")
    ),
    "an Atom feed that expands": _feed(
        lambda: entities(_ATOM + b"<entry><title>", b"w" * 60_000, 20_000, b"</title></entry></feed>")
    ),
    "a feed of empty items": chunked(many(_RSS, b"<item/>", 4_000_000, b"</channel></rss>"), "application/rss+xml"),
    "a feed without end": chunked(endless(_RSS, b"<item><link>https://e.com/1</link></item>"), "application/rss+xml"),
    "a title without end": chunked(endless(_RSS + b"<item><title>", b"word "), "application/rss+xml"),
    "deep elements": chunked(many(_RSS, b"<a>", 8_000_000), "application/rss+xml"),
    "attributes": chunked(
        lambda: itertools.chain(
            [_RSS + b"<item "], (b'a%d="" ' % n for n in range(2_000_000)), [b"/></channel></rss>"]
        ),
        "application/rss+xml",
    ),
}
"""What only a listing reads."""


LONGEST = 100_000
"""Items of the longest list that is allowed."""


def _dated(root: bytes, item: str, end: bytes) -> Callable[[], bytes]:
    """Each item a minute newer than the one before."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=number) for number in range(LONGEST)]
    return lambda: root + b"".join(item.format(n=number, time=time).encode() for number, time in enumerate(times)) + end


LONG_FEEDS: dict[str, Route] = {
    "a dated feed of 100,000 items": _feed(
        _dated(
            _RSS,
            "<item><title>Talk {n}</title><pubDate>{time:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
            "<link>https://e.com/{n:06}.mp4</link></item>",
            b"</channel></rss>",
        )
    ),
    "a dated Atom feed of 100,000 items": _feed(
        _dated(
            _ATOM,
            "<entry><title>Talk {n}</title><published>{time:%Y-%m-%dT%H:%M:%SZ}</published>"
            '<link href="https://e.com/{n:06}.mp4"/></entry>',
            b"</feed>",
        )
    ),
}
"""Of honest publishers."""


def _utf16(line: str, times: int) -> bytes:
    return b"\xff\xfe" + (line * times).encode("utf-16-le")


MANIFESTS: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "a line of 200 MB": (lambda: b"x" * 200 * MIB, None),
    "a quote without end": (lambda: b"url,name\n" + b'https://e.com/1.mp4,"a\n' * 8_000_000, None),
    "four million empty lines": (lambda: b"https://e.com/1.mp4\n" + b"\n" * 4_000_000, None),
    "UTF-16": (lambda: _utf16("https://e.com/1.mp4\n", 2_000_000), None),
    "UTF-16 without line breaks": (lambda: _utf16("x", 120_000_000), None),
    "lines of an old Mac": (lambda: b"https://e.com/1.mp4\r" * 3_000_000, None),
    "gzip of 5 GB": (lambda: gzip.compress(b"\0" * 20 * MIB) * 250, "SourceTooLarge"),
    "deep JSON": (lambda: (b'{"url":"https://e.com/1.mp4","metadata":' + b'{"a":' * 12_000 + b"\n") * 2_000, None),
    "wide metadata": (
        lambda: (
            (b'{"url":"https://e.com/1.mp4","metadata":{' + b",".join(b'"k%d":1' % n for n in range(5_000)) + b"}}\n")
            * 1_000
        ),
        None,
    ),
}
"""Content, and the reason where the whole manifest is refused."""
