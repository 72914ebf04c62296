"""What the source's Secret holds, and to whom it is shown: a folder with a file for each key, mounted into the pod.

It is read in the fetching process only. What is wrong with it is told by key and line, never by value.
"""

import netrc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import Request as _Asking

import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.credentials import Keys
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import netscape

FOR_WEB = ("cookies.txt", "headers", "netrc")
FOR_S3 = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SESSION = "AWS_SESSION_TOKEN"
_MOST_BYTES = 2**20
"""What a Secret holds at most."""
_OURS = (
    "host", "range", "if-range", "content-length", "transfer-encoding", "connection", "accept-encoding", "te",
    "upgrade",
)  # fmt: skip
"""Headers that shape the answer's bytes or the connection: they are the client's own."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, for one host."""

    user: str
    password: str


@dataclass(frozen=True, repr=False)
class WebSecrets:
    """For web addresses; empty where the import has no Secret. Never shown: its repr has nothing of it."""

    url: str = ""
    """The source's: ``headers`` go to its host only."""
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[Cookie, ...] = ()
    logins: Mapping[str, Login] = field(default_factory=dict)
    """By host."""
    netrc_path: str | None = None

    def headers_for(self, url: str) -> dict[str, str]:
        """What a request for this address carries, be it the first one or one after a redirect."""
        parts, own = urlsplit(url), is_own(self.url, url)
        found = self._login(parts) if own or parts.scheme == "https" else {}
        return found | (dict(self.headers) if own else {})

    def jar(self) -> CookieJar:
        """The cookies, each for its own domain."""
        jar = CookieJar()
        for cookie in self.cookies:
            jar.set_cookie(cookie)
        return jar

    def _login(self, parts: SplitResult) -> dict[str, str]:
        login = self.logins.get(parts.hostname or "")
        return urllib3.make_headers(basic_auth=f"{login.user}:{login.password}") if login else {}


def is_own(source: str, url: str) -> bool:
    """Whether an address is of the source's own host: same name and port, and never less secure than the source's."""
    ours, theirs = urlsplit(source), urlsplit(url)
    if (ours.hostname, ours.scheme, _port(ours)) == (theirs.hostname, theirs.scheme, _port(theirs)):
        return True
    upgraded = (_port(ours), _port(theirs), theirs.scheme) == (80, 443, "https")
    return ours.hostname == theirs.hostname and upgraded


def cookie_header(jar: CookieJar, url: str) -> dict[str, str]:
    """What a request for this address carries of a jar."""
    asking = _Asking(url)  # noqa: S310 — asks nothing: it is how a jar is told of an address
    jar.add_cookie_header(asking)
    value = asking.get_header("Cookie")
    return {"Cookie": value} if value else {}


def read_web(url: str, name: str | None, folder: Path) -> WebSecrets:
    """For a web address. Keys of an object store alone are no mistake: a bulk shows the Secret of a list in a bucket to
    the addresses on it too. Raises ImportFailure CREDENTIALS_NOT_FOUND for one that is missing or not understood."""
    if name is None:
        return WebSecrets()
    _require_any(name, folder, FOR_WEB, or_else=FOR_S3)
    return WebSecrets(
        url=url,
        headers=_headers(_lines(name, folder, "headers"), name),
        cookies=netscape.cookies(_lines(name, folder, "cookies.txt"), name, int(time.time())),
        logins=_logins(folder / "netrc", name),
        netrc_path=str(folder / "netrc") if (folder / "netrc").is_file() else None,
    )


def read_keys(name: str | None, folder: Path) -> Keys | None:
    """For an object store; None: requests are not signed. Raises ImportFailure CREDENTIALS_NOT_FOUND."""
    if name is None:
        return None
    _require_any(name, folder, FOR_S3)
    found = {key: "".join(_lines(name, folder, key)).strip() for key in (*FOR_S3, _SESSION)}
    for key in FOR_S3:
        if not found[key]:
            raise unusable(name, f"has no key {key}")
    return Keys(found[FOR_S3[0]], found[FOR_S3[1]], found[_SESSION] or None)


def unusable(name: str, what: str) -> ImportFailure:
    """What the user is to mend; ``what`` completes "The Secret 'x' …"."""
    return ImportFailure(
        Reason.CREDENTIALS_NOT_FOUND,
        f"The Secret {name!r} of source.credentialsSecretRef {what}; correct it, then change retryToken.",
    )


def _require_any(name: str, folder: Path, keys: Sequence[str], or_else: Sequence[str] = ()) -> None:
    if any((folder / key).is_file() for key in (*keys, *or_else)):
        return
    wanted = " and ".join(keys) if keys == FOR_S3 else " or ".join(keys)
    is_empty = not folder.is_dir() or not any(path.is_file() for path in folder.iterdir())
    raise unusable(name, f"does not exist or is empty; it needs {wanted}" if is_empty else f"needs {wanted}")


def _lines(name: str, folder: Path, key: str) -> list[str]:
    path = folder / key
    if not path.is_file():
        return []
    if path.stat().st_size > _MOST_BYTES:
        raise unusable(name, f"has more than {_MOST_BYTES} bytes under {key}")
    try:
        return path.read_text("utf-8-sig").splitlines()
    except ValueError:
        raise unusable(name, f"has something under {key} that is no UTF-8 text") from None


def _headers(lines: Sequence[str], secret: str) -> tuple[tuple[str, str], ...]:
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not _is_token(name):
            raise unusable(secret, f'has something in line {number} of headers that is not "Name: value"')
        if name.lower() in _OURS:
            raise unusable(secret, f"has {name} in line {number} of headers, which the client sets itself")
        if not all(" " <= letter <= "~" or letter == "\t" for letter in value):
            raise unusable(secret, f"has a value in line {number} of headers with letters that are not ASCII")
        found.append((name, value.strip()))
    return tuple(found)


def _is_token(name: str) -> bool:
    return bool(name) and all(letter.isascii() and (letter.isalnum() or letter in "!#$%&'*+-.^_`|~") for letter in name)


def _logins(path: Path, secret: str) -> dict[str, Login]:
    if not path.is_file():
        return {}
    try:
        hosts = netrc.netrc(str(path)).hosts
    except netrc.NetrcParseError as error:  # its words quote the file
        raise unusable(secret, f"has something in line {error.lineno} of netrc that is not understood") from None
    except UnicodeDecodeError:
        raise unusable(secret, "has something under netrc that is no UTF-8 text") from None
    if "default" in hosts:
        raise unusable(secret, "has a default in netrc, which every host would be shown; name the machine")
    return {host: Login(user, password or "") for host, (user, _, password) in hosts.items()}


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
