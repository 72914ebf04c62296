"""URLs and texts without secrets: no user info, no parameter that may be a signature or a key, at any depth.

An address may be within another: after ``url=``, percent-encoded once or more, in base64, in a path, in JSON. The
scanner checks each part of a URL as a separate text and decodes encoded parts, up to ``_DEPTH`` levels. It hides deeper
parts. Text is cleaned first, so that removing a character later never completes an address.
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
"""Anywhere in a parameter's name."""
_SECRET_NAMES = frozenset(("st", "oh", "pass", "pw", "md5", "hash", "sid", "tk", "otp", "sas"))
"""Whole words of a name: too short or too usual to look for within others. nginx signs links with ``md5``."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where the next word of a name such as ``userPass`` begins."""
_MASK = "***"
_DEPTH = 6
"""Levels of addresses within addresses and of encodings; an archive's copy of a redirect has three."""
_MOST_DECODINGS = 8
"""Of one text; what is encoded more often is hidden."""
_MOST_TEXT = 65_536
"""Characters that are looked at. A longer text is cut between two words, so that no address is."""
_MOST_REMEMBERED = 1024
"""Characters of a text whose result is kept; 512 of them are a few MiB at most."""
_MOST_NAME = 64
"""Characters of a parameter's name that is remembered."""
_MOST_PASSES = 4
_MOST_USER_INFO = 256
"""Characters searched for the end of user info that has a space or a slash in it."""

_START = re.compile(r"(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{0,31}:)?[/\\]{2,}|(?<![a-z0-9])https?:[/\\]?(?=[^\s/\\])", re.I)
"""Where an address begins: slashes after a scheme or without one, or a scheme alone. Backslashes are slashes: browsers
take them so, and JSON writes them before slashes."""
_WEB = re.compile(r"https?:", re.IGNORECASE)
_LITERAL = re.compile(r"(?:s3|pvc|file):", re.IGNORECASE)
"""Schemes whose rest is a key or a path: ``?`` and ``#`` have no meaning in it."""
_AUTHORITY = re.compile(r"[^/\\?#\s\"<>`]*")
_WIDE_AUTHORITY = re.compile(r"[^/\\?#\s]*")
"""With the quotes and brackets that user info may have, and that end a host."""
_HOST = re.compile(r"(?:\[[0-9a-z:.%]*\]|[^:@\[\]]*)(?::\d{0,5})?[^\w:@]*:?", re.IGNORECASE)
"""A host and perhaps a port; in a text, a full stop or a bracket may follow."""
_PORT = re.compile(r":\d{1,5}$")
_LATE_LOGIN = re.compile(r"[/\\?](?![@*])[^\s#=@]{0,256}[^\s#=@/\\]@(?:[^\s#=@]*@)*")
"""What follows host and port where both may be user info instead: ``user:12/34@host``. A segment that begins with ``@``
is a channel's name."""
_BROKEN_USER = re.compile(
    r"[^/\\?#\s:]*[\r\n\t]+[^/\\?#\s:]*:[^/\\?#\s]*@|[^/\\?#\s:]*:[^/\\?#\s]*[\r\n\t]+[^/\\?#\s]*@"
)
"""User info with a line end in it; the client drops line ends from an address."""
_SPACE = re.compile(r"\s")
_STOPS = {'"': re.compile(r'[\s"]'), "'": re.compile(r"[\s']"), "`": re.compile(r"[\s`]"), "<": re.compile(r"[\s>]")}
"""The end of an address, by the text before it."""
_SEGMENT = re.compile(r"[^/\\]+")
_SEPARATOR = re.compile(r"(&amp;|[&;])", re.IGNORECASE)
_NARROW_AUTHORITY = re.compile(r"[^/\\?#\s&;]*")
"""Of an address in a query, whose other parameters may follow."""

