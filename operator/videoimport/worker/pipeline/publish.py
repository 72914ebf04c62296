"""Bringing verified files to the destination: all sent, then an intent, all visible, result.json, the commit record.

What ends it before the intent takes the uploads back, or the next run does where it was killed. From the intent on
something may be overwritten that nobody could bring back, so the way leads forward: what the destination lost or
damaged is sent again from the same file; told to end, the run shows the rest, which takes a few requests; killed, or
failed by a store that does not answer, the next run does so without moving a byte. What cannot become right is taken
back: what the destination damages each time or refuses, or what met another import's file.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import source_facts as facts_of
from videoimport.worker.pipeline import verification_report as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Interruption, Remedy
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import result_files as layout
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import UID, Facts, Ticket, UnmetError, exists, has_marks
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_scope import StoredObject
from videoimport.worker.storage.retry_policy import RESENDS
from videoimport.worker.storage.upload_batch import Shipment


def may_write(place: Place, keys: Iterable[str]) -> bool:
    """Whether what stands at keys, if anything, may be replaced; DESTINATION_EXISTS when it is another import's.

    Returns True where something has to be replaced.
    """
    standing = False
    for key in keys:
        facts = place.store.head(key)
        standing = standing or facts is not None
        if facts is not None and _is_foreign(place, key, facts) and place.task.spec.destination.if_exists == "Fail":
            raise exists(place.store.uri(key))
    return standing


def _is_foreign(place: Place, key: str, facts: Facts) -> bool:
    """Whether an object is another import's, or stands where this one never published anything."""
    if has_marks(facts, {UID: place.task.uid}) or key in place.proven:
        return False
    return UID in facts.metadata or key not in place.reclaimed


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
    """Show what the shipment has sent, and say so: the report, and result.json's content.

    ``completed`` is called when the commit record is written, and again where an Interruption came in between.
    """
    intent = _intent(place, shipment, folder, told, index_keys).model_copy(update={"lossy": lossy})
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


class _Publication:
    """What one run shows while its files are still in scratch: what the destination lost is sent again."""

    def __init__(self, place: Place, shipment: Shipment, intent: Intent) -> None:
        self._place, self._shipment = place, shipment
        self.intent = intent
        """As the record has it."""
        self._begun: set[str] = set()
        """Keys that the destination was asked to show."""
        self._shown: set[str] = set()
        """Keys that the destination says it shows."""
        self._record = _Standing.of(place, place.record_key)
        self._result = _Standing.of(place, intent.result_key) if intent.replace else None
        """What says of the result that is about to be replaced."""
        keys = (ticket.key for ticket in intent.tickets if intent.replace)
        self._standing = {key: facts for key in keys if (facts := place.store.head(key)) is not None}
        """Objects of an earlier result at keys that this one has too."""

    def announce(self) -> None:
        """Write the intent. Where that fails, all that is visible stays as it was, and so does the earlier record."""
        place = self._place
        try:
            place.retries.run(lambda: record.write(place.scope, place.record_key, self.intent))
        except BaseException:
            _abort(place, self.intent)
            with suppress(ImportFailure):
                self._record.restore(place)
            raise

    def show(self) -> Finished | None:
        """Do all steps after the intent, again where waiting is the remedy. Raises ImportFailure."""
        try:
            return self._place.retries.run_whole(lambda: _show(self._place, self.intent, self._shown_object))
        except ImportFailure as failure:
            if self.is_hopeless(failure):
                self._take_back()
            raise

    def is_hopeless(self, error: BaseException) -> bool:
        """Whether nothing of it can be shown, by this run or the next."""
        return _is_hopeless(error, is_overwritten=self._is_overwritten)

    @property
    def _is_overwritten(self) -> bool:
        """Whether anything of an earlier result is gone, but for its result.json."""
        is_all_shown = self._shown.issuperset(ticket.key for ticket in self.intent.tickets)
        return bool(self._shown & self._standing.keys()) or (is_all_shown and bool(self.intent.stale))

    def _take_back(self) -> None:
        """Remove what this run showed. Where nothing of an earlier result is gone, that stands again as it was."""
        _abort(self._place, self.intent)
        for ticket in self.intent.tickets:
            with suppress(ImportFailure):
                self._remove(ticket)
        with suppress(ImportFailure):
            _remove_result(self._place, self.intent)
        with suppress(ImportFailure):
            self._restore()

    def _remove(self, ticket: Ticket) -> None:
        """Remove what this run showed at a key, and nothing that stood there before."""
        is_unchanged = self._place.store.head(ticket.key) == self._standing.get(ticket.key)
        if ticket.key in self._shown or (ticket.key in self._begun and not is_unchanged):
            _remove(self._place, ticket, self.intent)

    def _restore(self) -> None:
        """Write back what says of an earlier result where its objects still stand; else remove the commit record."""
        standing = self._standing.items()
        if not self._is_overwritten and all(self._place.store.head(key) == facts for key, facts in standing):
            if self._result is not None and self._place.store.head(self._result.key) is None:
                self._result.restore(self._place)
            self._record.restore(self._place)
        else:
            self._place.store.delete(self._place.record_key)

    def _shown_object(self, ticket: Ticket) -> StoredObject:
        for left in reversed(range(RESENDS + 1)):
            try:
                self._complete(ticket)
                return _arrived(self._place, ticket, self.intent)
            except DestinationFault as fault:
                if fault.remedy is not Remedy.RESEND or not left:
                    raise
                log().warning("destination_resend", key=ticket.key, error=fault.message)
                ticket = self._sent_again(ticket)
        raise AssertionError("unreachable")

    def _complete(self, ticket: Ticket) -> None:
        """Once. A second time the destination is asked first whether it heard the request."""
        store = self._place.store
        if ticket.key in self._begun and store.is_there(ticket, self.intent.marks):
            store.abort(ticket.key, ticket.upload)  # a link was made, and the temporary name is still there
        else:
            self._begun.add(ticket.key)
            self._shipment.complete(ticket.key, replace=self.intent.replace)
        self._shown.add(ticket.key)

    def _sent_again(self, ticket: Ticket) -> Ticket:
        """Remove what stands there of ours, send the file again, and record that before it is shown."""
        self._remove(ticket)
        self._begun.discard(ticket.key)
        new = self._shipment.send_again(ticket.key)
        tickets = tuple(new if one.key == new.key else one for one in self.intent.tickets)
        self.intent = self.intent.model_copy(update={"tickets": tickets})
        record.write(self._place.scope, self._place.record_key, self.intent)
        return new


