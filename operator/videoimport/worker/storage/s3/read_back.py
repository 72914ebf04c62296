"""Reading an object once from its first byte to its last. After a broken connection, the read continues with a Range
request."""

import hashlib
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from videoimport.worker.runtime.logging import log

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CHUNK = 2**20
_TRIES = 5
"""Number of tries in a row that read no further byte."""


def sha256(client: "S3Client", bucket: str, key: str, size: int, went_on: Callable[[], None]) -> str | None:
    """Return the SHA-256 of an object in hex. Return None if the object does not have ``size`` bytes, or if
    several tries in a row read no further byte.

    ``went_on`` is called for every mebibyte. Raises botocore's errors.
    """
    digest, done, furthest, tries = hashlib.sha256(), 0, 0, 0
    while tries < _TRIES:
        found = client.get_object(Bucket=bucket, Key=key, **_range(done))
        if done and found["ResponseMetadata"]["HTTPStatusCode"] != 206:  # the answer has the whole object again
            digest, done = hashlib.sha256(), 0
        if done + found.get("ContentLength", size - done) != size:
            found["Body"].close()
            return None
        with suppress(BotoCoreError, HTTPError, OSError), closing(found["Body"]) as body:
            while chunk := body.read(min(_CHUNK, size + 1 - done)):
                digest.update(chunk)
                done += len(chunk)
                went_on()
        if done >= size:
            return digest.hexdigest() if done == size else None
        tries = 0 if done > furthest else tries + 1
        furthest = max(done, furthest)
    log().warning("read_back_breaks_off", key=key, byte=furthest, tries=tries)
    return None


def _range(done: int) -> dict[str, Any]:
    return {"Range": f"bytes={done}-"} if done else {}
