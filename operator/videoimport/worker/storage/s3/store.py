"""Writing to a bucket: small objects in one request, files in multipart uploads."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

from videoimport.api.destination import S3Destination
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import Facts, Replaceable, Ticket, Unfinished, UnmetError
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.retry_policy import READ_SECONDS, Retries
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3 import capability_probe, options_probe
from videoimport.worker.storage.s3 import client as s3_client
from videoimport.worker.storage.s3 import completion as s3_completion
from videoimport.worker.storage.s3 import upload_lists as s3_upload_lists
from videoimport.worker.storage.s3.bucket_reader import S3Bucket
from videoimport.worker.storage.s3.conditional_writes import NO_OBJECT, Condition, Conditions, condition_for, if_match
from videoimport.worker.storage.s3.errors import (
    CONFLICT,
    GONE,
    error_code,
    is_refusal,
    is_repeated,
    is_unknown,
)
from videoimport.worker.storage.s3.multipart import MultipartUpload

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AT_ONCE = 4
"""Maximum number of parts that are being sent at the same time, of all uploads together."""
_ATTEMPTS = 2
"""Number of tries that boto3 makes of a request without a pause; ``Retries`` makes all further tries."""


class S3Store(S3Bucket):
    """A bucket as a destination, with the methods for reading and writing."""

    def __init__(
        self, client: "S3Client", wish: S3Destination, virtual: Callable[[], "S3Client"] | None = None
    ) -> None:
        """Create the store, with the parameters of ``S3Bucket``."""
        super().__init__(client, wish, virtual)
        self.senders = ThreadPoolExecutor(AT_ONCE)
        self.in_doubt: set[str] = set()
        self.ended: set[str] = set()
        """IDs of uploads whose completion or abort the store has confirmed."""
        self.completions = Conditions()
        """Conditions of CompleteMultipartUpload."""
        self.writes = Conditions()
        """Conditions of PutObject."""
        self._deletions = Conditions()
        """Conditions of DeleteObject."""

    @property
    def guards(self) -> bool | None:
        """True if CompleteMultipartUpload honours the condition that no object exists at the key. The value is None if
        that is unknown."""
        return self.completions.is_honoured("IfNoneMatch")

    @property
    def guards_own(self) -> bool | None:
        """True if CompleteMultipartUpload honours the condition that the object at the key is the expected one. The
        value is None if that is unknown."""
        return self.completions.is_honoured("IfMatch")

    @property
    def guards_writes(self) -> bool | None:
        """True if PutObject honours the condition that no object exists at the key. The value is None if this is
        unknown."""
        return self.writes.is_honoured("IfNoneMatch")

    # Small objects

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        """Write a whole small JSON object. Raises UnmetError if ``replace`` does not allow replacing the present
        object at the key."""
        put = partial(self.put, key, body, Metadata=dict(metadata), **(self.shown if shown else self.hidden))
        with self.translated(f"write {key}"):
            version = self.writes.send(put, condition_for(replace), lambda: self.is_as_it_was(key, replace))
        self.proofs.written(key, forms.etag(version))

    def write_if(self, key: str, body: bytes, version: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Write a small object only if the present object is unchanged.

        If the store does not honour the condition, the object is read just before the write.
        """
        condition = NO_OBJECT if version is None else if_match(version)
        named = {"Metadata": dict(metadata)} if metadata else {}
        put = partial(self.put, key, body, **named, **self.hidden)

        with self.translated(f"write {key}"):
            try:
                return self.writes.send(put, condition, lambda: self._has_version(key, version))
            except ClientError as error:
                if error_code(error) in CONFLICT:
                    raise UnmetError from None
                raise

    def _has_version(self, key: str, version: str | None) -> bool:
        standing = self.read(key)
        return (standing.version if standing else None) == version

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Write a small object, and return its ETag for ``If-Match``. Raises botocore's errors."""
        more |= {"ContentType": "application/json", "ContentMD5": forms.content_md5(body)}
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more)
        return forms.version(answer.get("ETag"))

    def delete(self, key: str, only: Facts | None = None) -> None:
        """Delete the object at a key if it exists. Raises UnmetError if ``only`` is given and the key has another
        object."""
        self._delete(key, condition_for(only or True), lambda: only is None or self.is_as_it_was(key, only))

    def delete_if(self, key: str, version: str) -> None:
        """Delete a small object only if it is unchanged. If the store does not honour the condition, the object is read
        just before the deletion."""
        self._delete(key, if_match(version), lambda: self._has_version(key, version))

    def _delete(self, key: str, condition: Condition | None, is_as_it_was: Callable[[], bool]) -> None:
        request = partial(self.client.delete_object, Bucket=self.bucket, Key=key)
        with self.translated(f"delete {key}"):
            try:
                self._deletions.send(request, condition, is_as_it_was)
            except UnmetError:
                if self.head(key) is not None:
                    raise
            except ClientError as error:
                if condition is not None and error_code(error) in CONFLICT:
                    raise UnmetError from None
                raise
        self.proofs.deleted(key)

    @cached_property
    def hidden(self) -> dict[str, Any]:
        """Options of the importer's own small objects, as parameters of PutObject. A bucket policy may require these
        options for every object."""
        wish = self.wish.server_side_encryption
        return {"ServerSideEncryption": wish} if wish else {}

    @cached_property
    def shown(self) -> dict[str, Any]:
        """Options of the result files, as parameters of PutObject."""
        wish = self.wish
        options = {
            "StorageClass": wish.storage_class,
            "CacheControl": wish.cache_control,
            "Tagging": urlencode(wish.tags) if wish.tags else None,
        }
        return self.hidden | {name: value for name, value in options.items() if value is not None}

    # Uploads

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> MultipartUpload:
        """Open an upload. Users cannot see the object before the upload is completed."""
        with self.translated(f"write to {key}"):
            answer = self.create(key, ContentType=content_type, Metadata=dict(metadata), **self.algorithm)
        return MultipartUpload(self, key, answer["UploadId"], metadata)

    def create(self, key: str, **more: Any) -> Any:
        """Open an upload with the options of the result files. Raises botocore's errors."""
        return self.open(key, **more, **self.shown)

    def open(self, key: str, **more: Any) -> Any:
        """Open an upload.

        If the request was repeated or failed, another upload with an unknown ID may be open. Then the key is recorded
        in ``in_doubt``. Raises botocore's errors.
        """
        is_certain = False
        try:
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, **more)
            is_certain = not is_repeated(answer)
        except ClientError as error:
            is_certain = not is_repeated(error.response) and is_refusal(error)
            raise
        finally:
            if not is_certain:
                self.in_doubt.add(key)
        return answer

    @property
    def algorithm(self) -> dict[str, Any]:
        """The option of an upload whose parts are sent with SHA-256."""
        return {"ChecksumAlgorithm": "SHA256"} if self.checksums else {}

    def probe(self, key: str, note: tuple[str, bytes] | None = None, *, replaces: bool = False) -> None:
        """Test the store's features. The test leaves no objects behind."""
        capability_probe.probe(self, key, note, replaces=replaces)

    def check_options(self, key: str) -> None:
        """Check that the store accepts the options of ``destination.s3`` for result files. The check leaves no objects
        behind."""
        options_probe.check(self, key)

    def is_ready(self, ticket: Ticket) -> bool:
        """Return whether the parts that an earlier run sent are still in the store unchanged."""
        return s3_completion.parts_of(self, ticket) is not None

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: Replaceable) -> bool:
        """Complete the upload of an earlier run, if its parts are unchanged."""
        named = s3_completion.parts_of(self, ticket)
        if named is None:
            return False
        s3_completion.complete(self, ticket, marks, named, replace=replace)
        return True

    def is_upload(self, key: str, upload: str) -> bool:  # noqa: ARG002
        """Return whether the ID is plain text. Every plain ID is accepted, because the store itself checks that an
        ID belongs to a key."""
        return strict.is_plain(upload)

    def unfinished(self, key: str) -> list[Unfinished] | None:
        """Return the unfinished uploads of all imports to exactly this key. If the store cannot list uploads now,
        log the failure and return None. The result is empty if the store does not support the request, or answers
        NoSuchUpload because it has no upload."""
        try:
            found = [*s3_upload_lists.uploads(self.client, self.bucket, key)]
        except (ClientError, BotoCoreError, OSError) as error:
            code = error_code(error) if isinstance(error, ClientError) else type(error).__name__
            log().warning("cannot list unfinished uploads", code=code)
            return [] if isinstance(error, ClientError) and (code == "NoSuchUpload" or is_unknown(error)) else None
        return [Unfinished(one["UploadId"], _in_utc(one["Initiated"])) for one in found]

    def abort(self, key: str, upload: str) -> bool:
        """Abort one upload. If the abort fails, log the failure and return False. A second call sends a second
        abort, because a part may have arrived after the first abort. s3s-fs answers the second abort with
        AccessDenied, as if the upload were open."""
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        except (ClientError, BotoCoreError, OSError) as error:
            if isinstance(error, ClientError) and (error_code(error) in GONE or upload in self.ended):
                return True
            log().warning("cannot abort an upload", key=key, error=type(error).__name__)
            return False
        self.ended.add(upload)
        return True

    def close(self) -> None:
        """Stop all threads of the store."""
        self.senders.shutdown(wait=False, cancel_futures=True)


def _in_utc(told: datetime) -> datetime:
    """Return a date of S3 with its time zone; a date without a zone is in UTC."""
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def connect(
    wish: S3Destination,
    keys: Keys | None,
    ca_bundle: Path | None = None,
    retries: Retries | None = None,
    read_seconds: float = READ_SECONDS,
) -> S3Store:
    """Return the destination's bucket. No request is sent yet.

    ``read_seconds`` is the maximum time for which the store may send nothing before it answers a request. Raises
    ImportFailure INVALID_SPEC.
    """
    verify = str(ca_bundle) if ca_bundle else None
    make = partial(
        s3_client.client, wish, keys, read_seconds=read_seconds, attempts=_ATTEMPTS, connections=16, ca_bundle=verify
    )

    def install(client: "S3Client") -> "S3Client":
        (retries or Retries()).install(client)
        return client

    return S3Store(install(make()), wish, lambda: install(make(virtual_hosts=True)))
