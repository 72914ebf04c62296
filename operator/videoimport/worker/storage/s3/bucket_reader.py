"""Reading of objects and their properties in a bucket with boto3. Errors of boto3 are converted to errors of the
importer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError
from urllib3.exceptions import HTTPError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import Content, Facts, Proof, Replaceable, Ticket, bounded, is_same_version
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3 import client as s3_client
from videoimport.worker.storage.s3 import key_lists as s3_lists
from videoimport.worker.storage.s3 import read_back as s3_reading
from videoimport.worker.storage.s3.errors import (
    ABSENT,
    BROKEN_OFF,
    error_code,
    failure_of,
    is_unknown,
    no_answer,
    operation_of,
    status,
)
from videoimport.worker.storage.s3.object_ownership import Proofs

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_READS = 3
"""Number of tries to read an object whose body ends too soon."""


class S3Bucket:
    """A bucket with the methods for reading."""

    def __init__(
        self, client: "S3Client", wish: S3Destination, virtual: Callable[[], "S3Client"] | None = None
    ) -> None:
        """``virtual`` returns a client for virtual-hosted addresses, which have the bucket in the host name."""
        self.client = client
        self._virtual = virtual
        self.bucket = wish.bucket
        self.wish = wish
        self.went_on: Callable[[], None] = lambda: None
        """Called while an object is read, to report progress."""
        self.witness: Callable[[], tuple[str, Mapping[str, str]]] | None = None
        self.checksums = True
        """True if the store keeps SHA-256, as ``capability_probe`` or the first response shows. Otherwise each part is
        sent with its MD5."""
        self._asks_checksum = True
        """True if HEAD may request checksums. The value is False if the store refuses such a request."""
        self.proofs = Proofs(self)

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Convert botocore's errors inside the ``with`` block to the importer's errors. ``doing`` completes "The object
        store did not let the worker …"."""
        try:
            yield
        except ClientError as error:
            raise failure_of(error_code(error), status(error), self.bucket, doing, operation_of(error)) from None
        except ParamValidationError:
            raise ImportFailure(
                Reason.INVALID_SPEC, f"S3 does not accept a value in spec.destination ({doing})."
            ) from None
        except SSLError:
            message = "The certificate of the object store is not valid."
            raise ImportFailure(Reason.CERTIFICATE_INVALID, message) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise no_answer(error, doing) from None

    def uri(self, key: str) -> str:
        """Return the address s3://bucket/key."""
        return naming.uri(self.bucket, key)

    def read(self, key: str) -> Content | None:
        """Return a small object. Return None if the object does not exist. The first request of a run is such a
        read. The response shows which form of address the store accepts."""
        with self.translated(f"read {key}"):
            try:
                return self._content(key)
            except ClientError as error:
                if error_code(error) in ABSENT:
                    return None
                raise

    def _content(self, key: str) -> Content:
        """Return a small object, with new tries if its body ends too soon: a part of a record must not be used as the
        whole. Raises botocore's errors."""
        for left in reversed(range(_READS)):
            found = self._get(key)
            try:
                with closing(found["Body"]) as body:
                    content = body.read(strict.MOST_BYTES + 1)
                    more = body.read(1)  # raises an error if bytes are missing at the end
            except BROKEN_OFF:
                if not left:
                    raise
                continue
            is_ours = not more and len(content) <= strict.MOST_BYTES
            return Content(content if is_ours else b"", forms.version(found.get("ETag")))
        raise AssertionError("unreachable")

    def _get(self, key: str) -> Any:
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error_code(error) not in s3_client.NO_PATHS or self._virtual is None:
                raise
            self.client, self._virtual = self._virtual(), None
            return self.client.get_object(Bucket=self.bucket, Key=key)

    def head(self, key: str) -> Facts | None:
        """Return the properties of an object. Return None if the object does not exist."""
        with self.translated(f"look at {key}"):
            try:
                return self.proofs.readable(forms.facts(self._head(key)))
            except ClientError as error:
                if error_code(error) in ABSENT:
                    return None
                raise

    def _head(self, key: str) -> Any:
        """Send a HEAD request, with checksums if the store accepts that. Raises botocore's errors."""
        if self._asks_checksum:
            try:
                return self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if not is_unknown(error):
                    raise
        try:
            found = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error_code(error) in ABSENT:
                self._asks_checksum = self.checksums = False
            raise
        self._asks_checksum = self.checksums = False
        return found

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the objects whose keys begin with the prefix."""
        with self.translated(f"list {prefix}"):
            pages = bounded(s3_lists.pages(self.client, self.bucket, prefix), prefix)
            yield from bounded((key for page in pages for key in page), prefix)

    def sha256_of(self, key: str, size: int) -> str | None:
        """Read an object and return its SHA-256 in hex. Return None if the object does not exist or has another
        size."""
        with self.translated(f"read {key}"):
            try:
                return s3_reading.sha256(self.client, self.bucket, key, size, self.went_on)
            except ClientError as error:
                if error_code(error) in ABSENT:
                    return None
                raise

    # The owner of an object, and whether the object is complete: see ``verification``

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """Return the evidence that the object comes from this upload and has all its bytes unchanged. Return None if
        the key has no such object."""
        return self.proofs.is_there(ticket, marks)

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return the properties of the object if this upload created it, even if the object is shorter than the
        upload."""
        return self.proofs.own(ticket, marks)

    def is_as_it_was(self, key: str, replace: Replaceable) -> bool:
        """Read the present object at a key, and return whether ``replace`` allows a write over it."""
        if replace is True:
            return True
        now = self.head(key)
        return is_same_version(replace, now) if replace else now is None

    def keeps(self) -> bool:
        """Return whether the store returns metadata in the form in which it was written."""
        return self.proofs.keeps()
