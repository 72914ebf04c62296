"""The keys of a bucket as ListObjectsV2 tells them, whatever form a store gives them.

A list is asked for without ``encoding-type``: all stores then write keys as they are. With it, some write a space as
``+`` in one place and as ``%20`` in another, and some do not apply it. Only a key with a control character, which XML
cannot hold, makes a page no XML; that page is asked for again with it.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from botocore import handlers

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.s3_answers import UnusableAnswerError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!*'()/$&,:;=@+-]|%[0-9A-Fa-f]{2})*")
Page = Mapping[str, Any]
_PAGE = 1000
"""Keys of a full page."""


class NoXmlError(UnusableAnswerError):
    """A page that is no XML."""


def prepare(client: "S3Client") -> None:
    """Let a client list keys as they are. A page that is no XML raises NoXmlError; botocore by itself takes it for an
    answer with status 500, and repeats the request."""
    events = client.meta.events
    events.unregister("before-parameter-build.s3.ListObjectsV2", handlers.set_list_objects_encoding_type_url)
    botocores = handlers._handle_200_error  # type: ignore[attr-defined]
    events.unregister("before-parse.s3.*", botocores)
    for first in (_refuse_no_xml, botocores):
        events.register_first("before-parse.s3.*", first)


def _refuse_no_xml(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    if operation_model.name == "ListObjectsV2" and response_dict["status_code"] == HTTPStatus.OK:
        try:
            ElementTree.fromstring(response_dict["body"])  # noqa: S314 — ``s3_answers`` refuses entities
        except ElementTree.ParseError as error:
            raise NoXmlError(error=error) from None


def ask(client: "S3Client", bucket: str, asks: Mapping[str, Any]) -> Page:
    """One page. Raises botocore's errors, and NoXmlError for what is no XML either way."""
    try:
        return client.list_objects_v2(Bucket=bucket, **asks)
    except NoXmlError:
        return client.list_objects_v2(Bucket=bucket, EncodingType="url", **asks)


def pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[list[str]]:
    """Yield the keys that begin with ``prefix``, page by page.

    A page that is cut and has no token is gone on from by its greatest key. Raises as ``ask``, and ImportFailure
    DESTINATION_UNAVAILABLE where that leads no further: a list that is cut short must never pass for a whole one.
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
    """The keys of a page, as they are."""
    told = [str(found.get("Key", "")) for found in page.get("Contents", [])]
    decode = _decoder(page.get("EncodingType"), told)
    return [decode(key) for key in told]


def _decoder(encoding: str | None, told: Sequence[str]) -> Callable[[str], str]:
    """How a page's keys are read. Some stores name the encoding that they were asked for, and do not apply it; some
    write a space as ``+``, and some as ``%20`` with ``+`` for itself."""
    if encoding != "url" or not all(_ENCODED.fullmatch(key) for key in told):
        return str
    return unquote if any("%20" in key for key in told) else unquote_plus
