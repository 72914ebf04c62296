"""Decisions about a publication: its folder, the objects to publish, and the objects that may be overwritten or
removed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from videoimport.api import folder_layout as layout
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import verified_fields as verified
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import name_reservation
from videoimport.worker.storage.base import UID, Facts, Replaceable, Ticket, exists, has_marks, is_same_version
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.record_checks import StoredObject
from videoimport.worker.storage.upload_batch import Shipment

_LOOKS = 3
"""Number of times that an upload is completed again after the object at its key changed."""
_MOST_VERSION = 256
Completed = TypeVar("Completed")


@contextmanager
def reserved_folder(place: Place, title: str | None, source_id: str | None) -> Iterator[str]:
    """Yield the key of the video's folder. With ``ifExists: KeepBoth``, the folder is reserved while the block runs. If
    an intent is left to the next run, the folder stays reserved.

    Raises ImportFailure INVALID_SPEC, or DESTINATION_EXISTS if no name is free. If another writer stores files in the
    reserved folder, the block's failure becomes DESTINATION_UNAVAILABLE: the next run takes the next free name.
    """
    if not place.keeps_both:
        yield place.folder(title, source_id)
        return
    try:
        folder = place.names.reserve(
            place.folders(title, source_id), _recorded_folder(place), lambda key: _is_own_folder(place, key)
        )
        try:
            yield folder
        except ImportFailure as failure:
            if failure.reason is not Reason.DESTINATION_EXISTS:
                raise
            raise name_reservation.taken(failure.message) from None
    finally:
        with suppress(ImportFailure):
            if not isinstance(record.read(place.scope, place.record_key), Intent):
                place.names.release()


def _recorded_folder(place: Place) -> str | None:
    """Return the folder of this import's earlier result; None if the import has no commit record."""
    earlier = record.read(place.scope, place.record_key)
    is_own = earlier is not None and record.report_of(earlier).uid == place.task.uid
    return record.folder_of(place.scope, earlier) if earlier is not None and is_own else None


def _is_own_folder(place: Place, folder: str) -> bool:
    """Return whether no other import or writer has an object at the keys that an import writes in this folder."""
    keys = (key for key in place.store.keys(f"{folder}/") if layout.is_of(folder, key))
    heads = ((key, place.store.head(key)) for key in keys)
    return not any(facts is not None and is_foreign(place, key, facts) for key, facts in heads)


def may_write(place: Place, keys: Iterable[str]) -> bool:
    """Return whether an object exists at one of the keys, so that the import must replace the object. Raises
    ImportFailure DESTINATION_EXISTS if such an object belongs to another import and ``destination.ifExists`` is
    Fail."""
    standing = False
    for key in keys:
        facts = place.store.head(key)
        standing = standing or facts is not None
        if facts is not None and is_protected(place) and is_foreign(place, key, facts):
            raise exists(place.store.uri(key))
    return standing


def is_protected(place: Place) -> bool:
    """Return whether ``destination.ifExists`` is Fail or KeepBoth. If so, this import must not overwrite or remove
    other imports' objects."""
    return place.task.spec.destination.if_exists != "Replace"


def is_foreign(place: Place, key: str, facts: Facts) -> bool:
    """Return whether an object belongs to another import or writer.

    An object belongs to this import if it has this import's mark. It also belongs to this import if it has no marks, is
    at a key of this import's record, and is unchanged.
    """
    if has_marks(facts, {UID: place.task.uid}) or _is_proven(place, key, facts):
        return False
    seen = place.reclaimed.get(key)
    return UID in facts.metadata or seen is None or not is_same_version(seen, facts)


def _is_proven(place: Place, key: str, facts: Facts) -> bool:
    """Return whether an object without marks is the object that belonged to this import when the run began."""
    one = place.proven.get(key)
    return one is not None and place.scope.is_same(one, facts, place.task.uid)


def reclaimable(place: Place, earlier: Finished) -> dict[str, Facts]:
    """Return the objects that have lost their marks, by key. They are at the keys of a record, and the record says
    that they had marks. An object with neither an ETag nor a checksum is left out."""
    keys = (one.key for one in earlier.objects if one.marked)
    heads = {key: facts for key in keys if (facts := place.scope.facts(key)) is not None}
    return {key: one for key, one in heads.items() if UID not in one.metadata and (one.etag or one.checksum)}


