"""What a run is about to show, and what it may overwrite or remove for that."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import verified_fields as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import folder_layout as layout
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage.base import UID, Facts, Replaceable, Ticket, exists, has_marks, is_same_version
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_scope import StoredObject
from videoimport.worker.storage.upload_batch import Shipment

_LOOKS = 3
"""Times that an upload is completed again after its key changed."""
_MOST_VERSION = 256
Completed = TypeVar("Completed")


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
    if has_marks(facts, {UID: place.task.uid}) or _is_proven(place, key, facts):
        return False
    seen = place.reclaimed.get(key)
    return UID in facts.metadata or seen is None or not is_same_version(seen, facts)


def _is_proven(place: Place, key: str, facts: Facts) -> bool:
    """Whether an object without marks is the very one that was this import's when the run began."""
    one = place.proven.get(key)
    return one is not None and place.scope.is_same(one, facts, place.task.uid)


def reclaimable(place: Place, earlier: Finished) -> dict[str, Facts]:
    """What stands without marks where a record's marked objects were, as it is told by an ETag or a checksum."""
    keys = (one.key for one in earlier.objects if one.marked)
    heads = {key: facts for key in keys if (facts := place.scope.facts(key)) is not None}
    return {key: one for key, one in heads.items() if UID not in one.metadata and (one.etag or one.checksum)}


def intent_for(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...]
) -> Intent:
    """The intent of what the shipment has sent, once all of it has arrived. DESTINATION_EXISTS."""
    report, result = told
    tickets = shipment.tickets
    result_key = layout.key(folder, layout.RESULT)
    is_standing = may_write(place, [*(ticket.key for ticket in tickets), result_key])
    replace = is_standing or not is_protected(place)  # something may appear meanwhile
    report = report.model_copy(update={"unguarded": is_unguarded(place, replace=replace)})
    stale = _stale(place, folder, {result_key, *(ticket.key for ticket in tickets)}) if replace else {}
    return Intent(
        tickets=tickets,
        replace=replace,
        stale=tuple(stale),
        stale_versions=stale,
        result_key=result_key,
        result=result.decode(),
        index_keys=index_keys,
        report=report,
    )


def overwriting(
    place: Place, intent: Intent, ticket: Ticket, complete: Callable[[Replaceable], Completed]
) -> Completed:
    """Complete an upload over what may be overwritten, once more where that changed after the look. Raises
    ImportFailure, as ``may_overwrite`` and ``complete``."""
    replace = may_overwrite(place, intent, ticket)
    for _ in range(_LOOKS):
        try:
            return complete(replace)
        except ImportFailure as failure:
            if failure.reason is not Reason.DESTINATION_EXISTS:
                raise
            seen, replace = replace, may_overwrite(place, intent, ticket)
            if replace == seen:
                raise
            log().warning("destination_object_changed", key=ticket.key)
    return complete(replace)


def may_overwrite(place: Place, intent: Intent, ticket: Ticket) -> Replaceable:
    """Return what an upload may be completed over at its key, decided for each key at that moment.

    With ``ifExists: Fail`` only this import's own object may be overwritten. Where none stands, the request gets the
    condition that none does, whatever this import has at other keys. Raises ImportFailure DESTINATION_EXISTS.
    """
    facts = place.store.head(ticket.key) if intent.replace else None
    if facts is None:
        return False
    is_own = not is_foreign(place, ticket.key, facts) or place.store.own(ticket, intent.marks) is not None
    if is_protected(place) and not is_own:
        raise exists(place.store.uri(ticket.key))
    return facts


def removable(place: Place, intent: Intent, key: str) -> Facts | None:
    """Return the object of an earlier result if it may be removed now. Another writer's that took its place stays."""
    facts = place.store.head(key)
    if facts is None or has_marks(facts, {UID: place.task.uid}):
        return facts
    if is_protected(place):
        return facts if UID not in facts.metadata and _is_proven(place, key, facts) else None
    seen = intent.stale_versions.get(key)
    is_seen = UID in facts.metadata if seen is None else seen == _version(facts)
    return facts if is_seen else None


def _version(facts: Facts) -> str:
    """What tells an object from another one at its key, as far as the store has a name for it."""
    return (facts.etag or facts.checksum or str(facts.size))[:_MOST_VERSION]


def is_unguarded(place: Place, *, replace: bool) -> bool:
    """Whether another import may overwrite what this one shows although it must not, or this one another's object.

    ``replace``: whether it replaces objects of its own.
    """
    store = place.store
    return is_protected(place) and (store.guards is False or (replace and store.guards_own is False))


def _stale(place: Place, folder: str, written: set[str]) -> dict[str, str]:
    """What an import left in this folder that the new result does not overwrite: of ours and of the replaced one. The
    version of each, by key."""
    found = [key for key in place.store.keys(folder + "/") if layout.is_of(folder, key) and key not in written]
    if not found:
        return {}
    anchors = (layout.key(folder, name) for name in (layout.RESULT, layout.VIDEO))
    replaced = {facts.metadata.get(UID) for key in anchors if (facts := place.store.head(key)) is not None}
    owners = [uid for uid in (*replaced, place.task.uid) if uid]
    heads = {key: facts for key in found if (facts := place.store.head(key)) is not None}
    unmarked = any(UID not in facts.metadata for facts in heads.values()) and not place.store.keeps()
    recorded = _recorded(place, folder) if unmarked else {}

    def is_theirs(key: str, facts: Facts) -> bool:
        if any(has_marks(facts, {UID: uid}) for uid in owners):
            return True
        return UID not in facts.metadata and (key in recorded or _is_proven(place, key, facts))

    return {key: _version(facts) for key, facts in heads.items() if is_theirs(key, facts)}


def _recorded(place: Place, folder: str) -> dict[str, StoredObject]:
    """The replaced import's objects without marks, each as its record says: where the store keeps none."""
    content = place.scope.read(layout.key(folder, layout.RESULT))
    uid = verified.uid_of(content.body) if content else None
    earlier = record.read(place.scope, naming.record_key(place.task.spec.destination, uid)) if uid else None
    if not isinstance(earlier, Finished) or record.folder_of(place.scope, earlier) != folder:
        return {}
    return unmarked(place, earlier)


def unmarked(place: Place, earlier: Finished) -> dict[str, StoredObject]:
    """Those of a record's objects, by key, that have no marks and still are as they were: where the store keeps no
    metadata, and only if result.json beside them names the same import. Anyone may have written a record."""
    folder = record.folder_of(place.scope, earlier)
    content = place.scope.read(layout.key(folder, layout.RESULT)) if folder else None
    if content is None or verified.uid_of(content.body) != earlier.uid:
        return {}
    return {one.key: one for one in earlier.objects if not one.marked and place.scope.has(one, earlier.uid)}
