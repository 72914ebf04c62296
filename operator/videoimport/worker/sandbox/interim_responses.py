"""urllib3 connections that skip informational responses (1xx) and return the final response.

http.client skips ``100 Continue`` only. It returns ``102 Processing`` or ``103 Early Hints`` as the response.
"""

import http.client
from http import HTTPStatus

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

MOST_INFORMATIONAL = 16
"""Maximum number of informational responses before the final response. A server sends one or two."""


class FinalResponse(http.client.HTTPResponse):
    """HTTP response that skips the informational responses before it (RFC 9110, section 15.2).

    Status 101 is final, because it switches to another protocol.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_INFORMATIONAL + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"got more than {MOST_INFORMATIONAL} informational answers")


class _PlainConnection(HTTPConnection):
    response_class = FinalResponse


class _SecureConnection(HTTPSConnection):
    response_class = FinalResponse


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _PlainPool, "https": _SecurePool}
"""Connection pool classes for the attribute ``pool_classes_by_scheme`` of a PoolManager."""
