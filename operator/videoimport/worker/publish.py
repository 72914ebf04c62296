"""Bringing verified files to the destination: all sent, then an intent, all visible, result.json, the commit record.

What ends it before the intent takes the uploads back, or the next run does where it was killed. From the intent on
something may be overwritten that nobody could bring back, so the way leads only forward: told to end, the run shows the
rest, which takes a few requests; killed, or failed by a store that does not answer, the next run does so without moving
a byte. Only what cannot become right is taken back: what did not arrive as it was sent, or met another import's file.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.api.report import Report
from videoimport.worker import index, layout, record
from videoimport.worker.destination import Ticket, exists, has_marks
from videoimport.worker.errors import ImportFailure, Interruption
from videoimport.worker.logs import log
from videoimport.worker.preflight import Place
from videoimport.worker.record import RUN, UID, Intent
from videoimport.worker.shipment import Shipment

_HOPELESS = (Reason.VERIFICATION_FAILED, Reason.DESTINATION_EXISTS)


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
    place: Place,
    shipment: Shipment,
    folder: str,
    told: tuple[Report, bytes],
    index_keys: tuple[str, ...] = (),
    *,
    lossy: bool = False,
) -> Report:
    """Show what the shipment has sent, and say so: the report, and result.json's content."""
    intent = _intent(place, shipment, folder, told, index_keys).model_copy(update={"lossy": lossy})

    def complete(ticket: Ticket) -> bool:
        shipment.complete(ticket.key, replace=intent.replace)
        return True

    try:
        record.write(place.store, place.record_key, intent)
    except BaseException:  # nothing was touched yet
        take_back(place, intent)
        raise
    try:
        _shown_or_taken_back(place, intent, complete)
    except Interruption:
        shipment.leave()
        if not _hurried(place, intent):
            raise
    except BaseException as error:
        if not _is_hopeless(error):
            shipment.leave()
        raise
    return intent.report


def _is_hopeless(error: BaseException) -> bool:
    return isinstance(error, ImportFailure) and error.reason in _HOPELESS


def _hurried(place: Place, intent: Intent) -> bool:
    """Told to end while it shows: whether all was shown all the same. What was not is left to the next run."""
    try:
        return _finished(place, intent)
    except ImportFailure as failure:
        log().warning("the result is shown by the next run", reason=failure.reason)
        return False


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
        store.delete(intent.result_key)
    for ticket in intent.tickets:
        if not complete(ticket):
            return False
        _check_arrived(place, ticket, intent)
    for key in intent.stale:
        store.delete(key)
    store.write(intent.result_key, intent.result.encode(), place.metadata(intent.report.run), shown=True)
    for key in intent.index_keys:
        index.commit(store, key, index.committed(intent.report, intent.tickets, lossy=intent.lossy), place.now())
    record.write(store, place.record_key, intent.report)
    place.notebook.forget()
    return True


def _shown_or_taken_back(place: Place, intent: Intent, complete: Callable[[Ticket], bool]) -> bool:
    try:
        return _show(place, intent, complete)
    except ImportFailure as failure:
        if _is_hopeless(failure):
            take_back(place, intent)
        raise


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
    if record.is_for(intent, place.task.uid, place.task.spec_hash) and _finished(place, intent):
        return intent.report
    take_back(place, intent)
    return None


def _finished(place: Place, intent: Intent) -> bool:
    """Show all that is not shown yet. False where something sent is gone, which is found out before anything else."""
    store = place.store

    def complete(ticket: Ticket) -> bool:
        if store.is_there(ticket, intent.marks):
            store.abort(ticket.key, ticket.upload)
            return True
        return store.finish(ticket, intent.marks, replace=intent.replace)

    if not all(store.is_there(ticket, intent.marks) or store.is_ready(ticket) for ticket in intent.tickets):
        return False
    return _shown_or_taken_back(place, intent, complete)