@dataclass(frozen=True)
class _Standing:
    """A small object as it stood before the intent was written."""

    key: str
    content: bytes | None
    """None where there was none."""
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, place: Place, key: str) -> "_Standing":
        content = place.scope.read(key)
        facts = place.store.head(key) if content is not None and content.body else None
        return cls(key, content.body if content and facts else None, facts.metadata if facts else {})

    def restore(self, place: Place) -> None:
        """Make it stand as it was."""
        if self.content is None:
            place.store.delete(self.key)
        else:
            place.store.write(self.key, self.content, self.metadata, shown=self.key != place.record_key)


def _is_hopeless(error: BaseException, *, is_overwritten: bool) -> bool:
    """Whether no later run can show what was sent: the destination lost it or refuses it, or another import's file
    stands in its place. A destination that does not answer may still take it, and one that refuses may once it is
    mended: that is waited for where files of an earlier result are overwritten already."""
    if isinstance(error, DestinationFault):
        return error.remedy is Remedy.RESEND or (error.remedy is Remedy.NONE and not is_overwritten)
    return isinstance(error, ImportFailure) and error.reason is Reason.DESTINATION_EXISTS


def _hurried(place: Place, intent: Intent) -> Finished | None:
    """Told to end while it shows: the record, if all was shown all the same. What was not is left to the next run."""
    try:
        return _finished(place, intent)
    except ImportFailure as failure:
        log().warning("the result is shown by the next run", reason=failure.reason)
        return None


def _intent(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...]
) -> Intent:
    report, result = told
    tickets = shipment.tickets
    result_key = layout.key(folder, layout.RESULT)
    report = report.model_copy(update={"unguarded": _is_unguarded(place)})
    is_standing = may_write(place, [*(ticket.key for ticket in tickets), result_key])
    replace = is_standing or place.task.spec.destination.if_exists == "Replace"  # something may appear meanwhile
    return Intent(
        tickets=tickets,
        replace=replace,
        stale=_stale(place, folder, {ticket.key for ticket in tickets}) if replace else (),
        result_key=result_key,
        result=result.decode(),
        index_keys=index_keys,
        report=report,
    )


def _is_unguarded(place: Place) -> bool:
    return place.store.guards is False and place.task.spec.destination.if_exists == "Fail"


