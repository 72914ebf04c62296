"""The forms in which stores tell what they know of an object, and whether that shows the bytes that were sent.

S3 leaves much open, and servers differ: names of metadata come in any case, ETags with and without quotes or marked as
weak, a composite SHA-256 with and without the number of parts. Another form is no other content. So what a store tells
is proof where it matches, and says nothing where it does not: then the object is read.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from videoimport.api.status import Verified
from videoimport.worker.destination import Facts, Ticket
from videoimport.worker.s3_answers import require


def etag(told: str | None) -> str | None:
    """An entity tag without quotes and without the mark of a weak one; None for an empty one."""
    return (told or "").strip().removeprefix("W/").strip('"') or None


def version(told: str | None) -> str:
    """An entity tag as ``If-Match`` takes it: quoted and strong. Empty where there is none."""
    bare = etag(told)
    return f'"{bare}"' if bare else ""


def content_md5(body: bytes) -> str:
    """What ``Content-MD5`` says of a body. A bucket with Object Lock takes no small object without it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def metadata(told: Mapping[str, str]) -> dict[str, str]:
    """User metadata with its names in lower case. Some servers write underscores for hyphens, or pad values."""
    return {name.lower().replace("_", "-"): value.strip() for name, value in told.items()}


def facts(head: Mapping[str, Any]) -> Facts:
    """What the answer to a HEAD tells. Raises UnusableAnswerError."""
    require(head, ["ContentLength"])
    return Facts(
        head["ContentLength"], head.get("ChecksumSHA256"), metadata(head.get("Metadata", {})), etag(head.get("ETag"))
    )


def checksum(told: str | None) -> str | None:
    """A SHA-256 in base64 without the number of parts behind it; None for what is no SHA-256."""
    bare = (told or "").strip().partition("-")[0]
    try:
        return bare if len(base64.b64decode(bare, validate=True)) == 32 else None
    except ValueError:
        return None


def shown(found: Facts, ticket: Ticket) -> Verified | None:
    """How the store's own word shows that an object has a ticket's bytes; None where it does not show that.

    A SHA-256 may be the composite one, of the parts' hashes, or that of the whole object.
    """
    told = checksum(found.checksum)
    whole = base64.b64encode(bytes.fromhex(ticket.sha256)).decode()
    if told is not None and told in (checksum(ticket.checksum), whole):
        return "SHA256"
    return "MD5" if found.etag is not None and found.etag in ticket.etags else None
