"""Rules for texts that users write: names, paths, addresses, and the canonical form of an address.

The API server and this project's programs enforce each rule.

A regular expression for a part of an address has at most 36 characters. A regular expression for a whole address has at
most 45. The cost limit of the API server allows no more for 1,000 items of 2,048 characters.
"""

import ipaddress
import re

from videoimport.api.rules.validation import Rule, forbids, quoted, requires

OWN_FOLDER = ".videoimport"
"""The folder of the importer's records below the prefix of a destination."""
PLACEHOLDERS = ("name", "title", "sourceId", "hash")
"""Placeholders that destination.name may contain in braces."""

_UNSEEN = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
"""Control characters (Unicode category Cc), line separators, and characters that change the direction of writing."""
UNSEEN = forbids(
    _UNSEEN, "it has a control character or one that changes the direction of writing; remove that character."
)

# Paths
SLASHES = forbids(
    r"^/|/$|//|\\",
    "it has a backslash, or a slash at an end, or two slashes in a row; join the folders by single slashes, as in "
    "root/my-folder.",
)
NO_WAY_UP = forbids(r"(^|/)\.\.?(/|$)", "must not contain '.' or '..' segments; write the whole path without them.")
NOT_OURS = forbids(
    rf"(?i)(^|/)\{OWN_FOLDER}(/|$)",
    f"the folder {OWN_FOLDER} holds the records of all imports and is not for results; choose another folder.",
)
PATH = (SLASHES, NO_WAY_UP, UNSEEN)
DESTINATION_PATH = (*PATH, NOT_OURS)

# Names of folders
ONE_FOLDER = forbids(r"[/\\]", "it is the name of one folder and has no slash; put folders above it into folder.")
SOME_NAME = forbids(
    rf"(?i)^[ .-]+$|^\{OWN_FOLDER}$",
    f"it names no folder of its own; write a name that is more than dots, spaces and hyphens, and not {OWN_FOLDER}.",
)
KNOWN_PLACEHOLDERS = requires(
    rf"([^{{}}]|\{{({'|'.join(PLACEHOLDERS)})\}})*",
    "it has an unknown placeholder or a single brace; the known placeholders are "
    f"{', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}.",
)
NO_PLACEHOLDERS = forbids(
    "[{}]", "an item's name has no braces, because it has no placeholders; put placeholders into destination.name."
)
FOLDER_NAME = (ONE_FOLDER, SOME_NAME, KNOWN_PLACEHOLDERS, UNSEEN)
FILE_NAME = (
    forbids(r"[/\\]|^\.\.?$", "it is the name of a file; leave out its folder."),
    UNSEEN,
)
ITEM_NAME = (ONE_FOLDER, SOME_NAME, NO_PLACEHOLDERS, UNSEEN)

# Addresses
_AUTHORITY = "//[^/?#]*"
"""Pattern of the text between the scheme and the path: login, host and port."""


def _of_authority(rule: Rule) -> Rule:
    """Return the rule for http and https addresses only, because other schemes have a message of their own.

    The first letter distinguishes the schemes well enough, at the lowest cost.
    """
    cel = f"!(self.startsWith('h') || self.startsWith('H')) || {rule.cel}"
    return Rule(cel, rule.message, lambda text: not text.startswith(("h", "H")) or rule.holds(text))


_PORT = "its port must be a number of at most 65535; correct the port or leave it out."
_LOGIN = "its login has a square bracket; write %5B or %5D for it."
_HOST = "its host is neither a name nor an IP address; correct the text between https:// and the next slash."


_SIGNS = "\u200e-\u20ff\u2190-\u2bff\ue000-\uf8ff\uff00-\uffff"
"""Signs and wide forms of letters, which no host name has.

The worker checks all other invalid letters, because there are too many of these letters for the cost limit.
"""


def _has_real_ipv6(url: str) -> bool:
    found = re.search(_AUTHORITY, url)
    inner = re.search(_WITHIN, found[0]) if found else None
    if inner is None:
        return True
    try:
        address = ipaddress.IPv6Address(inner[0][1:])
    except ValueError:
        return False
    return address.ipv4_mapped is None and address.scope_id is None


_WITHIN = r"\[[^]]*"
_IPV6 = Rule(
    f"[self.find({quoted(_AUTHORITY)}).find({quoted(_WITHIN)})].all(host, host == '' || isIP(host.substring(1)))",
    "the text in brackets is not an IPv6 address; correct it, or write a name or an IPv4 address without brackets.",
    _has_real_ipv6,
)
"""The rule for IPv6 addresses. isIP in CEL accepts no zone and no IPv4-mapped address.

The list of one element is how CEL names a value.
"""

