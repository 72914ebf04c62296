"""A file that a client sends: tus clients that we did not write, broken connections, refusals and the idle end."""

import contextlib
import hashlib
import http.client
import select
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from tusclient.exceptions import TusCommunicationError

from support.waiting import until
from support.worker.fetch_harness import FetchHarness
from support.worker.upload_harness import BODY, CHUNK, OTHER_TOKEN, TOKEN, Session, begun
from support.worker.upload_tasks import PersistentClient
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.tus_server import COLLECTION, FILE, FILE_HASH, VERSION
from videoimport.worker.fetch.upload_connections import MOST_CONNECTIONS, MOST_UNPROVEN
from videoimport.worker.runtime.errors import ImportFailure

OTHER_BODY = BODY[:12] + bytes(reversed(range(256))) * 4096


def hash_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


HASH_FIELDS: list[dict[str, Any]] = [{"file": {"sha256": hash_of(BODY)}}, {"checksum": hash_of(BODY)}]
"""The fields of the spec that may have the hash of the file."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(BODY)
    return path


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
    broken = session.open_patch(CHUNK, CHUNK)
    broken.sendall(BODY[CHUNK : CHUNK + 1000])
    until(lambda: session.offset == CHUNK + 1000)
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


@pytest.mark.parametrize("where", ["spec", "client", "checksum"])
def test_file_with_another_hash_is_refused(bench: FetchHarness, where: str) -> None:
    checksum = {"checksum": "2" * 64} if where == "checksum" else {}
    session = begun(bench, file={"sha256": "0" * 64} if where == "spec" else {}, **checksum)
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


def read_status(connection: socket.socket) -> int:
    """The status of the next response on a connection."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def test_second_writer_ends_a_first_one_that_still_sends(bench: FetchHarness) -> None:
    session = begun(bench)
    first = session.open_patch(0, len(BODY))
    first.sendall(BODY[:1000])
    until(lambda: session.offset == 1000)
    assert session.patch(1000, BODY[1000:]).status == 204
    first.close()
    assert session.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_bytes_that_a_replaced_writer_has_sent_are_not_kept(bench: FetchHarness) -> None:
    session = begun(bench)
    first = session.open_patch(0, len(BODY))
    first.sendall(BODY[:1000])
    until(lambda: session.offset == 1000)
    second = session.open_patch(1000, 500)
    second.sendall(BODY[1000:1500])
    assert read_status(second) == 204
    with pytest.raises(OSError):  # noqa: PT011, PT012 — the system names a reset or a broken pipe
        while True:
            first.sendall(b"x" * CHUNK)
    assert session.offset == 1500


def test_several_clients_of_one_session_leave_one_whole_file(bench: FetchHarness) -> None:
    session = begun(bench)
    with contextlib.ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(PersistentClient(BODY, TOKEN, session.port).sending())
        assert session.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_many_connections_leave_room_for_the_client(bench: FetchHarness) -> None:
    session = begun(bench)
    writer = session.open_patch(0, len(BODY))
    writer.sendall(BODY[:1000])
    until(lambda: session.offset == 1000)
    others = [socket.create_connection(("127.0.0.1", session.port), timeout=60) for _ in range(3 * MOST_UNPROVEN)]
    assert session.offset == 1000
    closed = [other for other in others if select.select([other], [], [], 0)[0]]
    assert len(closed) >= len(others) - MOST_UNPROVEN
    writer.sendall(BODY[1000:])
    assert read_status(writer) == 204
    assert session.fetching.finish().video.size == len(BODY)
    for other in others:
        other.close()


@pytest.mark.parametrize(
    "head", [b"GET /" + b"x" * 2**14, b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 1000 + b"\r\n") * 17]
)
def test_large_head_is_refused_before_its_end(bench: FetchHarness, head: bytes) -> None:
    """A client without the token cannot fill the memory of the process."""
    session = begun(bench)
    with socket.create_connection(("127.0.0.1", session.port), timeout=20) as endless:
        endless.sendall(head)
        assert read_status(endless) == 431
    session.patch(0, BODY)
    assert session.fetching.finish().video.size == len(BODY)


def test_each_request_of_a_connection_may_have_a_head_of_its_own(bench: FetchHarness) -> None:
    session = begun(bench)
    client = http.client.HTTPConnection("127.0.0.1", session.port, timeout=20)
    with contextlib.closing(client):
        for _ in range(3):
            client.request("OPTIONS", COLLECTION, headers={"X-Long": "x" * 10_000})
            response = client.getresponse()
            assert (response.status, response.read()) == (204, b"")


