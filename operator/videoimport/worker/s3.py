"""A bucket as a destination: one adapter over boto3, whose errors it turns into ours."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker import multipart, naming, s3_client
from videoimport.worker.credentials import Keys
from videoimport.worker.destination import Content, Facts, Ticket, Unfinished, UnmetError, has_marks
from videoimport.worker.errors import ImportFailure
from videoimport.worker.logs import log
from videoimport.worker.multipart import MultipartUpload
from videoimport.worker.s3_errors import ABSENT, UNMET, error_code, failure_of, status

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

READ_SECONDS = 60
AT_ONCE = 4
"""Parts on their way, of all uploads together."""
_ATTEMPTS = 5
_UNKNOWN_CHECKSUM = ("NotImplemented", "InvalidRequest", "InvalidArgument", "MalformedXML")


class S3Store:
    """A bucket."""

    def __init__(self, client: "S3Client", wish: S3Destination) -> None:
        self.client = client
        self.bucket = wish.bucket
        self._wish = wish
        self.senders = ThreadPoolExecutor(AT_ONCE)

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Botocore's errors inside become ours; ``doing`` completes "The object store did not let us …"."""
        try:
            yield
        except ClientError as error:
            raise failure_of(error_code(error), status(error), self.bucket, doing) from None
        except ParamValidationError:
            raise ImportFailure(Reason.INVALID_SPEC, f"spec.destination is not what S3 accepts ({doing}).") from None
        except SSLError:
            message = "The object store's certificate is not valid; have it mended, or use the right host name."
            raise ImportFailure(Reason.CERTIFICATE_INVALID, message) from None
        except (BotoCoreError, OSError) as error:
            message = f"The object store did not answer ({type(error).__name__}) when we wanted to {doing}."
            raise ImportFailure(Reason.DESTINATION_UNAVAILABLE, message) from None

    def uri(self, key: str) -> str:
        """s3://bucket/key."""
        return naming.uri(self.bucket, key)

    # Small objects

    def read(self, key: str) -> Content | None:
        """A small object, or None where there is none."""
        with self.translated(f"read {key}"):
            try:
                found = self.client.get_object(Bucket=self.bucket, Key=key)
                return Content(found["Body"].read(), found.get("ETag", ""))
            except ClientError as error:
                if error_code(error) in ABSENT:
                    return None
                raise

    def head(self, key: str) -> Facts | None:
        """What an object is, or None where there is none."""
        with self.translated(f"look at {key}"):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error_code(error) in ABSENT:
                    return None
                raise
        return Facts(found["ContentLength"], found.get("ChecksumSHA256"), found.get("Metadata", {}))

    def write(self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False) -> None:
        """A small JSON object, whole."""
        with self.translated(f"write {key}"):
            self._put(key, body, Metadata=dict(metadata), **(self._shown if shown else self._hidden))

    def write_if(self, key: str, body: bytes, version: str | None) -> str:
        """Only if it is as it was. A store that knows no conditions writes: it cannot be had there."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with self.translated(f"write {key}"):
            try:
                return self._put(key, body, **condition, **self._hidden)
            except ClientError as error:
                code = error_code(error)
                if code in (*UNMET, *ABSENT):
                    raise UnmetError from None
                if code != "NotImplemented":
                    raise
                return self._put(key, body, **self._hidden)

    def _put(self, key: str, body: bytes, **more: Any) -> str:
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="application/json", **more)
        return answer.get("ETag", "")

    def delete(self, key: str) -> None:
        """An object is no more."""
        with self.translated(f"delete {key}"):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Of the objects whose keys begin so."""
        with self.translated(f"list {prefix}"):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", []))

    @cached_property
    def _hidden(self) -> dict[str, Any]:
        """Bucket policies may refuse whatever is not encrypted, our own notes too."""
        wish = self._wish.server_side_encryption
        return {"ServerSideEncryption": wish} if wish else {}

    @cached_property
    def _shown(self) -> dict[str, Any]:
        wish = self._wish
        options = {
            "StorageClass": wish.storage_class,
            "CacheControl": wish.cache_control,
            "Tagging": urlencode(wish.tags) if wish.tags else None,
        }
        return self._hidden | {name: value for name, value in options.items() if value is not None}

    # Uploads

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> MultipartUpload:
        """Open an upload; nothing is visible."""
        with self.translated(f"write to {key}"):
            answer = self._create(key, ContentType=content_type, Metadata=dict(metadata), **self._algorithm)
        return MultipartUpload(self, key, answer["UploadId"], metadata)

    def _create(self, key: str, **more: Any) -> Any:
        return self.client.create_multipart_upload(Bucket=self.bucket, Key=key, **more, **self._shown)

    @property
    def _algorithm(self) -> dict[str, Any]:
        return {"ChecksumAlgorithm": "SHA256"} if self.checksums else {}

    @cached_property
    def checksums(self) -> bool:
        """Whether the store keeps SHA-256; otherwise each part goes with its MD5. Known by ``probe``."""
        return True

    def probe(self, key: str) -> None:
        """Open an upload and take it back, with all that is wanted of visible objects."""
        with self.translated(f"write to {key}"):
            try:
                answer = self._create(key, ChecksumAlgorithm="SHA256")
                self.checksums = answer.get("ChecksumAlgorithm") == "SHA256"
            except ClientError as error:
                if error_code(error) not in _UNKNOWN_CHECKSUM:
                    raise
                answer = self._create(key)
                self.checksums = False
        with self.translated(f"abort an upload to {key}"):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=answer["UploadId"])

    def is_ready(self, ticket: Ticket) -> bool:
        """Whether the parts that an earlier run sent lie there as that left them."""
        return multipart.lying(self, ticket) is not None

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: bool) -> bool:
        """Complete what an earlier run sent, if it lies there as that left it."""
        named = multipart.lying(self, ticket)
        if named is None:
            return False
        multipart.complete(self, ticket, marks, named, replace=replace)
        return True

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> bool:
        """Whether the object is that very upload's, whole and unharmed."""
        facts = self.head(ticket.key)
        return (
            facts is not None
            and has_marks(facts, marks)
            and facts.size == ticket.size_bytes
            and (ticket.checksum is None or facts.checksum in (None, ticket.checksum))
        )

    def unfinished(self, key: str) -> list[Unfinished]:
        """Uploads to this very key, anybody's. What the store does not tell is only logged."""
        found: list[Unfinished] = []
        try:
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=key)
            for page in pages:
                for upload in page.get("Uploads", []):
                    if upload["Key"] == key:
                        found.append(Unfinished(upload["UploadId"], upload["Initiated"]))
        except (ClientError, BotoCoreError, OSError) as error:
            code = error_code(error) if isinstance(error, ClientError) else type(error).__name__
            log().warning("cannot list unfinished uploads", code=code)
        return found

    def abort(self, key: str, upload: str) -> bool:
        """Take one upload back. False where that could not be done, which is only logged."""
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        except (ClientError, BotoCoreError, OSError) as error:
            if isinstance(error, ClientError) and error_code(error) == "NoSuchUpload":
                return True
            log().warning("cannot abort an upload", key=key, error=type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """No thread of ours goes on."""
        self.senders.shutdown(wait=False, cancel_futures=True)


def connect(wish: S3Destination, keys: Keys | None, ca_bundle: Path | None = None) -> S3Store:
    """The destination's bucket; nothing is asked yet. Raises ImportFailure INVALID_SPEC."""
    verify = str(ca_bundle) if ca_bundle else None
    client = s3_client.client(
        wish, keys, read_seconds=READ_SECONDS, attempts=_ATTEMPTS, connections=16, ca_bundle=verify
    )
    return S3Store(client, wish)
