"""The forms in which stores return the properties of an object, and whether these properties prove the bytes that were
sent.

S3 leaves much open, and servers differ. Names of metadata come in any case. ETags come with and without quotes, or
marked as weak. A composite SHA-256 comes with and without the number of parts. Another form does not mean other
content. So a property that matches is a proof. A property that differs proves nothing, and then the object is read.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from videoimport.api.videoimport_status import Verified
from videoimport.worker.storage.base import Facts, Ticket
from videoimport.worker.storage.s3.answer_limits import require


def etag(told: str | None) -> str | None:
    """Return an ETag without quotes and without the mark of a weak ETag. Return None for an empty ETag."""
    return (told or "").strip().removeprefix("W/").strip('"') or None


def version(told: str | None) -> str:
    """Return an ETag in the form for ``If-Match``: quoted and strong. If there is no ETag, the result is empty."""
    bare = etag(told)
    return f'"{bare}"' if bare else ""


def content_md5(body: bytes) -> str:
    """Return the ``Content-MD5`` of a body. A bucket with Object Lock requires this header for small objects."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def metadata(told: Mapping[str, str]) -> dict[str, str]:
    """Return user metadata with names in lower case. Some servers write underscores for hyphens, or pad values."""
    return {name.lower().replace("_", "-"): value.strip() for name, value in told.items()}


def facts(head: Mapping[str, Any]) -> Facts:
    """Return the facts in the response to a HEAD. Raises UnusableAnswerError."""
    require(head, ["ContentLength"])
    return Facts(
        head["ContentLength"], head.get("ChecksumSHA256"), metadata(head.get("Metadata", {})), etag(head.get("ETag"))
    )


def checksum(told: str | None) -> str | None:
    """Return a SHA-256 in base64. The number of parts at its end is removed. Return None for a text that is not a
    SHA-256."""
    bare = (told or "").strip().partition("-")[0]
    try:
        return bare if len(base64.b64decode(bare, validate=True)) == 32 else None
    except ValueError:
        return None


def shown(found: Facts, ticket: Ticket) -> Verified | None:
    """Return how the store's properties prove that an object has a ticket's bytes, or None if they do not prove it.

    The store's SHA-256 may be that of the whole object, or the composite one of the parts' hashes.
    """
    told = checksum(found.checksum)
    whole = base64.b64encode(bytes.fromhex(ticket.sha256)).decode()
    if told is not None and told in (checksum(ticket.checksum), whole):
        return "SHA256"
    return "MD5" if found.etag is not None and found.etag in ticket.etags else None
