"""Which way requests leave: straight or through a proxy, and which certificates are believed."""

import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import certifi
import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure


@dataclass(frozen=True, slots=True)
class Route:
    """The same for our own client, yt-dlp and object stores."""

    proxy: str | None = None
    """spec.worker.proxy, which may hold a login: it is not shown."""
    ca_bundle: str | None = None
    """A file with all certificates to be believed; None for the usual ones."""

    def trust(self) -> None:
        """Make libraries that ask OpenSSL for its default certificates believe these."""
        if self.ca_bundle:
            os.environ["SSL_CERT_FILE"] = self.ca_bundle

    def context(self) -> ssl.SSLContext:
        """What servers' certificates are checked with."""
        trusted = ssl.create_default_context()
        trusted.load_verify_locations(self.ca_bundle or certifi.where())
        return trusted

    def pool(self, timeout: urllib3.Timeout) -> urllib3.PoolManager:
        """Connections, without retries of their own."""
        if not self.proxy:
            return urllib3.PoolManager(retries=False, timeout=timeout, ssl_context=self.context())
        parts = urlsplit(self.proxy)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        return urllib3.ProxyManager(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
            retries=False, timeout=timeout, ssl_context=self.context(), proxy_ssl_context=self.context(),
        )  # fmt: skip

    def proxy_addresses(self) -> tuple[str, ...] | None:
        """All that may be connected to when there is a proxy; None when there is none. Raises ImportFailure."""
        if not self.proxy:
            return None
        try:
            parts = urlsplit(self.proxy)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except ValueError:
            raise ImportFailure(Reason.INVALID_SPEC, "spec.worker.proxy is no address; correct it.") from None
        except OSError:
            message = "The name of the proxy in spec.worker.proxy does not resolve."
            raise ImportFailure(Reason.SOURCE_UNAVAILABLE, message) from None
        return tuple({str(address[4][0]) for address in found})
