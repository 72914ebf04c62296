"""An answer: its headers and status, its body, and failures of the network while it is read."""

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
from videoimport.worker.sandbox.http_requests import parse_retry_after

_MOST_DIGITS = 18
"""Of a number in a header: 64 bits hold it."""


class Interrupted(Exception):  # noqa: N818 — an event of the network, not of our code
    """The network failed during an answer; another try may succeed."""

    def __init__(
        self, why: str, *, reason: Reason = Reason.SOURCE_UNAVAILABLE, retry_after: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.reason = reason
        """The failure of the import if no further try succeeds."""
        self.retry_after = retry_after
        """Seconds the server asked us to wait."""


@dataclass(frozen=True, slots=True)
class Validator:
    """The value that distinguishes one version of a source from another."""

    etag: str | None = None
    """Strong only."""
    modified: str | None = None

    @property
    def if_range(self) -> str | None:
        """The value of If-Range; None when a resumed download could not be distinguished from a mixed one."""
        return self.etag or self.modified

    @property
    def text(self) -> str | None:
        """Both in one line, for ``parse``; None when no later run could recognize a changed source."""
        return f"{self.etag or ''}\n{self.modified or ''}" if self.if_range else None

    @classmethod
    def parse(cls, text: str) -> "Validator":
        """From ``text``."""
        etag, _, modified = text.partition("\n")
        return cls(etag or None, modified or None)

    def differs(self, other: "Validator") -> bool:
        """Whether the two are certainly of different versions."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified))
        return any(ours and theirs and ours != theirs for ours, theirs in pairs)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The declared range of a 206: bytes ``first`` to ``last``, of ``total`` in all."""

    first: int
    last: int
    total: int | None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response whose body is still to be read, and where it came from in the end."""

    response: BaseHTTPResponse
    url: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return self.response.headers.get(name, "").strip()

    @property
    def validator(self) -> Validator:
        """ETag when it is strong, and Last-Modified."""
        etag = self.header("ETag")
        return Validator(None if etag.startswith("W/") else etag or None, self.header("Last-Modified") or None)

    @property
    def is_encoded(self) -> bool:
        """Whether the body is compressed although the request refused that: then its length proves nothing."""
        return self.header("Content-Encoding").lower() not in ("", "identity")

    @property
    def length(self) -> int | None:
        """Bytes of this body, where they can be trusted."""
        return None if self.is_encoded else _number(self.header("Content-Length"))

    @property
    def content_range(self) -> ContentRange | None:
        """Of a 206; None when it is absent or makes no sense."""
        found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", self.header("Content-Range"))
        return ContentRange(int(found[1]), int(found[2]), _number(found[3])) if found else None

    @property
    def is_whole(self) -> bool:
        """Of a 206: whether it holds all that there is."""
        span = self.content_range
        return span is not None and span.total is not None and (span.first, span.last) == (0, span.total - 1)

    @property
    def total(self) -> int | None:
        """Bytes of the source in all, where this body is all of it and they can be trusted."""
        span = self.content_range if self.status == 206 else None
        return span.total if span and not self.is_encoded else self.length

    def read(self, length: int) -> bytes:
        """Some bytes of the body, at most so many, decoded; none at its end. Raises Interrupted."""
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
        """Seconds that the server asks to wait."""
        return parse_retry_after(self.header("Retry-After"))

    @property
    def filename(self) -> str | None:
        """The name that the server gives the file, else the last part of its address."""
        named = disposition.filename(self.header("Content-Disposition"))
        return named or disposition.last_part(letters.unescaped(urlsplit(self.url).path.rpartition("/")[2]))


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


_BY_STATUS = {
    401: Reason.SOURCE_AUTH_REQUIRED,
    402: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    406: Reason.SOURCE_AUTH_REQUIRED,  # firewalls of web servers answer so to what is no browser
    407: Reason.SOURCE_AUTH_REQUIRED,
    408: Reason.SOURCE_UNAVAILABLE,
    425: Reason.SOURCE_UNAVAILABLE,
    429: Reason.RATE_LIMITED,
}

_REFUSED = (
    "Put a login, or the User-Agent header of a browser under the key headers, into the Secret of "
    "source.credentialsSecretRef, then change retryToken."
)
"""Some hosts refuse all clients but browsers with the status of a missing login."""


def reason_of(status: int) -> Reason:
    """The reason of a status: other 4xx are final (nothing is there for us), everything else may pass."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Reason.SOURCE_NOT_FOUND if 400 <= status < 500 else Reason.SOURCE_UNAVAILABLE


def said(status: int, host: str) -> str:
    """A clause with host and status, such as ``example.com answers 404 Not Found``."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"{host} answers {status} {phrase}".strip()


def advice_of(status: int) -> str:
    """What to do about a status, where that is more exact than its reason's own advice."""
    return _REFUSED if status in (403, 406) else ""


def status_failure(status: int, url: str, retry_after: float | None = None) -> Exception:
    """ImportFailure, or Interrupted for an error that another try may solve."""
    reason, told = reason_of(status), said(status, urlsplit(url).hostname or "the source")
    if reason is Reason.SOURCE_UNAVAILABLE:
        return Interrupted(told, retry_after=retry_after)
    seconds = retry_after if reason is Reason.RATE_LIMITED else None
    return ImportFailure(reason, f"{told}.", seconds, advice=advice_of(status))