def test_connection_with_the_token_outlives_a_flood_without_it(bench: FetchHarness) -> None:
    """The client is between two requests, so its connection neither writes nor waits for a response."""
    session = begun(bench)
    client = http.client.HTTPConnection("127.0.0.1", session.port, timeout=60)
    usual = {"Authorization": f"Bearer {TOKEN}", "Tus-Resumable": VERSION}
    client.request("HEAD", FILE, headers=usual)
    client.getresponse().read()
    connected, address = client.sock, ("127.0.0.1", session.port)
    with contextlib.ExitStack() as flood:
        for _ in range(3 * MOST_UNPROVEN):
            flood.enter_context(socket.create_connection(address, timeout=60))
        until(session.listens)
        client.request("HEAD", FILE, headers=usual)
        assert client.getresponse().status == 200
        assert client.sock is connected
    client.close()


def test_client_that_needs_a_moment_gets_through_a_flood(bench: FetchHarness) -> None:
    """Others open a connection each millisecond. The client connects, and shows its token 0.1 s later. The command
    compares the pod in between."""
    session = begun(bench)
    address, over, flood = ("127.0.0.1", session.port), threading.Event(), list[socket.socket]()

    def open_many() -> None:
        while not over.wait(0.001):
            with contextlib.suppress(OSError):
                flood.append(socket.create_connection(address, timeout=60))

    flooding = threading.Thread(target=open_many)
    flooding.start()
    try:
        until(lambda: len(flood) > 2 * MOST_UNPROVEN)
        until(lambda: is_served_after(address, 0.1))
    finally:
        over.set()
        flooding.join()
        for one in flood:
            one.close()


def is_served_after(address: tuple[str, int], seconds: float) -> bool:
    """Whether a client that connects and shows its token later gets a response."""
    client = http.client.HTTPConnection(*address, timeout=60)
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        client.connect()
        threading.Event().wait(seconds)
        client.request("HEAD", FILE, headers={"Authorization": f"Bearer {TOKEN}", "Tus-Resumable": VERSION})
        return client.getresponse().status == 200
    return False


def test_client_with_too_many_connections_loses_its_oldest(bench: FetchHarness) -> None:
    session = begun(bench)
    with contextlib.ExitStack() as opened:
        own = [opened.enter_context(session.connect(f"HEAD {FILE}")) for _ in range(MOST_CONNECTIONS)]
        assert [read_status(one) for one in own] == [200] * MOST_CONNECTIONS
        assert read_status(opened.enter_context(session.connect(f"HEAD {FILE}"))) == 200
        closed = [one for one in own if select.select([one], [], [], 0)[0]]
        assert len(closed) == 1


def test_head_of_a_request_has_a_limit(bench: FetchHarness) -> None:
    session = begun(bench)
    with session.connect(f"POST {COLLECTION}", Upload_Metadata="a" * 100_000) as long:
        assert read_status(long) == 431
    with session.connect(f"POST {COLLECTION}", **{f"X_{number}": "1" for number in range(200)}) as many:
        assert read_status(many) == 431
    assert session.offset == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Transfer_Encoding": "chunked", "Content_Length": "5"},
        {"Transfer_Encoding": "chunked"},
        {"Content_Length": "5", "content_length": "0"},
    ],
)
def test_request_of_ambiguous_length_is_refused(bench: FetchHarness, headers: dict[str, str]) -> None:
    session = begun(bench)
    kind = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    with session.connect(f"PATCH {FILE}", **kind, **headers) as connection:
        assert read_status(connection) == 400
        assert connection.recv(1) == b""
    assert session.offset == 0


@pytest.mark.parametrize("head", [f"HEAD {FILE}", f"OPTIONS {COLLECTION}", f"DELETE {FILE}"])
def test_body_of_a_request_without_use_is_no_request(bench: FetchHarness, head: str) -> None:
    session = begun(bench)
    inner = (
        f"PATCH {FILE} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nTus-Resumable: {VERSION}\r\nUpload-Offset: 0\r\n"
    )
    inner += "Content-Type: application/offset+octet-stream\r\nContent-Length: 4\r\n\r\nabcd"
    with session.connect(head, Content_Length=str(len(inner))) as connection:
        connection.sendall(inner.encode())
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert received.count(b"HTTP/1.1") == 1
    assert session.offset == 0


