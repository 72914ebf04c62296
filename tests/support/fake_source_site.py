"""A real web server on loopback that can be told to behave badly."""

import gzip
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Self

from support.local_server import LocalServer, QuietHandler

Route = Callable[["Exchange"], None]


@dataclass(frozen=True)
class SeenRequest:
    """A request that came."""

    path: str
    headers: Message
    """Names in any case."""
    connection: object = None
    """Equal for requests that came by one connection."""

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")


class Exchange:
    """One request being answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, count: int, seen: SeenRequest) -> None:
        self._handler = handler
        self.count = count
        """1 for the first request of this path, and so on."""
        self.seen = seen

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, send: int = -1) -> None:
        """An answer that announces all of ``body`` and sends the first ``send`` bytes of it."""
        self.start(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.write(body if send < 0 else body[:send])

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def hang_up(self) -> None:
        """Close the connection after this answer, or without one."""
        self._handler.close_connection = True

    def write(self, chunk: bytes) -> None:
        self._handler.wfile.write(chunk)
        self._handler.wfile.flush()

    def reset(self) -> None:
        """Break the connection off, so that the client gets an error and not an end."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.connection.close()


@dataclass
class FakeSourceSite(LocalServer):
    """Routes by path; everything that came is in ``requests``."""

    routes: dict[str, Route] = field(default_factory=dict)
    requests: list[SeenRequest] = field(default_factory=list)
    certificate: Path | None = None
    """A PEM file of key and certificate: then it speaks TLS."""
    address: str = "127.0.0.1"
    """Of this machine; all of 127.0.0.0/8 are."""
    protocol: str = "HTTP/1.0"
    """HTTP/1.1 keeps connections after an answer of a known length."""

    def __enter__(self) -> Self:
        self.over = threading.Event()
        self._lock = threading.Lock()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        super().__exit__(kind, error, trace)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(QuietHandler):
            protocol_version = site.protocol

            def do_GET(self) -> None:
                site.serve(self)

            do_HEAD = do_GET

        return Handler

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        seen = SeenRequest(handler.path, handler.headers, handler.client_address)
        with self._lock:
            self.requests.append(seen)
            count = sum(request.path.partition("?")[0] == path for request in self.requests)
        route = self.routes.get(path)
        exchange = Exchange(handler, count, seen)
        if route:
            route(exchange)
        else:
            exchange.answer(404, b"not here", {"Content-Type": "text/plain"})

    def asked(self, path: str) -> list[SeenRequest]:
        return [request for request in self.requests if request.path.partition("?")[0] == path]

    def url(self, path: str, host: str | None = None) -> str:
        return f"{'https' if self.certificate else 'http'}://{host or self.address}:{self.port}{path}"

    def add(self, path: str, route: Route) -> str:
        self.routes[path] = route
        return self.url(path)


def fixed(body: bytes, kind: str = "video/mp4", status: int = 200) -> Route:
    """The same for everyone, without ranges."""
    return lambda exchange: exchange.answer(status, body, {"Content-Type": kind})


def html(text: str) -> Route:
    return fixed(
        f"<!doctype html><html><head><title>A page</title></head><body>{text}</body></html>".encode(), "text/html"
    )


def file(path: Path, etag: str = '"one"', kind: str = "video/mp4") -> Route:
    """A well-behaved server of a file: strong ETag, Range, If-Range."""
    body = path.read_bytes()
    return lambda exchange: ranged(exchange, body, etag, kind)


def ranged(exchange: Exchange, body: bytes, etag: str, kind: str = "video/mp4", send: int = -1) -> None:
    headers = {"Content-Type": kind, "ETag": etag, "Accept-Ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.seen.range or "")
    if not asked or exchange.seen.headers.get("If-Range", etag) != etag:
        exchange.answer(200, body, headers, send)
        return
    first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
    span = f"bytes {first}-{last}/{len(body)}"
    exchange.answer(206, body[first : last + 1], {**headers, "Content-Range": span}, send)


def in_turn(*routes: Route) -> Route:
    """A route for the first request, one for the second, and the last for all others."""
    return lambda exchange: routes[min(exchange.count, len(routes)) - 1](exchange)


def redirect(target: str) -> Route:
    return lambda exchange: exchange.answer(302, b"", {"Location": target})


def zipped(path: Path) -> Route:
    """Compressed although nobody asked for it."""
    body = gzip.compress(path.read_bytes(), 1)
    headers = {"Content-Type": "video/mp4", "Content-Encoding": "gzip", "ETag": '"z"'}
    return lambda exchange: exchange.answer(200, body, headers)


def slowly(path: Path, site: FakeSourceSite, seconds: float, etag: str = '"slow"') -> Route:
    """All of a file, spread over some seconds; ends at once when the test does."""

    def chunks() -> Iterator[bytes]:
        body = path.read_bytes()
        size = max(1, len(body) // 100)
        yield from (body[start : start + size] for start in range(0, len(body), size))

    def answer(exchange: Exchange) -> None:
        length = str(path.stat().st_size)
        exchange.start(200, {"Content-Type": "video/mp4", "Content-Length": length, "ETag": etag})
        for chunk in chunks():
            exchange.write(chunk)
            if site.over.wait(seconds / 100):
                return

    return answer
