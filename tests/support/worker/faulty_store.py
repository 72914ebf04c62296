"""A way to the object store that answers in its place, loses its answers, or damages what it stored."""

import http.client
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from support.local_server import LocalServer, QuietHandler

_ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{0}</Code><Message>{0}</Message></Error>'
_BY_QUERY = {
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "list-type"): "ListObjectsV2",
}
_BY_METHOD = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True)
class StoreRequest:
    """A request that came."""

    operation: str
    key: str
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"


@dataclass
class Fault:
    """What happens from the first request that matches ``pattern`` on, ``times`` requests long."""

    pattern: str
    """Of ``Asked`` as a string."""
    code: str = ""
    """Of the answer; without one the connection is reset."""
    status: int = 503
    times: int = 1
    skipped: int = 0
    """So many requests that match come first, unharmed."""
    everything: bool = False
    """As an outage: once it began, all requests count."""
    is_heard: bool = False
    """The store gets the request, and only its answer is lost."""
    after: Callable[[StoreRequest], None] | None = None
    """Instead of all this: called after the store's answer, before that is passed on."""
    met: int = 0

    def meets(self, asked: StoreRequest) -> bool:
        if self.met >= self.times:
            return False
        if not (re.search(self.pattern, str(asked)) or (self.everything and self.met)):
            return False
        if self.skipped:
            self.skipped -= 1
            return False
        self.met += 1
        return True


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    faulty: "FaultyStore"

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = told(self.command, self.path, body)
        fault = self.faulty.fault_of(asked)
        if fault is None or fault.after is not None:
            answer, content = self.forwarded(body)
            if fault is not None and fault.after is not None:
                fault.after(asked)
            self.answer(answer.status, answer.getheaders(), content)
            return
        if fault.is_heard:
            self.forwarded(body)
        if fault.code:
            self.answer(fault.status, [], _ERROR.format(fault.code).encode())
            return
        self.close_connection = True
        self.connection.close()

    def forwarded(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        far = http.client.HTTPConnection(self.faulty.target.removeprefix("http://"))
        far.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                far.putheader(name, value)
        far.endheaders(body)
        answer = far.getresponse()
        return answer, answer.read()

    def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        kept = [pair for pair in headers if pair[0].lower() != "transfer-encoding"]
        for name, value in kept:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in kept):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve


@dataclass
class FaultyStore(LocalServer):
    """A context manager; ``endpoint`` leads to the given one."""

    target: str
    faults: list[Fault] = field(default_factory=list)
    asked: list[StoreRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, asked: StoreRequest) -> Fault | None:
        """What is to happen to a request; it is remembered."""
        with self._lock:
            self.asked.append(asked)
            return next((fault for fault in self.faults if fault.meets(asked)), None)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        class Handler(_Handler):
            faulty = self

        return Handler

    def count(self, pattern: str) -> int:
        """Requests that came and match."""
        return sum(bool(re.search(pattern, str(asked))) for asked in self.asked)


def told(method: str, target: str, body: bytes) -> StoreRequest:
    """S3's name of a request, and its key."""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    found = (name for (verb, word), name in _BY_QUERY.items() if verb == method and word in query)
    key = unquote(parts.path).lstrip("/").partition("/")[2]
    return StoreRequest(next(found, _BY_METHOD.get(method, method)), key or query.get("prefix", [""])[0], body)
