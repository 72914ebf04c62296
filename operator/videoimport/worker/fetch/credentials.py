"""The content of the source's Secret, and the hosts to which its values are sent.

The Secret is mounted into the pod as a folder with one file for each key. Only the fetching process reads it. Error
messages name the key and the line, never the value.
"""

import netrc
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import Cookie, CookieJar
from pathlib import Path

import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.fetch import netscape_cookies as netscape
from videoimport.worker.fetch.http import cookies
from videoimport.worker.fetch.http.origins import Origin
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.proxy import LOGIN_KEYS
from videoimport.worker.storage.credentials import Keys

FOR_WEB = ("cookies.txt", "headers", "netrc")
_HOSTS = "hosts"
"""Key of the Secret that lists more origins to which ``headers`` may be sent.

Without this key, ``headers`` are sent only to the origin of the source, or to the origins of the list.
"""
_OF_HOST = "headers."
"""Prefix of a key of the Secret that holds the headers for one host."""
FOR_S3 = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SESSION = "AWS_SESSION_TOKEN"
_MOST_BYTES = 2**20
"""Maximum number of bytes in a Secret."""
_OURS = (
    "host", "range", "if-range", "content-length", "transfer-encoding", "connection", "accept-encoding", "te",
    "upgrade",
)  # fmt: skip
"""Headers that control the connection or the form of the answer's body. Only the HTTP client may set them."""


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password for one host."""

    user: str
    password: str


Lines = tuple[tuple[str, str], ...]
"""Names and values of headers."""


@dataclass(frozen=True, repr=False)
class WebSecrets:
    """Credentials for HTTP requests. All fields are empty if the import has no Secret. The default ``repr`` is off, so
    that no log shows a value."""

    url: str = ""
    """URL of the source."""
    headers: Lines = ()
    """Headers for the trusted origins and for the origins that the Secret names."""
    cookies: tuple[Cookie, ...] = ()
    logins: Mapping[str, Login] = field(default_factory=dict)
    """Logins by host."""
    netrc_path: str | None = None
    name: str = ""
    """Name of the Secret."""
    trusted: tuple[Origin, ...] | None = None
    """Origins that get ``headers`` even if the Secret does not name them: the origins of the list, which may be none.

    None stands for the source's own origin.
    """
    named: tuple[Origin, ...] = ()
    """Origins in the Secret's key ``hosts``."""
    by_host: Mapping[str, Lines] = field(default_factory=dict)
    """Headers for one host, by host name.

    They are sent by https at the default port, and to each trusted or named origin of this host.
    """
    _withheld: list[Origin] = field(default_factory=list)
    """The origin of the last request, if the Secret has ``headers`` but no header was sent to the origin. An empty list
    otherwise."""

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the headers of the Secret for a request to ``url``. Call this for each redirect too."""
        origin = Origin.parse(url)
        found = self._login(origin) if origin and (origin.scheme == "https" or is_own(self.url, url)) else {}
        shared = self.headers if origin and self._may_have(origin) else ()
        own = self._own_of(origin) if origin else ()
        self._withheld[:] = [origin] if origin and self.headers and not (shared or own) else []
        return _merged(found, dict(shared), dict(own))

    def _may_have(self, origin: Origin) -> bool:
        trusted = self.trusted
        if trusted is None:
            source = Origin.parse(self.url)
            trusted = (source,) if source else ()
        return any(one.covers(origin) for one in (*trusted, *self.named))

    def _own_of(self, origin: Origin) -> Lines:
        is_usual = Origin("https", origin.host, 443).covers(origin)
        return self.by_host.get(origin.host, ()) if is_usual or self._may_have(origin) else ()

    def advised(self, failure: ImportFailure) -> ImportFailure:
        """Return ``failure``. If the Secret's headers were not sent to the host of the last request, the failure gets
        advice about these headers."""
        if failure.reason is not Reason.SOURCE_AUTH_REQUIRED or not self._withheld:
            return failure
        origin = self._withheld[0]
        own = "source" if self.trusted is None else "list"
        advice = (
            f"The worker did not send the headers of the Secret {self.name!r} to {origin}, because this is not the "
            f"host of the {own}. To allow it, add {origin} to the Secret's key {_HOSTS}, then change retryToken."
        )
        return ImportFailure(failure.reason, failure.message, failure.retry_after, advice=advice)

    def jar(self) -> CookieJar:
        """Return a cookie jar with the Secret's cookies, each for its own domain."""
        jar = CookieJar(cookies.Policy())
        for cookie in self.cookies:
            jar.set_cookie(cookie)
        return jar

    def _login(self, origin: Origin) -> dict[str, str]:
        login = self.logins.get(origin.host.strip("[]"))
        return urllib3.make_headers(basic_auth=f"{login.user}:{login.password}") if login else {}


def _merged(*groups: Mapping[str, str]) -> dict[str, str]:
    """Merge headers. A later header replaces an earlier header of the same name, ignoring case."""
    found: dict[str, str] = {}
    for group in groups:
        names = {name.lower() for name in group}
        found = {name: value for name, value in found.items() if name.lower() not in names} | dict(group)
    return found


def is_own(source: str, url: str) -> bool:
    """Return whether ``url`` has the same host and port as ``source``, over a connection that is at least as secure."""
    ours, theirs = Origin.parse(source), Origin.parse(url)
    return ours is not None and theirs is not None and ours.covers(theirs)


