"""What an object store answers to the requests of an import, one word a feature: asked plainly, without the worker.

The client is configured as the worker's: no checksum that was not asked for, no retries.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import handlers
from botocore.exceptions import BotoCoreError, ClientError

from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.api.destination import S3Destination
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.s3 import client as s3_client

LEAST_PART = 5 * 2**20
MARK, VALUE = "videoimport-uid", "{%22a%22:%22%C3%BC%22}"
LONG_KEY = "k/" + "/".join(["0123456789" * 10] * 9) + "/" + "x" * 113
"""1024 bytes."""
ODD_KEYS = (
    "in/a b/c+d.mp4", "in/100%/50%25.mp4", "in/zürich/Ωμέγα ☂.mp4", "in/片/视频&lt;'\".mp4", "in/a#b?c=d;e,f@g!h$i.mp4",
    "in/~(x)*[y]{z}|^`=.mp4",
)  # fmt: skip


class Asker:
    """One bucket of a server."""

    def __init__(self, bucket: Bucket) -> None:
        place = S3Destination(endpoint=bucket.store.endpoint, bucket=bucket.name)
        keys = Keys(KEY_ID, SECRET, None)
        self.client: Any = s3_client.client(place, keys, read_seconds=60, attempts=1, connections=4)
        self.name = bucket.name

    def put(self, key: str, body: bytes = b"x", **more: Any) -> Any:
        return self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)

    def head(self, key: str, **more: Any) -> Any:
        return self.client.head_object(Bucket=self.name, Key=key, **more)

    def upload(self, key: str, *bodies: bytes, sha256: bool = False, **more: Any) -> tuple[str, list[dict[str, Any]]]:
        """An upload with its parts, not completed: its id and how Complete names them."""
        kind = {"ChecksumAlgorithm": "SHA256"} if sha256 else {}
        opened = self.client.create_multipart_upload(Bucket=self.name, Key=key, **kind, **more)["UploadId"]
        parts = []
        for number, body in enumerate(bodies, start=1):
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            sums = {**kind, "ChecksumSHA256": digest} if sha256 else {}
            answer = self.client.upload_part(
                Bucket=self.name, Key=key, UploadId=opened, PartNumber=number, Body=body, **sums
            )
            part = {"PartNumber": number, "ETag": answer["ETag"]}
            parts.append(part | ({"ChecksumSHA256": digest} if sha256 else {}))
        return opened, parts

    def complete(self, key: str, opened: str, parts: list[dict[str, Any]], **more: Any) -> Any:
        return self.client.complete_multipart_upload(
            Bucket=self.name, Key=key, UploadId=opened, MultipartUpload={"Parts": parts}, **more
        )


def asked(ask: Callable[[], str]) -> str:
    """The word, or how the store refused."""
    try:
        return ask()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return f"refused: {status}" if code in ("", str(status)) else f"refused: {status} {code}"
    except BotoCoreError as error:
        return f"refused: {type(error).__name__}"


def _unmet(ask: Callable[[], Any]) -> str:
    """What becomes of a request whose condition does not hold."""
    try:
        ask()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return "honoured" if code in ("PreconditionFailed", "412") else f"refused: {code}"
    return "ignored"


def part_checksums(asker: Asker) -> str:
    """The SHA-256 that HEAD tells of an object of two parts which were sent with theirs."""
    bodies = (b"a" * LEAST_PART, b"b")
    asker.complete("k", *asker.upload("k", *bodies, sha256=True))
    found = asker.head("k", ChecksumMode="ENABLED").get("ChecksumSHA256")
    parts = base64.b64encode(hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in bodies)).digest()).decode()
    whole = base64.b64encode(hashlib.sha256(b"".join(bodies)).digest()).decode()
    forms = {None: "absent", f"{parts}-2": "composite", parts: "composite without -N", whole: "full object"}
    return forms.get(found, "unreadable")


def wrong_checksum(asker: Asker) -> str:
    """What becomes of a part whose SHA-256 is another's."""
    opened, _ = asker.upload("k", b"a", sha256=True)
    return _wrong(asker, opened, ChecksumAlgorithm="SHA256", ChecksumSHA256=_base64(hashlib.sha256(b"b").digest()))


def wrong_md5(asker: Asker) -> str:
    """What becomes of a part whose Content-MD5 is another's."""
    opened, _ = asker.upload("k", b"a")
    return _wrong(asker, opened, ContentMD5=_base64(hashlib.md5(b"b", usedforsecurity=False).digest()))


