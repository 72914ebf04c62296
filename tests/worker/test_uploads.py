"""A file that a client sends: tus clients that we did not write, broken connections, refusals and the idle end."""

import hashlib
import http.client
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader import Uploader

from support.waiting import until
from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.tus_server import COLLECTION, FILE, FILE_HASH, VERSION
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.source.fetch_client import Fetching

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4096
TOKEN = secrets.token_urlsafe(32)
CHUNK = 2**18


class Session:
    """A worker that waits for a file, and the requests of a client."""

    def __init__(self, bench: FetchHarness, body: bytes = BODY, **changes: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        file = {"filename": "talk.mp4", "size": len(body)} | changes.pop("file", {})
        upload = {
            "file": file,
            "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
            "idle_seconds": changes.pop("idle_seconds", 600),
            "port": self.port,
        }
        self.fetching: Fetching = bench.begin(sent=upload, **changes)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        """The response to one request of the session's client. An empty header is left out."""
        usual = {"Authorization": f"Bearer {TOKEN}", "Tus-Resumable": VERSION}
        named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name: value for name, value in named.items() if value})
        return connection.getresponse()

    def patch(self, offset: int, body: bytes, **headers: str) -> http.client.HTTPResponse:
        wanted = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"}
        return self.request("PATCH", FILE, body, **(wanted | headers))

    def listens(self) -> bool:
        try:
            return self.request("OPTIONS", COLLECTION).status == 204
        except OSError:
            return False

    def uploader(self, path: Path) -> Uploader:
        client = TusClient(f"http://127.0.0.1:{self.port}{COLLECTION}", {"Authorization": f"Bearer {TOKEN}"})
        return client.uploader(str(path), chunk_size=CHUNK)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(BODY)
    return path


def begun(bench: FetchHarness, body: bytes = BODY, **changes: Any) -> Session:
    session = Session(bench, body, **changes)
    until(session.listens)
    return session


