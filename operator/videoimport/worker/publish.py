"""Bringing a verified result to the destination: parts, intent, the video visible, result.json, the commit record."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.report import Report
from videoimport.worker import naming, record, upload
from videoimport.worker.destination import Facts, Store
from videoimport.worker.errors import ImportFailure
from videoimport.worker.preflight import Place
from videoimport.worker.record import UID, Intent
from videoimport.worker.upload import Digest, Upload


def may_write(place: Place, key: str) -> bool:
    """Whether what stands at a key, if anything, may be replaced; DESTINATION_EXISTS when it is another import's.

    Returns True where something has to be replaced.
    """
    standing = [facts for facts in map(place.store.head, (key, naming.result_key(key))) if facts]
    foreign = [facts for facts in standing if not _is_ours(facts, place.task.uid)]
    if foreign and place.task.spec.destination.if_exists == "Fail":
        raise upload.exists(place.store.bucket, key)
    return bool(standing)


def _is_ours(facts: Facts, uid: str) -> bool:
    return facts.metadata.get(UID) == uid


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to be published at a key."""

    path: Path
    key: str
    digest: Digest


def publish(
    place: Place,
    parcel: Parcel,
    moved: Callable[[int], None],
    told: Callable[[], tuple[Report, bytes]],
    *,
    checksums: bool,
) -> Report:
    """Upload all parts, make the video visible, then say so: what ``told`` has to say once all parts are there.

    What was uploaded is taken back when it does not get through, whatever the cause. Killed from the intent on, the
    next run goes on from there.
    """
    upload.abort_leftovers(place.store, parcel.key)
    marks = record.marks(place.task.uid, place.task.spec_hash, place.task.run)
    under_way = upload.begin(place.store, parcel.key, marks, checksums=checksums)
    try:
        under_way.send(parcel.path, parcel.digest, moved)
        report, result = told()
        intent = _intent(parcel, under_way, report, result)
        _show(place, parcel, under_way, intent)
    except BaseException:  # an interruption too must leave no parts behind
        under_way.abort()
        raise
    finally:
        under_way.close()
    _check_arrived(place, parcel, under_way)
    conclude(place, intent)
    return report


def _intent(parcel: Parcel, under_way: Upload, report: Report, result: bytes) -> Intent:
    return Intent(
        key=parcel.key,
        upload_id=under_way.upload_id,
        size_bytes=parcel.digest.size,
        checksum=parcel.digest.composite if under_way.checksums else None,
        report=report,
        result=result.decode(),
    )


def _show(place: Place, parcel: Parcel, under_way: Upload, intent: Intent) -> None:
    replace = may_write(place, parcel.key)
    record.write(place.store, place.record_key, intent)
    _withdraw_result(place.store, parcel.key)
    under_way.complete(parcel.digest, replace=replace)


def _withdraw_result(store: Store, key: str) -> None:
    """A replaced video's result.json goes first: it would speak of a video that is no more."""
    result = naming.result_key(key)
    if store.head(result) is not None:
        store.delete(result)


def _check_arrived(place: Place, parcel: Parcel, under_way: Upload) -> None:
    if under_way.is_there(parcel.digest):
        return
    place.store.delete(parcel.key)
    message = f"{place.uri(parcel.key)} has not the size or checksum of what was uploaded; it was taken back."
    raise ImportFailure(Reason.VERIFICATION_FAILED, message)


def conclude(place: Place, intent: Intent) -> None:
    """The video is there: result.json, the last visible object, and the commit record in the intent's place."""
    report = intent.report
    marks = record.marks(report.uid, report.spec_hash, report.run)
    place.store.write(naming.result_key(intent.key), intent.result.encode(), marks)
    record.write(place.store, place.record_key, report)
