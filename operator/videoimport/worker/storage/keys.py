"""Object keys in the destination: where a video and its records are stored."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from videoimport.api.destination import MOST_INNER_BYTES, MOST_KEY_BYTES, Destination, most_name_bytes
from videoimport.api.identity import source_hash8
from videoimport.api.reasons import Reason
from videoimport.api.rules.string_rules import OWN_FOLDER
from videoimport.api.untrusted_text import clean_lines
from videoimport.worker.runtime.errors import ImportFailure

MOST_PART_BYTES = 120
"""Maximum number of bytes of one placeholder's value, so that four values and the template fit."""
MOST_NAME_BYTES = 512
MOST_SAME_NAMES = 1000
"""Maximum number of folders with the same name but for the suffix: without a suffix, and -2 to -1000."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\u2028\u2029]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Names:
    """Values for the placeholders of a name template."""

    name: str
    locator: str
    title: str | None = None
    source_id: str | None = None


def safe(text: str, most_bytes: int = MOST_PART_BYTES) -> str:
    """Return ``text`` as one segment of a path. The result may be empty. Letters of all writing systems are kept.
    Separators, control characters, and dots at either end are removed or replaced."""
    plain = clean_lines(unicodedata.normalize("NFC", text))
    plain = "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    plain = _SPACES.sub(" ", _UNSAFE.sub("-", plain)).strip(" .-")
    return plain.encode()[:most_bytes].decode(errors="ignore").strip(" .-")


def slug(text: str) -> str:
    """Return a title as one segment of a path and of a URL, with hyphens between the words. Only non-ASCII letters
    need percent-encoding in the URL."""
    words = re.sub(r"[^\w.]+", "-", safe(text).lower())
    return safe(re.sub(r"-{2,}", "-", words))


def needs_source(destination: Destination) -> bool:
    """Return whether the folder's name is known only after the source has answered."""
    template = destination.name or ""
    return "{title}" in template or "{sourceId}" in template


def folder_name(destination: Destination, names: Names) -> str:
    """Return the name of the video's own folder. A placeholder without a value gets a value that is always known.

    Raises ImportFailure INVALID_SPEC for an unknown placeholder.
    """
    digest = source_hash8(names.locator)
    values = {
        "name": names.name,
        "title": slug(names.title or "") or names.name,
        "sourceId": safe(names.source_id or "") or digest,
        "hash": digest,
    }
    return safe(re.sub(r"\{([^{}]*)\}", lambda found: _value(values, found[1]), destination.name or "{name}"),
                MOST_NAME_BYTES) or names.name  # fmt: skip


def _value(values: dict[str, str], placeholder: str) -> str:
    if placeholder in values:
        return values[placeholder]
    known = ", ".join(f"{{{name}}}" for name in values)
    message = f"destination.name has the unknown placeholder {{{placeholder}}}."
    raise ImportFailure(Reason.INVALID_SPEC, message, advice=f"Use only {known}.")


def folder_key(destination: Destination, name: str) -> str:
    """Return the object key of a video's folder. Raises ImportFailure INVALID_SPEC if object keys in this folder would
    be too long for an object store."""
    key = joined(destination.prefix, destination.folder, name)
    longest = len(key.encode()) + MOST_INNER_BYTES
    if longest <= MOST_KEY_BYTES:
        return key
    message = f"The longest object key would have {longest} bytes, and the maximum is {MOST_KEY_BYTES}."
    advice = "Shorten destination.prefix, folder or name."
    raise ImportFailure(Reason.INVALID_SPEC, message, advice=advice)


def folder_keys(destination: Destination, name: str) -> Iterator[str]:
    """Yield the object keys of the folders that a video of this name may have with ``ifExists: KeepBoth``.

    The first folder has the name alone. The other folders have the suffixes -2, -3 and so on. If the name with a
    suffix is too long, the name is cut. Raises ImportFailure INVALID_SPEC, as ``folder_key`` does.
    """
    yield folder_key(destination, name)
    for number in range(2, MOST_SAME_NAMES + 1):
        suffix = f"-{number}"
        yield folder_key(destination, safe(name, max(1, most_name_bytes(destination) - len(suffix))) + suffix)


def record_key(destination: Destination, uid: str) -> str:
    """Return the object key of an import's commit record."""
    return own_key(destination, "imports", f"{uid}.json")


def own_key(destination: Destination, *parts: str) -> str:
    """Return an object key in the importer's own folder. Objects there are not for users."""
    return joined(destination.prefix, OWN_FOLDER, *parts)


def joined(*parts: str | None) -> str:
    """Join path parts with one slash between two parts. Empty parts and None are left out."""
    return "/".join(part.strip("/") for part in parts if part)


def uri(bucket: str, key: str) -> str:
    """Return the address of an object in a bucket in the form for users."""
    return f"s3://{bucket}/{key}"