def _wrong(asker: Asker, opened: str, **sums: str) -> str:
    try:
        asker.client.upload_part(Bucket=asker.name, Key="k", UploadId=opened, PartNumber=2, Body=b"a", **sums)
    except ClientError:
        return "refused"
    return "ignored"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def etags(asker: Asker) -> str:
    """What the ETag of an object of two parts is."""
    bodies = (b"a" * LEAST_PART, b"b")
    asker.complete("k", *asker.upload("k", *bodies))
    sums = [hashlib.md5(one, usedforsecurity=False).digest() for one in bodies]
    forms = {
        hashlib.md5(b"".join(sums), usedforsecurity=False).hexdigest() + "-2": "MD5 of the parts",
        hashlib.md5(b"".join(bodies), usedforsecurity=False).hexdigest(): "MD5 of the whole",
    }
    return forms.get(asker.head("k")["ETag"].strip('"'), "no MD5")


def put_if_none_match(asker: Asker) -> str:
    """A PutObject that must not replace anything."""
    asker.put("k", IfNoneMatch="*")
    return _unmet(lambda: asker.put("k", b"y", IfNoneMatch="*"))


def put_if_match(asker: Asker) -> str:
    """A PutObject that may replace one version only."""
    old = asker.put("k")["ETag"]
    new = asker.put("k", b"y", IfMatch=old)["ETag"]
    return _unmet(lambda: asker.put("k", b"z", IfMatch=old)) if new != old else "ETag of another content is the same"


def complete_if_none_match(asker: Asker) -> str:
    """A completion that must not replace anything."""
    asker.complete("free", *asker.upload("free", b"x"), IfNoneMatch="*")
    asker.put("k")
    upload = asker.upload("k", b"y")
    return _unmet(lambda: asker.complete("k", *upload, IfNoneMatch="*"))


def complete_if_match(asker: Asker) -> str:
    """A completion that may replace one version only."""
    old = asker.put("k")["ETag"]
    new = asker.complete("k", *asker.upload("k", b"y"), IfMatch=old)["ETag"]
    upload = asker.upload("k", b"z")
    return _unmet(lambda: asker.complete("k", *upload, IfMatch=old)) if new != old else "the same ETag for other bytes"


def delete_if_match(asker: Asker) -> str:
    """A deletion that may remove one version only."""
    old = asker.put("k")["ETag"]
    new = asker.put("k", b"y")["ETag"]
    seen = _unmet(lambda: asker.client.delete_object(Bucket=asker.name, Key="k", IfMatch=old))
    if seen == "honoured":
        asker.client.delete_object(Bucket=asker.name, Key="k", IfMatch=new)
    return seen


def complete_twice(asker: Asker) -> str:
    """The second answer to one completion."""
    upload = asker.upload("k", b"x")
    asker.complete("k", *upload)
    return asked(lambda: str(asker.complete("k", *upload) and "completed"))


def list_parts(asker: Asker) -> str:
    """Whether parts are listed with the ETags and sizes that they were sent with."""
    opened, parts = asker.upload("k", b"a" * LEAST_PART, b"b")
    found = asker.client.list_parts(Bucket=asker.name, Key="k", UploadId=opened).get("Parts", [])
    told = [(part["PartNumber"], part.get("ETag"), part["Size"]) for part in found]
    wanted = [(part["PartNumber"], part["ETag"], size) for part, size in zip(parts, (LEAST_PART, 1), strict=True)]
    if told == wanted:
        return "as sent"
    return "no ETags" if all(etag is None for _, etag, _ in told) else "others"


def list_uploads(asker: Asker) -> str:
    """Whether an upload that is not completed is listed by its key as a prefix."""
    opened, _ = asker.upload("k/video.mp4", b"a")
    asker.upload("other", b"a")
    found = asker.client.list_multipart_uploads(Bucket=asker.name, Prefix="k/video.mp4").get("Uploads", [])
    ours = [one for one in found if (one["UploadId"], one["Key"]) == (opened, "k/video.mp4")]
    if not ours:
        return "missing"
    prefix = "listed" if len(found) == 1 else "listed, prefix ignored"
    age = abs(datetime.now(UTC) - ours[0]["Initiated"])
    return prefix if age < timedelta(minutes=30) else f"{prefix}, wrong time"


def list_no_uploads(asker: Asker) -> str:
    """The same where there is no upload."""
    found = asker.client.list_multipart_uploads(Bucket=asker.name).get("Uploads", [])
    return "empty" if not found else "listed"


def aborted(asker: Asker) -> str:
    """What is left of an upload that was aborted."""
    opened, parts = asker.upload("k", b"a")
    asker.client.abort_multipart_upload(Bucket=asker.name, Key="k", UploadId=opened)
    try:
        asker.complete("k", opened, parts)
    except ClientError as error:
        return f"gone: {error.response['Error']['Code']}"
    return "completed"


