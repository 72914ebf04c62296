"""Our tus client against the server of the worker."""

import hashlib
import os
import select
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from videoimport.api.reasons import Reason
from videoimport.cli.upload.file_upload import send_file
from videoimport.cli.upload.hashed_file import BLOCK, FileChangedError, HashedFile
from videoimport.cli.upload.local_file import LocalFile, read_file
from videoimport.cli.upload.tus_client import RefusedFileError, RefusedSessionError, TusClient
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import SentFile
from videoimport.worker.fetch.tus_server import serving
from videoimport.worker.fetch.upload_receiver import Receiver
from videoimport.worker.runtime.errors import ImportFailure

TOKEN = "0123456789abcdef" * 4
BODY = os.urandom(5 * BLOCK + 3)


class Tcp:
    """A connection without a cluster between."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.sent = 0

    def sendall(self, data: bytes) -> None:
        self._socket.sendall(data)
        self.sent += len(data)

    def makefile(self, mode: str) -> Any:
        return self._socket.makefile(mode)  # type: ignore[call-overload]

    def has_input(self) -> bool:
        return bool(select.select([self._socket], (), (), 0)[0])

    def close(self) -> None:
        self._socket.close()


class Worker:
    def __init__(self, folder: Path, port: int, sha256: str | None) -> None:
        file = {"filename": "talk.mp4", "size": len(BODY), "sha256": sha256}
        token = hashlib.sha256(TOKEN.encode()).hexdigest()
        sent = SentFile.model_validate({"file": file, "tokenSha256": token, "idleSeconds": 600, "port": port})
        self.port, self.folder = port, folder
        self.landing = Landing(folder)
        self.receiver = Receiver(sent, self.landing)


@pytest.fixture
def worker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Worker]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    made = Worker(folder, listener.getsockname()[1], getattr(request, "param", None))
    with made.landing, serving(listener, made.receiver):
        yield made


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    path = tmp_path / "talk.mp4"
    path.write_bytes(BODY)
    return read_file(path)


def connect(worker: Worker, token: str = TOKEN) -> TusClient:
    return TusClient(lambda: Tcp(worker.port), token)


def send(worker: Worker, file: LocalFile) -> list[int]:
    """Send the file; gives the offsets that were shown."""
    offsets: list[int] = []
    content = HashedFile(file)
    try:
        with connect(worker) as client:
            send_file(client, file, content, offsets.append, offsets.append)
    finally:
        content.close()
    return offsets


def received(worker: Worker) -> bytes:
    return next(path for path in worker.folder.iterdir() if path.stat().st_size == len(BODY)).read_bytes()


def test_file_arrives_with_its_hash(worker: Worker, file: LocalFile) -> None:
    offsets = send(worker, file)
    assert (offsets[0], offsets[-1], offsets) == (0, len(BODY), sorted(offsets))
    assert received(worker) == BODY


@pytest.mark.parametrize("there", [1, BLOCK, len(BODY) - 1, len(BODY)])
def test_upload_continues_at_the_offset_of_the_worker(worker: Worker, file: LocalFile, there: int) -> None:
    with connect(worker) as client:
        assert client.send(0, there, [BODY[:there]]) == there
    assert send(worker, file)[0] == there
    assert received(worker) == BODY


def test_bytes_before_the_offset_are_hashed_before_a_request_begins(worker: Worker, file: LocalFile) -> None:
    """The worker gives up a request whose body does not arrive in time."""
    with connect(worker) as client:
        client.send(0, 2 * BLOCK, [BODY[: 2 * BLOCK]])

    class Steps(HashedFile):
        def move_to(self, start: int) -> None:
            steps.append(("hashed", start) if start > self.position else ("kept", start))
            super().move_to(start)

    class Client(TusClient):
        def send(self, offset: int, *arguments: Any) -> int:
            steps.append(("request", offset))
            return super().send(offset, *arguments)

    steps: list[tuple[str, int]] = []
    with closing(Steps(file)) as content, Client(lambda: Tcp(worker.port), TOKEN) as client:
        send_file(client, file, content, lambda _: None, lambda _: None)
    assert steps[:2] == [("hashed", 2 * BLOCK), ("request", 2 * BLOCK)]
    assert not [step for step in steps[2:] if step[0] == "hashed"]
    assert received(worker) == BODY


def test_offset_beyond_the_file_is_no_success(worker: Worker, file: LocalFile) -> None:
    with connect(worker) as client:
        client.send(0, len(BODY), [BODY])
    shorter = replace(file, size=file.size - 1)
    with connect(worker) as client, closing(HashedFile(file)) as content, pytest.raises(HTTPException):
        send_file(client, shorter, content, lambda _: None, lambda _: None)


def test_small_file_is_one_request(worker: Worker, file: LocalFile) -> None:
    with connect(worker) as client:
        client.send(0, len(BODY) - 10, [BODY[:-10]])
    assert send(worker, file) == [len(BODY) - 10, len(BODY)]


def test_hash_of_the_last_request_is_compared(worker: Worker) -> None:
    with connect(worker) as client, pytest.raises(RefusedFileError, match="ChecksumMismatch"):
        client.send(0, len(BODY), [BODY], "0" * 64)


def test_refused_file_is_not_sent_to_its_end(worker: Worker, file: LocalFile) -> None:
    """The worker refuses it while the second block is on its way."""
    content = HashedFile(file)
    blocks = content.read_blocks(0, file.size)

    def refusing() -> Iterator[bytes]:
        yield next(blocks)
        worker.receiver.refuse(ImportFailure(Reason.UNSUPPORTED_DURATION, "The source lasts 60 s."))
        while True:  # without an end, so that only a response ends the request
            yield bytes(BLOCK)

    with connect(worker) as client, pytest.raises((RefusedFileError, OSError)):
        client.send(0, len(BODY), refusing())
    with connect(worker) as client, pytest.raises(RefusedFileError):
        client.read_offset()


def test_wrong_token_is_refused(worker: Worker) -> None:
    with connect(worker, "other") as client, pytest.raises(RefusedSessionError, match="401"):
        client.read_offset()
    with connect(worker, "other") as client, pytest.raises(RefusedSessionError, match="token"):
        client.send(0, 1, [b"x"])


def test_other_offset_is_a_broken_connection(worker: Worker) -> None:
    """The caller asks for the offset again."""
    with connect(worker) as client, pytest.raises(ConnectionError, match="offset 0"):
        client.send(9, 1, [b"x"])


def test_changed_file_is_never_completed(worker: Worker, file: LocalFile) -> None:
    content = HashedFile(file)
    with connect(worker) as client, pytest.raises(FileChangedError, match="changed"):
        send_file(client, file, content, lambda _: None, lambda offset: _touch(file) if offset > BLOCK else None)
    assert not worker.receiver.is_complete


def _touch(file: LocalFile) -> None:
    os.utime(file.path, ns=(1, 1))
