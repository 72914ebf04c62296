"""The result of an earlier run of the same import. The worker checks a complete result. It completes or removes an
incomplete result."""

from collections.abc import Iterable
from contextlib import suppress

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import publish_plan, publish_rollback, publish_steps
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import source_facts as facts_of
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage.base import UID, Ticket
from videoimport.worker.storage.commit_record import Finished, Intent, Record
from videoimport.worker.storage.record_checks import StoredObject


def done_before(place: Place) -> Report | None:
    """Return the report of an earlier run that succeeded. The report is in the commit record, even if the pod of that
    run ended without a report.

    The unfinished uploads of that run are aborted. Return None if a published object is missing or changed. Then the
    caller imports the video again.
    """
    earlier = place.record.read()
    if isinstance(earlier, Intent):
        earlier = _adopted(place, earlier)
    report = _repeated(place, earlier) if earlier is not None and earlier.uid == place.task.uid else None
    place.notebook.clear()
    if report is not None and place.keeps_both:
        place.names.release()
    return report


def _repeated(place: Place, earlier: Finished) -> Report | None:
    """Return the report in a record if it is confirmed. Otherwise return None, and record the keys at which this import
    may replace objects without marks."""
    if not all(one.marked for one in earlier.objects):  # the store must test whether it keeps metadata
        place.store.keeps()
    if (report := _confirmed(place, earlier)) is not None:
        return report
    if place.store.keeps():
        place.reclaimed.update(publish_plan.reclaimable(place, earlier))
    else:
        place.proven.update(publish_plan.unmarked(place, earlier))
    return None


def _confirmed(place: Place, earlier: Finished) -> Report | None:
    """Return the report in a record if the record is for exactly this spec and session, and its objects confirm it. The
    addresses in the report are computed again and not taken from the record."""
    folder = record.folder_of(place.scope, earlier)
    if not _is_wanted(place, earlier) or not place.is_expected(folder):
        return None
    outputs = place.scope.outputs(earlier.outputs, earlier.objects)
    if earlier.outcome != "Succeeded" or outputs is None or not place.scope.holds(earlier.objects, earlier.uid):
        return None
    fields = {name: getattr(earlier, name) for name in Report.model_fields}
    own = {"outputs": outputs, "duplicate_of": None, "reason": None, "retry_after_seconds": None}
    told = facts_of.reuse_facts(earlier.source, place.task.spec.source.address)
    return Report(**fields | own | {"source": told, "message": telling.imported(outputs) if earlier.message else ""})


def _adopted(place: Place, intent: Intent) -> Finished | None:
    """Finish the publication that an earlier run began, and return its record. Return None if that is not possible, or
    if the spec or the upload session has changed."""
    if _is_wanted(place, intent) and place.is_expected(record.folder_of(place.scope, intent)):
        stale = tuple(key for key in intent.stale if _has_mark(place, key))
        if done := finished(place, intent.model_copy(update={"stale": stale})):
            return done
    if intent.report.uid == place.task.uid:
        publish_rollback.take_back(place, intent)
    return None


def _is_wanted(place: Place, earlier: Record) -> bool:
    """Return whether a record is for what this run imports."""
    return record.is_for(earlier, place.task.uid, place.task.spec_hash, place.session)


def _has_mark(place: Place, key: str) -> bool:
    """Return whether a stale object of an earlier run's intent has an import's mark. ``publish_plan.removable`` decides
    whose objects may be removed. The intent alone does not prove that an object without a mark may be removed."""
    facts = place.store.head(key)
    return facts is not None and UID in facts.metadata


def finished(place: Place, intent: Intent) -> Finished | None:
    """Publish all objects of an intent. Return None if an uploaded file no longer exists, or if another import's
    file is at one of the keys. The function makes these two checks first."""
    store = place.store

    def shown_object(ticket: Ticket) -> StoredObject | None:
        if store.is_there(ticket, intent.marks):
            store.abort(ticket.key, ticket.upload)
        elif not publish_plan.overwriting(
            place, intent, ticket, lambda replace: store.finish(ticket, intent.marks, replace=replace)
        ):
            return None
        return publish_steps.arrived(place, ticket, intent)

    hidden = [ticket for ticket in intent.tickets if not store.is_there(ticket, intent.marks)]
    if not all(store.is_ready(ticket) for ticket in hidden) or _is_taken(place, intent, hidden):
        return None
    try:
        return publish_steps.show(place, intent, shown_object)
    except ImportFailure as failure:
        if publish_rollback.is_hopeless(failure, is_overwritten=intent.replace):
            publish_rollback.take_back(place, intent)
            with suppress(ImportFailure):
                place.notebook.clear()
        if isinstance(failure, DestinationFault) and failure.remedy is Remedy.RESEND:
            return None  # the local file does not exist any more: the video is imported again
        if place.keeps_both and failure.reason is Reason.DESTINATION_EXISTS:
            return None  # another writer stored files in the folder: the video is imported under the next free name
        raise


def _is_taken(place: Place, intent: Intent, hidden: Iterable[Ticket]) -> bool:
    """Return whether another import's protected file would be overwritten."""
    if not intent.replace or not publish_plan.is_protected(place):
        return False
    keys = (*(ticket.key for ticket in hidden), intent.result_key)
    standing = ((key, place.store.head(key)) for key in keys)
    return any(facts is not None and publish_plan.is_foreign(place, key, facts) for key, facts in standing)
