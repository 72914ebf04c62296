"""The forms in which stores return the properties of an object, and the check whether these properties match the
bytes that were sent.

S3 leaves much open, and servers differ. Names of metadata may be in upper or lower case. ETags may have quotes or
the mark of a weak ETag. A composite SHA-256 may have the number of parts at its end. A property in another form does
not mean that the content differs. So a property that matches is enough to verify the object. If a property differs,
the worker reads the object.
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
    """Return an ETag in the form for ``If-Match``: quoted and strong. Return an empty string if there is no ETag."""
    bare = etag(told)
    return f'"{bare}"' if bare else ""


def content_md5(body: bytes) -> str:
    """Return the ``Content-MD5`` of a body. A bucket with Object Lock requires this header for small objects."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def metadata(told: Mapping[str, str]) -> dict[str, str]:
    """Return user metadata with names in lower case. Some servers replace hyphens by underscores, or add spaces
    around values."""
    return {name.lower().replace("_", "-"): value.strip() for name, value in told.items()}


def facts(head: Mapping[str, Any]) -> Facts:
    """Return the facts in the response to a HEAD. Raises UnusableAnswerError."""
    require(head, ["ContentLength"])
    return Facts(
        head["ContentLength"], head.get("ChecksumSHA256"), metadata(head.get("Metadata", {})), etag(head.get("ETag"))
    )


def checksum(told: str | None) -> str | None:
    """Return a SHA-256 in base64, without the number of parts at its end. Return None for a text that is not a
    SHA-256."""
    bare = (told or "").strip().partition("-")[0]
    try:
        return bare if len(base64.b64decode(bare, validate=True)) == 32 else None
    except ValueError:
        return None


def shown(found: Facts, ticket: Ticket) -> Verified | None:
    """Return the property of the store that shows that an object has a ticket's bytes. Return None if no property
    shows this. The store's SHA-256 may be the hash of the whole object, or the composite hash of the parts' hashes.
    """
    told = checksum(found.checksum)
    whole = base64.b64encode(bytes.fromhex(ticket.sha256)).decode()
    if told is not None and told in (checksum(ticket.checksum), whole):
        return "SHA256"
    return "MD5" if found.etag is not None and found.etag in ticket.etags else None
