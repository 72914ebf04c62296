"""Removal of secrets from URLs and texts: no user info, and no parameter that may be a signature or a key, at any
depth.

An address may contain another address: after ``url=``, in base64, in a path, in JSON, or percent-encoded once or
several times. The scanner checks each part of a URL as a separate text and decodes encoded parts, up to ``_DEPTH``
levels. The scanner hides deeper parts. Unsafe characters are removed first, so that a later removal never completes
an address.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import BeforeValidator, PlainSerializer

from videoimport.api.untrusted_text import clean_lines, clean_text, clean_uri

_SECRET_WORDS = (
    "sig",
    "token",
    "key",
    "secret",
    "credential",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "auth",
    "policy",
    "expires",
    "hdnea",
    "hdnts",
    "hdntl",
    "hmac",
    "jwt",
    "saml",
    "bearer",
    "cookie",
    "session",
    "access",
    "verify",
    "ticket",
    "pwd",
)
"""Words that mark a parameter as secret anywhere in its name."""
_SECRET_NAMES = frozenset(("st", "oh", "pass", "pw", "md5", "hash", "sid", "tk", "otp", "sas"))
"""Words that mark a parameter as secret only as whole words of its name. These words are too short or too common for a
search in longer words.

For example, nginx signs links with ``md5``.
"""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Pattern of the beginning of the next word in a name such as ``userPass``."""
_MASK = "***"
_DEPTH = 6
"""Maximum number of levels of addresses within addresses and of encodings. An archived copy of a redirect has three
levels."""
_MOST_DECODINGS = 8
"""Maximum number of times that one text is decoded. A text with more encodings is hidden."""
_MOST_TEXT = 65_536
"""Maximum number of characters that are checked. A longer text is cut between two words, so that no address is cut."""
_MOST_REMEMBERED = 1024
"""Maximum number of characters of a text whose result is cached. 512 such results take a few MiB at most."""
_MOST_NAME = 64
"""Maximum number of characters of a parameter's name whose result is cached."""
_MOST_PASSES = 4
_MOST_USER_INFO = 256
"""Maximum number of characters in which the end of user info with a space or a slash is searched."""

_START = re.compile(r"(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{0,31}:)?[/\\]{2,}|(?<![a-z0-9])https?:[/\\]?(?=[^\s/\\])", re.I)
"""Pattern of the beginning of an address: slashes after a scheme, slashes without a scheme, or a scheme alone.

Backslashes are treated as slashes, because browsers do so and JSON has backslashes before slashes.
"""
_WEB = re.compile(r"https?:", re.IGNORECASE)
_LITERAL = re.compile(r"(?:s3|pvc|file):", re.IGNORECASE)
"""Schemes that are followed by a key or a path, in which ``?`` and ``#`` have no meaning."""
_AUTHORITY = re.compile(r"[^/\\?#\s\"<>`]*")
_WIDE_AUTHORITY = re.compile(r"[^/\\?#\s]*")
"""Pattern of an authority with the quotes and brackets that user info may contain and that end a host."""
_HOST = re.compile(r"(?:\[[0-9a-z:.%]*\]|[^:@\[\]]*)(?::\d{0,5})?[^\w:@]*:?", re.IGNORECASE)
"""Pattern of a host with an optional port. In a text, a full stop or a bracket may follow."""
_PORT = re.compile(r":\d{1,5}$")
_LATE_LOGIN = re.compile(r"[/\\?](?![@*])[^\s#=@]{0,256}[^\s#=@/\\]@(?:[^\s#=@]*@)*")
"""Pattern of the text after host and port if both may be user info instead: ``user:12/34@host``.

A segment that begins with ``@`` is the name of a channel.
"""
_BROKEN_USER = re.compile(
    r"[^/\\?#\s:]*[\r\n\t]+[^/\\?#\s:]*:[^/\\?#\s]*@|[^/\\?#\s:]*:[^/\\?#\s]*[\r\n\t]+[^/\\?#\s]*@"
)
"""Pattern of user info with a line end. The client removes line ends from an address."""
_SPACE = re.compile(r"\s")
_STOPS = {'"': re.compile(r'[\s"]'), "'": re.compile(r"[\s']"), "`": re.compile(r"[\s`]"), "<": re.compile(r"[\s>]")}
"""Patterns of the end of an address, by the character before the address."""
_SEGMENT = re.compile(r"[^/\\]+")
_SEPARATOR = re.compile(r"(&amp;|[&;])", re.IGNORECASE)
_NARROW_AUTHORITY = re.compile(r"[^/\\?#\s&;]*")
"""Pattern of an authority in a query, in which other parameters may follow."""

