"""Checks whether an object store accepts the options of ``destination.s3`` and keeps tags, before the source is
fetched.

The probe writes a small test object with all options, and removes the object. Some stores refuse an option in this
request, but accept it at CreateMultipartUpload. Some answer with a code that names no option, such as InternalError.
So after a refusal, the same object is written without options and with each option alone. An option is the cause
only if the write with this option fails.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3.errors import ErrorKind, error_code, error_kind, status

if TYPE_CHECKING:
    from videoimport.worker.storage.s3.store import S3Store

FIELDS = {
    "ServerSideEncryption": "serverSideEncryption",
    "StorageClass": "storageClass",
    "Tagging": "tags",
    "CacheControl": "cacheControl",
}
"""Fields of ``destination.s3``, by the parameter of PutObject."""
_AMBIGUOUS = (ErrorKind.AWAY, ErrorKind.UNSUPPORTED, ErrorKind.OTHER)
"""Kinds of errors that may be about an option or about anything else."""


def check(store: "S3Store", key: str) -> None:
    """Write an object at ``key`` with all options, and remove the object. The function sends two requests, and one
    more for tags. Without options, no request is sent.

    Raises ImportFailure INVALID_SPEC if an option is the cause of a refusal.
    """
    if not store.shown:
        return
    with store.translated(f"write {key}"):
        try:
            _write(store, key, store.shown)
        except ClientError as error:
            refused = _refused(store, key) if error_kind(error) in _AMBIGUOUS else ()
            _remove(store, key)
            if not refused:
                raise
            raise _unsupported(refused, error) from None
    try:
        if store.wish.tags and not _keeps_tags(store, key, store.wish.tags):
            raise _dropped()
    finally:
        _remove(store, key)


def _write(store: "S3Store", key: str, options: Mapping[str, Any]) -> None:
    sums: Any = {"ContentMD5": forms.content_md5(b"{}")}
    store.client.put_object(Bucket=store.bucket, Key=key, Body=b"{}", ContentType="application/json", **sums, **options)


def _refused(store: "S3Store", key: str) -> tuple[str, ...]:
    """Return the parameters that prevent the write of the object. The result is empty if the object cannot be written
    without options either."""
    if not _is_taken(store, key, {}):
        return ()
    options = store.shown
    alone = [name for name in options if len(options) > 1 and not _is_taken(store, key, {name: options[name]})]
    return tuple(alone or options)


def _is_taken(store: "S3Store", key: str, options: Mapping[str, Any]) -> bool:
    try:
        _write(store, key, options)
    except ClientError:
        return False
    return True


def _remove(store: "S3Store", key: str) -> None:
    with suppress(ImportFailure):  # a small test object; the next run writes at the same key
        store.delete(key)


def _keeps_tags(store: "S3Store", key: str, tags: Mapping[str, str]) -> bool:
    """Return whether an object has the tags that it was written with. Return True if the credentials do not allow
    reading tags, because no import needs that right."""
    with store.translated(f"read the tags of {key}"):
        try:
            found = store.client.get_object_tagging(Bucket=store.bucket, Key=key).get("TagSet", [])
        except ClientError as error:
            kind = error_kind(error)
            if kind in (ErrorKind.BUSY, ErrorKind.CLOCK) or (kind is ErrorKind.AWAY and store.head(key) is None):
                raise
            return kind is ErrorKind.DENIED
    return {tag["Key"]: tag["Value"] for tag in found} == dict(tags)


def _unsupported(refused: tuple[str, ...], error: ClientError) -> ImportFailure:
    fields = ", ".join(f"spec.destination.s3.{FIELDS[name]}" for name in refused)
    answer = f"{error_code(error)} (HTTP {status(error)})"
    message = f"The object store refuses an object with {fields}, but accepts it without: {answer}."
    advice = f"Remove or correct {fields}, or choose a store that supports it."
    return ImportFailure(Reason.INVALID_SPEC, message, advice=advice)


def _dropped() -> ImportFailure:
    message = "The object store accepts an object with spec.destination.s3.tags, but does not keep its tags."
    advice = "Remove spec.destination.s3.tags, or choose a store that supports object tags."
    return ImportFailure(Reason.INVALID_SPEC, message, advice=advice)
