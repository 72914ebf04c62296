"""Removal of the objects that an earlier publication made visible. Objects of other imports or runs are not removed."""

from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import verified_fields as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.base import UID, Facts, Ticket, UnmetError
from videoimport.worker.storage.commit_record import Intent


def is_hopeless(error: BaseException, *, is_overwritten: bool) -> bool:
    """Return whether no later run can complete a publication. The result is True if the destination lost or refuses
    a file, or if another import's file is at a key. A destination that does not answer may accept the file later. A
    destination that refuses a file may accept the file after a repair of the destination. The import waits for such
    a repair only if files of an earlier result are already overwritten."""
    if isinstance(error, DestinationFault):
        return error.remedy is Remedy.RESEND or (error.remedy is Remedy.NONE and not is_overwritten)
    return isinstance(error, ImportFailure) and error.reason is Reason.DESTINATION_EXISTS


def take_back(place: Place, intent: Intent) -> None:
    """Undo an earlier run's intent. Remove its uploads, its visible objects, its result.json and its record.

    An object without the intent's marks is kept, because the intent alone does not show the owner of the object.
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
    """Abort the uploads of an intent that are not complete."""
    for ticket in intent.tickets:
        place.store.abort(ticket.key, ticket.upload)


def remove(place: Place, ticket: Ticket, intent: Intent) -> None:
    """Remove the object that an intent made visible at a key. An object of another import or run is kept."""
    remove_version(place, ticket.key, place.store.own(ticket, intent.marks))


def remove_version(place: Place, key: str, facts: Facts | None) -> None:
    """Remove the object with these properties. If another object has replaced it at the key, remove nothing. If
    ``facts`` is None, also remove nothing."""
    if facts is None:
        return
    try:
        place.store.delete(key, facts)
    except UnmetError:
        log().warning("destination_object_changed", key=key)


def remove_result(place: Place, intent: Intent) -> None:
    """Remove the result.json of an intent. A result.json of another import or run is kept."""
    remove_version(place, intent.result_key, own_result(place, intent))


def own_result(place: Place, intent: Intent) -> Facts | None:
    """Return the properties of result.json if it belongs to this intent. If the store keeps no metadata, the owner is
    the import that result.json names."""
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
