"""Connections to an object store that end after a request whose body was not sent.

botocore sends ``Expect: 100-continue`` and then no body if the store answers at once, for example with 412. It uses the
connection again. RFC 9110, section 10.1.1, allows the store to wait for that body. Then the store reads the next
request as this body, and answers HTTP 400 to the rest. s3s-fs did so in one of ten imports, and Garage and RustFS are
built on the same HTTP library, hyper.
"""

from functools import partial
from typing import Any

from botocore.awsrequest import (
    AWSConnection,
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPResponse,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)


class _LastResponse(AWSHTTPResponse):
    """A response after which ``http.client`` closes the connection."""

    def begin(self) -> None:
        """Read the status and the headers."""
        super().begin()
        self.will_close = True


class _Expecting(AWSConnection):
    """Closes the connection after a response that came before the body of its request."""

    def _handle_expect_response(self, message_body: Any) -> None:
        made: Any = self  # botocore's types name none of these
        super()._handle_expect_response(message_body)  # type: ignore[misc]
        if made._response_received:
            made.response_class = partial(_LastResponse, **made.response_class.keywords)


class _HTTPConnection(_Expecting, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _HTTPSConnection(_Expecting, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HTTPPool(AWSHTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(AWSHTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def install(client: Any) -> None:
    """Make a client open its connections with these classes. Call this before the first request."""
    client._endpoint.http_session._pool_classes_by_scheme |= {"http": _HTTPPool, "https": _HTTPSPool}
