"""Tests of an object store's optional features, once at the start of a run, with eight requests.

The minimum is PutObject, multipart uploads, HEAD, GET with Range, ListObjectsV2 and user metadata. The first test
opens an upload at the video's key and aborts it. This shows that the credentials, the bucket and the options are
valid. The second test uploads to an existing object: the import's upload note. This shows whether the store accepts
parts with SHA-256, and whether ``If-None-Match`` protects an object. If objects may be replaced, one more request
shows whether ``If-Match`` protects an object. The third test writes the note's own content with two PutObjects, and
shows the same facts for PutObject. DeleteObject is not tested, because that could remove the note.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3.conditional_writes import NO_OBJECT, Condition, Conditions, Support
from videoimport.worker.storage.s3.errors import ABSENT, GONE, UNMET, error_code, is_repeated, is_unknown
from videoimport.worker.storage.s3.options_probe import FIELDS

if TYPE_CHECKING:
    from videoimport.worker.storage.s3.store import S3Store

_UNMET: tuple[Condition, ...] = (NO_OBJECT, {"IfMatch": f'"{"0" * 32}"'})
"""Conditions that an existing object does not meet: that there is no object, and an ETag of other content."""


def probe(store: "S3Store", key: str, note: tuple[str, bytes] | None, *, replaces: bool) -> None:
    """Test the store's features. Raises ImportFailure if an upload to ``key`` cannot be opened."""
    with store.translated(f"write to {key}"):
        upload = _opened(store, key)
    with store.translated(f"abort an upload to {key}"):
        store.client.abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=upload)
    if note is not None:
        with store.translated(f"write {note[0]}"):
            _try_at(store, *note, _UNMET if replaces else _UNMET[:1])
            _try_writes(store, *note)
        log().info("store", sha256=store.checksums, conditional_writes=store.guards)


def _opened(store: "S3Store", key: str) -> str:
    """Open an upload with all options of visible objects, and return the ID of the upload."""
    try:
        answer = store.create(key, ChecksumAlgorithm="SHA256")
        store.checksums = store.checksums and answer.get("ChecksumAlgorithm") == "SHA256"
    except ClientError as error:
        if not is_unknown(error):
            raise
        store.checksums = False
        answer = _opened_plainly(store, key)
    return str(answer["UploadId"])


def _opened_plainly(store: "S3Store", key: str) -> Any:
    try:
        return store.create(key)
    except ClientError as error:
        if not is_unknown(error) or not (options := _wanted(store)):
            raise
        code = error_code(error)
        message = f"The object store refuses an upload with {options}: {code}."
        advice = f"Remove or correct {options}, or choose a store that supports it."
        raise ImportFailure(Reason.INVALID_SPEC, message, advice=advice) from None


def _wanted(store: "S3Store") -> str:
    """Return the destination's options as names of fields."""
    return ", ".join(f"destination.s3.{field}" for name, field in FIELDS.items() if name in store.shown)


def _try_at(store: "S3Store", key: str, body: bytes, conditions: Sequence[Condition]) -> None:
    """Upload the same content to an existing object, with conditions that are not met. Raises botocore's errors."""
    answer = store.open(key, ContentType="application/json", **store.hidden, **store.algorithm)
    upload, is_completed = answer["UploadId"], False
    try:
        part = _part(store, key, upload, body)
        is_completed = part is not None and _completes(store, key, upload, part, conditions)
    finally:
        if not is_completed and not store.abort(key, upload):
            store.in_doubt.add(key)
    if part is None and store.checksums:  # the store accepted the algorithm, but refused the first checksum
        store.checksums = False
        _try_at(store, key, body, conditions)


def _part(store: "S3Store", key: str, upload: str, body: bytes) -> dict[str, Any] | None:
    """Send the only part, and return the part's entry for ``Complete``. Return None if the store refuses the checksum.
    None also if the response was lost and the store accepts no part twice."""
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    sums: Any = {"ContentMD5": forms.content_md5(body)}
    if store.checksums:
        sums = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
    try:
        answer = store.client.upload_part(
            Bucket=store.bucket, Key=key, UploadId=upload, PartNumber=1, Body=body, **sums
        )
    except ClientError as error:
        if not is_unknown(error) or not (store.checksums or is_repeated(error.response)):
            raise
        return None
    named = {"PartNumber": 1, "ETag": forms.version(answer["ETag"])}
    if not store.checksums:
        return named
    store.checksums = answer.get("ChecksumSHA256") == sha256
    return named | {"ChecksumSHA256": sha256}


def _completes(store: "S3Store", key: str, upload: str, part: Any, conditions: Sequence[Condition]) -> bool:
    """Send ``Complete`` with conditions that are not met. Return True if the store completes anyway, which means that
    it ignores the condition. Then the other condition stays unknown."""

    def complete(**condition: Any) -> Any:
        store.client.complete_multipart_upload(
            Bucket=store.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": [part]}, **condition
        )

    # If the condition is unmet or refused, the upload stays open.
    return any(_try(complete, store.completions, condition) is Support.IGNORED for condition in conditions)


def _try_writes(store: "S3Store", key: str, body: bytes) -> None:
    """Write the same content to an existing object, with conditions that are not met."""
    for condition in _UNMET:
        put = partial(store.put, key, body, **store.hidden)
        _try(put, store.writes, condition)


def _try(request: Callable[..., object], found: Conditions, condition: Condition) -> Support:
    """Send a request with a condition that is not met, and record the store's support for the condition. Raises
    botocore's errors."""
    support = Support.IGNORED
    try:
        request(**condition)
    except ClientError as error:
        is_heard = error_code(error) in GONE and is_repeated(error.response)  # its response was lost
        if not is_heard:
            support = _said(error)
    found.known |= dict.fromkeys(condition, support)
    return support


def _said(error: ClientError) -> Support:
    """Return what the response to an unmet condition shows about the store's support. Raises an error that has another
    cause."""
    if error_code(error) in UNMET:
        return Support.HONOURED
    if is_unknown(error) or error_code(error) in ABSENT:
        return Support.REFUSED
    raise error