_WORD = re.compile(r"[^\s\"'<>`]+")
_SLASHES = r"Oi8v|[DTjz]ovL|6Ly[89+/_-]"
"""``://`` in base64. There are three forms, for the three positions within a group of three bytes."""
_ENCODED = re.compile(rf"%[0-9a-f]{{2}}|&#|[\\%]u00[0-9a-f]{{2}}|aHR0c|SFRUU|{_SLASHES}", re.IGNORECASE)
_BASE64 = re.compile(
    rf"(?:aHR0c|SFRUU)[\w+/-]{{4,}}={{0,2}}|(?<![\w+/-])[\w+/-]*(?:{_SLASHES})[\w+/-]*={{0,2}}", re.ASCII
)
"""Pattern of ``http`` or ``HTTP`` in base64, and of any base64 text with ``://``."""
_ESCAPE = re.compile(r"[\\%]u00([0-9a-f]{2})|&#0{0,8}(?:(\d{1,3})|x0{0,8}([0-9a-f]{1,2}));?", re.IGNORECASE)
_TO_QUOTE = re.compile(r"[%&;#\s\"<>]")
_PAIR = re.compile(r"(?<![\w.\[\]-])([\w.\[\]-]+)=('[^']*'?|\"[^\"]*\"?|[^\s&;,\"<>`]+)")
_JSON_PAIR = re.compile(r"([\"'])([\w.-]{1,64})\1(\s*[:=]\s*)(\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[\w.+/=-]+)")
_HEADER = re.compile(
    r"(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,40}(?:token|key|auth|secret)[\w-]{0,40})"
    r"([\"']?\s{0,8}[:=]\s*|[\"']\s{0,8},\s*)([^\r\n]+)",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|password|passwd|passphrase|passcode|secret|token|apikey)"
    r"([\"']?\s{0,8}:\s{0,8})([^\s\"'<>,;]+)",
    re.IGNORECASE,
)
"""Pattern of a name and its value, as in a header or a line of YAML.

The name has several words, or is a secret's name by itself. Names such as ``credentialsSecretRef`` do not match,
because they are names of fields and error messages follow them.
"""
_LOGIN = re.compile(
    r"(?<![\w.%+:/@-])[\w.%+-]{0,64}(?::|%3a)[^\s/\"'<>@]{1,256}(?:@|%40)(?!sha256:)(?=[\w\[])", re.IGNORECASE
)
"""Pattern of user info without a scheme before it. The digest of an image has the same form."""
_UNICODE = re.compile(r"\\(?:u00|x)([2-7][0-9a-f])", re.IGNORECASE)
"""Pattern of escapes in JSON and Python for characters that need no escape. An address may begin with such an
escape."""
_KNOWN_SHAPES = re.compile(
    r"eyJ[\w+/-]{10,}[\w+/=.-]*"  # a JSON object in base64, such as a JWT
    r"|(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{30,})"
    r"|whsec_[\w+/=]+"
    r"|(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])"
    r"|(?i:(?<=bearer )[\w.~+/=-]{16,}|(?<=basic )[\w+/=-]{16,})"
    r"|(?<=/services/)T\w+/B\w+/\w+|(?<=/bot)\d+:[\w-]{16,}|(?<=/webhooks/)\d+/[\w-]{16,}"
)
"""Pattern of values that are secrets by their form: tokens, and the paths of Slack, Telegram and Discord."""
_HARMLESS = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(?::\d{1,5})?(?:/[\w.~!$()*+,-]+)*/?", re.IGNORECASE | re.ASCII)
"""Pattern of an address that has only a scheme, a host and a path."""
_SUSPICIOUS = re.compile(
    rf"[=@%\\]|//|https?:|eyJ|whsec_|A[KS]IA|aHR0c|SFRUU|{_SLASHES}|bearer |basic |&#|:\s*\S|gh[pousr]_|github_pat_"
    r"|glpat-|xox|AIza|authorization|cookie",
    re.IGNORECASE,
)
"""Pattern of texts that may contain a secret. Other texts need no check."""