def _stale(place: Place, folder: str, written: set[str]) -> tuple[str, ...]:
    """What an import left in this folder that the new result does not overwrite: of ours and of the replaced one."""
    found = [key for key in place.store.keys(folder + "/") if layout.is_of(folder, key) and key not in written]
    if not found:
        return ()
    anchors = (layout.key(folder, name) for name in (layout.RESULT, layout.VIDEO))
    replaced = {facts.metadata.get(UID) for key in anchors if (facts := place.store.head(key)) is not None}
    owners = [uid for uid in (*replaced, place.task.uid) if uid]
    heads = {key: facts for key in found if (facts := place.store.head(key)) is not None}
    unmarked = any(UID not in facts.metadata for facts in heads.values()) and not place.store.keeps()
    proven = place.proven | (_recorded(place, folder) if unmarked else set())
    return tuple(
        key
        for key, facts in heads.items()
        if any(has_marks(facts, {UID: uid}) for uid in owners) or (key in proven and UID not in facts.metadata)
    )


def _recorded(place: Place, folder: str) -> set[str]:
    """Keys of the replaced import's objects without marks, each as its record says: where the store keeps none."""
    content = place.scope.read(layout.key(folder, layout.RESULT))
    uid = verified.uid_of(content.body) if content else None
    earlier = record.read(place.scope, naming.record_key(place.task.spec.destination, uid)) if uid else None
    if not isinstance(earlier, Finished) or record.folder_of(place.scope, earlier) != folder:
        return set()
    return _unmarked(place, earlier)


def _show(place: Place, intent: Intent, shown_object: Callable[[Ticket], StoredObject | None]) -> Finished | None:
    """Go through all steps after the intent, those done already included: the record then. None where something sent is
    gone."""
    store = place.store
    if intent.replace:  # the old result.json would speak of what is no more
        store.delete(intent.result_key)
    shown = []
    for ticket in intent.tickets:
        if (found := shown_object(ticket)) is None:
            return None
        shown.append(found)
    for key in intent.stale:
        store.delete(key)
    done = _with_result(place, intent, shown)
    if not intent.replace and place.store.guards is not True:
        _look_again(place, intent, done.objects[-1])
    for key in intent.index_keys:
        index.commit(place.scope, key, index.committed(done, done.objects, lossy=intent.lossy), place.now())
    record.write(place.scope, place.record_key, done)
    return done


def _with_result(place: Place, intent: Intent, shown: list[StoredObject]) -> Finished:
    """Write result.json, which says how each object was verified. The record of all of it."""
    words = {place.store.uri(one.key): one.verified for one in shown if one.verified}
    result = _written_result(place, intent, verified.in_result(intent.result, words).encode())
    report = verified.in_report(intent.report, words, result)
    if _is_unguarded(place):  # it may have shown so only now
        report = report.model_copy(update={"unguarded": True})
    return Finished.of(report, (*shown, result))


def _written_result(place: Place, intent: Intent, content: bytes) -> StoredObject:
    """Write result.json, again where it did not arrive. Raises ImportFailure DESTINATION_CORRUPT."""
    ticket = verified.ticket_of(intent.result_key, content)
    for left in reversed(range(RESENDS + 1)):
        _put_result(place, intent, content)
        try:
            return _arrived(place, ticket, intent)
        except DestinationFault as fault:
            if fault.remedy is not Remedy.RESEND or not left:
                raise
    raise AssertionError("unreachable")


def _put_result(place: Place, intent: Intent, content: bytes) -> None:
    """Write result.json over this intent's own at most, unless it may be replaced. DESTINATION_EXISTS."""
    write = partial(place.store.write, intent.result_key, content, place.metadata(intent.report.run), shown=True)
    try:
        write(replace=intent.replace)
    except UnmetError:
        if not _is_own_result(place, intent):
            raise exists(place.store.uri(intent.result_key)) from None
        write()


def _look_again(place: Place, intent: Intent, result: StoredObject) -> None:
    """On a store that cannot look and complete in one step, another import may have come in between and gone over ours:
    then ours was not imported. DESTINATION_EXISTS."""
    for ticket in intent.tickets:
        if not place.store.is_there(ticket, intent.marks):
            raise exists(place.store.uri(ticket.key))
    if not place.scope.has(result, intent.report.uid):
        raise exists(place.store.uri(result.key))


def _arrived(place: Place, ticket: Ticket, intent: Intent) -> StoredObject:
    proof = place.store.is_there(ticket, intent.marks)
    if not proof:
        facts = place.store.head(ticket.key)
        if facts is not None and UID in facts.metadata and not has_marks(facts, {UID: intent.report.uid}):
            raise exists(place.store.uri(ticket.key))
        raise _not_arrived(place, ticket.key)
    return StoredObject.of(ticket.key, proof, ticket.sha256, intent.report.uid)


