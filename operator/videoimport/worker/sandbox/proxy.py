"""The route of HTTP requests: direct or through a proxy, with the trusted certificates."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import certifi
import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard, is_allowed
from videoimport.worker.sandbox.http_urls import login_of, without_login
from videoimport.worker.sandbox.interim_responses import POOLS

LOGIN_KEYS = ("proxy-username", "proxy-password")
"""Keys of the mounted Secret that hold the proxy's login. The Secret is a source's or a webhook's."""


def with_login(proxy: str | None, secret: Path) -> str | None:
    """Return the proxy's URL with the login from the mounted Secret. If the URL already has a login, that login is
    used.

    Raises ImportFailure CREDENTIALS_NOT_FOUND if a value of the Secret is not UTF-8 text.
    """
    files = [secret / key for key in LOGIN_KEYS]
    if not proxy or not files[0].is_file() or "@" in urlsplit(proxy).netloc:
        return proxy
    try:
        user, password = (file.read_text("utf-8").strip("\r\n") if file.is_file() else "" for file in files)
    except ValueError:
        message = "The Secret's keys proxy-username and proxy-password are not UTF-8 text."
        raise ImportFailure(Reason.CREDENTIALS_NOT_FOUND, message, advice="Correct these keys.") from None
    parts = urlsplit(proxy)
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}").geturl()


@dataclass(frozen=True, slots=True)
class Route:
    """Proxy and certificates for all HTTP clients: the worker's own client, yt-dlp and the clients of object stores."""

    proxy: str | None = None
    """URL from spec.worker.proxy with the login. Messages must not contain the login."""
    ca_bundle: str | None = None
    """Path of a file with all trusted certificates. None for the default certificates."""
    proxy_field: str = "spec.worker.proxy"
    """Name of the field in which the user wrote the proxy, for messages."""

    def trust(self) -> None:
        """Make libraries that use OpenSSL's default certificates use ``ca_bundle``."""
        if self.ca_bundle:
            os.environ["SSL_CERT_FILE"] = self.ca_bundle

    def context(self) -> ssl.SSLContext:
        """Return the TLS context that checks the certificates of servers."""
        trusted = ssl.create_default_context()
        trusted.load_verify_locations(self.ca_bundle or certifi.where())
        return trusted

    def pool(self, timeout: urllib3.Timeout) -> urllib3.PoolManager:
        """Return a connection pool that does not retry requests."""
        manager = self._manager(timeout)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def _manager(self, timeout: urllib3.Timeout) -> urllib3.PoolManager:
        if not self.proxy:
            return urllib3.PoolManager(retries=False, timeout=timeout, ssl_context=self.context())
        parts = urlsplit(self.proxy)
        login = login_of(parts)
        return urllib3.ProxyManager(
            without_login(parts).geturl(),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
            retries=False, timeout=timeout, ssl_context=self.context(), proxy_ssl_context=self.context(),
        )  # fmt: skip

    def proxy_addresses(self, allowed_networks: Sequence[str]) -> tuple[str, ...] | None:
        """Return the addresses of the proxy, which are the only addresses to connect to. Return None if there is no
        proxy.

        A proxy's address must be public or in ``allowed_networks`` (CIDRs), as the address of a source must be.

        Raises ImportFailure ADDRESS_FORBIDDEN if no address of the proxy is allowed. The reason is INVALID_SPEC if the
        proxy's URL is invalid, and SOURCE_UNAVAILABLE if the proxy's name does not resolve.
        """
        if not self.proxy:
            return None
        found = self._resolve(self.proxy)
        networks = [ipaddress.ip_network(network, strict=False) for network in allowed_networks]
        reachable = tuple(address for address in found if is_allowed(address, networks))
        if not reachable:
            raise self._forbidden(self.proxy, found)
        return reachable

    def _resolve(self, proxy: str) -> tuple[str, ...]:
        try:
            parts = urlsplit(proxy)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except (ValueError, KeyError):
            raise ImportFailure(
                Reason.INVALID_SPEC, f"{self.proxy_field} is not an address.", advice=f"Correct {self.proxy_field}."
            ) from None
        except OSError:
            message = f"The name of the proxy in {self.proxy_field} does not resolve."
            raise ImportFailure(Reason.SOURCE_UNAVAILABLE, message, advice=f"Correct {self.proxy_field}.") from None
        return tuple(dict.fromkeys(str(address[4][0]) for address in found))

    def explain_refusal(self, guard: Guard, direct: str, proxied: str) -> ImportFailure | None:
        """Return the failure for the address that the address guard refused. Return None if the guard refused no
        address. The refusal is the cause of any error that a library raised. The message begins with ``direct`` if
        there is no proxy, and with ``proxied`` if there is one."""
        if guard.refused is None:
            return None
        if not guard.has_proxy:
            message = f"{direct} {guard.refused}, which is not a public address."
            return ImportFailure(Reason.ADDRESS_FORBIDDEN, message)
        message = f"{proxied} {guard.refused}, without the proxy of {self.proxy_field}."
        return ImportFailure(Reason.ADDRESS_FORBIDDEN, message, advice=f"Correct {self.proxy_field}, or remove it.")

    def _forbidden(self, proxy: str, found: Sequence[str]) -> ImportFailure:
        host, address = urlsplit(proxy).hostname or "", found[0] if found else ""
        where = host if host == address else f"{host} ({address})"
        message = f"The proxy in {self.proxy_field} is at {where}, which is not a public address."
        advice = "Use another proxy, or allow its network in the controller's setting worker.allowedNetworks."
        return ImportFailure(Reason.ADDRESS_FORBIDDEN, message, advice=advice)