def intent_for(
    place: Place, shipment: Shipment, folder: str, told: tuple[Report, bytes], index_keys: tuple[str, ...]
) -> Intent:
    """Wait until all files are uploaded, and return the intent that lists these files. Raises ImportFailure
    DESTINATION_EXISTS."""
    report, result = told
    tickets = shipment.tickets
    result_key = layout.key(folder, layout.RESULT)
    is_standing = may_write(place, [*(ticket.key for ticket in tickets), result_key])
    replace = is_standing or not is_protected(place)  # an object may appear meanwhile
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
        session=place.session,
        report=report,
    )


def overwriting(
    place: Place, intent: Intent, ticket: Ticket, complete: Callable[[Replaceable], Completed]
) -> Completed:
    """Complete an upload over an object that may be overwritten. If the object changed after this run read it, try
    again. Raises the failures of ``may_overwrite`` and ``complete``."""
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
    """Return the object that an upload may replace at its key, from the present state of that key.

    With ``ifExists: Fail``, only this import's own object may be overwritten. If there is no object at the key, the
    result is False. The request then succeeds only if the key still has no object. Raises ImportFailure
    DESTINATION_EXISTS.
    """
    facts = place.store.head(ticket.key) if intent.replace else None
    if facts is None:
        return False
    is_own = not is_foreign(place, ticket.key, facts) or place.store.own(ticket, intent.marks) is not None
    if is_protected(place) and not is_own:
        raise exists(place.store.uri(ticket.key))
    return facts


def removable(place: Place, intent: Intent, key: str) -> Facts | None:
    """Return the properties of the object of an earlier result if this run may remove the object now. Return None if
    another writer has replaced the object."""
    facts = place.store.head(key)
    if facts is None or has_marks(facts, {UID: place.task.uid}):
        return facts
    if is_protected(place):
        return facts if UID not in facts.metadata and _is_proven(place, key, facts) else None
    seen = intent.stale_versions.get(key)
    is_seen = UID in facts.metadata if seen is None else seen == _version(facts)
    return facts if is_seen else None


def _version(facts: Facts) -> str:
    """Return text that distinguishes an object from other objects at its key, as far as the store names versions."""
    return (facts.etag or facts.checksum or str(facts.size))[:_MOST_VERSION]


def is_unguarded(place: Place, *, replace: bool) -> bool:
    """Return whether ``destination.ifExists: Fail`` cannot be guaranteed. Then this import and another import may
    overwrite each other's objects, because the store lacks the needed conditional writes.

    ``replace`` states whether this run replaces objects of an earlier run of this import.
    """
    store = place.store
    return is_protected(place) and (store.guards is False or (replace and store.guards_own is False))


def _stale(place: Place, folder: str, written: set[str]) -> dict[str, str]:
    """Return the objects in this folder that the new result does not overwrite, and that this import or the replaced
    import wrote: the version of each, by key."""
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
    """Return the replaced import's unchanged objects without marks, on a store that keeps no metadata."""
    content = place.scope.read(layout.key(folder, layout.RESULT))
    uid = verified.uid_of(content.body) if content else None
    earlier = record.read(place.scope, naming.record_key(place.task.spec.destination, uid)) if uid else None
    if not isinstance(earlier, Finished) or record.folder_of(place.scope, earlier) != folder:
        return {}
    return unmarked(place, earlier)


def unmarked(place: Place, earlier: Finished) -> dict[str, StoredObject]:
    """Return the unchanged objects of a record that have no marks, by key. Objects have no marks if the store keeps
    no metadata.

    The result is empty if result.json in the same folder names another import. Any program may have written the record.
    """
    folder = record.folder_of(place.scope, earlier)
    content = place.scope.read(layout.key(folder, layout.RESULT)) if folder else None
    if content is None or verified.uid_of(content.body) != earlier.uid:
        return {}
    return {one.key: one for one in earlier.objects if not one.marked and place.scope.has(one, earlier.uid)}
