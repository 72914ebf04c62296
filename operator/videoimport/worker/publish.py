"""Bringing verified files to the destination: all sent, then an intent, all visible, result.json, the commit record.

Killed before the intent, the next run takes the uploads back and starts over. Killed after it, the next run goes on
from there without moving a byte. Whatever else ends it, what was uploaded or shown is taken back.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.api.report import Report
from videoimport.worker import index, layout, record
from videoimport.worker.destination import Ticket, exists, has_marks
from videoimport.worker.errors import ImportFailure
from videoimport.worker.preflight import Place
from videoimport.worker.record import RUN, UID, Intent
from videoimport.worker.shipment import Shipment


def may_write(place: Place, keys: Iterable[str]) -> bool:
    """Whether what stands at keys, if anything, may be replaced; DESTINATION_EXISTS when it is another import's.

    Returns True where something has to be replaced.
    """
    standing = False
    for key in keys:
        facts = place.store.head(key)
        standing = standing or facts is not None
        foreign = facts is not None and not has_marks(facts, {UID: place.task.uid})
        if foreign and place.task.spec.destination.if_exists == "Fail":
            raise exists(place.store.uri(key))
    return standing


def publish(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...] = ()
) -> Report:
    """Show what the shipment has sent, and say so: the report, and result.json's content."""
    intent = _intent(place, shipment, folder, told, index_keys)
    shown: list[str] = []

    def complete(ticket: Ticket) -> bool:
        shipment.complete(ticket.key, replace=intent.replace)
        shown.append(ticket.key)
        return True

    try:
        record.write(place.store, place.record_key, intent)
        _show(place, intent, complete)
    except BaseException:  # an interruption too must leave nothing half done
        if len(shown) < len(intent.tickets):
            take_back(place, intent)
        raise
    return intent.report


def _intent(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...]
) -> Intent:
    report, result = told
    tickets = shipment.tickets
    result_key = layout.key(folder, layout.RESULT)
    replace = may_write(place, [*(ticket.key for ticket in tickets), result_key])
    return Intent(
        tickets=tickets,
        replace=replace,
        stale=_stale(place, folder, {ticket.key for ticket in tickets}) if replace else (),
        result_key=result_key,
        result=result.decode(),
        index_keys=index_keys,
        report=report,
    )


def _stale(place: Place, folder: str, written: set[str]) -> tuple[str, ...]:
    """What an import left in this folder that the new result does not overwrite: of ours and of the replaced one."""
    found = [key for key in place.store.keys(folder + "/") if layout.is_of(folder, key) and key not in written]
    if not found:
        return ()
    anchors = (layout.key(folder, name) for name in (layout.RESULT, layout.VIDEO))
    replaced = {facts.metadata.get(UID) for key in anchors if (facts := place.store.head(key)) is not None}
    owners = (replaced | {place.task.uid}) - {None}
    heads = ((key, place.store.head(key)) for key in found)
    return tuple(key for key, facts in heads if facts is not None and facts.metadata.get(UID) in owners)


def _show(place: Place, intent: Intent, complete: Callable[[Ticket], bool]) -> bool:
    """Go through all steps after the intent, those done already included. False where something sent is gone."""
    store = place.store
    if intent.replace:  # the old result.json would speak of what is no more
        for key in (intent.result_key, *intent.stale):
            store.delete(key)
    for ticket in intent.tickets:
        if not complete(ticket):
            return False
        _check_arrived(place, ticket, intent)
    store.write(intent.result_key, intent.result.encode(), place.metadata(intent.report.run), shown=True)
    for key in intent.index_keys:
        index.commit(store, key, index.committed(intent.report, intent.tickets), place.now())
    record.write(store, place.record_key, intent.report)
    place.notebook.forget()
    return True


def _check_arrived(place: Place, ticket: Ticket, intent: Intent) -> None:
    if place.store.is_there(ticket, intent.marks):
        return
    message = f"{place.store.uri(ticket.key)} has not the size or checksum of what was uploaded; it was taken back."
    raise ImportFailure(Reason.VERIFICATION_FAILED, message)


def take_back(place: Place, intent: Intent) -> None:
    """Undo an intent: nothing that it sent or showed stays, and no word of it."""
    mine = {UID: intent.report.uid, RUN: str(intent.report.run)}
    for ticket in intent.tickets:
        place.store.abort(ticket.key, ticket.upload)
        with suppress(ImportFailure):
            if has_marks(place.store.head(ticket.key), mine):
                place.store.delete(ticket.key)
    with suppress(ImportFailure):
        place.store.delete(place.record_key)


def done_before(place: Place) -> Report | None:
    """The report of an earlier run that got through, even if it did not live to say so; its leftovers are gone."""
    earlier = record.read(place.store, place.record_key)
    if isinstance(earlier, Intent):
        earlier = _adopted(place, earlier)
    place.notebook.clear()
    if earlier is None or not record.is_for(earlier, place.task.uid, place.task.spec_hash):
        return None
    return earlier if earlier.outcome == "Succeeded" else None


def _adopted(place: Place, intent: Intent) -> Report | None:
    """Finish what an earlier run was about to show; None where that cannot be, or is not wanted any more."""
    store, through = place.store, False

    def complete(ticket: Ticket) -> bool:
        if store.is_there(ticket, intent.marks):
            store.abort(ticket.key, ticket.upload)
            return True
        return store.finish(ticket, intent.marks, replace=intent.replace)

    try:
        if record.is_for(intent, place.task.uid, place.task.spec_hash):
            through = _show(place, intent, complete)
    finally:
        if not through:
            take_back(place, intent)
    return intent.report if through else None
