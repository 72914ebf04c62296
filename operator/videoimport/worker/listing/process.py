"""Entry point of the sandboxed listing process.

The process reads a request and questions from stdin, and writes answers to stdout. It can read the source's Secret, but
it has no access to the destination.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Protocol

from videoimport.worker.fetch import sandbox_setup as walls
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.memory_limit import LISTING_BYTES
from videoimport.worker.fetch.process_messages import Teller
from videoimport.worker.listing.process_messages import (
    Ask,
    Enough,
    ListEnd,
    ListEntry,
    ListRequest,
    Look,
    Looked,
    Passed,
)


class _List(Protocol):
    def entries(self) -> Iterator[ListEntry | Passed]:
        """Yield the entries after the cursor."""

    def look(self, keys: Sequence[str]) -> Iterator[Look]:
        """Read the first bytes of objects."""


class _Web:
    """A list whose entries are URLs. The content at the URLs is not read."""

    def __init__(self, entries: Iterator[ListEntry | Passed]) -> None:
        self._entries = entries

    def entries(self) -> Iterator[ListEntry | Passed]:
        return iter(self._entries)

    def look(self, keys: Sequence[str]) -> Iterator[Look]:
        return (Look(key=key) for key in keys)


def _list_of(around: Surroundings, request: ListRequest) -> _List:
    # Imported inside the function, because each module is slow to load and only one is needed.
    if request.source.s3:
        from videoimport.worker.listing.bucket import Bucket

        return Bucket(around, request)
    if request.source.manifest:
        from videoimport.worker.listing import manifest

        return _Web(manifest.entries(around, request))
    from videoimport.worker.listing import playlist

    return _Web(playlist.entries(around, request))


def _serve(around: Surroundings, request: ListRequest, teller: Teller) -> Looked:
    """Answer the questions on stdin until stdin ends. Raises ImportFailure."""
    found = _list_of(around, request)
    entries = found.entries()
    for line in sys.stdin:
        question = Ask.model_validate_json(line)
        if question.more is not None:
            _more(entries, question.more, teller)
        else:
            for look in found.look(question.look):
                teller.tell(look)
            teller.tell(Looked())
    return Looked()


def _more(entries: Iterator[ListEntry | Passed], wanted: int, teller: Teller) -> None:
    while wanted:
        entry = next(entries, None)
        if entry is None:
            teller.tell(ListEnd())
            return
        teller.tell(entry)
        wanted -= isinstance(entry, ListEntry)
    teller.tell(Enough())


def main() -> None:
    """Read the request, install the address guard and answer the questions."""
    text = walls.begin()
    if not text.strip():
        return
    teller = Teller()
    request = ListRequest.model_validate_json(text)
    teller.tell(walls.inside(request.fetch, teller, lambda around: _serve(around, request, teller), LISTING_BYTES))
    os._exit(0)  # does not wait for threads that wait for a server


if __name__ == "__main__":
    main()
