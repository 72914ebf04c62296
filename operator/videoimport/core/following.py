"""What the running children of a bulk are told when it is cancelled, suspended or resumed."""

from videoimport.core.book import Book
from videoimport.core.children import cancellation, pause, removal
from videoimport.core.plan import Action


def following(book: Book) -> tuple[Action, ...]:
    """Children of removed items go. The others end, rest or go on as the bulk does; each is told once."""
    strays = {child.metadata.name for child in book.strays}
    others = [child for child in book.running.values() if child.metadata.name not in strays]
    if book.stopped:
        told = [cancellation(child) for child in others if not child.spec.cancel]
    else:
        rest = book.suspended
        told = [pause(child, suspend=rest) for child in others if child.spec.suspend != rest]
    return (*(removal(child) for child in book.strays), *told)
