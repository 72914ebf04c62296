"""What is expected of each object store, feature by feature, and what the importer does: the tables of docs/stores.md.

An expectation is the outcome of most stores, and those that differ. Tests assert every one; nothing is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Feature:
    """A row."""

    title: str
    does: str
    """What the importer does with it, or without it."""
    usual: str
    others: Mapping[str, str] = field(default_factory=dict)

    def expected(self, server: str) -> str:
        """The outcome with one store."""
        return self.others.get(server, self.usual)


ANSWERED: Mapping[str, Feature] = {
    "part_checksums": Feature(
        "SHA-256 of an object sent in parts, in HEAD",
        "Compares it in any form; without it compares the ETag's MD5, or reads the object once",
        "composite",
        {"moto": "composite without -N", "rclone": "absent", "s3s-fs": "absent"},
    ),
    "wrong_checksum": Feature(
        "A part whose SHA-256 is wrong",
        "Never relies on it alone",
        "refused",
        {"moto": "ignored", "rclone": "ignored", "s3s-fs": "ignored"},
    ),
    "wrong_md5": Feature(
        "A part whose Content-MD5 is wrong",
        "Never relies on it alone",
        "refused",
        {"moto": "ignored", "s3s-fs": "ignored"},
    ),
    "etags": Feature(
        "ETag of an object sent in parts",
        "Compares it with both MD5s; other ETags only distinguish versions",
        "MD5 of the parts",
        {"rclone": "MD5 of the whole"},
    ),
    "put_if_none_match": Feature(
        "PutObject with `If-None-Match: *`",
        "Sends it where no object was. Ignored: looks right before; two imports of one video may both store it",
        "honoured",
        {"rclone": "ignored"},
    ),
    "put_if_match": Feature(
        "PutObject with `If-Match`",
        "Sends the ETag of the record or `result.json` that it replaces. Ignored: looks right before",
        "honoured",
        {"rclone": "ignored"},
    ),
    "complete_if_none_match": Feature(
        "CompleteMultipartUpload with `If-None-Match: *`",
        "Ignored: checks the key right before and right after, and reports it (`unguarded`)",
        "honoured",
        {"rclone": "ignored"},
    ),
    "complete_if_match": Feature(
        "CompleteMultipartUpload with `If-Match`",
        "Sends the ETag of the object of its own that it replaces. Ignored: looks right before and right after",
        "honoured",
        {"moto": "ignored", "rclone": "ignored"},
    ),
    "delete_if_match": Feature(
        "DeleteObject with `If-Match`",
        "Sends the ETag of the object that it removes. Ignored: looks right before",
        "honoured",
        {"minio": "ignored", "rclone": "ignored", "s3s-fs": "ignored"},
    ),
    "complete_twice": Feature(
        "A second CompleteMultipartUpload",
        "Looks whether its object is there",
        "completed",
        {
            "rclone": "refused: 404 NoSuchUpload",
            "minio": "refused: 404 NoSuchUpload",
            "s3s-fs": "refused: 403 AccessDenied",
        },
    ),
    "list_parts": Feature(
        "ListParts", "Resumes an upload only if its parts are as sent", "as sent", {"s3s-fs": "no ETags"}
    ),
    "list_uploads": Feature(
        "ListMultipartUploads",
        "Aborts uploads whose id a killed run could not note, if they are not older than that run",
        "listed",
        {"moto": "listed, wrong time", "s3s-fs": "refused: 501 NotImplemented"},
    ),
    "list_no_uploads": Feature(
        "ListMultipartUploads where there are none",
        "Takes a refusal for an empty list, and logs it",
        "empty",
        {"rclone": "refused: 404 NoSuchUpload", "s3s-fs": "refused: 501 NotImplemented"},
    ),
    "aborted": Feature(
        "CompleteMultipartUpload of an aborted upload",
        "Uploads again",
        "gone: NoSuchUpload",
        {"moto": "gone: 500", "s3s-fs": "gone: AccessDenied"},
    ),
    "metadata": Feature("User metadata", "Marks its objects with it", "kept"),
    "metadata_keys": Feature(
        "Names of user metadata", "Compares them in lower case", "lower case", {"rclone": "header case"}
    ),
    "metadata_of_2_kb": Feature("A metadata value of 1.5 KB", "`metadata` beyond that is in result.json only", "kept"),
    "content_type": Feature("Content-Type", "Sets it on every object", "kept"),
    "cache_control": Feature("Cache-Control", "See `cacheControl` below", "kept"),
    "encryption": Feature(
        "`x-amz-server-side-encryption: AES256`",
        "See `serverSideEncryption` below",
        "kept",
        {
            "versitygw": "ignored",
            "minio": "refused: 501 NotImplemented",
            "s3s-fs": "ignored",
            "seaweedfs": "refused: 500 InternalError",
        },
    ),
    "storage_class": Feature(
        "Storage class `STANDARD_IA`",
        "See `storageClass` below",
        "kept",
        {
            "versitygw": "ignored",
            "minio": "refused: 400 InvalidStorageClass",
            "s3s-fs": "PutObject refused: 400 InvalidStorageClass, upload ignored",
        },
    ),
    "unknown_storage_class": Feature(
        "A storage class that does not exist",
        "The import fails before the fetch where it is refused",
        "refused: 400 InvalidStorageClass",
        {"versitygw": "taken", "rclone": "taken"},
    ),
    "tags": Feature(
        "Object tags", "See `tags` below", "kept", {"rclone": "refused: 500", "s3s-fs": "refused: 501 NotImplemented"}
    ),
    "empty_part": Feature("An upload of one empty part", "Brings empty files so", "object of 0 bytes"),
    "four_parts": Feature("An upload of four parts", "Sends parts of 8 MiB or more, four at once", "whole"),
    "part_again": Feature(
        "A part that is sent twice",
        "Sends a part again if the encoder rewrote it; refused: sends the whole file once more",
        "replaced",
        {"rclone": "refused: 501 NotImplemented"},
    ),
    "range_read": Feature("GET with Range", "Reads sources by four ranges at once", "honoured"),
    "read_if_match": Feature(
        "GET with Range and If-Match",
        "Ends with `SourceChanged`; ignored: see the row of changed sources below",
        "honoured",
        {"rclone": "ignored", "s3s-fs": "ignored"},
    ),
    "list_encoded": Feature(
        "ListObjectsV2 with `encoding-type=url`",
        "Asks so only where a page is no XML otherwise",
        "all, in order",
    ),
    "list_plain": Feature("ListObjectsV2 without it", "Lists buckets so", "all, in order"),
    "version_id": Feature("Version id in a bucket without versioning", "Takes `null` for none", "absent"),
    "absent_key": Feature(
        "HEAD and GET of an absent key", "Takes it for absent", "refused: 404 / refused: 404 NoSuchKey"
    ),
    "delete_absent": Feature("DeleteObject of an absent key", "Takes it for deleted", "done"),
    "odd_keys": Feature(
        "Keys with spaces, `+`, `%`, `#`, `?`, `&`, quotes and letters of all scripts",
        "Uses them as they are",
        "all",
    ),
    "long_key": Feature("A key of 1024 bytes", "Uses it as it is", "yes", {"s3s-fs": "refused: 500 InternalError"}),
    "long_segment": Feature(
        "A key with a segment of 300 bytes",
        "Shortens its own names; a source's key is used as it is",
        "yes",
        {
            "versitygw": "refused: 409 ExistingObjectIsDirectory",
            "rclone": "refused: 500 InternalError",
            "minio": "refused: 400 XMinioInvalidObjectName",
            "s3s-fs": "refused: 500 InternalError",
            "seaweedfs": "refused: 400 KeyTooLongError",
        },
    ),
    "double_slash": Feature(
        "A key with `//`",
        "Never makes one; reads sources under such keys",
        "yes",
        {
            "versitygw": "another key",
            "rclone": "refused: 400 InvalidArgument",
            "minio": "refused: 400 XMinioInvalidObjectName",
            "s3s-fs": "another key",
            "seaweedfs": "another key",
        },
    ),
    "dot_segment": Feature(
        "A key with `/./`",
        "Never makes one",
        "yes",
        {
            "versitygw": "another key",
            "rclone": "refused: 400 InvalidArgument",
            "minio": "refused: 400 XMinioInvalidResourceName",
            "s3s-fs": "another key",
            "seaweedfs": "refused: 400 InvalidRequest",
        },
    ),
    "file_and_folder": Feature(
        "An object `a` and an object `a/b`",
        "Never makes both",
        "both",
        {
            "versitygw": "refused: 409 ObjectParentIsFile",
            "rclone": "refused: 500 InternalError",
            "s3s-fs": "refused: 500 InternalError",
        },
    ),
}
"""By the name of the question in store_answers.py."""

IMPORTED: Mapping[str, Feature] = {
    "new": Feature(
        "A new import",
        "Verifies every object before the import counts as Completed",
        "Completed, verified by SHA256",
        {"rclone": "Completed, verified by MD5, unguarded", "s3s-fs": "Completed, verified by MD5"},
    ),
    "again": Feature(
        "The same import again",
        "Confirms every object, and moves nothing",
        "Completed, verified by SHA256, 0 requests to the source",
        {
            "rclone": "Completed, verified by MD5, unguarded, 0 requests to the source",
            "s3s-fs": "Completed, verified by MD5, 0 requests to the source",
        },
    ),
    "duplicate": Feature("Another import of the same video", "Stores nothing (`incremental`)", "Duplicate"),
    "taken": Feature("`ifExists: Fail` where another import's video is", "Fails before the fetch", "DestinationExists"),
    "replaced": Feature(
        "`ifExists: Replace`",
        "Replaces it",
        "Completed, verified by SHA256",
        {"rclone": "Completed, verified by MD5", "s3s-fs": "Completed, verified by MD5"},
    ),
    "left": Feature(
        "Incomplete uploads after these five imports",
        "Aborts them",
        "0 uploads",
        {"s3s-fs": "refused: 501 NotImplemented"},
    ),
    "foreign": Feature("`ifExists: Fail` where a user's file is", "Fails before the fetch", "DestinationExists"),
    "appears": Feature("A user's file that appears meanwhile", "Leaves it alone", "DestinationExists"),
    "cancelled": Feature(
        "A cancel during the fetch",
        "Leaves nothing",
        "WorkerLost, 0 objects, 0 uploads",
        {"s3s-fs": "WorkerLost, 0 objects, refused: 501 NotImplemented"},
    ),
    "wrong keys": Feature(
        "Wrong keys", "Fails before the fetch", "DestinationDenied", {"moto": "Completed, verified by SHA256"}
    ),
    "no bucket": Feature(
        "A bucket that is not there",
        "Fails before the fetch",
        "DestinationNotFound",
        {"s3s-fs": "Completed, verified by MD5"},
    ),
    "tags": Feature(
        "`destination.s3.tags`",
        "Dropped or refused: fails before the fetch and names the field",
        "kept",
        {"rclone": "InvalidSpec before the fetch", "s3s-fs": "InvalidSpec before the fetch"},
    ),
    "tags beyond ASCII": Feature(
        "`destination.s3.tags` of letters beyond ASCII",
        "Dropped or refused: fails before the fetch and names the field",
        "kept",
        {
            "minio": "InvalidSpec before the fetch",
            "rclone": "InvalidSpec before the fetch",
            "s3s-fs": "InvalidSpec before the fetch",
        },
    ),
    "cacheControl": Feature("`destination.s3.cacheControl`", "Sets it on visible objects", "kept"),
    "storageClass": Feature(
        "`destination.s3.storageClass: STANDARD_IA`",
        "Dropped: continues without. Refused: fails before the fetch and names the field",
        "kept",
        {"versitygw": "dropped", "minio": "InvalidSpec before the fetch", "s3s-fs": "InvalidSpec before the fetch"},
    ),
    "serverSideEncryption": Feature(
        "`destination.s3.serverSideEncryption: AES256`",
        "Dropped: continues without. Refused: fails before the fetch and names the field",
        "kept",
        {
            "versitygw": "dropped",
            "minio": "InvalidSpec before the fetch",
            "seaweedfs": "InvalidSpec before the fetch",
            "s3s-fs": "dropped",
        },
    ),
    "metadata of 5,001 bytes": Feature(
        "`metadata` of 5,001 bytes", "Keeps it in result.json only", "result.json: True, object: False"
    ),
    "empty file": Feature("An empty file", "Brings it", "whole"),
    "four parts": Feature("A file of four parts", "Brings it", "whole"),
    "odd prefix": Feature(
        "A prefix with spaces, `+`, `%` and letters of other scripts",
        "Brings it",
        "whole",
        {"s3s-fs": "whole, 2 objects"},
    ),
    "killed at each request": Feature(
        "A kill before and after each request of a replacing import",
        "The next run ends it; no mixture is visible",
        "one whole result",
        {
            "moto": "one whole result, an upload may be left",
            "s3s-fs": "one whole result, perhaps sent twice, a note may be left",
        },
    ),
    "source by ranges": Feature("An object of 30 MiB as the source", "Reads it by ranges", "whole"),
    "source changed meanwhile": Feature(
        "A source that changes while it is read", "Never mixes two versions", "SourceChanged"
    ),
    "sources under odd keys": Feature(
        "Sources under eight odd keys",
        "Reads those that the store can keep",
        "8 of 8 keys can be stored, all are read",
        dict.fromkeys(("rclone", "minio", "s3s-fs"), "7 of 8 keys can be stored, all are read"),
    ),
    "list of 1,007 keys": Feature(
        "A bucket of 1,007 objects as a BulkImport's source", "Lists them page by page", "all, in order, 2 pages"
    ),
    "incremental list": Feature(
        "Which of two objects the destination has", "Rejects the first as known", "{'1.mp4': True, '2.mp4': False}"
    ),
}
"""By the name of the outcome in store_imports.py."""
