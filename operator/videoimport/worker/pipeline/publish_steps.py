"""The steps that make an intent's objects visible: the files, result.json, the video index, and last the commit record.

This run or the next run can safely repeat each step. Each step first checks whether it is already done.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import publish_plan, publish_rollback
from videoimport.worker.pipeline import verified_fields as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import UID, Facts, Ticket, UnmetError, exists, has_marks
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_checks import StoredObject
from videoimport.worker.storage.retry_policy import RESENDS

_LOOKS = 3
"""Number of times that result.json is read again because another request changed it."""


def show(place: Place, intent: Intent, shown_object: Callable[[Ticket], StoredObject | None]) -> Finished | None:
    """Run all steps after the intent, including steps that are already done. Return the record, or None if an
    uploaded file no longer exists."""
    if intent.replace:
        _remove_old_result(place, intent)
    shown = []
    for ticket in intent.tickets:
        if (found := shown_object(ticket)) is None:
            return None
        shown.append(found)
    for key in intent.stale:
        publish_rollback.remove_version(place, key, publish_plan.removable(place, intent, key))
    done = _with_result(place, intent, shown)
    if not (publish_plan.is_protected(place) and _is_guarded(place, intent)):
        _look_again(place, intent, done.objects[-1])
    for key in intent.index_keys:
        index.commit(place.scope, key, index.committed(done, done.objects, lossy=intent.lossy), place.now())
    place.record.write(done)
    return done


def _remove_old_result(place: Place, intent: Intent) -> None:
    """Remove the result.json of the replaced result, which describes files that are about to be overwritten.

    Raises ImportFailure DESTINATION_EXISTS if it belongs to another import and is protected.
    """
    for _ in range(_LOOKS):
        facts = _replaceable_result(place, intent)
        if facts is None:
            return
        with suppress(UnmetError):
            place.store.delete(intent.result_key, facts)
            return
    raise exists(place.store.uri(intent.result_key))


def _replaceable_result(place: Place, intent: Intent) -> Facts | None:
    """Return the facts of the object at result.json's key. Raises ImportFailure DESTINATION_EXISTS if it must not be
    replaced."""
    facts = place.store.head(intent.result_key)
    if facts is None or not publish_plan.is_protected(place):
        return facts
    is_foreign = publish_plan.is_foreign(place, intent.result_key, facts)
    if is_foreign and publish_rollback.own_result(place, intent) is None:
        raise exists(place.store.uri(intent.result_key))
    return facts


def _with_result(place: Place, intent: Intent, shown: list[StoredObject]) -> Finished:
    """Write result.json, which has the verification method of each object. Return the record of all objects."""
    words = {place.store.uri(one.key): one.verified for one in shown if one.verified}
    result = _written_result(place, intent, verified.in_result(intent.result, words).encode())
    report = verified.in_report(intent.report, words, result)
    if publish_plan.is_unguarded(place, replace=intent.replace):  # the store may have shown that only now
        report = report.model_copy(update={"unguarded": True})
    return Finished.of(report, (*shown, result), intent.session)


def _written_result(place: Place, intent: Intent, content: bytes) -> StoredObject:
    """Write result.json. Repeat that if it did not arrive, or if another request came in between. Raises
    ImportFailure."""
    ticket = verified.ticket_of(intent.result_key, content)
    for left in reversed(range(RESENDS + 1)):
        try:
            _put_result(place, intent, content)
            return arrived(place, ticket, intent)
        except DestinationFault as fault:
            if fault.remedy is not Remedy.RESEND or not left:
                raise
    raise AssertionError("unreachable")


def _put_result(place: Place, intent: Intent, content: bytes) -> None:
    """Write result.json over this intent's own object at most, unless other objects may be replaced. Raises
    ImportFailure DESTINATION_EXISTS."""
    write = partial(place.store.write, intent.result_key, content, place.metadata(intent.report.run), shown=True)
    for _ in range(_LOOKS):
        with suppress(UnmetError):
            write(replace=_replaceable_result(place, intent) or False)
            return
    raise exists(place.store.uri(intent.result_key))


def _look_again(place: Place, intent: Intent, result: StoredObject) -> None:
    """Check once more that this import's objects are in the destination, after all are visible.

    If a store cannot check and complete in one step, another import may have overwritten them. Then this import failed:
    DESTINATION_EXISTS. If others' results may be replaced, two imports may replace each other's files on any store.
    Then the next run replaces all of them: DESTINATION_UNAVAILABLE.
    """
    lost = [ticket.key for ticket in intent.tickets if not place.store.is_there(ticket, intent.marks)]
    if not lost and not place.scope.has(result, intent.report.uid):
        lost = [result.key]
    if lost:
        uri = place.store.uri(lost[0])
        raise exists(uri) if publish_plan.is_protected(place) else _replaced(uri)


def _is_guarded(place: Place, intent: Intent) -> bool:
    """Return whether neither another import's completion can overwrite this import's objects, nor the reverse."""
    store = place.store
    return bool(store.guards and (store.guards_own or not intent.replace))


def _replaced(uri: str) -> ImportFailure:
    message = f"Another import replaced {uri} while this run made its files visible."
    advice = "Give the two imports different names (destination.name), or run one after the other."
    return ImportFailure(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)


def arrived(place: Place, ticket: Ticket, intent: Intent) -> StoredObject:
    """Return the record of an object if the destination has all bytes of the object. Raises ImportFailure
    DESTINATION_CORRUPT or DESTINATION_EXISTS."""
    proof = place.store.is_there(ticket, intent.marks)
    if not proof:
        facts = place.store.head(ticket.key)
        if facts is not None and UID in facts.metadata and not has_marks(facts, {UID: intent.report.uid}):
            raise exists(place.store.uri(ticket.key))
        raise _not_arrived(place, ticket.key)
    return StoredObject.of(ticket.key, proof, ticket.sha256, intent.report.uid)


def _not_arrived(place: Place, key: str) -> ImportFailure:
    what = "differs in size or checksum from the uploaded file, or cannot be read to its end"
    message = f"{place.store.uri(key)} {what}, and was removed."
    return DestinationFault(Reason.DESTINATION_CORRUPT, message, remedy=Remedy.RESEND)
