"""A source that a client sends. The file grows in scratch while the bytes arrive, as a download does."""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack

from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch.content_check import refuse_no_file
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.partial_file import Landing, Mark
from videoimport.worker.fetch.process_messages import (
    Failed,
    Fetched,
    File,
    FileGrowing,
    Found,
    Hashed,
    SentFile,
    identity,
)
from videoimport.worker.fetch.tus_server import serving
from videoimport.worker.fetch.upload_receiver import Receiver
from videoimport.worker.runtime.errors import ImportFailure

_LOOK_SECONDS = 0.25


def fetch(around: Surroundings, upload: SentFile, listener: socket.socket, stack: ExitStack) -> Fetched:
    """Receive the file. Raises ImportFailure, with UPLOAD_IDLE for an idle session.

    After a success the server answers until ``stack`` ends, for a client that did not get the response to its last
    request.
    """
    around.limits.check(upload.file.size)
    with Landing(around.folder, outlives=around.request.outlives, is_pushed=True) as landing:
        start_over = _recover(around, upload, landing)
        around.teller.found(_found(upload))
        receiver = Receiver(upload, landing, checksum=around.request.checksum, start_over=start_over)
        stack.enter_context(serving(listener, receiver))
        threading.Thread(target=_await_refusal, args=(receiver,), daemon=True).start()
        try:
            return Fetched(video=_receive(around, receiver, landing))
        except ImportFailure as failure:
            receiver.refuse(failure)
            stack.close()  # each client has its response before the worker reads the failure and ends this process
            raise


def _await_refusal(receiver: Receiver) -> None:
    """Wait for a line of the worker, and refuse the upload with the failure in it. The worker sends no line if the
    import succeeds."""
    if line := sys.stdin.readline():
        receiver.refuse(Failed.model_validate_json(line).failure)


_SEVERAL = "several sessions"
"""Version of kept bytes that several sessions have sent. It equals no session."""


def _recover(around: Surroundings, upload: SentFile, landing: Landing) -> Callable[[], None] | None:
    """Continue the file that scratch kept. Bytes of another session are used only if the spec has the hash of the whole
    file. Return the function that drops them, or None if there are no such bytes."""
    file, session = upload.file, upload.token_sha256
    expected = file.sha256 or around.request.checksum
    source = identity("upload", file.filename, str(file.size), expected or "")

    def count_usable(mark: Mark) -> int:
        return mark.kept if expected or mark.version == session else 0

    def start_over() -> None:
        landing.start_over()
        landing.remember(source, session, file.size)

    mark = landing.recover(source, lambda done: around.teller.tell(Hashed(done=done)), count_usable)
    is_foreign = mark is not None and mark.version != session
    if mark is None or is_foreign:
        landing.remember(source, _SEVERAL if is_foreign else session, file.size)
    return start_over if is_foreign else None


def _found(upload: SentFile) -> Found:
    name, known = upload.file.filename, upload.file.sha256
    return Found(
        type="Upload",
        filename=name,
        title=name.rpartition(".")[0] or name,
        size=upload.file.size,
        identity=identity("sha256", known) if known else None,
    )


def _receive(around: Surroundings, receiver: Receiver, landing: Landing) -> File:
    enough, is_told = min(sniff.ENOUGH, receiver.size), False
    while True:
        if receiver.failure:
            raise receiver.failure
        is_checked = receiver.is_checked  # before the head is told, so that no file ends without a check of its head
        if not is_told and receiver.is_readable and receiver.offset >= enough:
            is_told = True
            _tell(around, receiver, landing)
        around.teller.moved(receiver.offset, receiver.size)
        if is_checked:  # and not only complete: the request with the last byte has the client's hash
            break
        _check_idle(receiver)
        receiver.wait(_LOOK_SECONDS)
    return landing.file(seekable=True)


def _tell(around: Surroundings, receiver: Receiver, landing: Landing) -> None:
    head = landing.head(min(sniff.ENOUGH, receiver.size))
    refuse_no_file(head)
    path = str(landing.path)
    container = sniff.container(head)
    around.teller.tell(FileGrowing(part="video", path=path, size=receiver.size, seekable=True, container=container))


def _check_idle(receiver: Receiver) -> None:
    limit = receiver.upload.idle_seconds
    if receiver.idle_seconds >= limit:
        message = f"No byte arrived for {limit} seconds; {receiver.offset} of {receiver.size} bytes are there."
        raise ImportFailure(Reason.UPLOAD_IDLE, message)
