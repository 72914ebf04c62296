"""The verification method of each object. It is added to the report and to result.json once all objects are visible.

The rest of both texts is written earlier and is stored in the intent. So a run that completes another run's publication
reports its own checks.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter

from videoimport.api.base import Model
from videoimport.api.tasks.import_report import Report
from videoimport.api.videoimport_status import OutputFile, ThumbnailSet, Verified
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import Ticket
from videoimport.worker.storage.record_checks import StoredObject


class _ImportPart(Model):
    uid: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class _ResultPart(Model):
    written_by: Annotated[_ImportPart, Field(alias="import")]


_RESULT = TypeAdapter(_ResultPart)
_Told = TypeVar("_Told", OutputFile, ThumbnailSet)
Words = Mapping[str, Verified]
"""Verification methods by the address of the object."""


def in_result(text: str, words: Words) -> str:
    """Return result.json with a field ``verified`` beside the address of each object. A text that is not JSON stays
    unchanged."""
    try:
        content = json.loads(text)
    except (RecursionError, ValueError):
        return text
    left = [content]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if (word := words.get(str(one.get("uri")))) is not None:
                one["verified"] = word
            left += one.values()
        elif isinstance(one, list):
            left += one
    return written(content)


def is_same(text: str, other: str) -> bool:
    """Return whether two texts of result.json differ at most in ``verified``."""
    found = [_without_words(one) for one in (text, other)]
    return found[0] is not None and found[0] == found[1]


def _without_words(text: str) -> str | None:
    try:
        content = json.loads(text, object_hook=lambda one: {name: one[name] for name in one if name != "verified"})
    except (RecursionError, ValueError):
        return None
    return written(content)


def uid_of(result: bytes) -> str | None:
    """Return the UID of the import that a result.json names. Return None if it has no UID. Any program may have
    written the result.json."""
    found = strict.parse(_RESULT, result)
    return found.written_by.uid if found else None


def written(content: Any) -> str:
    """Return a document in the format of result.json."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def in_report(report: Report, words: Words, result: StoredObject) -> Report:
    """Return the report with ``verified`` in its outputs, and with the size and hash of the final result.json."""
    found = report.outputs
    if found is None:
        return report

    def with_word(one: _Told) -> _Told:
        return one.model_copy(update={"verified": words.get(one.uri)})

    told = found.result and found.result.model_copy(
        update={"size_bytes": result.size_bytes, "sha256": result.sha256, "verified": result.verified}
    )
    outputs = {
        "video": found.video and with_word(found.video),
        "audio": found.audio and with_word(found.audio),
        "renditions": tuple(with_word(one) for one in found.renditions),
        "thumbnails": found.thumbnails and with_word(found.thumbnails),
        "original": found.original and with_word(found.original),
        "result": told,
    }
    return report.model_copy(update={"outputs": found.model_copy(update=outputs)})


def ticket_of(key: str, content: bytes) -> Ticket:
    """Return a ticket with which the content of a small object can be verified."""
    sha256 = hashlib.sha256(content).hexdigest()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Ticket(key=key, upload="none", size_bytes=len(content), sha256=sha256, etags=(md5,), seal=sha256)
