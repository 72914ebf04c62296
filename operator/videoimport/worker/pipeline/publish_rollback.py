"""Taking back what an intent showed, and no other import's or run's."""

from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import verified_fields as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.base import UID, Facts, Ticket, UnmetError
from videoimport.worker.storage.commit_record import Intent


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
        place.record.delete()


def abort(place: Place, intent: Intent) -> None:
    """Take back the uploads that are not visible."""
    for ticket in intent.tickets:
        place.store.abort(ticket.key, ticket.upload)


def remove(place: Place, ticket: Ticket, intent: Intent) -> None:
    """Remove what an intent showed at a key, and no other import's or run's."""
    remove_version(place, ticket.key, place.store.own(ticket, intent.marks))


def remove_version(place: Place, key: str, facts: Facts | None) -> None:
    """Remove an object, but for one that took its place after it was seen; None removes nothing."""
    if facts is None:
        return
    try:
        place.store.delete(key, facts)
    except UnmetError:
        log().warning("destination_object_changed", key=key)


def remove_result(place: Place, intent: Intent) -> None:
    """Remove the result.json that an intent has, and no other import's or run's."""
    remove_version(place, intent.result_key, own_result(place, intent))


def own_result(place: Place, intent: Intent) -> Facts | None:
    """Return result.json if it is this intent's. Without metadata, the import that it names is its mark."""
    ticket = verified.ticket_of(intent.result_key, intent.result.encode())
    if (own := place.store.own(ticket, intent.marks)) is not None:
        return own
    facts = place.store.head(intent.result_key)
    if facts is None or UID in facts.metadata or place.store.keeps():
        return None
    content = place.scope.read(intent.result_key)
    is_named = content is not None and verified.uid_of(content.body) == intent.report.uid
    is_same = is_named and content is not None and verified.is_same(content.body.decode(), intent.result)
    return facts if is_same else None