def test_client_that_asks_first_gets_the_refusal_before_it_sends(bench: FetchHarness) -> None:
    session = begun(bench)
    with session.open_patch(7, 5, Expect="100-continue") as asked:
        assert read_status(asked) == 409
    with session.open_patch(0, len(BODY), Expect="100-continue") as asked:
        assert asked.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        asked.sendall(BODY)
        assert read_status(asked) == 204


def test_method_can_be_overridden(bench: FetchHarness) -> None:
    session = begun(bench)
    assert session.request("GET", FILE, X_HTTP_Method_Override="HEAD").headers["Upload-Length"] == str(len(BODY))
    kind = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    assert session.request("POST", FILE, BODY, X_HTTP_Method_Override="PATCH", **kind).status == 204
    assert session.fetching.finish().video.size == len(BODY)


def test_other_version_is_told_the_right_one(bench: FetchHarness) -> None:
    session = begun(bench)
    assert session.request("HEAD", FILE, Tus_Resumable="2.0.0").headers["Tus-Version"] == VERSION


def test_creation_may_have_metadata(bench: FetchHarness) -> None:
    session = begun(bench)
    metadata = {"Upload_Length": str(len(BODY)), "Upload_Metadata": "filename dGFsay5tcDQ=,relativePath bnVsbA=="}
    assert session.request("POST", COLLECTION, **metadata).status == 201
    assert session.request("POST", COLLECTION, Upload_Defer_Length="1").status == 400


def test_empty_patch_tells_the_offset(bench: FetchHarness) -> None:
    session = begun(bench)
    session.patch(0, BODY[:CHUNK])
    empty = session.patch(CHUNK, b"")
    assert (empty.status, empty.headers["Upload-Offset"]) == (204, str(CHUNK))


def test_connection_that_breaks_before_the_last_byte_leaves_one_byte(bench: FetchHarness) -> None:
    session = begun(bench)
    with session.open_patch(0, len(BODY)) as broken:
        broken.sendall(BODY[:-1])
    until(lambda: session.offset == len(BODY) - 1)
    assert session.patch(len(BODY) - 1, BODY[-1:]).status == 204
    assert session.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_client_that_missed_the_last_response_asks_for_the_offset(bench: FetchHarness) -> None:
    session = begun(bench)
    with session.open_patch(0, len(BODY)) as broken:
        broken.sendall(BODY)
    assert session.fetching.finish().video.size == len(BODY)
    assert session.offset == len(BODY)
    assert session.patch(len(BODY), b"").status == 204
    assert session.patch(0, BODY).status == 409


def test_refused_client_gets_the_reason_although_it_still_sends(bench: FetchHarness) -> None:
    size = 2**30
    session = begun(bench, bytes(32), file={"size": size})
    with session.open_patch(0, size) as connection:
        connection.sendall(page := b"<!doctype html><html>")
        sent = len(page)
        while sent < size - 2**16 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(bytes(2**16))
            sent += 2**16
        for _ in range(64):  # the response lies there, and a client that does not look sends on
            connection.sendall(bytes(2**16))
        assert read_status(connection) == 422
    with pytest.raises(ImportFailure) as caught:
        session.fetching.finish()
    assert caught.value.reason is Reason.NOT_VIDEO


def test_client_that_stalls_is_told_that_the_session_ended(bench: FetchHarness) -> None:
    session = begun(bench, idle_seconds=1)
    with session.open_patch(0, len(BODY)) as stalled:
        stalled.sendall(BODY[:1000])
        assert read_status(stalled) == 422
    with pytest.raises(ImportFailure) as caught:
        session.fetching.finish()
    assert caught.value.reason is Reason.UPLOAD_IDLE


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


def test_other_session_continues_no_bytes_without_a_hash(bench: FetchHarness) -> None:
    """Its client may have another file of the same name and size, and no hash would show the mixture."""
    first = begun(bench, outlives=True, idle_seconds=2)
    first.patch(0, BODY[:CHUNK])
    _wait_for_end(first)
    second = begun(bench, outlives=True, token=OTHER_TOKEN)
    assert second.request("POST", COLLECTION, Upload_Length=str(len(OTHER_BODY))).status == 201
    assert second.offset == 0
    assert second.patch(0, OTHER_BODY[:CHUNK]).status == 204
    assert second.patch(CHUNK, OTHER_BODY[CHUNK:], Upload_File_SHA256=hash_of(OTHER_BODY)).status == 204
    assert second.fetching.finish().video.sha256 == hash_of(OTHER_BODY)


