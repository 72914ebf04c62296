"""A worker that waits for a file, and the requests of a client."""

import hashlib
import http.client
import secrets
import socket
from pathlib import Path
from typing import Any

from tusclient.client import TusClient
from tusclient.uploader import Uploader

from support.waiting import until
from support.worker.fetch_harness import FetchHarness
from videoimport.worker.fetch.tus_server import COLLECTION, FILE, VERSION
from videoimport.worker.source.fetch_client import Fetching

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4096
TOKEN, OTHER_TOKEN = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
CHUNK = 2**18


class Session:
    """A worker that waits for a file, and the requests of a client."""

    def __init__(self, bench: FetchHarness, body: bytes = BODY, **changes: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.token: str = changes.pop("token", TOKEN)
        file = {"filename": "talk.mp4", "size": len(body)} | changes.pop("file", {})
        upload = {
            "file": file,
            "token_sha256": hashlib.sha256(self.token.encode()).hexdigest(),
            "idle_seconds": changes.pop("idle_seconds", 600),
            "port": self.port,
        }
        self.fetching: Fetching = bench.begin(sent=upload, **changes)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        """The response to one request of the session's client. An empty header is left out."""
        usual = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": VERSION}
        named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name: value for name, value in named.items() if value})
        return connection.getresponse()

    def patch(self, offset: int, body: bytes, **headers: str) -> http.client.HTTPResponse:
        wanted = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"}
        return self.request("PATCH", FILE, body, **(wanted | headers))

    def connect(self, head: str, **headers: str) -> socket.socket:
        """A connection on which the head of a request was sent, with the token and the version."""
        lines = [f"{head} HTTP/1.1", "Host: worker", f"Authorization: Bearer {TOKEN}", f"Tus-Resumable: {VERSION}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection

    def open_patch(self, offset: int, length: int, **headers: str) -> socket.socket:
        """A connection on which the body of a PATCH may follow."""
        kind = "application/offset+octet-stream"
        return self.connect(
            f"PATCH {FILE}", Upload_Offset=str(offset), Content_Length=str(length), Content_Type=kind, **headers
        )

    @property
    def offset(self) -> int:
        return int(self.request("HEAD", FILE).headers["Upload-Offset"])

    def listens(self) -> bool:
        try:
            return self.request("OPTIONS", COLLECTION).status == 204
        except OSError:
            return False

    def uploader(self, path: Path) -> Uploader:
        client = TusClient(f"http://127.0.0.1:{self.port}{COLLECTION}", {"Authorization": f"Bearer {TOKEN}"})
        return client.uploader(str(path), chunk_size=CHUNK)


def begun(bench: FetchHarness, body: bytes = BODY, **changes: Any) -> Session:
    session = Session(bench, body, **changes)
    until(session.listens)
    return session