def metadata(asker: Asker) -> str:
    """User metadata of PutObject and of an upload."""
    return _kept(
        asker,
        "Metadata",
        {MARK: VALUE},
        lambda key: {name.lower(): value for name, value in asker.head(key).get("Metadata", {}).items()},
    )


def metadata_keys(asker: Asker) -> str:
    """The letters that metadata keys come back in."""
    asker.put("k", Metadata={MARK: VALUE})
    found = next((name for name in asker.head("k").get("Metadata", {}) if name.lower() == MARK), None)
    return {None: "absent", MARK: "lower case", MARK.title(): "header case"}.get(found, "other")


def metadata_of_2_kb(asker: Asker) -> str:
    """A value of 1.5 KB, the longest that an import writes."""
    return _kept(
        asker,
        "Metadata",
        {MARK: "%C3" * 500},
        lambda key: {name.lower(): value for name, value in asker.head(key).get("Metadata", {}).items()},
    )


def cache_control(asker: Asker) -> str:
    return _kept(asker, "CacheControl", "max-age=60", lambda key: asker.head(key).get("CacheControl"))


def content_type(asker: Asker) -> str:
    return _kept(asker, "ContentType", "video/mp4", lambda key: asker.head(key).get("ContentType"))


def encryption(asker: Asker) -> str:
    """``AES256``, which asks for no key."""
    return _kept(asker, "ServerSideEncryption", "AES256", lambda key: asker.head(key).get("ServerSideEncryption"))


def storage_class(asker: Asker) -> str:
    """One that is not the default."""
    return _kept(asker, "StorageClass", "STANDARD_IA", lambda key: asker.head(key).get("StorageClass"))


def unknown_storage_class(asker: Asker) -> str:
    return asked(lambda: "taken" if asker.put("k", StorageClass="NO_SUCH_CLASS") else "")


def tags(asker: Asker) -> str:
    def of(key: str) -> str:
        found = asker.client.get_object_tagging(Bucket=asker.name, Key=key)["TagSet"]
        return "&".join(f"{tag['Key']}={tag['Value']}" for tag in found)

    return _kept(asker, "Tagging", "team=video", of)


def is_kept_at(asker: Asker, key: str, field: str, value: Any) -> bool:
    """Whether an object has an option, by its field of ``destination.s3``."""
    if field == "tags":
        found = asker.client.get_object_tagging(Bucket=asker.name, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found} == value
    return bool(asker.head(key).get(field[0].upper() + field[1:]) == value)


def _kept(asker: Asker, name: str, value: Any, read: Callable[[str], Any]) -> str:
    """Whether an option of an object comes back, of PutObject (result.json) and of an upload (everything else)."""

    def put() -> str:
        asker.put("put", **{name: value})
        return "kept" if read("put") == value else "ignored"

    def upload() -> str:
        asker.complete("upload", *asker.upload("upload", b"x", **{name: value}))
        return "kept" if read("upload") == value else "ignored"

    both = [asked(put), asked(upload)]
    return both[0] if both[0] == both[1] else f"PutObject {both[0]}, upload {both[1]}"


def empty_part(asker: Asker) -> str:
    """An upload of one part without a byte."""
    asker.complete("k", *asker.upload("k", b""))
    return "object of 0 bytes" if asker.head("k")["ContentLength"] == 0 else "other size"


def four_parts(asker: Asker) -> str:
    """Parts are put together in their order."""
    bodies = [letter * LEAST_PART for letter in (b"a", b"b", b"c")] + [b"d"]
    asker.complete("k", *asker.upload("k", *bodies))
    found = asker.client.get_object(Bucket=asker.name, Key="k")["Body"].read()
    return "whole" if found == b"".join(bodies) else "other content"


def part_again(asker: Asker) -> str:
    """A part that is sent a second time replaces the first."""
    opened, _ = asker.upload("k", b"old")
    new = asker.client.upload_part(Bucket=asker.name, Key="k", UploadId=opened, PartNumber=1, Body=b"newer")
    asker.complete("k", opened, [{"PartNumber": 1, "ETag": new["ETag"]}])
    found = asker.client.get_object(Bucket=asker.name, Key="k")["Body"].read()
    return "replaced" if found == b"newer" else "kept"


def range_read(asker: Asker) -> str:
    asker.put("k", b"0123456789")
    found = asker.client.get_object(Bucket=asker.name, Key="k", Range="bytes=2-4")
    return "honoured" if found["Body"].read() == b"234" and found["ContentRange"] == "bytes 2-4/10" else "other"