def test_other_session_sends_a_whole_file_again_without_a_hash(bench: FetchHarness) -> None:
    first = begun(bench, outlives=True)
    first.patch(0, BODY)
    assert first.fetching.finish().video.size == len(BODY)
    second = begun(bench, outlives=True, token=OTHER_TOKEN)
    assert second.offset == 0
    assert second.patch(0, OTHER_BODY).status == 204
    assert second.fetching.finish().video.sha256 == hash_of(OTHER_BODY)


def keep_part(bench: FetchHarness, body: bytes, **changes: Any) -> None:
    """Let a session send the first bytes and go idle."""
    session = begun(bench, outlives=True, idle_seconds=2, **changes)
    session.patch(0, body[:CHUNK])
    _wait_for_end(session)


@pytest.mark.parametrize("named", HASH_FIELDS)
def test_other_session_continues_the_bytes_that_a_hash_proves(bench: FetchHarness, named: dict[str, Any]) -> None:
    keep_part(bench, BODY, **named)
    second = begun(bench, outlives=True, token=OTHER_TOKEN, **named)
    assert second.offset == CHUNK
    assert second.patch(CHUNK, BODY[CHUNK:]).status == 204
    assert second.fetching.finish().video.sha256 == hash_of(BODY)
    assert second.fetching.restarts == 0


@pytest.mark.parametrize("named", HASH_FIELDS)
@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
def test_wrong_bytes_of_another_session_are_sent_again(bench: FetchHarness, named: dict[str, Any], token: str) -> None:
    """The third worker still knows that another session sent the first bytes or the next ones."""
    keep_part(bench, OTHER_BODY, **named)
    second = begun(bench, outlives=True, token=OTHER_TOKEN, idle_seconds=2, **named)
    second.patch(CHUNK, BODY[CHUNK:-CHUNK])
    _wait_for_end(second)
    third = begun(bench, outlives=True, token=token, **named)
    offset = third.offset
    assert offset == len(BODY) - CHUNK
    assert third.patch(offset, BODY[offset:], Upload_File_SHA256=hash_of(BODY)).status == 409
    assert third.offset == 0
    assert third.patch(0, BODY, Upload_File_SHA256=hash_of(BODY)).status == 204
    assert third.fetching.finish().video.sha256 == hash_of(BODY)


def test_file_starts_again_only_once(bench: FetchHarness) -> None:
    named = HASH_FIELDS[0]
    keep_part(bench, BODY, **named)
    second = begun(bench, outlives=True, token=OTHER_TOKEN, **named)
    assert second.patch(CHUNK, OTHER_BODY[CHUNK:]).status == 409
    assert second.patch(0, OTHER_BODY).status == 460
    with pytest.raises(ImportFailure) as caught:
        second.fetching.finish()
    assert caught.value.reason is Reason.CHECKSUM_MISMATCH


def test_no_reader_gets_bytes_of_another_session_before_the_hash(bench: FetchHarness) -> None:
    """The first session may have sent a page, which would refuse the right file."""
    named, page = HASH_FIELDS[0], b"<!doctype html>".ljust(len(BODY))
    keep_part(bench, page, **named)
    second = begun(bench, outlives=True, token=OTHER_TOKEN, **named)
    if second.offset:
        assert second.patch(second.offset, BODY[second.offset :]).status == 409
    assert second.patch(0, BODY).status == 204
    assert second.fetching.finish().video.sha256 == hash_of(BODY)


def test_whole_file_with_the_hash_of_the_spec_needs_no_client(bench: FetchHarness) -> None:
    named = HASH_FIELDS[0]
    first = begun(bench, outlives=True, **named)
    first.patch(0, BODY)
    assert first.fetching.finish().video.size == len(BODY)
    second = Session(bench, outlives=True, token=OTHER_TOKEN, idle_seconds=5, **named)
    assert second.fetching.finish().video.sha256 == hash_of(BODY)


def test_whole_file_is_kept_for_every_later_run_of_its_session(bench: FetchHarness) -> None:
    begun(bench, outlives=True).patch(0, BODY)
    for _ in range(2):
        later = Session(bench, outlives=True, idle_seconds=5)
        assert later.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_new_run_needs_no_client_where_scratch_kept_the_whole_file(bench: FetchHarness) -> None:
    first = begun(bench, outlives=True)
    first.patch(0, BODY)
    assert first.fetching.finish().video.size == len(BODY)
    second = Session(bench, outlives=True)
    assert second.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()
