"""A page: its lines, within their bounds of number and bytes, and what is to be said of them."""

import hashlib
import sys

from videoimport.api.tasks.listing_log import packed
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES, PageLine

_BREAKS = {letter: f"\\u{letter:04x}" for letter in (0x85, 0x2028, 0x2029)}
"""What some readers of lines take for the end of one; JSON may say them otherwise."""


class Page:
    """Lines that are kept until the page is whole: they are printed at once, or never."""

    def __init__(self, most_items: int, most_bytes: int = MAX_PAGE_BYTES) -> None:
        self._most_items, self._most_bytes = most_items, most_bytes
        self._lines: list[str] = []
        self.size = 0
        """Bytes of all lines, each with its newline."""

    @property
    def count(self) -> int:
        """Of lines."""
        return len(self._lines)

    @property
    def left(self) -> int:
        """Lines that there is room for, as far as their number goes."""
        return self._most_items - self.count

    def add(self, line: PageLine) -> bool:
        """False where there is no room for it."""
        text = line.model_dump_json(by_alias=True, exclude_none=True).translate(_BREAKS)
        size = len(text.encode()) + 1
        if not self.left or self.size + size > self._most_bytes:
            return False
        self._lines.append(text)
        self.size += size
        return True

    @property
    def sha256(self) -> str:
        """Of the lines, each with its newline."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    def print(self) -> None:
        """To standard output, so that no search of logs finds an address."""
        sys.stdout.write(packed(self._text))
        sys.stdout.flush()

    @property
    def _text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)
