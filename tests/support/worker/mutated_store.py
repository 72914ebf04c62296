"""A way to an object store that changes what passes: as the S3 API allows, or as servers were seen to do.

``Habits`` hold for every request. ``Fault`` and ``Damage`` hit one. Requests are signed again, for they are changed.
"""

import base64
import hashlib
import http.client
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.local_server import LocalServer, QuietHandler
from support.worker.object_store import KEY_ID, SECRET

Operation = Literal[
    "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload", "HeadObject",
    "GetObject", "DeleteObject", "ListObjectsV2", "ListParts", "ListMultipartUploads",
]  # fmt: skip
FaultKind = Literal["Cut", "AnswerLost", "SlowDown", "InternalError", "Conflict", "ErrorIn200", "DoneButErrorIn200"]
_OWN_HEADERS = (
    "authorization",
    "host",
    "connection",
    "x-amz-date",
    "x-amz-content-sha256",
    "expect",
    "accept-encoding",
)
_CONDITIONAL = ("PUT", "POST", "DELETE")
_MOST_METADATA = 40
"""Characters of a value that a store keeps that trims it."""
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{0}</Code><Message>{0}</Message></Error>'
_ETAG = re.compile(rb"(?<=<ETag>)[^<]*(?=</ETag>)")
_SUM = re.compile(rb"<ChecksumSHA256>([^<]*)</ChecksumSHA256>|<Checksum(?:Type|Algorithm)>[^<]*</Checksum\w+>")


@dataclass(frozen=True)
class Habits:
    """What a store does with every request."""

    metadata: Literal["Kept", "HeaderCase", "UpperCase", "Trimmed", "Dropped"] = "Kept"
    etag: Literal["Quoted", "Unquoted", "Weak", "Opaque", "AbsentOnRead"] = "Quoted"
    """``Opaque`` is no MD5 of anything."""
    checksum: Literal["Composite", "NoSuffix", "FullObject", "Unreadable", "AbsentOnRead", "Unknown"] = "Composite"
    """``AbsentOnRead``: kept and confirmed, but HEAD does not tell it. ``Unknown``: the store knows no SHA-256."""
    conditions: Literal["Honoured", "NotImplemented", "BadRequest", "Ignored"] = "Honoured"
    if_match: Literal["Honoured", "NotImplemented", "Ignored"] = "Honoured"
    """What it does with ``If-Match`` where it honours conditions."""
    lists_parts: bool = True
    unlisted: Literal["NotImplemented", "Bare404"] = "NotImplemented"
    """How it answers ListParts where it lists none."""
    lists_uploads: bool = True
    listing: Literal["Exact", "Repeated", "Stale"] = "Exact"
    version: Literal["Absent", "Null", "Named"] = "Absent"


@dataclass(frozen=True)
class Fault:
    """The ``first`` request of an operation and those after it, ``times`` in all, go wrong."""

    operation: Operation
    first: int
    kind: FaultKind
    times: int = 1


@dataclass(frozen=True)
class Damage:
    """The store keeps other bytes than it was sent, once, and tells the truth of those that it keeps. Of PutObject only
    ``result.json`` counts: of our own notes nothing is reported."""

    operation: Literal["UploadPart", "PutObject"]
    number: int
    kind: Literal["Flipped", "Shorter"]


@dataclass
class Plan:
    """How the store behaves from now on."""

    habits: Habits = field(default_factory=Habits)
    faults: tuple[Fault, ...] = ()
    damage: Damage | None = None
    before: Callable[["Request"], None] = lambda _: None
    """Called before a request is carried out."""
    refuses: Callable[["Request"], "Answer | None"] = lambda _: None
    """Answers a request in the store's place."""
    lists_sums: bool = True
    """Whether ListParts tells the SHA-256 of parts."""
    seen: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    results: list[bytes] = field(default_factory=list)
    """Of result.json, each as it was sent."""
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    """By upload and SHA-256 of a part as it was sent: that of what is kept of it."""

    def fault(self, operation: str) -> FaultKind | None:
        """Of this very request, which is counted already."""
        here = self.seen[operation]
        hit = (one for one in self.faults if one.operation == operation and 0 <= here - one.first < one.times)
        return next((one.kind for one in hit), None)