_WORD = re.compile(r"[^\s\"'<>`]+")
_SLASHES = r"Oi8v|[DTjz]ovL|6Ly[89+/_-]"
"""``://`` in base64, which has three forms: one for each place within a group of three bytes."""
_ENCODED = re.compile(rf"%[0-9a-f]{{2}}|&#|[\\%]u00[0-9a-f]{{2}}|aHR0c|SFRUU|{_SLASHES}", re.IGNORECASE)
_BASE64 = re.compile(
    rf"(?:aHR0c|SFRUU)[\w+/-]{{4,}}={{0,2}}|(?<![\w+/-])[\w+/-]*(?:{_SLASHES})[\w+/-]*={{0,2}}", re.ASCII
)
"""``http`` and ``HTTP`` in base64, and any text with ``://`` in it."""
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
"""A name of several words, or one that means a secret by itself, and its value: a header or a line of YAML. Names
such as ``credentialsSecretRef`` are those of fields, whose faults follow them."""
_LOGIN = re.compile(
    r"(?<![\w.%+:/@-])[\w.%+-]{0,64}(?::|%3a)[^\s/\"'<>@]{1,256}(?:@|%40)(?!sha256:)(?=[\w\[])", re.IGNORECASE
)
"""User info without a scheme before it. An image's digest has the same form."""
_UNICODE = re.compile(r"\\(?:u00|x)([2-7][0-9a-f])", re.IGNORECASE)
"""How JSON and Python write a character that needs no such form; an address may begin with it."""
_KNOWN_SHAPES = re.compile(
    r"eyJ[\w+/-]{10,}[\w+/=.-]*"  # a JSON object in base64, such as a JWT
    r"|(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{30,})"
    r"|whsec_[\w+/=]+"
    r"|(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])"
    r"|(?i:(?<=bearer )[\w.~+/=-]{16,}|(?<=basic )[\w+/=-]{16,})"
    r"|(?<=/services/)T\w+/B\w+/\w+|(?<=/bot)\d+:[\w-]{16,}|(?<=/webhooks/)\d+/[\w-]{16,}"
)
"""Values that show by themselves that they are secrets: tokens, and the paths of Slack, Telegram and Discord."""
_HARMLESS = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(?::\d{1,5})?(?:/[\w.~!$()*+,-]+)*/?", re.IGNORECASE | re.ASCII)
"""An address that is nothing but host and path."""
_SUSPICIOUS = re.compile(
    rf"[=@%\\]|//|https?:|eyJ|whsec_|A[KS]IA|aHR0c|SFRUU|{_SLASHES}|bearer |basic |&#|:\s*\S|gh[pousr]_|github_pat_"
    r"|glpat-|xox|AIza|authorization|cookie",
    re.IGNORECASE,
)
"""A text without any of these has nothing to hide."""

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
    """``url`` without user info, fragment, and parameters that look like signatures or keys, nested ones too.

    Never raises. The rest stays as it is written, so that what is shown is never longer than a URL that can be read.
    What is no address, as a mistyped one, is shown from behind its last ``@``. Idempotent, as the others are.
    """
    return _remembered_url(url) if len(url) <= _MOST_REMEMBERED else _settled(_shown_url, clean_text(url))


@lru_cache(512)
def _remembered_url(url: str) -> str:
    return _settled(_shown_url, clean_text(url))


def shown_text(text: str) -> str:
    """One line of ``text``, safe to show, with every URL in it as ``shown_url`` has it and without other secrets."""
    return _remembered(text) if len(text) <= _MOST_REMEMBERED else clean_text(shown_lines(text))


@lru_cache(512)
def _remembered(text: str) -> str:
    """A status repeats its message in its conditions, and is read more often than it changes."""
    return clean_text(shown_lines(text))


def shown_lines(text: str) -> str:
    """The same for text of several lines, such as a log's."""
    return _settled(_text, clean_lines(_bounded(text)))


def shown_value(value: object) -> object:
    """The same for every text within a value of a log line; what is no text stays."""
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
"""One line of untrusted text, or with untrusted text in it. ``model_copy`` validates nothing, so writing cleans it too.
"""
ShownUrl = Annotated[str, _shown(lambda url: clean_uri(shown_url(url)))]
"""An address to be shown to users."""


def _has_host(parts: SplitResult) -> bool:
    """Whether the text before the path is a host. ``https://user:a/b@host`` has none: its password has a slash."""
    try:
        parts.port  # noqa: B018 — read for the error it raises
    except ValueError:
        return False
    return bool(parts.netloc) and not parts.netloc.endswith(":")


def _is_secret(parameter: str) -> bool:
    """Whether a parameter's value is hidden, by its name."""
    return _remembered_name(parameter) if len(parameter) <= _MOST_NAME else _has_secret_word(parameter)


def _has_secret_word(parameter: str) -> bool:
    decoded = _decoded(parameter.replace("+", " "))
    if decoded is None:
        return True
    lowered = decoded.lower()
    words = re.split(r"[\W_]+", f"{lowered} {_HUMP.sub(' ', decoded).lower()}")
    return any(word in lowered for word in _SECRET_WORDS) or not _SECRET_NAMES.isdisjoint(words)


_remembered_name = lru_cache(1024)(_has_secret_word)
"""The same names come again with every address."""