URL = (
    Rule(
        "[self.lowerAscii()].all(url, url.startsWith('http://') || url.startsWith('https://'))",
        "it must begin with http:// or https://; write the whole address, such as https://example.com/video.mp4.",
        lambda url: url.lower().startswith(("http://", "https://")),
    ),
    _of_authority(requires(r"[/@]([^]@:[/]+|\[[^]@[]+])(:[^@]*)?$", _HOST, part=_AUTHORITY)),
    _of_authority(forbids(r":([^]@]*[^]@0-9][^]@]*|[0-9]{6,})$", _PORT, part=_AUTHORITY)),
    _of_authority(forbids(r":([7-9]\d{4}|6[6-9]\d{3})$", _PORT, part=_AUTHORITY)),
    _of_authority(forbids(r":65([6-9]\d\d|5[4-9]\d|53[6-9])$", _PORT, part=_AUTHORITY)),
    _of_authority(forbids(r"[\[\]].*@", _LOGIN, part=_AUTHORITY)),
    _of_authority(forbids(f"[\x00-\x20\x22<>\\\\^`{{|}}%{_SIGNS}][^@]*$", _HOST, part=_AUTHORITY)),
    _of_authority(
        forbids(
            r"([^.@:/]{64}|[./@]\.)[^@]*$",
            "its host has an empty part or one of more than 63 characters between two dots; correct the host.",
            part=_AUTHORITY,
        )
    ),
    _IPV6,
    UNSEEN,
)  # fmt: skip
"""Rules for an http or https address, as far as a check without a request is possible."""
BARE = forbids(
    "[@?#]", "it must have no login, no '?' and no '#'; leave them out, because paths are added to this address."
)
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
STORE_HOST = requires(
    rf"[^:/]*://(({_LABEL}\.)*{_LABEL}\.?|\[[^]]*\])(:[0-9]*)?(/.*)?",
    "the host of a store has letters, digits, dots and hyphens only; correct the host.",
)
SHORT_HOST = forbids(
    "//[^:]{254}", "its host has more than 253 characters; correct the host of the store.", part=_AUTHORITY
)
ORIGIN = requires(
    r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\s]+",
    "it must be an origin: scheme, host and port, such as https://lists.example.com; leave out the path and the login.",
)
BASE_URL = (*URL, BARE)
ENDPOINT = (*BASE_URL, STORE_HOST, SHORT_HOST)

# Names of Kubernetes and of stores
_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_NAME = requires(
    rf"{_PART}(\.{_PART})*",
    "it must be the name of a Kubernetes object: lowercase letters, digits, '-' and '.', and a letter or digit at both "
    "ends of each part.",
)
CONFIG_MAP_KEY = requires(
    r"[-_a-zA-Z0-9][-._a-zA-Z0-9]*|\.[-_a-zA-Z0-9][-._a-zA-Z0-9]*",
    "it must be a key of a ConfigMap: letters, digits, '-', '_' and '.', and not two dots at the beginning.",
)
BUCKET = requires(
    r"[a-z0-9][a-z0-9.-]*[a-z0-9]",
    "it must be the name of a bucket: lowercase letters, digits, '.' and '-', and a letter or digit at both ends.",
)
REGION = (
    requires(
        "[a-z0-9]([a-z0-9-]*[a-z0-9])?",
        "it must be the name of a region, such as us-east-1: lowercase letters, digits, and hyphens between them.",
    ),
    forbids("^[0-9]+$", "a region's name has more than digits; write one such as us-east-1."),
)
STORAGE_CLASS = requires(
    "[A-Z0-9_]+", "it must be an S3 storage class in capitals, such as STANDARD_IA; correct it or leave it out."
)
CACHE_CONTROL = requires(
    "[\x20-\x7e]+", "it is sent as an HTTP header and must be printable ASCII; remove all other characters."
)
CHECKSUM = requires(
    "sha256:[0-9a-f]{64}",
    "it must be sha256: and 64 lowercase hexadecimal digits; write the file's SHA-256 in this form.",
)
RENDITION = requires(
    _PART, "it becomes a file's name: lowercase letters, digits and hyphens, with a letter or digit at both ends."
)


_START = re.compile(r"https?://([^/?#]*@)?[^/?#]*", re.IGNORECASE | re.ASCII)
_CAPITALS = re.compile("[A-Z]+")


def canonical_url(url: str) -> str:
    """Return ``url`` with scheme and host in lower case. A text that is not an http or https address is unchanged.
    The function is idempotent.

    The login and the text after the host are unchanged. Only ASCII letters change, so the length stays the same.

    Scheme and host mean the same in any case (RFC 3986, section 6.2.2.1). The models use only this form. So identities,
    hosts and origins compare equal. yt-dlp, which matches sites only in lower case, recognizes them too.
    """
    found = _START.match(url)
    if found is None or not _CAPITALS.search(found[0]):
        return url
    login, scheme_end = found[1] or "", found[0].index("//") + 2
    host = found[0][scheme_end + len(login) :]
    return _lowered(url[:scheme_end]) + login + _lowered(host) + url[found.end() :]


def _lowered(text: str) -> str:
    return _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)
