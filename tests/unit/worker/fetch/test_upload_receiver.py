"""The received bytes of an upload: who may write, and what follows a failed write."""

import errno
import hashlib
import os
import resource
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import SentFile
from videoimport.worker.fetch.upload_receiver import BusyError, OffsetConflictError, Receiver
from videoimport.worker.runtime.errors import ImportFailure

TOKEN = "a token"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    file = {"filename": "talk.mp4", "size": 2000}
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    with Landing(tmp_path) as landing:
        yield Receiver(SentFile(file=file, token_sha256=digest, idle_seconds=60, port=1), landing)


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    near, far = socket.socketpair()
    with near, far:
        yield near


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Let the system refuse the part of a write beyond ``size`` bytes of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_failed_write_ends_the_upload(receiver: Receiver, connection: socket.socket):
    """A part of the bytes may be in the file, so a client that continued at the old offset would damage it."""
    with receiver.writing(connection, 0):
        receiver.keep(bytes(600))
        with limited_files(1000), pytest.raises(ImportFailure) as caught:
            receiver.keep(bytes(600))
        assert caught.value.reason is Reason.INTERNAL
        with pytest.raises(ImportFailure):
            receiver.keep(bytes(600))
    assert (receiver.offset, receiver.failure) == (600, caught.value)


def test_offset_is_the_number_of_received_bytes(receiver: Receiver, connection: socket.socket):
    with receiver.writing(connection, 0):
        receiver.keep(bytes(10))
    with pytest.raises(OffsetConflictError), receiver.writing(connection, 9):
        pass
    with receiver.writing(connection, 10):
        assert receiver.is_writer(connection)
    assert not receiver.is_writer(connection)


def test_refused_upload_takes_no_bytes(receiver: Receiver, connection: socket.socket):
    with receiver.writing(connection, 0) as stop:
        assert not select.select([stop], [], [], 0)[0]
        receiver.refuse(ImportFailure(Reason.NOT_VIDEO, "It is a picture."))
        assert select.select([stop], [], [], 0)[0] == [stop]
        with pytest.raises(ImportFailure):
            receiver.keep(bytes(10))
    assert receiver.offset == 0


def test_writer_that_another_connection_replaces_takes_no_bytes(receiver: Receiver, connection: socket.socket):
    with receiver.writing(connection, 0):
        receiver._end_writer()
        with pytest.raises(BusyError):
            receiver.keep(bytes(10))


@pytest.mark.parametrize(("token", "accepted"), [(TOKEN, True), ("", False), ("a token ", False), ("\udc80", False)])
def test_only_the_token_of_the_session_is_accepted(receiver: Receiver, token: str, accepted: bool):
    assert receiver.accepts(token) is accepted


@contextmanager
def kept_file(folder: Path) -> Iterator[tuple[Landing, Receiver]]:
    """The receiver of a run whose scratch outlives it."""
    file = SentFile(
        file={"filename": "talk.mp4", "size": 2000}, token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        idle_seconds=60, port=1,
    )  # fmt: skip
    with Landing(folder, outlives=True, is_pushed=True) as landing:
        if landing.recover("source", lambda _: None, lambda mark: mark.kept) is None:
            landing.remember("source", "1", 2000)
        yield landing, Receiver(file, landing)


def test_whole_file_is_not_checked_before_its_hashes_are_compared(tmp_path: Path, connection: socket.socket):
    with kept_file(tmp_path) as (_, receiver):
        with receiver.writing(connection, 0):
            receiver.keep(bytes(2000))
            assert (receiver.is_complete, receiver.is_checked) == (True, False)
            receiver.check_hashes(hashlib.sha256(bytes(2000)).hexdigest())
        assert receiver.is_checked


def test_later_run_asks_for_the_last_byte_of_a_file_that_was_not_checked(tmp_path: Path, connection: socket.socket):
    """The run was killed between the last byte and the comparison. The client sends its hash again with that byte."""
    with kept_file(tmp_path) as (_, receiver), receiver.writing(connection, 0):
        receiver.keep(bytes(2000))
    with kept_file(tmp_path) as (_, receiver):
        assert (receiver.offset, receiver.is_checked) == (1999, False)
        with receiver.writing(connection, 1999):
            receiver.keep(bytes(1))
            receiver.check_hashes(hashlib.sha256(bytes(2000)).hexdigest())
    with kept_file(tmp_path) as (_, receiver):
        assert (receiver.offset, receiver.is_checked) == (2000, True)


def test_later_run_uses_no_byte_of_a_file_with_another_hash(tmp_path: Path, connection: socket.socket):
    with kept_file(tmp_path) as (_, receiver):
        with receiver.writing(connection, 0):
            receiver.keep(bytes(2000))
            with pytest.raises(ImportFailure) as caught:
                receiver.check_hashes("0" * 64)
        assert (caught.value.reason, receiver.is_checked) == (Reason.CHECKSUM_MISMATCH, False)
    with kept_file(tmp_path) as (_, receiver):
        assert receiver.offset == 0


def test_disk_that_does_not_keep_the_file_ends_the_upload(
    tmp_path: Path, connection: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "the disk fails")

    with kept_file(tmp_path) as (_, receiver), receiver.writing(connection, 0):
        receiver.keep(bytes(2000))
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fail)
            with pytest.raises(ImportFailure) as caught:
                receiver.check_hashes(None)
    assert (receiver.failure, receiver.is_checked) == (caught.value, False)


def test_request_after_the_end_gets_its_answer(tmp_path: Path, connection: socket.socket):
    with kept_file(tmp_path) as (_, receiver), receiver.writing(connection, 0):
        receiver.keep(bytes(2000))
        receiver.check_hashes(None)
    receiver.check_hashes(hashlib.sha256(bytes(2000)).hexdigest())
    assert receiver.is_checked
