"""The keys that ListObjectsV2 returns, in all forms that stores use.

A list is requested without ``encoding-type``, because then all stores return keys unchanged. With ``encoding-type``,
some stores write a space as ``+`` in one place and as ``%20`` in another, and some do not apply it. Only a key with a
control character, which XML cannot contain, makes a page invalid XML. That page is requested again with
``encoding-type``.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from botocore import handlers

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.s3.answer_limits import UnusableAnswerError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!*'()/$&,:;=@+-]|%[0-9A-Fa-f]{2})*")
Page = Mapping[str, Any]
_PAGE = 1000
"""Number of keys of a full page."""


class NoXmlError(UnusableAnswerError):
    """A page that is not XML."""


def prepare(client: "S3Client") -> None:
    """Make a client list keys unchanged. A page that is not XML raises NoXmlError.

    By default, botocore handles such a page as a response with status 500, and repeats the request.
    """
    events = client.meta.events
    events.unregister("before-parameter-build.s3.ListObjectsV2", handlers.set_list_objects_encoding_type_url)
    botocores = handlers._handle_200_error  # type: ignore[attr-defined]
    events.unregister("before-parse.s3.*", botocores)
    for first in (_refuse_no_xml, botocores):
        events.register_first("before-parse.s3.*", first)


def _refuse_no_xml(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    if operation_model.name == "ListObjectsV2" and response_dict["status_code"] == HTTPStatus.OK:
        try:
            ElementTree.fromstring(response_dict["body"])  # noqa: S314 — ``answer_limits`` refuses entities
        except ElementTree.ParseError as error:
            raise NoXmlError(error=error) from None


def ask(client: "S3Client", bucket: str, asks: Mapping[str, Any]) -> Page:
    """Return one page of keys. Raises botocore's errors. Raises NoXmlError if the page is invalid XML even with
    ``encoding-type``."""
    try:
        return client.list_objects_v2(Bucket=bucket, **asks)
    except NoXmlError:
        return client.list_objects_v2(Bucket=bucket, EncodingType="url", **asks)


def pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[list[str]]:
    """Yield the keys that begin with ``prefix``, page by page.

    If a truncated page has no continuation token, the next request starts after the greatest key. Raises the errors
    of ``ask``. Raises ImportFailure DESTINATION_UNAVAILABLE if the list does not advance, because a truncated list
    must never be used as a whole list.
    """
    asks: dict[str, str] | None = {}
    tokens, furthest = set[str](), ""
    while asks is not None:
        page = ask(client, bucket, {"Prefix": prefix, **asks})
        found = keys(page)
        asks = _next(page, found, tokens, furthest, prefix)
        furthest = max([furthest, *found])
        yield found


def _next(page: Page, found: list[str], tokens: set[str], furthest: str, prefix: str) -> dict[str, str] | None:
    token = page.get("NextContinuationToken") or ""
    if not page.get("IsTruncated", bool(token) or len(found) >= _PAGE):
        return None
    if token and token not in tokens:
        tokens.add(token)
        return {"ContinuationToken": token}
    if found and max(found) > furthest:
        return {"StartAfter": max(found)}
    message = f"The object store lists the same objects at {prefix} again and again."
    advice = "Choose an object store that lists all objects, or another destination.folder or name."
    raise ImportFailure(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)


def keys(page: Page) -> list[str]:
    """Return the keys of a page, decoded."""
    told = [str(found.get("Key", "")) for found in page.get("Contents", [])]
    decode = _decoder(page.get("EncodingType"), told)
    return [decode(key) for key in told]


def _decoder(encoding: str | None, told: Sequence[str]) -> Callable[[str], str]:
    """Return the function that decodes a page's keys. Some stores name the requested encoding and do not apply it. Some
    write a space as ``+``; others write ``%20`` and leave ``+`` as it is."""
    if encoding != "url" or not all(_ENCODED.fullmatch(key) for key in told):
        return str
    return unquote if any("%20" in key for key in told) else unquote_plus
