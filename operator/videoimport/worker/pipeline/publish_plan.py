"""What a run is about to show, and what it may overwrite or remove for that."""

from collections.abc import Iterable

from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import verification_report as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import folder_layout as layout
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage.base import UID, Facts, Ticket, exists, has_marks
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.upload_batch import Shipment


def may_write(place: Place, keys: Iterable[str]) -> bool:
    """Whether what stands at keys, if anything, may be replaced; DESTINATION_EXISTS when it is another import's.

    Returns True where something has to be replaced.
    """
    standing = False
    for key in keys:
        facts = place.store.head(key)
        standing = standing or facts is not None
        if facts is not None and is_protected(place) and is_foreign(place, key, facts):
            raise exists(place.store.uri(key))
    return standing


def is_protected(place: Place) -> bool:
    """Return whether other imports' objects may not be overwritten or removed."""
    return place.task.spec.destination.if_exists == "Fail"


def is_foreign(place: Place, key: str, facts: Facts) -> bool:
    """Whether an object is another import's, or stands where this one never published anything."""
    if has_marks(facts, {UID: place.task.uid}) or key in place.proven:
        return False
    return UID in facts.metadata or key not in place.reclaimed


def intent_for(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...]
) -> Intent:
    """The intent of what the shipment has sent, once all of it has arrived. DESTINATION_EXISTS."""
    report, result = told
    tickets = shipment.tickets
    result_key = layout.key(folder, layout.RESULT)
    report = report.model_copy(update={"unguarded": is_unguarded(place)})
    is_standing = may_write(place, [*(ticket.key for ticket in tickets), result_key])
    replace = is_standing or not is_protected(place)  # something may appear meanwhile
    return Intent(
        tickets=tickets,
        replace=replace,
        stale=_stale(place, folder, {result_key, *(ticket.key for ticket in tickets)}) if replace else (),
        result_key=result_key,
        result=result.decode(),
        index_keys=index_keys,
        report=report,
    )


def may_overwrite(place: Place, intent: Intent, ticket: Ticket) -> bool:
    """Return whether an upload may be completed over the object at its key, decided for each key at that moment.

    With ``ifExists: Fail`` only this import's own object may be overwritten. Where none stands, the request gets the
    condition that none does, whatever this import has at other keys. Raises ImportFailure DESTINATION_EXISTS.
    """
    if not is_protected(place):
        return True
    facts = place.store.head(ticket.key) if intent.replace else None
    if facts is None:
        return False
    if is_foreign(place, ticket.key, facts) and not place.store.is_ours(ticket, intent.marks):
        raise exists(place.store.uri(ticket.key))
    return True


def may_remove(place: Place, key: str) -> bool:
    """Return whether an object of an earlier result may be removed now. Another writer's that took its place stays,
    unless others' results may be replaced."""
    if not is_protected(place):
        return True
    facts = place.store.head(key)
    if facts is None or UID in facts.metadata:
        return has_marks(facts, {UID: place.task.uid})
    return key in place.proven


def is_unguarded(place: Place) -> bool:
    """Whether another import may overwrite what this one shows although it must not."""
    return place.store.guards is False and is_protected(place)


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
    return unmarked(place, earlier)


def unmarked(place: Place, earlier: Finished) -> set[str]:
    """Keys of a record's objects that have no marks and still are as they were: where the store keeps no metadata, and
    only if result.json beside them names the same import. A record alone may have been written by anyone."""
    folder = record.folder_of(place.scope, earlier)
    content = place.scope.read(layout.key(folder, layout.RESULT)) if folder else None
    if content is None or verified.uid_of(content.body) != earlier.uid:
        return set()
    return {one.key for one in earlier.objects if not one.marked and place.scope.has(one, earlier.uid)}