def read_if_match(asker: Asker) -> str:
    """A range of one version, as sources are read."""
    old = asker.put("k", b"0123456789")["ETag"]
    asker.client.get_object(Bucket=asker.name, Key="k", Range="bytes=2-4", IfMatch=old)["Body"].read()
    asker.put("k", b"9876543210")
    return _unmet(lambda: asker.client.get_object(Bucket=asker.name, Key="k", Range="bytes=2-4", IfMatch=old))


def version_id(asker: Asker) -> str:
    """Of an object in a bucket without versioning."""
    asker.put("k")
    found = asker.head("k").get("VersionId")
    return "absent" if found is None else f"{found!r}"


def absent_key(asker: Asker) -> str:
    """HEAD and GET where there is no object."""
    return " / ".join(
        asked(lambda ask=ask: str(ask(Bucket=asker.name, Key="none") and "found"))
        for ask in (asker.client.head_object, asker.client.get_object)
    )


def delete_absent(asker: Asker) -> str:
    return asked(lambda: "done" if asker.client.delete_object(Bucket=asker.name, Key="none") else "")


def odd_keys(asker: Asker) -> str:
    """Which of the odd keys cannot be written, read and found in a list."""
    bad = [key for key in ODD_KEYS if asked(lambda key=key: str(_round_trip(asker, key))) != "True"]
    return "all" if not bad else f"not {' and '.join(bad)}"


def long_key(asker: Asker) -> str:
    """A key of 1024 bytes, in segments of 100."""
    return _tried(asker, LONG_KEY)


def long_segment(asker: Asker) -> str:
    """A key with a segment of 300 bytes."""
    return _tried(asker, "in/" + "s" * 300)


def double_slash(asker: Asker) -> str:
    """A key with an empty segment."""
    return _tried(asker, "in/a//b.mp4")


def dot_segment(asker: Asker) -> str:
    return _tried(asker, "in/./b.mp4")


def _tried(asker: Asker, key: str) -> str:
    return asked(lambda: "yes" if _round_trip(asker, key) else "another key")


def _round_trip(asker: Asker, key: str) -> bool:
    body = uuid.uuid4().bytes
    asker.put(key, body)
    listed = asker.client.list_objects_v2(Bucket=asker.name, Prefix=key[:3]).get("Contents", [])
    read = asker.client.get_object(Bucket=asker.name, Key=key)["Body"].read()
    return read == body and key in [one["Key"] for one in listed]


def file_and_folder(asker: Asker) -> str:
    """An object below the key of another."""
    asker.put("in/a", b"1")
    return asked(lambda: "both" if asker.put("in/a/b", b"2") and asker.head("in/a")["ContentLength"] == 1 else "one")


def list_encoded(asker: Asker) -> str:
    """ListObjectsV2 with ``encoding-type=url``, in three pages."""
    return _listed(asker)


def list_plain(asker: Asker) -> str:
    """ListObjectsV2 without ``encoding-type``, in three pages."""
    asker.client.meta.events.unregister(
        "before-parameter-build.s3.ListObjectsV2", handlers.set_list_objects_encoding_type_url
    )
    return _listed(asker)


def _listed(asker: Asker) -> str:
    for key in ODD_KEYS:
        asker.put(key)
    found, more = [], {}
    for _ in range(len(ODD_KEYS) + 1):
        page = asker.client.list_objects_v2(Bucket=asker.name, MaxKeys=2, **more)
        found += [one["Key"] for one in page.get("Contents", [])]
        if not page.get("IsTruncated"):
            break
        more = {"ContinuationToken": page["NextContinuationToken"]}
    keys = [key for key in found if not key.endswith("/")]
    if keys == sorted(ODD_KEYS):
        return "all, in order"
    return "all, in another order" if sorted(keys) == sorted(ODD_KEYS) else f"{len(set(keys) & set(ODD_KEYS))} of 6"


ANSWERS: Mapping[str, Callable[[Asker], str]] = {
    function.__name__: function
    for function in (
        part_checksums, wrong_checksum, wrong_md5, etags, put_if_none_match, put_if_match, complete_if_none_match,
        complete_if_match, delete_if_match, complete_twice, list_parts, list_uploads, list_no_uploads, aborted,
        metadata, metadata_keys, metadata_of_2_kb,
        content_type, cache_control, encryption, storage_class, unknown_storage_class, tags, empty_part, four_parts,
        part_again, range_read, read_if_match, list_encoded, list_plain, version_id, absent_key, delete_absent,
        odd_keys, long_key, long_segment, double_slash, dot_segment, file_and_folder,
    )
}  # fmt: skip
