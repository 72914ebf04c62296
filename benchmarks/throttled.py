"""A web server, and a proxy to the object store, that both limit the bytes a second on loopback."""

import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from support.local_server import LocalServer, QuietHandler
from support.tcp_proxy import CHUNK, TcpProxy


class Rate:
    """A limit of bytes a second that all users of the object share. None means no limit."""

    def __init__(self, bytes_a_second: float | None = None) -> None:
        self.bytes_a_second = bytes_a_second
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, size: int) -> None:
        """Wait until ``size`` bytes may be sent."""
        if self.bytes_a_second is None:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now - 0.05, self._free_at) + size / self.bytes_a_second
            wait = self._free_at - now
        if wait > 0:
            time.sleep(wait)


class Origin(LocalServer):
    """Serves the files of one folder, with Range requests and a strong ETag."""

    def __init__(self, folder: Path) -> None:
        self.rate = Rate()
        self._folder = folder

    def handler(self) -> type[BaseHTTPRequestHandler]:
        origin = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                origin._answer(self, origin._folder / self.path.strip("/"))

            def do_HEAD(self) -> None:
                self.do_GET()

        return Handler

    def url(self, name: str) -> str:
        return f"{self.endpoint}/{name}"

    def _answer(self, handler: BaseHTTPRequestHandler, path: Path) -> None:
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        last = int(asked[2]) if asked and asked[2] else size - 1
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("ETag", f'"{path.name}-{size}"')
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Length", str(last - first + 1))
        if asked:
            handler.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        handler.end_headers()
        if handler.command == "HEAD":
            return
        with path.open("rb") as file:
            file.seek(first)
            left = last - first + 1
            while left and (chunk := file.read(min(CHUNK, left))):
                self.rate.take(len(chunk))
                handler.wfile.write(chunk)
                left -= len(chunk)


class Uplink(TcpProxy):
    """Forwards connections to an endpoint and limits the rate of the sent bytes."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.rate = Rate()

    def prepare(self, near: socket.socket) -> None:
        # A small buffer: bytes that lie in the kernel would count as sent.
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * CHUNK)

    def may_pass(self, chunk: bytes, *, outgoing: bool) -> bool:
        if outgoing:
            self.rate.take(len(chunk))
        return True
