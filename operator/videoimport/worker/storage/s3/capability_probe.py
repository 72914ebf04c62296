"""What an object store can do besides the minimum: asked once at the start of a run, at the cost of six requests.

The minimum is PutObject, multipart uploads, HEAD, GET with Range, ListObjectsV2 and user metadata. An upload that is
opened at the video's key and aborted shows that the keys, the bucket and the options do. An upload to a small object of
ours that is there already shows whether parts go with SHA-256, and whether ``If-None-Match`` keeps that object.
"""

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3.conditional_writes import NO_OBJECT
from videoimport.worker.storage.s3.errors import GONE, UNMET, error_code, is_repeated, is_unknown
from videoimport.worker.storage.s3.options import FIELDS

if TYPE_CHECKING:
    from videoimport.worker.storage.s3.store import S3Store


def probe(store: "S3Store", key: str, note: tuple[str, bytes] | None) -> None:
    """Find out what the store can do. Raises ImportFailure where an upload to ``key`` cannot be opened."""
    with store.translated(f"write to {key}"):
        upload = _opened(store, key)
    with store.translated(f"abort an upload to {key}"):
        store.client.abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=upload)
    if note is not None:
        with store.translated(f"write {note[0]}"):
            _try_at(store, *note)
        log().info("store", sha256=store.checksums, conditional_writes=store.guards)


def _opened(store: "S3Store", key: str) -> str:
    """Open an upload with all that is wanted of visible objects; its id."""
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
    """The options of a destination, as fields."""
    return ", ".join(f"destination.s3.{field}" for name, field in FIELDS.items() if name in store.shown)


def _try_at(store: "S3Store", key: str, body: bytes) -> None:
    """Upload the very content to an object that is there, unless it is there. Raises botocore's errors."""
    answer = store.open(key, ContentType="application/json", **store.hidden, **store.algorithm)
    upload, is_completed = answer["UploadId"], False
    try:
        part = _part(store, key, upload, body)
        is_completed = part is not None and _completes(store, key, upload, part)
    finally:
        if not is_completed and not store.abort(key, upload):
            store.in_doubt.add(key)
    if part is None and store.checksums:  # it took the algorithm, and refused the first checksum
        store.checksums = False
        _try_at(store, key, body)


def _part(store: "S3Store", key: str, upload: str, body: bytes) -> dict[str, Any] | None:
    """Send the only part; what ``Complete`` says of it. None where its checksum is refused, or where its answer was
    lost and the store takes no part twice."""
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


def _completes(store: "S3Store", key: str, upload: str, part: Any) -> bool:
    """Complete it unless an object is there, which one is: a store that does so has no such condition."""
    condition: Any = NO_OBJECT
    try:
        store.client.complete_multipart_upload(
            Bucket=store.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": [part]}, **condition
        )
    except ClientError as error:
        is_heard = error_code(error) in GONE and is_repeated(error.response)
        if error_code(error) not in UNMET and not is_unknown(error) and not is_heard:
            raise
        if is_heard:
            store.completions.are_kept = False
            return True
        store.completions.are_taken = store.completions.are_kept = error_code(error) in UNMET
        return False
    store.completions.are_kept = False
    return True
