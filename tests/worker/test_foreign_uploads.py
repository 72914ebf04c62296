"""tus clients that we did not write send a file to the worker, are interrupted, and continue."""

import hashlib
from pathlib import Path

import pytest
from tusclient.client import TusClient

from support.waiting import LONGEST_SECONDS, until
from support.worker import tus_js_client
from support.worker.cutting_proxy import CuttingProxy
from support.worker.fetch_harness import FetchHarness
from support.worker.upload_harness import BODY, CHUNK, TOKEN, Session, begun
from videoimport.worker.fetch.tus_server import COLLECTION

CUTS = (CHUNK // 2, 2 * CHUNK)
"""Bytes after which a connection breaks: within a chunk, and later again."""
WHOLE = len(BODY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(BODY)
    return path


def arrived(session: Session) -> bool:
    return session.fetching.finish().video.sha256 == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("chunk_size", [CHUNK, WHOLE], ids=["chunks", "whole"])
def test_tuspy_continues_after_broken_connections(bench: FetchHarness, file: Path, chunk_size: int) -> None:
    session = begun(bench)
    with CuttingProxy(f"127.0.0.1:{session.port}", CUTS) as proxy:
        client = TusClient(proxy.endpoint + COLLECTION, {"Authorization": f"Bearer {TOKEN}"})
        uploader = client.uploader(str(file), chunk_size=chunk_size, retries=20, retry_delay=0)
        uploader.upload()
        assert proxy.cuts_left == 0
    assert arrived(session)


@pytest.mark.parametrize("chunk_size", [CHUNK, WHOLE], ids=["chunks", "whole"])
def test_tus_js_client_continues_after_broken_connections(
    bench: FetchHarness, file: Path, tmp_path: Path, chunk_size: int
) -> None:
    session = begun(bench)
    with CuttingProxy(f"127.0.0.1:{session.port}", CUTS) as proxy:
        client = tus_js_client.start(proxy.endpoint + COLLECTION, TOKEN, file, tmp_path / "notes.json", chunk_size)
        out, log = client.communicate(timeout=LONGEST_SECONDS)
        assert (client.returncode, out) == (0, "sent\n"), log
        assert proxy.cuts_left == 0
    assert arrived(session)


def test_tus_js_client_continues_after_it_was_killed(bench: FetchHarness, file: Path, tmp_path: Path) -> None:
    session, notes = begun(bench), tmp_path / "notes.json"
    with CuttingProxy(f"127.0.0.1:{session.port}", (WHOLE // 2,), holds=True) as proxy:
        killed = tus_js_client.start(proxy.endpoint + COLLECTION, TOKEN, file, notes, WHOLE)
        assert proxy.is_holding.wait(LONGEST_SECONDS)
        until(lambda: session.offset > 0)
        killed.kill()
        killed.communicate()
    again = tus_js_client.start(f"http://127.0.0.1:{session.port}{COLLECTION}", TOKEN, file, notes, WHOLE)
    out, log = again.communicate(timeout=LONGEST_SECONDS)
    assert (again.returncode, out) == (0, "continues\nsent\n"), log
    assert arrived(session)


def test_tuspy_continues_with_another_process_of_the_client(bench: FetchHarness, file: Path) -> None:
    session = begun(bench)
    session.uploader(file).upload_chunk()
    again = session.uploader(file)
    again.set_url(f"http://127.0.0.1:{session.port}/files/upload")
    again.offset = again.get_offset()
    assert again.offset == CHUNK
    again.upload()
    assert arrived(session)


def test_tus_js_client_with_a_wrong_token_is_refused(bench: FetchHarness, file: Path, tmp_path: Path) -> None:
    session = begun(bench)
    endpoint = f"http://127.0.0.1:{session.port}{COLLECTION}"
    client = tus_js_client.start(endpoint, "another token", file, tmp_path / "notes.json", CHUNK)
    _, log = client.communicate(timeout=LONGEST_SECONDS)
    assert (client.returncode, "response code: 401" in log) == (1, True), log
    assert session.offset == 0