def _settled(clean: Callable[[str], str], text: str) -> str:
    """Cleaned until nothing changes: what is written in place of a secret is looked at once more."""
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
    """A text that is too long, up to the last word that is whole."""
    return text if len(text) <= _MOST_TEXT else text[: max(0, text.rfind(" ", 0, _MOST_TEXT))] + "…"


def _text(text: str, depth: int = _DEPTH) -> str:
    """``text`` without secrets. ``depth``: levels that are still looked into; what has more is hidden."""
    if not _is_suspicious(text):
        return text
    plain = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text)
    return "".join(_pieces(_without_users(plain), depth))


def _pieces(text: str, depth: int, plain: Callable[[str, int], str] | None = None) -> Iterator[str]:
    """The text's parts, cleaned: addresses, and by ``plain`` the text between them."""
    between = plain or _plain
    at = 0
    while start := _first_start(text, at):
        yield between(text[at : start.start()], depth)
        at = _end(text, start)
        yield _address(start[0], text[start.end() : at], depth)
    yield between(text[at:], depth)


def _first_start(text: str, at: int = 0) -> re.Match[str] | None:
    """The next begin of an address. Most texts have none of its characters, which is known without the pattern."""
    return _START.search(text, at) if ":" in text or "//" in text or "\\" in text else None


def _end(text: str, start: re.Match[str]) -> int:
    """Where the address ends that begins here: at white space, or at the quote that was opened before it. User info
    may have either in it."""
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
    """Text between addresses."""
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
    """Each segment of a path: it may have parameters, as in ``;sig=…`` or ``/token=…/``."""
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
    """Never longer than the value."""
    return _MASK[: len(value)]


def _without_known_shapes(text: str) -> str:
    return _KNOWN_SHAPES.sub(_MASK, text) if _has_mark(text, _MARKS_OF_SHAPES) else text


def _is_suspicious(text: str) -> bool:
    """Whether the text may have something to hide."""
    return _has_mark(_lowered(text), _MARKS_OF_SUSPICION) and bool(_SUSPICIOUS.search(text))


def _has_mark(text: str, marks: Iterable[str]) -> bool:
    return any(mark in text for mark in marks)


def _lowered(text: str) -> str:
    """In lower case, as a pattern that ignores case compares: three other letters count as ``i``, ``i`` and ``s``."""
    plain = text if text.isascii() else text.replace("İ", "i").replace("ı", "i").replace("ſ", "s")
    return plain.lower()


# Encodings


def _has_encoding(text: str) -> bool:
    return _has_mark(_lowered(text), _MARKS_OF_ENCODINGS) and bool(_ENCODED.search(text))


def _has_base64(text: str) -> bool:
    return _has_mark(text, _MARKS_OF_BASE64) and bool(_BASE64.search(text))


def _encoded(word: str, depth: int) -> str:
    """A word that may have an encoding in it: as it is if nothing in it is secret, else decoded and cleaned."""
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
    """``text`` with all its encodings taken off; None where they do not end."""
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
    """The address in it. What is left of a cut one is read as far as it goes. Letters of the same alphabet may come
    before it, so that it begins at another place within a group of four."""
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
    """One URL without its secrets: ``start`` is its scheme and slashes."""
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
    """The text before the host of an address, with its last ``@``; empty where there is none. ``word``: up to white
    space or a quote; ``behind``: more of the text, for what has either in it."""
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
    """``text`` without the user info that would not survive a split into path, query and parameters, since its password
    has a delimiter in it."""
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
    """The host with its port; hidden where it may be the begin of user info that was cut off."""
    decoded = _decoded(host)
    if decoded is None:
        return "…"
    if decoded != host and "@" in decoded:
        return decoded.rpartition("@")[2]
    return host if has_user or _HOST.fullmatch(host) else "…"


def _rest(rest: str, depth: int) -> str:
    """Path and query; a fragment is never sent, so it is nothing that names the source."""
    without = _without_users(rest).partition("#")[0]
    path, mark, query = without.partition("?")
    cleaned = _query(query, depth)
    return "".join(_pieces(path, depth - 1, _segments)) + (mark if cleaned else "") + cleaned


def _query(query: str, depth: int) -> str:
    """The pairs that are shown, each behind the separator it had."""
    words = ["", *_SEPARATOR.split(query)]
    kept: list[str] = []
    for separator, pair in zip(words[::2], words[1::2], strict=True):
        name, equals, value = pair.partition("=")
        if _is_secret(name):
            continue
        shown = _text(name, depth - 1) + equals + _text(value, depth - 1)
        kept.append((separator if kept else "") + (shown if len(shown) <= len(pair) else ""))
    return "".join(kept)
