"""An HTTP response: status, headers and body, and network failures while the body is read."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError
from urllib3.response import BaseHTTPResponse

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http import content_disposition as disposition
from videoimport.worker.fetch.http import header_text as letters
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_errors import parse_retry_after

_MOST_DIGITS = 18
"""Maximum number of digits of a number in a header. Such a number fits into 64 bits."""


class Interrupted(Exception):  # noqa: N818 — an event of the network, not of our code
    """The network failed while a response was read. Another try may succeed."""

    def __init__(
        self, why: str, *, reason: Reason = Reason.SOURCE_UNAVAILABLE, retry_after: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.reason = reason
        """Reason of the import's failure if no further try succeeds."""
        self.retry_after = retry_after
        """Seconds that the server asks the client to wait."""


@dataclass(frozen=True, slots=True)
class Validator:
    """Values that distinguish one version of a source from another."""

    etag: str | None = None
    """A strong ETag. None for a weak one."""
    modified: str | None = None

    @property
    def if_range(self) -> str | None:
        """The value for the header If-Range. None if the source has neither a strong ETag nor Last-Modified, because
        then a resumed download cannot detect a change."""
        return self.etag or self.modified

    @property
    def text(self) -> str | None:
        """The ETag and Last-Modified as one text, which ``parse`` can read. None if the source has neither a strong
        ETag nor Last-Modified, because then a later run cannot detect a change."""
        return f"{self.etag or ''}\n{self.modified or ''}" if self.if_range else None

    @classmethod
    def parse(cls, text: str) -> "Validator":
        """Return the validator in ``text``, which the property ``text`` has produced."""
        etag, _, modified = text.partition("\n")
        return cls(etag or None, modified or None)

    def differs(self, other: "Validator") -> bool:
        """Return whether the two validators certainly belong to different versions of the source. Unknown values are
        ignored."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified))
        return any(ours and theirs and ours != theirs for ours, theirs in pairs)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Range in the header of a 206 response: bytes ``first`` to ``last`` (inclusive), of ``total`` bytes."""

    first: int
    last: int
    total: int | None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response whose body is not read yet, and its URL after all redirects."""

    response: BaseHTTPResponse
    url: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.response.headers.get(name, "").strip()

    @property
    def validator(self) -> Validator:
        """The values that identify the version: a strong ETag and Last-Modified."""
        etag = self.header("ETag")
        return Validator(None if etag.startswith("W/") else etag or None, self.header("Last-Modified") or None)

    @property
    def is_encoded(self) -> bool:
        """Return whether the body is compressed although the request did not allow compression. The Content-Length of
        such a body is not the file's size."""
        return self.header("Content-Encoding").lower() not in ("", "identity")

    @property
    def length(self) -> int | None:
        """Number of bytes in this body, or None if it is unknown or the body is compressed."""
        return None if self.is_encoded else _number(self.header("Content-Length"))

    @property
    def content_range(self) -> ContentRange | None:
        """Range of a 206 response. The value is None if the header is missing or invalid."""
        found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", self.header("Content-Range"))
        return ContentRange(int(found[1]), int(found[2]), _number(found[3])) if found else None

    @property
    def is_whole(self) -> bool:
        """Return whether a 206 response holds the whole file."""
        span = self.content_range
        return span is not None and span.total is not None and (span.first, span.last) == (0, span.total - 1)

    @property
    def total(self) -> int | None:
        """Number of bytes in the whole source, or None if it is unknown or the body is compressed."""
        span = self.content_range if self.status == 206 else None
        return span.total if span and not self.is_encoded else self.length

    def read(self, length: int) -> bytes:
        """Return at most ``length`` decoded bytes of the body. Return no bytes at the end of the body. Raises
        Interrupted."""
        try:
            return self.response.read1(length, decode_content=True)
        except IncompleteRead as error:
            raise Interrupted("it ended too early", reason=Reason.SOURCE_TRUNCATED) from error
        except (HTTPError, ProtocolError) as error:
            early = isinstance(error.__cause__ or error.__context__, IncompleteRead) or "IncompleteRead" in repr(error)
            reason = Reason.SOURCE_TRUNCATED if early else Reason.SOURCE_UNAVAILABLE
            raise Interrupted(f"the connection broke ({type(error).__name__})", reason=reason) from None

    @property
    def retry_after(self) -> int | None:
        """Seconds that the server asks the client to wait."""
        return parse_retry_after(self.header("Retry-After"))

    @property
    def filename(self) -> str | None:
        """The file name that the server sends, or else the last segment of the URL."""
        named = disposition.filename(self.header("Content-Disposition"))
        return named or disposition.last_part(letters.unescaped(urlsplit(self.url).path.rpartition("/")[2]))


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


_BY_STATUS = {
    401: Reason.SOURCE_AUTH_REQUIRED,
    402: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    406: Reason.SOURCE_AUTH_REQUIRED,  # firewalls of web servers send this to clients that are not browsers
    407: Reason.SOURCE_AUTH_REQUIRED,
    408: Reason.SOURCE_UNAVAILABLE,
    425: Reason.SOURCE_UNAVAILABLE,
    429: Reason.RATE_LIMITED,
}

_REFUSED = (
    "Add a login (or a browser's User-Agent under the key headers) to the Secret of source.credentialsSecretRef, "
    "then change retryToken."
)
"""Advice for a host that reports a missing login to every client except browsers."""


def reason_of(status: int) -> Reason:
    """Return the reason for an HTTP status.

    A 4xx status without an entry in the table means that the source does not exist. Every other status may be
    temporary.
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Reason.SOURCE_NOT_FOUND if 400 <= status < 500 else Reason.SOURCE_UNAVAILABLE


def said(status: int, host: str) -> str:
    """Return a clause with the host and the status, such as ``example.com answers 404 Not Found``."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"{host} answers {status} {phrase}".strip()


def advice_of(status: int) -> str:
    """Return the advice for a status if this advice is more exact than the default advice of the reason. Otherwise
    return an empty string."""
    return _REFUSED if status in (403, 406) else ""


def status_failure(status: int, url: str, retry_after: float | None = None) -> Exception:
    """Return the ImportFailure for a status. Return Interrupted if the status may not occur again at another try."""
    reason, told = reason_of(status), said(status, urlsplit(url).hostname or "the source")
    if reason is Reason.SOURCE_UNAVAILABLE:
        return Interrupted(told, retry_after=retry_after)
    seconds = retry_after if reason is Reason.RATE_LIMITED else None
    return ImportFailure(reason, f"{told}.", seconds, advice=advice_of(status))