_MARKS_OF_BASE64 = ("aHR0c", "SFRUU", "Oi8v", "ovL", "6Ly")
_MARKS_OF_ENCODINGS = ("%", "&#", "\\u00", "ahr0c", "sfruu", "oi8v", "ovl", "6ly")
_MARKS_OF_SHAPES = (
    *("eyJ", "gh", "github_pat_", "glpat-", "xox", "AIza", "whsec_", "KIA", "SIA", " ", "/services/", "/bot"),
    "/webhooks/",
)
_MARKS_OF_SUSPICION = (
    *("=", "@", "%", "\\", "//", ":", "eyj", "whsec_", "kia", "sia", "ahr0c", "sfruu", "oi8v", "ovl", "6ly", "bearer "),
    *("basic ", "&#", "gh", "github_pat_", "glpat-", "xox", "aiza", "authorization", "cookie"),
)
"""Each match of ``_BASE64``, ``_ENCODED``, ``_KNOWN_SHAPES`` and ``_SUSPICIOUS`` has one of these in it or right before
it, in lower case where the pattern ignores case. A search for a fixed text takes a hundredth of a pattern's time."""


def shown_url(url: str) -> str:
    """Return ``url`` without user info, fragment, and parameters that may be signatures or keys, including nested
    parameters. The function never raises an exception. All other components of the URL are unchanged. If ``url`` is
    not a URL, such as a mistyped one, the result is the text after the last ``@``. All functions of this module are
    idempotent."""
    return _remembered_url(url) if len(url) <= _MOST_REMEMBERED else _settled(_shown_url, clean_text(url))


@lru_cache(512)
def _remembered_url(url: str) -> str:
    return _settled(_shown_url, clean_text(url))


def shown_text(text: str) -> str:
    """Return ``text`` as one safe line without secrets. Every URL in the text is replaced by the result of
    ``shown_url``."""
    return _remembered(text) if len(text) <= _MOST_REMEMBERED else clean_text(shown_lines(text))


@lru_cache(512)
def _remembered(text: str) -> str:
    """Return the cached result of a short text. A status repeats its message in its conditions, and is read more often
    than changed."""
    return clean_text(shown_lines(text))


def shown_lines(text: str) -> str:
    """Return text of several lines, such as a log, without secrets."""
    return _settled(_text, clean_lines(_bounded(text)))


def shown_value(value: object) -> object:
    """Return the value of a log line. All texts in the value, at any depth, are replaced by the result of
    ``shown_lines``. Other values are unchanged."""
    if isinstance(value, str):
        return shown_lines(value)
    if isinstance(value, Mapping):
        return {shown_value(name): shown_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown_value(one) for one in value]
    if isinstance(value, BaseException | bytes):
        return shown_lines(str(value))
    return value


