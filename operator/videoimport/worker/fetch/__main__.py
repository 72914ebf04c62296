"""The fetching process: request and go-ahead on stdin, events on stdout, the source's bytes into a folder; no more."""

import os

from videoimport.api.reasons import Reason
from videoimport.worker.fetch import sandboxed_process as walls
from videoimport.worker.fetch import volume_source as mounted
from videoimport.worker.fetch import web_source as web
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.memory_limit import FETCH_BYTES
from videoimport.worker.fetch.protocol import Fetched, Request, Teller
from videoimport.worker.runtime.errors import ImportFailure


def fetch(around: Surroundings) -> Fetched:
    """Whatever the source is. Raises ImportFailure."""
    request = around.request
    fetched = _fetched(around)
    if request.checksum and fetched.video.sha256 != request.checksum:
        found, wanted = fetched.video.sha256, request.checksum
        message = f"The SHA-256 of the source is {found}, and source.checksum is {wanted}."
        raise ImportFailure(Reason.CHECKSUM_MISMATCH, message)
    return fetched


def _fetched(around: Surroundings) -> Fetched:
    request = around.request
    if request.stored:
        # Imported only here: boto3 takes longer than a plain file's first byte.
        from videoimport.worker.fetch import s3_source as stored

        return stored.fetch(around, request.stored)
    if request.mounted and request.volume:
        return mounted.fetch(around, request.volume, request.mounted)
    return web.fetch(around, request.url or "")


def main() -> None:
    """Read the request, install the guard, fetch, report how it ended."""
    text = walls.begin()
    if not text.strip():
        return  # nothing is to be fetched after all
    teller = Teller()
    teller.tell(walls.inside(Request.model_validate_json(text), teller, fetch, FETCH_BYTES))
    os._exit(0)  # no thread that waits for a server holds it up


if __name__ == "__main__":
    main()
