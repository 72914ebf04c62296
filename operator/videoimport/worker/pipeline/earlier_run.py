"""What an earlier run of the same import left: its result is confirmed, or what it was about to show is finished or
taken back.
"""

from collections.abc import Iterable
from contextlib import suppress

from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import publish_plan, publish_rollback, publish_steps
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import source_facts as facts_of
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage.base import UID, Ticket
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_scope import StoredObject


def done_before(place: Place) -> Report | None:
    """The report of an earlier run that got through, even if it did not live to say so; its leftovers are gone. None
    where any of what it published is not there any more as it was: then it is imported again."""
    earlier = place.record.read()
    if isinstance(earlier, Intent):
        earlier = _adopted(place, earlier)
    report = _repeated(place, earlier) if earlier is not None and earlier.uid == place.task.uid else None
    place.notebook.clear()
    return report


def _repeated(place: Place, earlier: Finished) -> Report | None:
    """What a record says, or None; then the keys are noted where this import may replace objects without marks."""
    if not all(one.marked for one in earlier.objects):  # the store is to find out what it keeps
        place.store.keeps()
    if (report := _confirmed(place, earlier)) is not None:
        return report
    if place.store.keeps():
        place.reclaimed.update(publish_plan.reclaimable(place, earlier))
    else:
        place.proven.update(publish_plan.unmarked(place, earlier))
    return None


def _confirmed(place: Place, earlier: Finished) -> Report | None:
    """What a record says of this very wish, if its objects bear it out. Addresses are made anew."""
    folder = record.folder_of(place.scope, earlier)
    if not record.is_for(earlier, place.task.uid, place.task.spec_hash) or not place.is_expected(folder):
        return None
    outputs = place.scope.outputs(earlier.outputs, earlier.objects)
    if earlier.outcome != "Succeeded" or outputs is None or not place.scope.holds(earlier.objects, earlier.uid):
        return None
    fields = {name: getattr(earlier, name) for name in Report.model_fields}
    own = {"outputs": outputs, "duplicate_of": None, "reason": None, "retry_after_seconds": None}
    told = facts_of.told_again(earlier.source, place.task.spec.source.address)
    return Report(**fields | own | {"source": told, "message": telling.imported(outputs) if earlier.message else ""})


def _adopted(place: Place, intent: Intent) -> Finished | None:
    """Finish what an earlier run was about to show; None where that cannot be, or is not wanted any more."""
    is_wanted = record.is_for(intent, place.task.uid, place.task.spec_hash)
    if is_wanted and place.is_expected(record.folder_of(place.scope, intent)):
        stale = tuple(key for key in intent.stale if _has_mark(place, key))
        if done := finished(place, intent.model_copy(update={"stale": stale})):
            return done
    if intent.report.uid == place.task.uid:
        publish_rollback.take_back(place, intent)
    return None


def _has_mark(place: Place, key: str) -> bool:
    """Return whether an object that an earlier run's intent calls stale is an import's. ``publish_plan.may_remove``
    decides whose may be removed; the intent alone does not prove that an object without a mark may."""
    facts = place.store.head(key)
    return facts is not None and UID in facts.metadata


def finished(place: Place, intent: Intent) -> Finished | None:
    """Show all that is not shown yet. None where something sent is gone, or another import's file stands where it would
    go, which is found out before anything else."""
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
            return None  # the file is not here any more: the video is imported again
        raise


def _is_taken(place: Place, intent: Intent, hidden: Iterable[Ticket]) -> bool:
    """Whether another import's file would be overwritten that may not be."""
    if not intent.replace or not publish_plan.is_protected(place):
        return False
    keys = (*(ticket.key for ticket in hidden), intent.result_key)
    standing = ((key, place.store.head(key)) for key in keys)
    return any(facts is not None and publish_plan.is_foreign(place, key, facts) for key, facts in standing)
