"""A real receiver of webhooks on loopback: it verifies what comes with the standardwebhooks library, and can be told to
behave badly."""

import base64
import contextlib
import json
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from support.local_server import QuietHandler, serving, tls_of

Reply = Callable[["Post"], None]


def new_secret(size: int = 32) -> str:
    """As a user makes one."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(size)).decode()}"


@dataclass
class Post:
    """A message that came. Made only when its signature is right."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    handler: BaseHTTPRequestHandler

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    def answer(self, status: int, **headers: str) -> None:
        self.handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def reset(self) -> None:
        """Break the connection off without an answer."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.close()


def status(code: int, **headers: str) -> Reply:
    return lambda post: post.answer(code, **headers)


@dataclass
class WebhookReceiver:
    """Answers in turn as told, the last answer for ever; takes everything unless told otherwise."""

    replies: list[Reply] = field(default_factory=lambda: [status(204)])
    secret: str = field(default_factory=new_secret)
    certificate: Path | None = None
    """A PEM file of key and certificate: then it speaks TLS."""
    port: int = 0
    posts: list[Post] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    """What was wrong with messages that it refused."""
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator["WebhookReceiver"]:
        """While the block lasts; on the same port again when it is entered again."""
        receiver = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                receiver._take(self)

        try:
            with serving(Handler, port=self.port, tls=tls_of(self.certificate)) as self.port:
                try:
                    yield self
                finally:
                    self.over.set()
        finally:
            self.over.clear()

    def url(self, path: str = "/done", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}{path}"

    @property
    def ids(self) -> set[str]:
        """Of all messages that came."""
        return {post.id for post in self.posts}

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        post = Post(handler.path, headers, body, handler)
        try:
            Webhook(self.secret).verify(body, headers)
        except Exception as problem:  # noqa: BLE001 (whatever it is, it is not what was agreed upon)
            self.forged.append(repr(problem))
            post.answer(401)
            return
        self.posts.append(post)
        self.replies[min(len(self.posts), len(self.replies)) - 1](post)
