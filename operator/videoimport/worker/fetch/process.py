"""Entry point of the fetching process.

The process reads a request from stdin, and later the line that allows the download. It writes events to stdout. The
source's bytes go to a folder.
"""

import os
import select
import socket
import sys
from contextlib import ExitStack
from functools import partial

from videoimport.api.reasons import Reason
from videoimport.worker.fetch import sandbox_setup as walls
from videoimport.worker.fetch import volume_source as mounted
from videoimport.worker.fetch import web_source as web
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.memory_limit import FETCH_BYTES
from videoimport.worker.fetch.process_messages import Fetched, Request, Teller
from videoimport.worker.runtime.errors import ImportFailure

_LATE_SECONDS = 60.0
"""Maximum number of seconds in which a client may ask for the response that it did not get."""


def fetch(around: Surroundings, stack: ExitStack, listener: socket.socket | None = None) -> Fetched:
    """Fetch the source of the request and check its SHA-256, if one is given. Raises ImportFailure.

    ``listener`` is the socket for a file that a client sends. ``stack`` ends the server of this socket.
    """
    request = around.request
    fetched = _fetched(around, stack, listener)
    if request.checksum and fetched.video.sha256 != request.checksum:
        found, wanted = fetched.video.sha256, request.checksum
        message = f"The SHA-256 of the source is {found}, and source.checksum is {wanted}."
        raise ImportFailure(Reason.CHECKSUM_MISMATCH, message)
    return fetched


def _fetched(around: Surroundings, stack: ExitStack, listener: socket.socket | None) -> Fetched:
    request = around.request
    if request.stored:
        # Imported inside the function, because importing boto3 takes longer than the first byte of a plain file.
        from videoimport.worker.fetch import s3_source as stored

        return stored.fetch(around, request.stored)
    if request.sent and listener:
        from videoimport.worker.fetch import upload_source as sent

        return sent.fetch(around, request.sent, listener, stack)
    if request.mounted and request.volume:
        return mounted.fetch(around, request.volume, request.mounted)
    return web.fetch(around, request.url or "")


def main() -> None:
    """Read the request, install the address guard, fetch the source and report the result."""
    text = walls.begin()
    if not text.strip():
        return  # the worker sent no request
    teller = Teller()
    request = Request.model_validate_json(text)
    # The address guard refuses every bind, so the port is bound before.
    listener = socket.create_server(("127.0.0.1", request.sent.port)) if request.sent else None
    with ExitStack() as stack:
        result = walls.inside(request, teller, partial(fetch, stack=stack, listener=listener), FETCH_BYTES)
        teller.tell(result)
        if listener and isinstance(result, Fetched):
            select.select([sys.stdin], [], [], _LATE_SECONDS)  # until the worker closes its end
    os._exit(0)  # does not wait for threads that wait for a server


if __name__ == "__main__":
    main()