def _shown(show: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(lambda value: show(value) if isinstance(value, str) else value)


ShownText = Annotated[str, _shown(shown_text), PlainSerializer(shown_text, return_type=str)]
"""One line of untrusted text, or text with an untrusted part. Writing cleans the text too, because ``model_copy``
validates nothing."""
ShownUrl = Annotated[str, _shown(lambda url: clean_uri(shown_url(url)))]
"""An address to show to users."""


def _has_host(parts: SplitResult) -> bool:
    """Return whether the text before the path is a host. ``https://user:a/b@host`` has no host there, because its
    password has a slash."""
    try:
        parts.port  # noqa: B018 — the read raises ValueError for an invalid port
    except ValueError:
        return False
    return bool(parts.netloc) and not parts.netloc.endswith(":")


def _is_secret(parameter: str) -> bool:
    """Return whether the value of a parameter is hidden, by the name of the parameter."""
    return _remembered_name(parameter) if len(parameter) <= _MOST_NAME else _has_secret_word(parameter)


def _has_secret_word(parameter: str) -> bool:
    decoded = _decoded(parameter.replace("+", " "))
    if decoded is None:
        return True
    lowered = decoded.lower()
    words = re.split(r"[\W_]+", f"{lowered} {_HUMP.sub(' ', decoded).lower()}")
    return any(word in lowered for word in _SECRET_WORDS) or not _SECRET_NAMES.isdisjoint(words)


_remembered_name = lru_cache(1024)(_has_secret_word)
"""Cached check of a parameter's name. The same names occur in many addresses."""


def _settled(clean: Callable[[str], str], text: str) -> str:
    """Clean the text until nothing changes, because the replacement of a secret must be checked too."""
    for _ in range(_MOST_PASSES):
        cleaned = clean(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def _shown_url(plain: str) -> str:
    try:
        if not _LITERAL.match(plain) and not _has_host(urlsplit(plain)):
            plain = plain.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    if _HARMLESS.fullmatch(plain) and _without_known_shapes(plain) == plain and not _has_base64(plain):
        return plain
    start = _START.match(plain)
    return _address(start[0], plain[start.end() :], _DEPTH) if start else _rest(plain, _DEPTH)


# Texts


def _bounded(text: str) -> str:
    """Return the text, or the beginning of a long text up to the last whole word."""
    return text if len(text) <= _MOST_TEXT else text[: max(0, text.rfind(" ", 0, _MOST_TEXT))] + "…"


def _text(text: str, depth: int = _DEPTH) -> str:
    """Return ``text`` without secrets. ``depth`` is the number of levels that are still checked. Deeper levels are
    hidden."""
    if not _is_suspicious(text):
        return text
    plain = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text)
    return "".join(_pieces(_without_users(plain), depth))


def _pieces(text: str, depth: int, plain: Callable[[str, int], str] | None = None) -> Iterator[str]:
    """Yield the cleaned parts of the text: addresses, and the text between addresses, cleaned by ``plain``."""
    between = plain or _plain
    at = 0
    while start := _first_start(text, at):
        yield between(text[at : start.start()], depth)
        at = _end(text, start)
        yield _address(start[0], text[start.end() : at], depth)
    yield between(text[at:], depth)


def _first_start(text: str, at: int = 0) -> re.Match[str] | None:
    """Return the next beginning of an address. Most texts have no character of such a beginning, so the pattern is
    rarely used."""
    return _START.search(text, at) if ":" in text or "//" in text or "\\" in text else None


def _end(text: str, start: re.Match[str]) -> int:
    """Return the end of the address that begins here: white space, or the quote that was opened before the address.

    User info may contain both.
    """
    stop = _STOPS.get(text[start.start() - 1] if start.start() else "", _SPACE)
    found = stop.search(text, start.end())
    end = found.start() if found else len(text)
    behind = text[start.end() : end + _MOST_USER_INFO]
    user = _user_info(behind[: end - start.end()], behind)
    if start.end() + len(user) <= end:
        return end
    found = stop.search(text, start.end() + len(user))
    return found.start() if found else len(text)


def _plain(text: str, depth: int) -> str:
    """Return the text between addresses without secrets."""
    if not _is_suspicious(text):
        return text
    text = _WORD.sub(lambda found: _encoded(found[0], depth), text)
    text = _HEADER.sub(lambda found: f"{found[1]}{found[2]}{_masked(found[3])}", text)
    text = _JSON_PAIR.sub(_json_pair, text)
    text = _FIELD.sub(_field, text)
    text = _PAIR.sub(_pair, text)
    text = _LOGIN.sub("", text)
    return _without_known_shapes(text)


def _segments(path: str, depth: int) -> str:
    """Clean each segment of a path, because a segment may have parameters, as in ``;sig=…`` or ``/token=…/``."""
    return _SEGMENT.sub(lambda found: _plain(found[0], depth), _without_known_shapes(path))


def _pair(found: re.Match[str]) -> str:
    return f"{found[1]}={_masked(found[2])}" if _is_secret(found[1]) else found[0]


def _field(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{_masked(found[3])}" if _is_secret(found[1]) else found[0]


def _json_pair(found: re.Match[str]) -> str:
    mark, name, between, value = found.groups()
    if not _is_secret(name):
        return found[0]
    quoted = value[0] if value[0] in "\"'" else ""
    return f"{mark}{name}{mark}{between}{quoted}{_masked(value[len(quoted) : -len(quoted) or None])}{quoted}"


def _masked(value: str) -> str:
    """Return a mask that is never longer than the value."""
    return _MASK[: len(value)]


def _without_known_shapes(text: str) -> str:
    return _KNOWN_SHAPES.sub(_MASK, text) if _has_mark(text, _MARKS_OF_SHAPES) else text


def _is_suspicious(text: str) -> bool:
    """Return whether the text may contain a secret."""
    return _has_mark(_lowered(text), _MARKS_OF_SUSPICION) and bool(_SUSPICIOUS.search(text))


def _has_mark(text: str, marks: Iterable[str]) -> bool:
    return any(map(text.__contains__, marks))  # quicker than a generator


def _lowered(text: str) -> str:
    """Return the text in lower case, as a pattern that ignores case compares text. Three other letters are treated as
    ``i``, ``i`` and ``s``."""
    plain = text if text.isascii() else text.replace("İ", "i").replace("ı", "i").replace("ſ", "s")
    return plain.lower()


# Encodings


def _has_encoding(text: str) -> bool:
    return _has_mark(_lowered(text), _MARKS_OF_ENCODINGS) and bool(_ENCODED.search(text))


def _has_base64(text: str) -> bool:
    return _has_mark(text, _MARKS_OF_BASE64) and bool(_BASE64.search(text))


def _encoded(word: str, depth: int) -> str:
    """Clean a word that may contain an encoding. A word without a secret is unchanged. Otherwise the result is decoded
    and cleaned."""
    if not _has_encoding(word):
        return word
    decoded = _decoded(word)
    if decoded is None or (decoded != word and depth <= 0):
        return _masked(word)
    plain = clean_lines(decoded)
    cleaned = _text(plain, depth - 1) if decoded != word else plain
    if cleaned == plain:
        return word
    quoted = _TO_QUOTE.sub(lambda found: quote(found[0]), cleaned)
    return quoted if len(quoted) <= len(word) else _masked(word)


def _decoded(text: str) -> str | None:
    """Return ``text`` without any encoding, or None if decoding does not end."""
    for _ in range(_MOST_DECODINGS):
        if not _has_encoding(text):
            return text
        decoded = _BASE64.sub(_from_base64, unquote(_ESCAPE.sub(_unescaped, text)))
        if decoded == text:
            return text
        text = decoded
    return None


def _unescaped(found: re.Match[str]) -> str:
    number = int(found[2]) if found[2] else int(found[1] or found[3], 16)
    return chr(number)


def _from_base64(found: re.Match[str]) -> str:
    """Return the address in base64. A cut text is decoded as far as possible.

    Letters of the base64 alphabet may precede the address, so that the address begins at another position within a
    group of four.
    """
    run = found[0].rstrip("=")
    if run.startswith(("aHR0c", "SFRUU")):
        return _plain_of(run)
    shifted = ((run[:shift], _plain_of(run[shift:])) for shift in range(4))
    return next((before + plain for before, plain in shifted if "://" in plain), found[0])


def _plain_of(run: str) -> str:
    data = run.replace("-", "+").replace("_", "/")
    whole = data[: len(data) - (len(data) % 4 == 1)]
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "replace")


# Addresses


def _address(start: str, behind: str, depth: int) -> str:
    """Return one URL without its secrets. ``start`` is the scheme with its slashes."""
    if depth <= 0:
        return start + _masked(behind)
    user = _user_info(behind, behind)
    found = _AUTHORITY.match(behind, len(user))
    host, rest = (found[0], behind[found.end() :]) if found else ("", "")
    shown = _host(host, has_user=bool(user))
    start = start.lower() if _WEB.match(start) else start
    if _LITERAL.match(start):
        return start + shown + rest
    if not user and _PORT.search(host) and (login := _LATE_LOGIN.match(rest)):
        return start + _PORT.sub("", shown) + f"{rest[0]}{_MASK}@" + _rest(rest[login.end() :], depth)
    return start + shown + _rest(rest, depth)


def _user_info(word: str, behind: str) -> str:
    """Return the text before the host of an address with its last ``@``, or an empty text without user info.

    ``word`` is the text up to white space or a quote. ``behind`` is a longer part, for user info with white space or a
    quote.
    """
    if broken := _BROKEN_USER.match(behind):
        return broken[0]
    found = _WIDE_AUTHORITY.match(word)
    if found and "@" in found[0]:
        return word[: word.rindex("@", 0, found.end()) + 1]
    host = _AUTHORITY.match(word)
    authority = host[0] if host else ""
    is_host = bool(_HOST.fullmatch(authority))
    if is_host and not authority.endswith(":"):
        return ""
    if "@" in word:
        return word[: word.rindex("@") + 1]
    return "" if is_host else behind[: behind.find("@") + 1]


def _without_users(text: str) -> str:
    """Return ``text`` without user info that a split into path, query and parameters would break.

    The password in such user info contains a delimiter.
    """
    if not _first_start(text):
        return text
    kept, at = [], 0
    for start in _START.finditer(text):
        behind = text[start.end() : start.end() + _MOST_USER_INFO]
        narrow = _NARROW_AUTHORITY.match(behind)
        authority = narrow[0] if narrow else ""
        if start.start() < at or (_HOST.fullmatch(authority) and not authority.endswith(":")):
            continue
        space = _SPACE.search(behind)
        user = _user_info(behind[: space.start()] if space else behind, behind)
        kept.append(text[at : start.end()])
        at = start.end() + len(user)
    return "".join([*kept, text[at:]])


def _host(host: str, *, has_user: bool) -> str:
    """Return the host with its port. The host is hidden if it may be the beginning of cut user info."""
    decoded = _decoded(host)
    if decoded is None:
        return "…"
    if decoded != host and "@" in decoded:
        return decoded.rpartition("@")[2]
    return host if has_user or _HOST.fullmatch(host) else "…"


def _rest(rest: str, depth: int) -> str:
    """Return path and query without secrets. The fragment is removed, because a client never sends the fragment."""
    without = _without_users(rest).partition("#")[0]
    path, mark, query = without.partition("?")
    cleaned = _query(query, depth)
    return "".join(_pieces(path, depth - 1, _segments)) + (mark if cleaned else "") + cleaned


def _query(query: str, depth: int) -> str:
    """Return the parameters that are not secret, each with the separator before it."""
    words = ["", *_SEPARATOR.split(query)]
    kept: list[str] = []
    for separator, pair in zip(words[::2], words[1::2], strict=True):
        name, equals, value = pair.partition("=")
        if _is_secret(name):
            continue
        shown = _text(name, depth - 1) + equals + _text(value, depth - 1)
        kept.append((separator if kept else "") + (shown if len(shown) <= len(pair) else ""))
    return "".join(kept)
