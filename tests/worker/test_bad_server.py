"""Ways for a web server to behave badly, each with its outcome: the very bytes, or the reason. The real fetching
process asks each; the table is printed, and kept in build/bad-server.md.
"""

import gzip
import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, fixed, html, in_turn, ranged, redirect
from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import Pace
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.fetch_client import Fetching

ROOT = Path(__file__).resolve().parent.parent.parent
BODY = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 2000
OTHER = b"\x00\x00\x00\x18ftypisom" + bytes(reversed(range(256))) * 1500
HALF = len(BODY) // 2
AT_ONCE = 8
SOON = Pace(rate=10_000, seconds=2.0)
"""In the place of five minutes."""


def serve(body: bytes = BODY, etag: str = '"one"', send: int = -1) -> Route:
    return lambda exchange: ranged(exchange, body, etag, send=send)


def first_of(exchange: Exchange) -> int:
    return int((exchange.seen.range or "bytes=0-")[6:-1])


def partial(first: int, last: int, *, claimed: str = "", etag: str = '"one"') -> Route:
    """A 206, whatever was asked for."""
    span = claimed or f"bytes {first}-{last}/{len(BODY)}"
    return lambda exchange: exchange.answer(206, BODY[first : last + 1], {"ETag": etag, "Content-Range": span})