@dataclass
class Request:
    """As it came, and as it goes on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    @property
    def operation(self) -> str:
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if not self.key:
            return "ListMultipartUploads" if "uploads" in asked else "ListObjectsV2"
        parts = {"POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}
        plain = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        if "uploads" in asked:
            return "CreateMultipartUpload"
        if "partNumber" in asked:
            return "UploadPart"
        return (parts if "uploadId" in asked else plain)[self.method]

    @property
    def upload(self) -> str:
        return parse_qs(urlsplit(self.path).query).get("uploadId", [""])[0]

    @property
    def condition(self) -> str | None:
        return next((name for name in ("if-match", "if-none-match") if name in self.headers), None)


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def get(self, name: str) -> str | None:
        return next((value for given, value in self.headers if given.lower() == name), None)

    def set(self, name: str, value: str | None) -> None:
        kept = [one for one in self.headers if one[0].lower() != name]
        self.headers = kept + ([(name, value)] if value is not None else [])


def error(status: int, code: str) -> Answer:
    return Answer(status, [("Content-Type", "application/xml")], _ERROR.format(code).encode())


class MutatedStore(LocalServer):
    """A context; ``endpoint`` leads to the object store, which behaves as ``plan`` says."""

    def __init__(self, endpoint: str) -> None:
        self._target = endpoint.removeprefix("http://")
        self._credentials = Credentials(KEY_ID, SECRET)
        self._local = threading.local()
        self._lock = threading.Lock()
        self.plan = Plan()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        mutated = self

        class Handler(_Handler):
            store = mutated

        return Handler

    def answer(self, request: Request) -> Answer | None:
        """None where the connection is cut."""
        plan, operation = self.plan, request.operation
        with self._lock:
            plan.seen[operation] += 1
            fault, damaged = plan.fault(operation), self._damaged(request)
        plan.before(request)
        answer = plan.refuses(request)
        if answer is None:
            answer = self._failing(request, fault, damaged) if fault else self._behaving(request, damaged)
        with self._lock:
            told = answer.status if answer else "cut"
            marks = " ".join(filter(None, (fault, "damaged" if damaged else None, request.condition)))
            plan.log.append(f"{operation} {request.key} {told} {marks}".rstrip())
        return answer

    def _damaged(self, request: Request) -> bytes | None:
        damage, number = self.plan.damage, self.plan.seen[request.operation]
        if request.operation == "PutObject":
            if not request.key.endswith("/result.json"):
                return None
            self.plan.results.append(request.body)
            number = len(self.plan.results)
        if not damage or (damage.operation, damage.number) != (request.operation, number) or not request.body:
            return None
        if damage.kind == "Shorter":
            return request.body[:-1]
        middle = len(request.body) // 2
        return request.body[:middle] + bytes([request.body[middle] ^ 1]) + request.body[middle + 1 :]

    def _failing(self, request: Request, fault: FaultKind, damaged: bytes | None) -> Answer | None:
        if fault == "Conflict":
            if request.condition:
                return error(409, "ConditionalRequestConflict")
            return self._behaving(request, damaged)
        if fault in ("AnswerLost", "DoneButErrorIn200"):
            self._behaving(request, damaged)
        if fault in ("Cut", "AnswerLost"):
            return None
        if fault == "SlowDown":
            return error(503, "SlowDown")
        is_in_200 = fault != "InternalError" and request.operation == "CompleteMultipartUpload"
        return error(200 if is_in_200 else 500, "InternalError")

    def _behaving(self, request: Request, damaged: bytes | None) -> Answer:
        habits, operation = self.plan.habits, request.operation
        is_unlisted = {"ListParts": not habits.lists_parts, "ListMultipartUploads": not habits.lists_uploads}
        if is_unlisted.get(operation):
            is_bare = operation == "ListParts" and habits.unlisted == "Bare404"
            return Answer(404, [], b"") if is_bare else error(501, "NotImplemented")
        if request.condition and request.method in _CONDITIONAL:
            if self._handling(request) == "NotImplemented":
                return error(501, "NotImplemented")
            if habits.conditions == "BadRequest":
                return error(400, "InvalidArgument")
            if habits.conditions == "Honoured" and request.headers[request.condition].startswith("W/"):
                return error(412, "PreconditionFailed")  # RFC 9110, 13.1.1: the strong comparison
        self._change(request, damaged)
        answer = self._forward(request.method, request.path, request.headers, request.body)
        if answer.status < 300 or operation == "HeadObject":
            self._change_answer(request, answer)
        return answer

    def _handling(self, request: Request) -> str:
        """What the store does with a request's condition."""
        habits = self.plan.habits
        is_own = habits.conditions == "Honoured" and request.condition == "if-match"
        return habits.if_match if is_own else habits.conditions

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        signed = AWSRequest(method, f"http://{self._target}{path}", dict(headers), body)
        S3SigV4Auth(self._credentials, "s3", "us-east-1").add_auth(signed)
        for _ in range(2):
            try:
                if (far := getattr(self._local, "far", None)) is None:
                    far = self._local.far = http.client.HTTPConnection(self._target)
                far.request(method, path, body or None, dict(signed.headers.items()))
                got = far.getresponse()
                return Answer(got.status, got.getheaders(), got.read())
            except (OSError, http.client.HTTPException):  # the connection was too old
                self._local.far = None
        return error(502, "BadGateway")

    # Habits of requests

    def _change(self, request: Request, damaged: bytes | None) -> None:
        habits, headers = self.plan.habits, request.headers
        if request.condition and request.method in _CONDITIONAL and self._handling(request) == "Ignored":
            del headers[request.condition]
        if "if-match" in headers:
            headers["if-match"] = self._own_etag(headers["if-match"])
        if request.operation == "CompleteMultipartUpload":
            request.body = _ETAG.sub(lambda found: self._own_etag(found[0].decode()).encode(), request.body)
        for name in [name for name in headers if name.startswith("x-amz-meta-")]:
            if habits.metadata == "Dropped":
                del headers[name]
            elif habits.metadata == "Trimmed":
                headers[name] = headers[name][:_MOST_METADATA]
        self._change_sums(request, damaged)

    def _change_sums(self, request: Request, damaged: bytes | None) -> None:
        headers = request.headers
        if damaged is not None:
            request.body = damaged
            headers.pop("content-md5", None)
            if (sent := headers.get("x-amz-checksum-sha256")) is not None:
                kept = base64.b64encode(hashlib.sha256(damaged).digest()).decode()
                headers["x-amz-checksum-sha256"] = self.plan.kept[request.upload, sent] = kept
        if self.plan.habits.checksum == "Unknown":
            for name in [name for name in headers if name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum-"))]:
                del headers[name]
        if request.operation == "CompleteMultipartUpload":
            for (upload, sent), kept in self.plan.kept.items():
                if upload == request.upload:
                    request.body = request.body.replace(sent.encode(), kept.encode())

    def _own_etag(self, told: str) -> str:
        """The object store's own, of one that was told."""
        bare = told.removeprefix("W/").replace("&quot;", "").replace("&#34;", "").strip('"')
        return f'"{self._turned(bare)}"' if bare != "*" else told

    def _turned(self, bare: str) -> str:
        return bare[::-1] if self.plan.habits.etag == "Opaque" else bare

    def _told_etag(self, own: str) -> str:
        bare = self._turned(own.replace("&quot;", "").replace("&#34;", "").strip('"'))
        return {"Unquoted": bare, "Weak": f'W/"{bare}"'}.get(self.plan.habits.etag, f'"{bare}"')

    # Habits of answers

    def _change_answer(self, request: Request, answer: Answer) -> None:
        habits, operation = self.plan.habits, request.operation
        is_read = operation in ("HeadObject", "GetObject")
        if (etag := answer.get("etag")) is not None:
            is_absent = habits.etag == "AbsentOnRead" and (is_read or operation == "PutObject")
            answer.set("etag", None if is_absent else self._told_etag(etag))
        self._tell_sums(request, answer, is_read=is_read)
        named = {"HeaderCase": str.title, "UpperCase": str.upper}.get(habits.metadata, str)
        for name, value in [one for one in answer.headers if one[0].lower().startswith("x-amz-meta-")]:
            answer.set(name.lower(), None)
            answer.headers.append((f"x-amz-meta-{named(name[11:].lower())}", value))
        if is_read or operation == "PutObject":
            answer.set("x-amz-version-id", {"Null": "null", "Named": "v.1"}.get(habits.version))
        if answer.body.startswith(b"<") and operation not in ("GetObject",):
            answer.body = self._told_text(operation, answer.body)

    def _tell_sums(self, request: Request, answer: Answer, *, is_read: bool) -> None:
        kind = self.plan.habits.checksum
        told = answer.get("x-amz-checksum-sha256")
        if kind == "Unknown" or (kind == "AbsentOnRead" and is_read):
            answer.headers = [
                one for one in answer.headers if not one[0].lower().startswith(("x-amz-checksum-", "x-amz-sdk-check"))
            ]
        elif told is not None and is_read:
            if kind == "FullObject":
                whole = self._forward("GET", request.path, {}, b"").body
                told = base64.b64encode(hashlib.sha256(whole).digest()).decode()
                answer.set("x-amz-checksum-type", "FULL_OBJECT")
            changed = {"NoSuffix": told.partition("-")[0], "Unreadable": "not/a+checksum"}
            answer.set("x-amz-checksum-sha256", changed.get(kind, told))

    def _told_text(self, operation: str, body: bytes) -> bytes:
        body = _ETAG.sub(lambda found: self._told_etag(found[0].decode()).encode(), body)
        if self.plan.habits.checksum == "Unknown":
            body = _SUM.sub(b"", body)
        elif self.plan.habits.checksum == "NoSuffix":
            body = re.sub(rb"(?<=<ChecksumSHA256>)([^<-]*)-\d+", rb"\1", body)
        if operation == "ListParts" and not self.plan.lists_sums:
            body = _SUM.sub(b"", body)
        if operation == "ListObjectsV2":
            found = re.findall(rb"<Contents>.*?</Contents>", body, re.DOTALL)
            if found and self.plan.habits.listing == "Repeated":
                body = body.replace(found[0], found[0] + found[0], 1)
            elif found and self.plan.habits.listing == "Stale":
                body = body.replace(found[-1], b"", 1)
        return body


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    store: MutatedStore

    def handle_expect_100(self) -> bool:
        is_wanted = super().handle_expect_100()
        self.wfile.flush()
        return is_wanted

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _OWN_HEADERS}
        headers.pop("content-length", None)
        answer = self.store.answer(Request(self.command, self.path, headers, body))
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        left_out = ("transfer-encoding", "connection") + (() if self.command == "HEAD" else ("content-length",))
        for name, value in answer.headers:
            if name.lower() not in left_out:
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()
