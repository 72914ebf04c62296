"""Taking back what an intent showed, and no other import's or run's."""

from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.worker import verified
from videoimport.worker.destination import UID, Ticket
from videoimport.worker.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.preflight import Place
from videoimport.worker.record import Intent


def is_hopeless(error: BaseException, *, is_overwritten: bool) -> bool:
    """Whether no later run can show what was sent: the destination lost it or refuses it, or another import's file
    stands in its place. A destination that does not answer may still take it, and one that refuses may once it is
    mended: that is waited for where files of an earlier result are overwritten already."""
    if isinstance(error, DestinationFault):
        return error.remedy is Remedy.RESEND or (error.remedy is Remedy.NONE and not is_overwritten)
    return isinstance(error, ImportFailure) and error.reason is Reason.DESTINATION_EXISTS


def take_back(place: Place, intent: Intent) -> None:
    """Undo an earlier run's intent: nothing that it sent or showed stays, and no word of it.

    An object without its marks stays: the intent alone does not prove whose that is.
    """
    abort(place, intent)
    for ticket in intent.tickets:
        with suppress(ImportFailure):
            remove(place, ticket, intent)
    with suppress(ImportFailure):
        remove_result(place, intent)
    with suppress(ImportFailure):
        place.store.delete(place.record_key)


def abort(place: Place, intent: Intent) -> None:
    """Take back the uploads that are not visible."""
    for ticket in intent.tickets:
        place.store.abort(ticket.key, ticket.upload)


def remove(place: Place, ticket: Ticket, intent: Intent) -> None:
    """Remove what an intent showed at a key, and no other import's or run's."""
    if place.store.is_ours(ticket, intent.marks):
        place.store.delete(ticket.key)


def remove_result(place: Place, intent: Intent) -> None:
    """Remove the result.json that an intent has, and no other import's or run's."""
    if is_own_result(place, intent):
        place.store.delete(intent.result_key)


def is_own_result(place: Place, intent: Intent) -> bool:
    """Whether result.json is this intent's. Where the store keeps no metadata, the import that it names is its mark."""
    ticket = verified.ticket_of(intent.result_key, intent.result.encode())
    if place.store.is_ours(ticket, intent.marks):
        return True
    facts = place.store.head(intent.result_key)
    if facts is None or UID in facts.metadata or place.store.keeps():
        return False
    content = place.scope.read(intent.result_key)
    is_named = content is not None and verified.uid_of(content.body) == intent.report.uid
    return is_named and content is not None and verified.is_same(content.body.decode(), intent.result)