def dying(exchange: Exchange) -> None:
    ranged(exchange, BODY, '"one"', send=len(BODY) // 6)
    exchange.reset()


def headers(**more: str) -> dict[str, str]:
    return {"Content-Type": "video/mp4", **{name.replace("_", "-"): value for name, value in more.items()}}


def dripping(exchange: Exchange) -> None:
    exchange.start(200, headers(Content_Length=str(len(BODY))))
    exchange.write(BODY[:5000])
    while not OVER():
        exchange.write(b".")


def falling_silent(exchange: Exchange) -> None:
    exchange.start(200, headers(Content_Length=str(len(BODY))))
    exchange.write(BODY[:HALF])
    OVER(20)


def saying_nothing(exchange: Exchange) -> None:
    OVER(20)


def endless(exchange: Exchange) -> None:
    exchange.start(200, headers())
    exchange.write(BODY[:12])
    while not OVER(0):
        exchange.write(bytes(65536))


def chunked(*chunks: bytes, ends: bool = True) -> Route:
    def answer(exchange: Exchange) -> None:
        exchange._handler.protocol_version = "HTTP/1.1"
        exchange.start(200, headers(Transfer_Encoding="chunked", Connection="close"))
        for chunk in chunks:
            exchange.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if ends:
            exchange.write(b"0\r\n\r\n")

    return answer


def zipped(send: int = -1) -> Route:
    packed = gzip.compress(BODY, 1)
    return lambda exchange: exchange.answer(200, packed, headers(Content_Encoding="gzip", ETag='"z"'), send)


def raw(content: bytes) -> Route:
    return lambda exchange: exchange.write(content)


def short_of_itself(exchange: Exchange) -> None:
    exchange.answer(200, BODY, headers(), send=HALF)


def never_past_the_half(exchange: Exchange) -> None:
    ranged(exchange, BODY, '"one"', send=max(0, HALF - first_of(exchange)))


def restless(exchange: Exchange) -> None:
    ranged(exchange, BODY, f'"{exchange.count}"', send=HALF)


def careless(exchange: Exchange) -> None:
    """Gives the rest of another version, although If-Range asks for the first one's."""
    span = f"bytes {first_of(exchange)}-{len(OTHER) - 1}/{len(OTHER)}"
    exchange.answer(206, OTHER[first_of(exchange) :], headers(ETag='"two"', Content_Range=span))


def looping(exchange: Exchange) -> None:
    exchange.answer(302, b"", {"Location": exchange.seen.path})


HUGE = b"HTTP/1.0 200 OK\r\n" + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n" + BODY
MANY = b"HTTP/1.0 200 OK\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(500)) + b"\r\n" + BODY
OVER: Callable[..., bool]


@dataclass(frozen=True)
class Case:
    """One way, and what comes of it: None for the very bytes."""

    name: str
    route: Route
    reason: Reason | None = None
    body: bytes = BODY
    more: dict[str, Any] = field(default_factory=dict)


BROKEN = serve(send=HALF)
CASES = (
    Case("behaves well", serve()),
    Case("drips", dripping, Reason.STALLED, more={"pace": SOON}),
    Case("falls silent in the middle", falling_silent, Reason.STALLED, more={"pace": SOON}),
    Case("takes the request and says nothing", saying_nothing, Reason.STALLED, more={"pace": SOON}),
    Case("closes early, once", in_turn(BROKEN, serve())),
    Case("resets the connection again and again, each time further on", dying),
    Case("never sends the second half", never_past_the_half, Reason.SOURCE_TRUNCATED),
    Case("announces more than it has, and knows no ranges", short_of_itself, Reason.SOURCE_TRUNCATED),
    Case("announces less than it sends, and a checksum is known",
         lambda exchange: exchange.answer(200, BODY, headers(Content_Length=str(HALF))), Reason.CHECKSUM_MISMATCH,
         more={"checksum": hashlib.sha256(BODY).hexdigest()}),
    Case("resumes with a Content-Range of elsewhere",
         in_turn(BROKEN, partial(HALF, len(BODY) - 1, claimed=f"bytes 0-{HALF}/{len(BODY)}"), serve())),
    Case("resumes with another range than asked", in_turn(BROKEN, partial(HALF - 9, len(BODY) - 1), serve())),
    Case("resumes with a Content-Range that makes no sense",
         in_turn(BROKEN, partial(HALF, len(BODY) - 1, claimed="bytes many"), serve())),
    Case("ignores Range", in_turn(BROKEN, fixed(BODY))),
    Case("knows ranges once, then no more", in_turn(BROKEN, dying, fixed(BODY))),
    Case("answers 416 to the rest", in_turn(BROKEN, fixed(b"", status=416), serve())),
    Case("changes the file midway", in_turn(BROKEN, serve(OTHER, '"two"')), body=OTHER),
    Case("gives the rest of another version", in_turn(BROKEN, careless, serve(OTHER, '"two"')), body=OTHER),
    Case("changes the file at every request", restless, Reason.SOURCE_CHANGED),
    Case("sends a part that nobody asked for", partial(0, HALF), Reason.SOURCE_TRUNCATED),
    Case("compresses although nobody asked", zipped()),
    Case("compresses, and breaks off", zipped(send=HALF // 100), Reason.SOURCE_TRUNCATED),
    Case("sends chunks without a length", chunked(BODY[:100], BODY[100:HALF], BODY[HALF:])),
    Case("sends chunks, and never the last one", chunked(BODY[:HALF], ends=False), Reason.SOURCE_TRUNCATED),
    Case("redirects in a circle", looping, Reason.SOURCE_UNAVAILABLE),
    Case("redirects to a private address", redirect("http://10.0.0.1/v.mp4"), Reason.ADDRESS_FORBIDDEN),
    Case("redirects to a cloud's metadata", redirect("http://169.254.169.254/latest/"), Reason.ADDRESS_FORBIDDEN),
    Case("redirects to a file", redirect("file:///etc/passwd"), Reason.UNSUPPORTED_SOURCE),
    Case("redirects to nonsense", redirect("http://[::1/"), Reason.UNSUPPORTED_SOURCE),
    Case("sends a header of 100 KB", raw(HUGE), Reason.SOURCE_UNAVAILABLE),
    Case("sends 500 headers", raw(MANY), Reason.SOURCE_UNAVAILABLE),
    Case("does not speak HTTP", raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason.SOURCE_UNAVAILABLE),
    Case("answers 500, then well", in_turn(fixed(b"", status=500), serve())),
    Case("answers 503 and asks for a second's patience",
         in_turn(lambda exchange: exchange.answer(503, b"", {"Retry-After": "1"}), serve())),
    Case("answers 429", lambda exchange: exchange.answer(429, b"", {"Retry-After": "9"}), Reason.RATE_LIMITED),
    Case("answers 401", fixed(b"", status=401), Reason.SOURCE_AUTH_REQUIRED),
    Case("answers 403", fixed(b"", status=403), Reason.SOURCE_AUTH_REQUIRED),
    Case("answers 404", fixed(b"", status=404), Reason.SOURCE_NOT_FOUND),
    Case("answers 410", fixed(b"", status=410), Reason.SOURCE_NOT_FOUND),
    Case("shows its error page with 200", html("<h1>Not found</h1>"), Reason.UNSUPPORTED_SOURCE),
    Case("serves a playlist as a video", fixed(b"#EXTM3U\nfile:///etc/passwd\n"), Reason.UNSUPPORTED_SOURCE),
    Case("serves a video as text", fixed(BODY, "text/plain")),
    Case("sends without end", endless, Reason.SOURCE_TOO_LARGE, more={"max_bytes": 20 * 2**20}),
    Case("sends nothing with 200", fixed(b""), Reason.NOT_VIDEO),
)  # fmt: skip


def in_words(outcome: Reason | str) -> str:
    return outcome.value if isinstance(outcome, Reason) else outcome


def outcome_of(case: Case, under_way: Fetching) -> Reason | str:
    try:
        fetched = under_way.finish()
    except ImportFailure as failure:
        return failure.reason
    is_right = fetched.video.sha256 == hashlib.sha256(case.body).hexdigest()
    is_there = Path(fetched.video.path).read_bytes() == case.body
    return "the very bytes" if is_right and is_there else "other bytes"


def write_table(outcomes: dict[str, Reason | str], wanted: dict[str, str]) -> None:
    lines = ["| The server … | Outcome |", "| --- | --- |"]
    lines += [
        f"| {name} | {in_words(found)}{'' if in_words(found) == wanted[name] else f' (wrong: {wanted[name]})'} |"
        for name, found in outcomes.items()
    ]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bad-server.md").write_text("\n".join(lines) + "\n")
    print("\n" + "\n".join(lines))


def wanted_of(case: Case) -> str:
    return case.reason.value if case.reason else "the very bytes"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reason | str]:
    """Of every case, some of them under way at the same time: most of it is waiting."""
    global OVER
    children, found, under_way = Children(), {}, []
    with FakeSourceSite() as site:
        OVER = lambda seconds=0.02: site.over.wait(seconds)  # noqa: E731
        for number, case in enumerate(CASES):
            if len(under_way) == AT_ONCE:
                earlier, running = under_way.pop(0)
                found[earlier.name] = outcome_of(earlier, running)
            bench = FetchHarness(children, tmp_path_factory.mktemp(f"case-{number}"))
            url = site.add(f"/{number}.mp4", case.route)
            under_way.append((case, bench.begin(**{"url": url, **case.more})))
        for earlier, running in under_way:
            found[earlier.name] = outcome_of(earlier, running)
        children.kill_all()
    write_table(found, {case.name: wanted_of(case) for case in CASES})
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_server_that(case: Case, outcomes: dict[str, Reason | str]) -> None:
    assert in_words(outcomes[case.name]) == wanted_of(case)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key with its certificate, and the certificate alone."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made = ["openssl", *key, *subject, "-keyout", folder / "both.pem", "-out", folder / "ca.crt"]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "both.pem").read_bytes() + (folder / "ca.crt").read_bytes())
    return folder / "both.pem", folder / "ca.crt"


class TestTls:
    def test_a_certificate_nobody_vouches_for(self, bench: FetchHarness, certificate: tuple[Path, Path]) -> None:
        with FakeSourceSite(certificate=certificate[0]) as site:
            assert bench.refusal(url=site.add("/v.mp4", serve())).reason is Reason.CERTIFICATE_INVALID

    @pytest.mark.parametrize("is_page", [False, True])
    def test_a_bundle_that_vouches_for_it(
        self, bench: FetchHarness, certificate: tuple[Path, Path], is_page: bool
    ) -> None:
        with FakeSourceSite(certificate=certificate[0]) as site:
            url = site.add("/v.mp4", serve())
            if is_page:
                url = site.add("/watch", html('<video src="/v.mp4"></video>'))
            fetched = bench.fetch(url=url, ca_bundle=str(certificate[1]))
        assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()
