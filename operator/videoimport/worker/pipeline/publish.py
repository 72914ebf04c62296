"""Making verified files visible in the destination. The steps are: upload all files, write an intent, complete all
uploads (after this, users see the files), write result.json, write the commit record.

If the run fails before the intent, it aborts its uploads. If the run is killed, the next run aborts them.

After the intent, objects of an earlier result may be overwritten, and cannot be restored. So from then on, the
publication is completed if possible. A file that the destination lost or damaged is sent again from the same local
file. A run that is asked to stop makes the other files visible first, which takes a few requests. If the run is
killed, or if the store does not answer, the next run completes the publication without sending a byte.

A publication that cannot be completed is undone. This happens if the destination refuses a file or damages it each
time, or if another import's file is at a key.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import earlier_run, publish_plan, publish_rollback, publish_steps
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Interruption, Remedy
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.base import Content, Ticket, UnmetError
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_checks import StoredObject
from videoimport.worker.storage.retry_policy import RESENDS
from videoimport.worker.storage.upload_batch import Shipment


def publish(
    place: Place,
    shipment: Shipment,
    folder: str,
    told: tuple[Report, bytes],
    index_keys: tuple[str, ...] = (),
    *,
    lossy: bool = False,
    completed: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Publish the uploaded files, and write the report and result.json (``told`` has both). ``completed`` is called
    when the commit record is written. If an Interruption comes before ``completed`` returns, ``completed`` is called
    again."""
    intent = publish_plan.intent_for(place, shipment, folder, told, index_keys).model_copy(update={"lossy": lossy})
    publication = _Publication(place, shipment, intent)
    publication.announce()
    done: Finished | None = None
    try:
        done = publication.show()
        assert done is not None, "all was sent"  # noqa: S101
        completed(done.report)
        place.retries.run(place.notebook.forget)
    except Interruption:
        shipment.leave()
        if (done := done or _hurried(place, publication.intent)) is None:
            raise
        completed(done.report)
        with suppress(ImportFailure):
            place.notebook.forget()
    except BaseException as error:
        if not publication.is_hopeless(error):
            shipment.leave()
        raise
    return done.report


def _hurried(place: Place, intent: Intent) -> Finished | None:
    """Complete the publication of a run that was asked to stop. Return the record if everything is visible. Otherwise
    the next run completes the publication."""
    try:
        return earlier_run.finished(place, intent)
    except ImportFailure as failure:
        log().warning("the next run will make the files visible", reason=failure.reason)
        return None