def _not_arrived(place: Place, key: str) -> ImportFailure:
    what = "has not the size or checksum of what was uploaded, or cannot be read to its end"
    message = f"{place.store.uri(key)} {what}, and was removed."
    return DestinationFault(Reason.DESTINATION_CORRUPT, message, remedy=Remedy.RESEND)


def take_back(place: Place, intent: Intent) -> None:
    """Undo an earlier run's intent: nothing that it sent or showed stays, and no word of it.

    An object without its marks stays: the intent alone does not prove whose that is.
    """
    _abort(place, intent)
    for ticket in intent.tickets:
        with suppress(ImportFailure):
            _remove(place, ticket, intent)
    with suppress(ImportFailure):
        _remove_result(place, intent)
    with suppress(ImportFailure):
        place.store.delete(place.record_key)


def _abort(place: Place, intent: Intent) -> None:
    for ticket in intent.tickets:
        place.store.abort(ticket.key, ticket.upload)


def _remove(place: Place, ticket: Ticket, intent: Intent) -> None:
    """Remove what an intent showed at a key, and no other import's or run's."""
    if place.store.is_ours(ticket, intent.marks):
        place.store.delete(ticket.key)


def _remove_result(place: Place, intent: Intent) -> None:
    """Remove the result.json that an intent has, and no other import's or run's."""
    if _is_own_result(place, intent):
        place.store.delete(intent.result_key)


def _is_own_result(place: Place, intent: Intent) -> bool:
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


def done_before(place: Place) -> Report | None:
    """The report of an earlier run that got through, even if it did not live to say so; its leftovers are gone. None
    where any of what it published is not there any more as it was: then it is imported again."""
    earlier = record.read(place.scope, place.record_key)
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
        place.reclaimed.update(one.key for one in earlier.objects if one.marked)
    else:
        place.proven.update(_unmarked(place, earlier))
    return None


def _unmarked(place: Place, earlier: Finished) -> set[str]:
    """Keys of a record's objects that have no marks and still are as they were: where the store keeps no metadata, and
    only if result.json beside them names the same import. A record alone may have been written by anyone."""
    folder = record.folder_of(place.scope, earlier)
    content = place.scope.read(layout.key(folder, layout.RESULT)) if folder else None
    if content is None or verified.uid_of(content.body) != earlier.uid:
        return set()
    return {one.key for one in earlier.objects if not one.marked and place.scope.has(one, earlier.uid)}


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
        stale = tuple(key for key in intent.stale if _may_remove(place, key))
        if done := _finished(place, intent.model_copy(update={"stale": stale})):
            return done
    if intent.report.uid == place.task.uid:
        take_back(place, intent)
    return None


def _may_remove(place: Place, key: str) -> bool:
    """Whether an object that an earlier run's intent calls stale has a mark that allows it: this import's or, where it
    may replace others' results, any import's."""
    facts = place.store.head(key)
    is_replaced = place.task.spec.destination.if_exists == "Replace"
    return facts is not None and (has_marks(facts, {UID: place.task.uid}) or (is_replaced and UID in facts.metadata))


def _finished(place: Place, intent: Intent) -> Finished | None:
    """Show all that is not shown yet. None where something sent is gone, or another import's file stands where it would
    go, which is found out before anything else."""
    store = place.store

    def shown_object(ticket: Ticket) -> StoredObject | None:
        if store.is_there(ticket, intent.marks):
            store.abort(ticket.key, ticket.upload)
        elif not store.finish(ticket, intent.marks, replace=intent.replace):
            return None
        return _arrived(place, ticket, intent)

    hidden = [ticket for ticket in intent.tickets if not store.is_there(ticket, intent.marks)]
    if not all(store.is_ready(ticket) for ticket in hidden) or _is_taken(place, intent, hidden):
        return None
    try:
        return _show(place, intent, shown_object)
    except ImportFailure as failure:
        if _is_hopeless(failure, is_overwritten=intent.replace):
            take_back(place, intent)
            with suppress(ImportFailure):
                place.notebook.clear()
        if isinstance(failure, DestinationFault) and failure.remedy is Remedy.RESEND:
            return None  # the file is not here any more: the video is imported again
        raise


def _is_taken(place: Place, intent: Intent, hidden: Iterable[Ticket]) -> bool:
    """Whether another import's file would be overwritten that may not be."""
    if not intent.replace or place.task.spec.destination.if_exists == "Replace":
        return False
    keys = (*(ticket.key for ticket in hidden), intent.result_key)
    standing = ((key, place.store.head(key)) for key in keys)
    return any(facts is not None and _is_foreign(place, key, facts) for key, facts in standing)
