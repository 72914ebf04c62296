"""What the running children of a bulk are told when it is cancelled, suspended, resumed or given up."""

from collections.abc import Iterator

from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_manifests import cancellation, pause, removal
from videoimport.core.bulk.snapshot import Book
from videoimport.core.lifecycle import under_way
from videoimport.core.plan import Action


def following(book: Book) -> tuple[Action, ...]:
    """Children of removed items go. The others end, rest or go on as the bulk does; each is told once."""
    unwanted = (*book.strays, *_waiting_in_vain(book))
    leaving = {child.metadata.name for child in unwanted}
    others = [child for child in book.running.values() if child.metadata.name not in leaving]
    if book.stopped:
        told = [cancellation(child) for child in others if not child.spec.cancel]
    else:
        rest = book.suspended
        told = [pause(child, suspend=rest) for child in others if child.spec.suspend != rest]
    return (*(removal(child) for child in unwanted), *told)


def _waiting_in_vain(book: Book) -> Iterator[VideoImport]:
    """Once too many have failed nothing more begins. They go, and are not cancelled: that would count as failures, and
    a raised bound makes them anew."""
    if not book.hopeless or book.stopped or book.suspended:
        return
    strays = {child.metadata.name for child in book.strays}
    for child in book.running.values():
        if child.metadata.name not in strays and not under_way(child.status):
            yield child
