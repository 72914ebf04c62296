"""One row of a list: its fields, and its item or an error message. Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from videoimport.api.bulkimport_source import Item
from videoimport.api.metadata import MOST_KEY_LETTERS, MOST_KEYS, MOST_LETTERS
from videoimport.api.tasks.listing_task import Skipped
from videoimport.api.untrusted_text import clean_text
from videoimport.worker.fetch.process_messages import sayable
from videoimport.worker.listing.addresses import MOST_LETTERS as MOST_URL_LETTERS
from videoimport.worker.listing.addresses import is_address
from videoimport.worker.listing.cells import begins_address

MOST_NAME_LETTERS = 128
"""Maximum number of characters of a name, equal to the limit of ``api.bulkimport_source.ItemName``. A test compares
both."""
_LIMITS = {"url": MOST_URL_LETTERS, "name": MOST_NAME_LETTERS}
_WANTED = {
    "string_type": "it must be text",
    "dict_type": "it must be a JSON object",
    "bool_type": "a value must be text, a number, true or false",
    "int_type": "a value must be text, a number, true or false",
    "float_type": "a value must be text, a number, true or false",
}
"""Messages by the type of pydantic's error."""


@dataclass(frozen=True, slots=True)
class Given:
    """The content of a row."""

    fields: Mapping[str, Any] | None = None
    """Fields of an item. None for a row that is neither an item nor an error, such as a blank row."""
    skipped: Skipped | None = None
    """Skipped parts of the row."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of fields in the list, if they differ from the worker's names."""


def passed_over(line: str) -> Given | None:
    """Return a skipped row for a blank line or a comment. Return None for any other line."""
    if line and not line.startswith("#"):
        return None
    return Given(skipped=Skipped(comments=1) if line else Skipped(blank=1))


class RowReader(Protocol):
    """Reader for one format of a list."""

    def read(self, text: str) -> Given:
        """Return the content of a record. Raises ValueError. The text of the error completes "Line 3: …"."""


class RowError(ValueError):
    """The row is not an item. ``url`` is the row's URL, if it has one."""

    def __init__(self, wrong: str, url: str | None = None) -> None:
        super().__init__(wrong)
        self.url = url


def item_of(given: Given) -> Item:
    """Return the item of a row that has fields. Raises RowError."""
    fields = _with_clean_names(given.fields or {})
    url = fields["url"] if isinstance(fields.get("url"), str) else None
    if not url:
        raise RowError("it has no url")
    if excess := _excess(fields, given.labels):
        raise RowError(excess, url)
    if begins_address(url) and re.search(r"\s", url):
        raise RowError(f"its {given.labels.get('url', 'url')} has a space; write a space within an address as %20", url)
    if not is_address(url):
        raise RowError("its url is not an http or https address", url)
    try:
        return Item.model_validate(fields)
    except ValidationError as error:
        raise RowError(_complaints(error, given.labels), url) from None


def _with_clean_names(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields, with metadata names that can be displayed.

    A name with half a surrogate pair stays, and is refused later. Raises RowError if two names are equal after
    cleaning.
    """
    metadata = fields.get("metadata")
    if not isinstance(metadata, Mapping):
        return fields
    clean = {clean_text(name) if sayable(name) == name else name: value for name, value in metadata.items()}
    if len(clean) < len(metadata):
        url = fields["url"] if isinstance(fields["url"], str) else None
        raise RowError("two names of its metadata differ only in characters that are not shown; rename one", url)
    return {**fields, "metadata": clean}


def _excess(fields: Mapping[str, Any], labels: Mapping[str, str]) -> str | None:
    """Return a message with the column, its length and the limit, for a value that is too long. Else None."""
    for name, limit in _LIMITS.items():
        if isinstance(value := fields.get(name), str) and len(value) > limit:
            return _too_long(labels.get(name, name), len(value), limit)
    metadata = fields.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    if len(metadata) > MOST_KEYS:
        return f"it has {len(metadata)} columns of metadata, more than the limit of {MOST_KEYS}; leave some out"
    for name, value in metadata.items():
        if len(name) > MOST_KEY_LETTERS:
            shown = f"{name[:20]}…"
            return (
                f"the name of its column {shown} has {len(name)} characters, more than the limit of {MOST_KEY_LETTERS}"
            )
        if isinstance(value, str) and len(value) > MOST_LETTERS:
            return _too_long(name, len(value), MOST_LETTERS)
    return None


def _too_long(name: str, length: int, limit: int) -> str:
    return f"its column {name} has {length} characters, more than the limit of {limit}; shorten it or leave it out"


def _complaints(error: ValidationError, labels: Mapping[str, str]) -> str:
    """Return a message with the invalid columns and their errors, without their content."""
    told: dict[str, str] = {}
    for one in error.errors(include_input=False, include_url=False):
        first, *rest = map(str, one["loc"][:2])
        wanted = _WANTED.get(one["type"], one["msg"].removeprefix("Value error, "))
        told.setdefault(".".join((labels.get(first, first), *rest)), wanted.rstrip("."))
    return "; ".join(f"its {name}: {wanted}" for name, wanted in told.items())[:300]
