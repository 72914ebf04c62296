"""A proxy in front of the real object store that speaks as other servers do: other forms, fewer features."""

import base64
import hashlib
import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.local_server import LocalServer, QuietHandler
from support.worker.object_store import KEY_ID, SECRET

CONDITIONS = ("if-none-match", "if-match")
_SIGNED = ("content-type", "content-md5", "cache-control", "range", *CONDITIONS)
_ERROR = '<?xml version="1.0"?><Error><Code>{0}</Code><Message>no</Message>{1}</Error>'
_ETAG = re.compile(rb"<ETag>(.*?)</ETag>")


@dataclass
class Call:
    """One request, and its answer as far as there is one."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    sent: int | None = None
    """Bytes of the answer that are sent before the connection breaks."""

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    @property
    def name(self) -> str:
        """The operation."""
        query, object_key = self.query, urlsplit(self.path).path.strip("/").partition("/")[2]
        if self.method == "POST":
            return "Create" if "uploads" in query else "Complete"
        if self.method == "PUT":
            return "Part" if "partNumber" in query else "Put"
        if self.method == "GET" and "uploads" in query:
            return "Uploads"
        if self.method == "GET" and "uploadId" in query:
            return "Parts"
        if self.method == "GET":
            return "Get" if object_key else "List"
        return {"HEAD": "Head", "DELETE": "Abort" if "uploadId" in query else "Delete"}.get(self.method, self.method)

    def refuse(self, status: int, code: str, more: str = "") -> None:
        self.status, self.answer = status, [("Content-Type", "application/xml")]
        self.content = b"" if self.method == "HEAD" else _ERROR.format(code, more).encode()

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.answer if key.lower() == name), None)

    def rename(self, change: Callable[[str, str], tuple[str, str] | None]) -> None:
        """Change the headers of the answer, or leave some out."""
        self.answer = [changed for name, value in self.answer if (changed := change(name, value)) is not None]


@dataclass(frozen=True)
class Shape:
    """How a server differs: what it does with a request before it is served, and with the answer."""

    name: str
    request: Callable[[Call], None] = lambda call: None
    """May refuse, or take headers away."""
    answer: Callable[["ShapedStore", Call], None] = lambda store, call: None
    etag: Callable[[str], str] | None = None
    """From an ETag with quotes to another, everywhere."""


class ShapedStore(LocalServer):
    """A context manager; ``endpoint`` leads to the real store, and ``calls`` are the names of what was asked."""

    def __init__(self, endpoint: str, shape: Shape) -> None:
        self._real, self._shape = urlsplit(endpoint).netloc, shape
        self.calls: list[str] = []
        self._etags: dict[str, str] = {}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, self.rfile.read(length))
                store.serve(call)
                if not call.status:
                    self.close_connection = True
                    return
                self.send_response(call.status)
                for name, value in call.answer:
                    self.send_header(name, value)
                if call.method != "HEAD":
                    self.send_header("Content-Length", str(len(call.content)))
                self.end_headers()
                self.wfile.write(call.content[: call.sent])
                self.close_connection = self.close_connection or call.sent is not None

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

        return Handler

    def serve(self, call: Call) -> None:
        self.calls.append(call.name)
        self._shape.request(call)
        if call.status:
            return
        for told, real in list(self._etags.items()):
            call.body = call.body.replace(told.encode(), real.encode()) if call.name == "Complete" else call.body
            for name in CONDITIONS:
                if call.headers.get(name, "").strip('"') == told:
                    call.headers[name] = f'"{real}"'
        self.ask(call)
        if self._shape.etag is not None:
            self._change_etags(call, self._shape.etag)
        self._shape.answer(self, call)

    def ask(self, call: Call) -> None:
        """Ask the real store, in a request that is signed anew."""
        kept = {name: value for name, value in call.headers.items() if name in _SIGNED or name.startswith("x-amz-")}
        kept = {name: value for name, value in kept.items() if name != "x-amz-date"}
        request = AWSRequest(call.method, f"http://{self._real}{call.path}", headers=kept, data=call.body)
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(self._real)
        signed: Any = dict(request.headers.items())
        connection.request(call.method, call.path, call.body or None, signed)
        found = connection.getresponse()
        call.status, call.content = found.status, found.read()
        left_out = ("content-length", "transfer-encoding", "connection") if call.method != "HEAD" else ("connection",)
        call.answer = [(name, value) for name, value in found.getheaders() if name.lower() not in left_out]
        connection.close()

    def _change_etags(self, call: Call, change: Callable[[str], str]) -> None:
        def changed(real: str) -> str:
            told = change(f'"{real}"')
            self._etags[told.removeprefix("W/").strip('"')] = real
            return told

        call.rename(lambda name, value: (name, changed(value.strip('"')) if name.lower() == "etag" else value))

        def within(found: re.Match[bytes]) -> bytes:
            real = found[1].decode().replace("&#34;", "").replace("&quot;", "").strip('"')
            return f"<ETag>{changed(real)}</ETag>".encode()

        if call.name not in ("Get", "Head"):
            call.content = _ETAG.sub(within, call.content)

    def sha256_of(self, path: str) -> str:
        """What the real store has at a path, as S3 gives the SHA-256 of a whole object."""
        call = Call("GET", urlsplit(path).path, {}, b"")
        self.ask(call)
        return base64.b64encode(hashlib.sha256(call.content).digest()).decode()
