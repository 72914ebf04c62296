"""Completion of an upload, which makes its object visible. The run that sent the upload completes the upload, or a
later run does. A store may complete an upload although its response is lost. A store may also refuse one upload each
time, but accept another upload. So after each failure, the worker reads the present state of the store."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage import parts
from videoimport.worker.storage.base import Replaceable, Ticket, UnmetError, exists, has_marks
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3 import upload_lists as s3_upload_lists
from videoimport.worker.storage.s3.conditional_writes import condition_for
from videoimport.worker.storage.s3.errors import (
    CONFLICT,
    GONE,
    ErrorKind,
    error_code,
    error_kind,
    is_repeated,
    is_unknown,
    status,
)

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

    from videoimport.worker.storage.s3.store import S3Store

_IN_DOUBT = (*CONFLICT, *GONE)
"""Error codes of a completion that an earlier try of the same completion may have caused."""


def complete(
    store: "S3Store",
    ticket: Ticket,
    marks: Mapping[str, str],
    named: "list[CompletedPartTypeDef]",
    *,
    replace: Replaceable,
) -> None:
    """Complete an upload, so that users see the object. The function is idempotent: a second call does nothing, even
    if the response to the first completion was lost."""
    with store.translated(f"complete {ticket.key}"):
        try:
            _complete(store, ticket, named, replace)
        except (ClientError, BotoCoreError, OSError, UnmetError) as error:
            if _was_heard(store, ticket, marks, error):
                return
            if isinstance(error, UnmetError):
                if store.own(ticket, marks) is not None:  # completed, but with other bytes
                    return
                raise exists(store.uri(ticket.key)) from None
            if isinstance(error, ClientError) and _is_lost(store, ticket.key, error):
                raise _refused(ticket.key, error) from None
            raise


def _complete(store: "S3Store", ticket: Ticket, named: "list[CompletedPartTypeDef]", replace: Replaceable) -> None:
    """Send ``Complete`` with its condition. Raises UnmetError and botocore's errors."""

    def request(**condition: Any) -> None:
        store.proofs.asked.add(ticket.upload)
        answer = store.client.complete_multipart_upload(
            Bucket=store.bucket, Key=ticket.key, UploadId=ticket.upload, MultipartUpload={"Parts": named}, **condition
        )
        store.ended.add(ticket.upload)
        store.proofs.written(ticket.key, forms.etag(answer.get("ETag")))

    store.completions.send(request, condition_for(replace), lambda: store.is_as_it_was(ticket.key, replace))


def _was_heard(store: "S3Store", ticket: Ticket, marks: Mapping[str, str], error: Exception) -> bool:
    """Return whether the object exists although its completion failed: an earlier try of the same request may have
    succeeded.

    Raises ImportFailure if the object cannot be checked, and an earlier try may be the cause of the failure.
    """
    try:
        return _is_done(store, ticket, marks, error)
    except ImportFailure:
        if isinstance(error, UnmetError) or (isinstance(error, ClientError) and error_code(error) in _IN_DOUBT):
            raise
        return False


def _is_done(store: "S3Store", ticket: Ticket, marks: Mapping[str, str], error: Exception) -> bool:
    """Return whether the upload's object exists. An object without marks may be another import's with the same bytes.
    It is this upload's object if the upload is gone, and another import's if the upload is still open.

    If the store does not show whether the upload is open, the object counts as this upload's only if a response was
    lost. Such an object is never removed.
    """
    found = store.is_there(ticket, marks)
    if found is None or has_marks(found.facts, marks):
        return found is not None
    if ticket.upload not in store.proofs.asked:
        return False
    is_open = _is_open(store, ticket)
    if is_open is None:
        return not isinstance(error, UnmetError) or error.is_repeated
    if not is_open and not _was_gone(error):
        store.proofs.written(ticket.key, found.facts.etag)
    return not is_open


def _was_gone(error: Exception) -> bool:
    """Return whether the store had lost an upload before the first request to complete it."""
    return isinstance(error, ClientError) and error_code(error) in GONE and not is_repeated(error.response)


def _is_open(store: "S3Store", ticket: Ticket) -> bool | None:
    """Return whether an upload was neither completed nor aborted, or None if the store does not show that.

    A plain 404 does not show it: a store without ListParts may answer with a plain 404.
    """
    try:
        store.client.list_parts(Bucket=store.bucket, Key=ticket.key, UploadId=ticket.upload, MaxParts=1)
    except (ClientError, BotoCoreError, OSError) as error:
        is_gone = isinstance(error, ClientError) and error_code(error) == "NoSuchUpload"
        return False if is_gone else None
    return True


def _is_lost(store: "S3Store", key: str, error: ClientError) -> bool:
    """Return whether a store will never complete this upload, but may complete another upload to the same key.

    Some stores deny access to an upload that was aborted. The right to open an upload includes the right to complete
    it.
    """
    kind = error_kind(error)
    if kind is ErrorKind.DENIED:
        try:
            answer = store.create(key)
        except (ClientError, BotoCoreError, OSError):
            return False
        store.abort(key, answer["UploadId"])
        return True
    return kind is ErrorKind.OTHER and HTTPStatus.BAD_REQUEST <= status(error) < HTTPStatus.INTERNAL_SERVER_ERROR


def _refused(key: str, error: ClientError) -> ImportFailure:
    message = f"The object store does not complete the upload to {key}: {error_code(error)} (HTTP {status(error)})."
    is_denied = error_kind(error) is ErrorKind.DENIED
    reason = Reason.DESTINATION_DENIED if is_denied else Reason.DESTINATION_UNAVAILABLE
    return DestinationFault(reason, message, remedy=Remedy.RESEND)


def parts_of(store: "S3Store", ticket: Ticket) -> "list[CompletedPartTypeDef] | None":
    """Return the parts of an earlier run's upload if the parts are unchanged. Return None if a part has changed or
    if the store does not list parts."""
    found: list[Any] = []
    with store.translated(f"look at the parts of {ticket.key}"):
        try:
            found += s3_upload_lists.parts(store.client, store.bucket, ticket.key, ticket.upload)
        except s3_upload_lists.EndlessError:
            return None
        except ClientError as error:
            if error_code(error) in GONE or is_unknown(error):
                return None
            raise
    told = [(part["PartNumber"], part.get("Size", 0), forms.etag(part.get("ETag")) or "") for part in found]
    if parts.seal(told) != ticket.seal:
        return None
    sums = ticket.part_sums if len(ticket.part_sums) == len(found) else [None] * len(found)
    found.sort(key=lambda part: int(part["PartNumber"]))
    return [_listed(part, known) for part, known in zip(found, sums, strict=True)]


def _listed(part: Any, known: str | None) -> "CompletedPartTypeDef":
    """Return a part's entry for ``Complete``. ``known`` is the part's SHA-256, for stores that do not list it."""
    named: CompletedPartTypeDef = {"PartNumber": part["PartNumber"], "ETag": forms.version(part["ETag"])}
    if sha256 := part.get("ChecksumSHA256") or known:
        named["ChecksumSHA256"] = sha256
    return named
