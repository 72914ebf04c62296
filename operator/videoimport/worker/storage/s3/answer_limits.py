"""Limits for an object store's responses. botocore reads and parses each response as a whole, even a very long
response.

The users of a namespace choose the store, so it can be malicious. Objects are streamed and have other limits. An
UnusableAnswerError also reports a response that botocore cannot parse, or that lacks what every S3 response has. Then
the endpoint may not be an object store.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import ReadTimeoutError as SilentError

MOST_BYTES = 16 * 2**20
"""Maximum number of bytes of one response. A page of 1000 keys of 1024 bytes, each escaped as XML, has 7 MiB."""


_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_NEEDED = {"CreateMultipartUpload": ("UploadId",), "UploadPart": ("ETag",)}
"""Fields that a response must have, by operation."""
_LISTS = ("ListObjectsV2", "ListParts", "ListMultipartUploads")
"""Operations whose response may be empty except for its root element. The root element must show that the response is a
list."""


class UnusableAnswerError(HTTPClientError):
    """A response that is too long, is not from S3, or has XML with entities. Entities can expand the XML."""

    fmt = "The response is unusable: {error}"

    @property
    def why(self) -> str:
        """The error as a text of this project. The text contains nothing from the response."""
        return str(self.kwargs["error"])


class BoundedSession:
    """Sends requests with botocore's own session, and limits the size of the responses."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: AWSRequest) -> AWSResponse:
        """Return the response with its complete body. Only the body of an object is not read yet."""
        streams, request.stream_output = request.stream_output, True
        answer: AWSResponse = self._session.send(request)
        if streams and answer.status_code < 300:
            return answer
        content = _read(answer)
        if answer.status_code < 300 and _PAGE.match(content):
            raise UnusableAnswerError(error="it is a web page")
        body: Any = _Body(content)
        headers: Any = answer.headers
        return AWSResponse(answer.url, answer.status_code, headers, body)

    def close(self) -> None:
        """Close the connections of the session."""
        self._session.close()


def install(client: Any) -> None:
    """Make a client limit the size of responses. A response that cannot be parsed raises UnusableAnswerError."""
    endpoint = client._endpoint
    endpoint.http_session = BoundedSession(endpoint.http_session)
    ask = endpoint._do_get_response

    def checked(request: Any, operation: Any, context: Any) -> Any:
        try:
            answer, failure = ask(request, operation, context)  # errors of sending are returned, not raised
        except UnusableAnswerError:
            raise
        except Exception as error:  # noqa: BLE001 — of botocore's parsers, and of the libraries below them
            raise UnusableAnswerError(error=f"it cannot be parsed, {type(error).__name__}") from None
        if answer is not None:
            _check(operation.name, *answer)
        return answer, failure

    endpoint._do_get_response = checked
    client.meta.events.register("before-call.s3.HeadBucket", _take_as_last)


def _take_as_last(params: dict[str, Any], **_: Any) -> None:
    """Stop botocore from following a redirect of a HeadBucket. Only botocore itself sends a HeadBucket, to follow a
    redirect that names no region. If that request is redirected too, botocore would recurse without end."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _check(operation: str, answer: AWSResponse, parsed: dict[str, Any]) -> None:
    """Raise UnusableAnswerError for a response without the fields of its operation. Of an error, keep only the text
    values."""
    if "Error" in parsed:
        parsed["Error"] = {name: word for name, word in parsed["Error"].items() if isinstance(word, str)}
        return
    require(parsed, _NEEDED.get(operation, ()))
    if operation in _LISTS:
        root = _ROOT.search(answer.content.replace(b"\0", b""))
        if root is None or not root[1].rpartition(b":")[2].startswith(b"List"):  # moto's root ends with Output
            raise UnusableAnswerError(error="it is not a list")


def require(told: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise UnusableAnswerError if a response lacks a value for one of the names."""
    for name in names:
        if told.get(name) in (None, ""):
            raise UnusableAnswerError(error=f"it has no {name}")


class _Body:
    """A body that was read already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> tuple[bytes, ...]:
        """Return the body as botocore reads it."""
        return (self._content,)


def _read(answer: AWSResponse) -> bytes:
    """Return the body of a response. Raises the errors of botocore's session, and UnusableAnswerError."""
    try:
        content: bytes = answer.raw.read(MOST_BYTES + 1)
    except SilentError as error:
        raise ReadTimeoutError(endpoint_url=answer.url, error=error) from None
    except ProtocolError as error:
        raise ConnectionClosedError(endpoint_url=answer.url, error=error) from None
    except (HTTPError, OSError) as error:
        raise HTTPClientError(error=error) from None
    if len(content) > MOST_BYTES:
        answer.raw.close()
        raise UnusableAnswerError(error=f"more than {MOST_BYTES} bytes")
    if b"<!ENTITY" in content.replace(b"\0", b""):  # also in UTF-16
        raise UnusableAnswerError(error="it declares entities")
    return content