def test_foreign_client_uploads_and_the_file_is_hashed(bench: FetchHarness, file: Path) -> None:
    session = begun(bench)
    session.uploader(file).upload()
    video = session.fetching.finish().video
    assert (video.size, video.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert Path(video.path).read_bytes() == BODY
    [found] = bench.found
    assert (found.type, found.filename, found.title, found.size) == ("Upload", "talk.mp4", "talk", len(BODY))


def test_foreign_client_resumes_after_a_broken_connection(bench: FetchHarness, file: Path) -> None:
    session = begun(bench)
    session.uploader(file).upload_chunk()
    broken = socket.create_connection(("127.0.0.1", session.port))
    head = f"PATCH {FILE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTus-Resumable: {VERSION}\r\n"
    head += (
        f"Upload-Offset: {CHUNK}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {CHUNK}\r\n\r\n"
    )
    broken.sendall(head.encode() + BODY[CHUNK : CHUNK + 1000])
    until(lambda: session.request("HEAD", FILE).headers["Upload-Offset"] == str(CHUNK + 1000))
    again = session.uploader(file)
    again.set_url(f"http://127.0.0.1:{session.port}{FILE}")
    again.offset = again.get_offset()
    assert again.offset == CHUNK + 1000
    again.upload()
    broken.close()
    assert session.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_file_can_be_read_while_it_arrives(bench: FetchHarness) -> None:
    session = begun(bench)
    session.patch(0, BODY[:CHUNK])
    video = session.fetching.sources().video
    assert (video.finished, video.size, video.container) == (False, len(BODY), "mp4")
    assert video.path.read_bytes() == BODY[:CHUNK]


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN[:-1]}", "Bearer é", f"Basic {TOKEN}"])
def test_client_without_the_token_reads_and_writes_nothing(bench: FetchHarness, authorization: str) -> None:
    session = begun(bench)
    for method, path in (("HEAD", FILE), ("PATCH", FILE), ("POST", COLLECTION)):
        refused = session.request(method, path, Authorization=authorization)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert refused.headers["Upload-Offset"] is None
    assert session.request("HEAD", FILE).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", COLLECTION, {"Upload_Length": str(len(BODY) + 1)}, 413),
        ("POST", COLLECTION, {"Upload_Length": "many"}, 400),
        ("HEAD", FILE, {"Tus_Resumable": "0.2.2"}, 412),
        ("HEAD", f"{COLLECTION}/other", {}, 404),
        ("PATCH", FILE, {"Upload_Offset": "0", "Content_Type": "text/plain"}, 415),
        ("PATCH", FILE, {"Upload_Offset": "-1", "Content_Type": "application/offset+octet-stream"}, 400),
        ("PATCH", FILE, {"Upload_Offset": "9", "Content_Type": "application/offset+octet-stream"}, 409),
    ],
)
def test_wrong_request_is_refused_and_the_upload_goes_on(
    bench: FetchHarness, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    session = begun(bench)
    assert session.request(method, path, **headers).status == status
    assert session.patch(0, BODY).status == 204
    assert session.fetching.finish().video.size == len(BODY)


def test_bytes_beyond_the_size_are_refused(bench: FetchHarness) -> None:
    session = begun(bench)
    assert session.patch(0, BODY + b"x").status == 413
    assert session.request("HEAD", FILE).headers["Upload-Offset"] == "0"


def test_responses_say_when_the_session_ends(bench: FetchHarness) -> None:
    session = begun(bench)
    created = session.request("POST", COLLECTION, Upload_Length=str(len(BODY)))
    assert (created.status, created.headers["Location"]) == (201, FILE)
    assert created.headers["Upload-Expires"].endswith("GMT")
    state = session.request("HEAD", FILE)
    assert (state.headers["Upload-Length"], state.headers["Cache-Control"]) == (str(len(BODY)), "no-store")


@pytest.mark.parametrize("where", ["spec", "client"])
def test_file_with_another_hash_is_refused(bench: FetchHarness, where: str) -> None:
    session = begun(bench, file={"sha256": "0" * 64} if where == "spec" else {})
    answer = session.patch(0, BODY, **({FILE_HASH: "1" * 64} if where == "client" else {}))
    assert (answer.status, b"ChecksumMismatch" in answer.read()) == (460, True)
    with pytest.raises(ImportFailure) as caught:
        session.fetching.finish()
    assert caught.value.reason is Reason.CHECKSUM_MISMATCH
    assert hashlib.sha256(BODY).hexdigest() in caught.value.message


def test_hash_that_the_client_announces_is_accepted(bench: FetchHarness) -> None:
    session = begun(bench)
    assert session.patch(0, BODY, **{FILE_HASH: hashlib.sha256(BODY).hexdigest()}).status == 204
    assert session.fetching.finish().video.size == len(BODY)


def test_file_that_is_no_video_ends_the_upload_early(bench: FetchHarness, tmp_path: Path) -> None:
    page = tmp_path / "talk.mp4"
    page.write_bytes(b"<!doctype html><html>" + bytes(4 * CHUNK))
    session = begun(bench, page.read_bytes())
    uploader = session.uploader(page)
    with pytest.raises((TusCommunicationError, OSError)):  # noqa: PT012 — any of the chunks may be the refused one
        while uploader.offset < uploader.get_file_size():
            uploader.upload_chunk()
            _wait_for_end(session)
    assert uploader.offset < uploader.get_file_size()
    with pytest.raises(ImportFailure) as caught:
        session.fetching.finish()
    assert caught.value.reason is Reason.NOT_VIDEO


def _wait_for_end(session: Session) -> None:
    with pytest.raises(ImportFailure):
        session.fetching.finish()


def test_file_above_the_limit_is_refused_before_its_first_byte(bench: FetchHarness) -> None:
    with pytest.raises(ImportFailure) as caught:
        Session(bench, max_bytes=1000).fetching.finish()
    assert caught.value.reason is Reason.SOURCE_TOO_LARGE


def test_idle_session_ends(bench: FetchHarness) -> None:
    with pytest.raises(ImportFailure) as caught:
        Session(bench, idle_seconds=1).fetching.finish()
    assert caught.value.reason is Reason.UPLOAD_IDLE


def test_new_run_continues_where_scratch_kept_the_bytes(bench: FetchHarness) -> None:
    first = begun(bench, outlives=True, idle_seconds=2)
    first.patch(0, BODY[:CHUNK])
    _wait_for_end(first)
    second = begun(bench, outlives=True)
    assert second.request("HEAD", FILE).headers["Upload-Offset"] == str(CHUNK)
    second.patch(CHUNK, BODY[CHUNK:])
    assert second.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()