class _Publication:
    """The publication of a run whose files are still in scratch. A file that the destination lost is sent again."""

    def __init__(self, place: Place, shipment: Shipment, intent: Intent) -> None:
        self._place, self._shipment = place, shipment
        self.intent = intent
        """The intent, as it is in the record."""
        self._begun: set[str] = set()
        """Keys that the destination was asked to make visible."""
        self._shown: set[str] = set()
        """Keys that the destination reported as visible."""
        self._record = _EarlierObject.of(place, place.record_key, place.record.look())
        result = place.scope.read(intent.result_key) if intent.replace else None
        self._result = _EarlierObject.of(place, intent.result_key, result)
        """The result.json that is about to be replaced."""
        keys = (ticket.key for ticket in intent.tickets if intent.replace)
        self._standing = {key: facts for key in keys if (facts := place.store.head(key)) is not None}
        """Objects of an earlier result, at keys that the new result also has."""

    def announce(self) -> None:
        """Write the intent. If that fails, all visible objects and the earlier record stay unchanged."""
        place = self._place
        try:
            place.retries.run(lambda: place.record.write(self.intent))
        except BaseException:
            publish_rollback.abort(place, self.intent)
            with suppress(ImportFailure):
                self._restore_record()
            raise

    def show(self) -> Finished | None:
        """Run all steps after the intent. Repeat the steps after errors that may end after a wait. Raises
        ImportFailure."""
        try:
            return self._place.retries.run_whole(
                lambda: publish_steps.show(self._place, self.intent, self._shown_object)
            )
        except ImportFailure as failure:
            if self.is_hopeless(failure):
                self._take_back()
            raise

    def is_hopeless(self, error: BaseException) -> bool:
        """Return whether neither this run nor the next one can complete the publication."""
        return publish_rollback.is_hopeless(error, is_overwritten=self._is_overwritten)

    @property
    def _is_overwritten(self) -> bool:
        """True if any object of an earlier result is gone, except its result.json."""
        is_all_shown = self._shown.issuperset(ticket.key for ticket in self.intent.tickets)
        return bool(self._shown & self._standing.keys()) or (is_all_shown and bool(self.intent.stale))

    def _take_back(self) -> None:
        """Remove the objects that this run made visible. If no object of an earlier result is gone, restore the earlier
        result."""
        publish_rollback.abort(self._place, self.intent)
        for ticket in self.intent.tickets:
            with suppress(ImportFailure):
                self._remove(ticket)
        with suppress(ImportFailure):
            publish_rollback.remove_result(self._place, self.intent)
        with suppress(ImportFailure):
            self._restore()

    def _remove(self, ticket: Ticket) -> None:
        """Remove the object that this run made visible at a key, and no object that was there before."""
        is_unchanged = self._place.store.head(ticket.key) == self._standing.get(ticket.key)
        if ticket.key in self._shown or (ticket.key in self._begun and not is_unchanged):
            publish_rollback.remove(self._place, ticket, self.intent)

    def _restore(self) -> None:
        """Restore the earlier result.json and record if the earlier objects still exist. Otherwise remove the commit
        record."""
        standing = self._standing.items()
        if not self._is_overwritten and all(self._place.store.head(key) == facts for key, facts in standing):
            self._restore_result()
            self._restore_record()
        else:
            self._place.record.delete()

    def _restore_result(self) -> None:
        """Write the earlier result.json again, unless an object is at its key."""
        if (earlier := self._result) is not None:
            with suppress(UnmetError):
                write = self._place.store.write
                write(earlier.key, earlier.content, earlier.metadata, shown=True, replace=False)

    def _restore_record(self) -> None:
        """Restore the commit record to its state before this run."""
        if self._record is None:
            self._place.record.delete()
        else:
            self._place.record.put(self._record.content, self._record.metadata)

    def _shown_object(self, ticket: Ticket) -> StoredObject:
        for left in reversed(range(RESENDS + 1)):
            try:
                self._complete(ticket)
                return publish_steps.arrived(self._place, ticket, self.intent)
            except DestinationFault as fault:
                if fault.remedy is not Remedy.RESEND or not left:
                    raise
                log().warning("destination_resend", key=ticket.key, error=fault.message)
                ticket = self._sent_again(ticket)
        raise AssertionError("unreachable")

    def _complete(self, ticket: Ticket) -> None:
        """Complete an upload once. If the upload was requested before, first check whether the destination has the
        object."""
        store = self._place.store
        if ticket.key in self._begun and store.is_there(ticket, self.intent.marks):
            store.abort(ticket.key, ticket.upload)  # a link was made, and the temporary name still exists
        else:
            self._begun.add(ticket.key)
            publish_plan.overwriting(
                self._place, self.intent, ticket, lambda replace: self._shipment.complete(ticket.key, replace=replace)
            )
        self._shown.add(ticket.key)

    def _sent_again(self, ticket: Ticket) -> Ticket:
        """Remove this run's object, send the file again, and write the new intent before the object becomes visible."""
        self._remove(ticket)
        self._begun.discard(ticket.key)
        new = self._shipment.send_again(ticket.key)
        tickets = tuple(new if one.key == new.key else one for one in self.intent.tickets)
        self.intent = self.intent.model_copy(update={"tickets": tickets})
        self._place.record.write(self.intent)
        return new


@dataclass(frozen=True)
class _EarlierObject:
    """A small object as it was before the intent was written."""

    key: str
    content: bytes
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, place: Place, key: str, content: Content | None) -> "_EarlierObject | None":
        """Return the object at the key before the publication, or None if the importer had no object there."""
        facts = place.store.head(key) if content is not None and content.body else None
        return cls(key, content.body, facts.metadata) if content and facts else None
