"""Writing to a bucket: small objects at once, files by uploads that are opened here."""

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
from videoimport.worker.storage.s3 import capability_probe
from videoimport.worker.storage.s3 import client as s3_client
from videoimport.worker.storage.s3 import completion as s3_completion
from videoimport.worker.storage.s3 import options as s3_options
from videoimport.worker.storage.s3 import upload_lists as s3_upload_lists
from videoimport.worker.storage.s3.bucket import S3Bucket
from videoimport.worker.storage.s3.conditional_writes import NO_OBJECT, Conditions, condition_for, if_match
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
"""Parts on their way, of all uploads together."""
_ATTEMPTS = 2
"""Of boto's own, at once; ``Retries`` does the rest."""


class S3Store(S3Bucket):
    """A bucket that is written to."""

    def __init__(
        self, client: "S3Client", wish: S3Destination, virtual: Callable[[], "S3Client"] | None = None
    ) -> None:
        """As ``S3Bucket``."""
        super().__init__(client, wish, virtual)
        self.senders = ThreadPoolExecutor(AT_ONCE)
        self.in_doubt: set[str] = set()
        self.completions = Conditions()
        """Of CompleteMultipartUpload."""
        self.writes = Conditions()
        """Of PutObject."""
        self._deletions = Conditions()
        """Of DeleteObject."""

    @property
    def guards(self) -> bool | None:
        """Whether Complete leaves an object where none may stand; None where that is not known."""
        return self.completions.is_honoured("IfNoneMatch")

    @property
    def guards_own(self) -> bool | None:
        """Whether Complete leaves an object that is not the expected one; None where that is not known."""
        return self.completions.is_honoured("IfMatch")

    # Small objects

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        """A small JSON object, whole. Raises UnmetError where an object stands there that may not be replaced."""
        put = partial(self.put, key, body, Metadata=dict(metadata), **(self.shown if shown else self.hidden))
        with self.translated(f"write {key}"):
            version = self.writes.send(put, condition_for(replace), lambda: self.is_as_it_was(key, replace))
        self.proofs.written(key, forms.etag(version))

    def write_if(self, key: str, body: bytes, version: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Only if it is as it was. A store that does not honour the condition is looked at just before."""
        condition = NO_OBJECT if version is None else if_match(version)
        named = {"Metadata": dict(metadata)} if metadata else {}
        put = partial(self.put, key, body, **named, **self.hidden)

        def is_as_it_was() -> bool:
            standing = self.read(key)
            return (standing.version if standing else None) == version

        with self.translated(f"write {key}"):
            try:
                return self.writes.send(put, condition, is_as_it_was)
            except ClientError as error:
                if error_code(error) in CONFLICT:
                    raise UnmetError from None
                raise

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Write a small object; its ETag, for ``If-Match``. Raises botocore's errors."""
        more |= {"ContentType": "application/json", "ContentMD5": forms.content_md5(body)}
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more)
        return forms.version(answer.get("ETag"))

    def delete(self, key: str, only: Facts | None = None) -> None:
        """An object is no more. Raises UnmetError where another one than ``only`` stands there."""
        with self.translated(f"delete {key}"):
            try:
                self._deletions.send(
                    partial(self.client.delete_object, Bucket=self.bucket, Key=key),
                    condition_for(only or True),
                    lambda: only is None or self.is_as_it_was(key, only),
                )
            except UnmetError:
                if self.head(key) is not None:
                    raise
            except ClientError as error:
                if only is not None and error_code(error) in CONFLICT:
                    raise UnmetError from None
                raise
        self.proofs.deleted(key)

    @cached_property
    def hidden(self) -> dict[str, Any]:
        """Options of our own notes, which bucket policies may ask for too."""
        wish = self.wish.server_side_encryption
        return {"ServerSideEncryption": wish} if wish else {}

    @cached_property
    def shown(self) -> dict[str, Any]:
        """Options of visible objects, as parameters of PutObject."""
        wish = self.wish
        options = {
            "StorageClass": wish.storage_class,
            "CacheControl": wish.cache_control,
            "Tagging": urlencode(wish.tags) if wish.tags else None,
        }
        return self.hidden | {name: value for name, value in options.items() if value is not None}

    # Uploads

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> MultipartUpload:
        """Open an upload; nothing is visible."""
        with self.translated(f"write to {key}"):
            answer = self.create(key, ContentType=content_type, Metadata=dict(metadata), **self.algorithm)
        return MultipartUpload(self, key, answer["UploadId"], metadata)

    def create(self, key: str, **more: Any) -> Any:
        """Open an upload with what is wanted of visible objects. Raises botocore's errors."""
        return self.open(key, **more, **self.shown)

    def open(self, key: str, **more: Any) -> Any:
        """Open an upload. Raises botocore's errors."""
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
        """The option of an upload whose parts go with SHA-256."""
        return {"ChecksumAlgorithm": "SHA256"} if self.checksums else {}

    def probe(self, key: str, note: tuple[str, bytes] | None = None, *, replaces: bool = False) -> None:
        """Find out what the store can do; leaves nothing."""
        capability_probe.probe(self, key, note, replaces=replaces)

    def check_options(self, key: str) -> None:
        """Find out whether the store takes what the destination asks of visible objects; leaves nothing."""
        s3_options.check(self, key)

    def is_ready(self, ticket: Ticket) -> bool:
        """Whether the parts that an earlier run sent lie there as that left them."""
        return s3_completion.parts_of(self, ticket) is not None

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: Replaceable) -> bool:
        """Complete what an earlier run sent, if it lies there as that left it."""
        named = s3_completion.parts_of(self, ticket)
        if named is None:
            return False
        s3_completion.complete(self, ticket, marks, named, replace=replace)
        return True

    def is_upload(self, key: str, upload: str) -> bool:  # noqa: ARG002
        """Any id may be one: the store itself binds an id to its key."""
        return strict.is_plain(upload)

    def unfinished(self, key: str) -> list[Unfinished] | None:
        """Uploads to this very key, anybody's. None where the store does not tell them now; it is logged. A store that
        does not know the request has none; nor does one without any that says NoSuchUpload."""
        try:
            found = [*s3_upload_lists.uploads(self.client, self.bucket, key)]
        except (ClientError, BotoCoreError, OSError) as error:
            code = error_code(error) if isinstance(error, ClientError) else type(error).__name__
            log().warning("cannot list unfinished uploads", code=code)
            return [] if isinstance(error, ClientError) and (code == "NoSuchUpload" or is_unknown(error)) else None
        return [Unfinished(one["UploadId"], _in_utc(one["Initiated"])) for one in found]

    def abort(self, key: str, upload: str) -> bool:
        """Take one upload back. False where that could not be done, which is only logged."""
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        except (ClientError, BotoCoreError, OSError) as error:
            if isinstance(error, ClientError) and error_code(error) in GONE:
                return True
            log().warning("cannot abort an upload", key=key, error=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """No thread of ours goes on."""
        self.senders.shutdown(wait=False, cancel_futures=True)


def _in_utc(told: datetime) -> datetime:
    """A date of S3's; one without a zone is in UTC."""
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def connect(
    wish: S3Destination,
    keys: Keys | None,
    ca_bundle: Path | None = None,
    retries: Retries | None = None,
    read_seconds: float = READ_SECONDS,
) -> S3Store:
    """The destination's bucket; nothing is asked yet. ``read_seconds`` is how long it may send nothing while it owes an
    answer. Raises ImportFailure INVALID_SPEC."""
    verify = str(ca_bundle) if ca_bundle else None
    make = partial(
        s3_client.client, wish, keys, read_seconds=read_seconds, attempts=_ATTEMPTS, connections=16, ca_bundle=verify
    )

    def install(client: "S3Client") -> "S3Client":
        (retries or Retries()).install(client)
        return client

    return S3Store(install(make()), wish, lambda: install(make(virtual_hosts=True)))