def read_web(url: str, name: str | None, folder: Path, origins: Sequence[str] | None = None) -> WebSecrets:
    """Return the credentials for a URL.

    A Secret that only has the keys of an object store is valid. If the list of a BulkImport is in a bucket, the Secret
    of the bucket is also used for the URLs on the list.

    ``origins`` are the origins to which ``headers`` are sent. None stands for the origin of ``url``.

    Raises ImportFailure CREDENTIALS_NOT_FOUND for a Secret that is missing or has an invalid value.
    """
    if name is None:
        return WebSecrets()
    by_host = _by_host(name, folder)
    if not by_host:
        _require_any(name, folder, FOR_WEB, or_else=(*FOR_S3, *LOGIN_KEYS))
    return WebSecrets(
        url=url,
        headers=_headers(name, folder, "headers"),
        cookies=netscape.cookies(_lines(name, folder, "cookies.txt"), name, int(time.time())),
        logins=_logins(folder / "netrc", name),
        netrc_path=str(folder / "netrc") if (folder / "netrc").is_file() else None,
        name=name,
        trusted=None if origins is None else tuple(found for text in origins if (found := Origin.parse(text))),
        named=_named(name, folder),
        by_host=by_host,
    )


def read_keys(name: str | None, folder: Path) -> Keys | None:
    """Return the access keys for an object store, or None for requests that are not signed. Raises ImportFailure
    CREDENTIALS_NOT_FOUND."""
    if name is None:
        return None
    _require_any(name, folder, FOR_S3)
    found = {key: "".join(_lines(name, folder, key)).strip() for key in (*FOR_S3, _SESSION)}
    for key in FOR_S3:
        if not found[key]:
            raise unusable(name, f"has no key {key}")
    return Keys(found[FOR_S3[0]], found[FOR_S3[1]], found[_SESSION] or None)


def unusable(name: str, what: str) -> ImportFailure:
    """Return the failure for a Secret that cannot be used. ``what`` completes "The Secret 'x' …"."""
    return ImportFailure(
        Reason.CREDENTIALS_NOT_FOUND,
        f"The Secret {name!r} of source.credentialsSecretRef {what}.",
        advice="Correct the Secret, then change retryToken.",
    )


def _require_any(name: str, folder: Path, keys: Sequence[str], or_else: Sequence[str] = ()) -> None:
    if any((folder / key).is_file() for key in (*keys, *or_else)):
        return
    wanted = " and ".join(keys) if keys == FOR_S3 else " or ".join(keys)
    is_empty = not folder.is_dir() or not any(path.is_file() for path in folder.iterdir())
    raise unusable(name, f"does not exist or is empty, and needs {wanted}" if is_empty else f"needs {wanted}")


def _lines(name: str, folder: Path, key: str) -> list[str]:
    path = folder / key
    if not path.is_file():
        return []
    if path.stat().st_size > _MOST_BYTES:
        raise unusable(name, f"has more than {_MOST_BYTES} bytes under {key}")
    try:
        return path.read_text("utf-8-sig").splitlines()
    except ValueError:
        raise unusable(name, f"has a value under {key} that is not UTF-8 text") from None


def _told(name: str, folder: Path, key: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a key with their numbers, without empty lines and comments."""
    for number, line in enumerate(_lines(name, folder, key), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _headers(secret: str, folder: Path, key: str) -> Lines:
    found = []
    for number, line in _told(secret, folder, key):
        name, colon, value = line.partition(":")
        if not colon or not _is_token(name):
            raise unusable(secret, f'has text in line {number} of {key} that is not "Name: value"')
        if name.lower() in _OURS:
            raise unusable(secret, f"has {name} in line {number} of {key}, a header that the client sets itself")
        if not all(" " <= letter <= "~" or letter == "\t" for letter in value):
            raise unusable(secret, f"has a value in line {number} of {key} with characters that are not ASCII")
        found.append((name, value.strip()))
    return tuple(found)


def _named(secret: str, folder: Path) -> tuple[Origin, ...]:
    found = []
    for number, line in _told(secret, folder, _HOSTS):
        origin = Origin.named(line.strip())
        if origin is None:
            raise unusable(secret, f"has text in line {number} of {_HOSTS} that is not a host, host:port or origin")
        found.append(origin)
    return tuple(found)


def _by_host(secret: str, folder: Path) -> dict[str, Lines]:
    found = {}
    for path in sorted(folder.glob(f"{_OF_HOST}*")):
        origin = Origin.named(path.name.removeprefix(_OF_HOST))
        if origin is None:
            raise unusable(secret, f"has the key {path.name!r}, which does not end in the name of a host")
        found[origin.host] = _headers(secret, folder, path.name)
    return found


def _is_token(name: str) -> bool:
    return bool(name) and all(letter.isascii() and (letter.isalnum() or letter in "!#$%&'*+-.^_`|~") for letter in name)


def _logins(path: Path, secret: str) -> dict[str, Login]:
    if not path.is_file():
        return {}
    try:
        hosts = netrc.netrc(str(path)).hosts
    except netrc.NetrcParseError as error:  # the error's own text quotes the file
        raise unusable(secret, f"has text in line {error.lineno} of netrc that cannot be parsed") from None
    except UnicodeDecodeError:
        raise unusable(secret, "has a value under netrc that is not UTF-8 text") from None
    if "default" in hosts:
        raise unusable(secret, "has a default in netrc, which would be sent to every host; name the machine")
    return {_as_connected(host): Login(user, password or "") for host, (user, _, password) in hosts.items()}


def _as_connected(machine: str) -> str:
    """Return a host name in the form that origins use: ASCII in lower case."""
    origin = Origin.named(machine) if ":" not in machine else None
    return origin.host if origin else machine.lower()
