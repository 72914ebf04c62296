"""Tasks of a worker whose file a client sends, and that client."""

import hashlib
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.worker.worker_harness import WorkerHarness
from videoimport.api.tasks.import_task import Task, UploadTask
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.worker.fetch.tus_server import FILE, VERSION

TOKEN = "a token for this test"
_PAUSE_SECONDS = 0.02


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def upload_task(
    desk: WorkerHarness, content: bytes, *, idle_seconds: int = 600, sha256: str | None = None, **spec: Any
) -> Task:
    source = {"upload": {"filename": "talk.mp4", "size": len(content), "sha256": sha256}}
    wish = VideoImportSpec.model_validate(desk.spec("https://unused.example.com", **spec) | {"source": source})
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    session = UploadTask(token_sha256=digest, idle_seconds=idle_seconds, port=free_port())
    return desk.task("https://unused.example.com").model_copy(
        update={"spec": wish, "spec_hash": spec_hash(wish), "upload": session}
    )


def send(task: Task, offset: int, chunk: bytes) -> int | None:
    """The status of one PATCH; None if nothing listens or the connection breaks."""
    assert task.upload is not None
    connection = http.client.HTTPConnection("127.0.0.1", task.upload.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    try:
        connection.request("PATCH", FILE, chunk, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None


def open_patch(task: Task, offset: int, length: int) -> socket.socket:
    """A connection on which the body of a PATCH may follow."""
    assert task.upload is not None
    lines = [
        f"PATCH {FILE} HTTP/1.1", "Host: worker", f"Authorization: Bearer {TOKEN}", f"Tus-Resumable: {VERSION}",
        f"Upload-Offset: {offset}", f"Content-Length: {length}", "Content-Type: application/offset+octet-stream",
    ]  # fmt: skip
    connection = socket.create_connection(("127.0.0.1", task.upload.port), timeout=60)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


class PersistentClient:
    """Sends a file in pieces until all of it has arrived, whatever becomes of the worker."""

    def __init__(self, content: bytes, token: str = TOKEN, port: int = 0, pieces: int = 40) -> None:
        self._content, self._token, self._piece = content, token, max(1, len(content) // pieces)
        self.port = port
        """The port of the present worker."""
        self.offsets: list[int] = []
        """The offsets at which the client began or continued."""

    @contextmanager
    def sending(self) -> Iterator["PersistentClient"]:
        """Send while the block lasts."""
        over = threading.Event()
        thread = threading.Thread(target=self._send_until, args=(over,))
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    def _send_until(self, over: threading.Event) -> None:
        while not over.wait(_PAUSE_SECONDS):
            try:
                self._continue(over)
            except (OSError, http.client.HTTPException):
                continue  # no worker listens, or the worker is gone

    def _continue(self, over: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        usual = {"Authorization": f"Bearer {self._token}", "Tus-Resumable": VERSION}
        connection.request("HEAD", FILE, headers=usual)
        head = connection.getresponse()
        head.read()
        offset = int(head.headers["Upload-Offset"] or 0)
        self.offsets.append(offset)
        while offset < len(self._content) and not over.wait(_PAUSE_SECONDS):
            piece = self._content[offset : offset + self._piece]
            more = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            connection.request("PATCH", FILE, piece, usual | more)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                return
            offset += len(piece)
