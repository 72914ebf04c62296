"""A destination that answers without end: it ends the import with a reason, in bounded memory."""

import itertools
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from support.local_server import LocalServer, QuietHandler
from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import base as destination
from videoimport.worker.storage.s3 import answer_limits as s3_answers
from videoimport.worker.storage.s3.store import S3Store, connect
from videoimport.worker.storage.volume.store import VolumeStore

HEAD = b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
MORE = "<IsTruncated>true</IsTruncated><NextContinuationToken>{0}</NextContinuationToken></ListBucketResult>"
ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "%s">]><Error><Code>%s</Code></Error>'


class Store(LocalServer):
    """Answers every request with the next of its answers, each made of pieces."""

    def __init__(self, status: int, answers: Iterator[Iterator[bytes]]) -> None:
        self._status, self._answers = status, answers

    def handler(self) -> type[BaseHTTPRequestHandler]:
        status, answers = self._status, self._answers

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                try:
                    for piece in next(answers):
                        self.wfile.write(piece)
                except OSError:
                    pass

        return Handler

    @property
    def store(self) -> S3Store:
        return connect(S3Destination(endpoint=self.endpoint, bucket="videos"), None)


@pytest.fixture
def serve() -> Iterator[Callable[..., S3Store]]:
    with ExitStack() as servers:

        def start(answers: Iterator[Iterator[bytes]], status: int = 200) -> S3Store:
            return servers.enter_context(Store(status, answers)).store

        yield start


def refusal(ask: Callable[[], object]) -> ImportFailure:
    with pytest.raises(ImportFailure) as caught:
        ask()
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
    return caught.value


def endless(head: bytes) -> Iterator[Iterator[bytes]]:
    while True:
        yield itertools.chain([head], itertools.repeat(b" " * 65536))


@pytest.mark.parametrize("status", [200, 404, 503])
def test_an_answer_without_end_is_not_read_to_it(serve: Callable[..., S3Store], status: int) -> None:
    store = serve(endless(HEAD), status)
    tracemalloc.start()
    found = refusal(lambda: list(store.keys("in/")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "UnusableAnswerError" in found.message
    assert peak < 6 * s3_answers.MOST_BYTES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_expands_is_not_parsed(serve: Callable[..., S3Store], encoding: str) -> None:
    bomb = (ENTITY % (b"w" * 60_000, b"&a;" * 20_000)).decode().replace("?>", f' encoding="{encoding}"?>', 1)
    store = serve(itertools.repeat((bomb.encode(encoding),)), 400)
    assert "UnusableAnswerError" in refusal(lambda: list(store.keys("in/"))).message


@pytest.mark.parametrize("count", [0, 1, 1000])
@pytest.mark.parametrize("ask", ["keys", "uploads"])
def test_a_listing_of_endless_pages_ends(
    serve: Callable[..., S3Store], monkeypatch: pytest.MonkeyPatch, count: int, ask: str
) -> None:
    monkeypatch.setattr(destination, "MOST_LISTED", 50)

    def pages() -> Iterator[Iterator[bytes]]:
        for number in itertools.count():
            keys = b"".join(b"<Contents><Key>in/%d-%d</Key></Contents>" % (number, one) for one in range(count))
            uploads = b"".join(
                b"<Upload><Key>in/a</Key><UploadId>%d</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
                % one
                for one in range(count)
            )
            markers = f"<NextKeyMarker>{number}</NextKeyMarker><NextUploadIdMarker>{number}</NextUploadIdMarker>"
            if ask == "keys":
                yield iter([HEAD, keys, MORE.format(number).encode()])
            else:
                root = b"<ListMultipartUploadsResult>"
                end = f"{markers}<IsTruncated>true</IsTruncated></ListMultipartUploadsResult>".encode()
                yield iter([root, uploads, end])

    store = serve(pages())
    found = refusal(lambda: list(store.keys("in/")) if ask == "keys" else store.unfinished("in/a"))
    assert "more than 50 entries" in found.message


def test_a_folder_of_endless_files_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination, "MOST_LISTED", 50)
    for number in range(51):
        (tmp_path / f"{number}").touch()
    (tmp_path / "in").mkdir()
    store = VolumeStore(tmp_path, "videos", None)
    refusal(lambda: list(store.keys("")))


def test_folders_deeper_than_any_key_are_not_entered(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2_000):
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    (tmp_path / "b").touch()
    try:
        assert list(VolumeStore(tmp_path, "videos", None).keys("")) == ["b"]
    finally:
        remove_chain(tmp_path / "a")


def remove_chain(folder: Path) -> None:
    """Remove folders that lie one in the other, from the outside: shutil.rmtree calls itself for each level."""
    rest = folder.with_name("rest")
    while (folder / "a").exists():
        (folder / "a").rename(rest)
        folder.rmdir()
        rest.rename(folder)
    folder.rmdir()
