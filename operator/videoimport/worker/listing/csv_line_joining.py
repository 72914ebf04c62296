"""Joining of CSV lines whose quoted fields contain line breaks. Pure functions."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

MOST_LINE_BYTES = 64 * 1024
_MOST_LINES = 200
"""Maximum number of lines of one record."""


@dataclass(slots=True)
class Record:
    """A record: one line, several joined lines, or an error message."""

    line: int
    """Number of its first line, from 1."""
    text: str = ""
    wrong: str | None = None


class Quotes:
    """Joins CSV lines into records, because quoted fields may contain line breaks.

    If a quoted field never ends, the line in which the field begins is an error. The next line then begins a new
    record. Untrusted lists may have many quoted fields that never end. So each line is read at most twice: as the
    first line of a record, and as a line within quotes.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._waiting: deque[Record] = deque()
        self._count = self._letters = 0
        """Numbers of lines and characters of the first record that have been read."""
        self._held: dict[int, bool] = {}
        """For each line within quotes, by line number: True if the quotes continue after the line."""

    def whole(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records that the lines form."""
        for record in records:
            self._waiting.append(record)
            yield from self._taken()
        while self._waiting:  # the file ends within quotes
            yield self._endless()
            yield from self._taken()

    def _taken(self) -> Iterator[Record]:
        """Yield the complete records among the waiting lines."""
        while self._count < len(self._waiting):
            line = self._waiting[self._count]
            is_first = self._count == 0
            self._count += 1
            self._letters += len(line.text) + (not is_first)
            if is_first and line.wrong:
                yield self._joined()
            elif line.wrong or self._letters > MOST_LINE_BYTES or self._count > _MOST_LINES:
                yield self._endless()
            elif not (is_open(line.text, self._delimiter) if is_first else self._goes_on(line)):
                yield self._joined()

    def _goes_on(self, line: Record) -> bool:
        if line.line not in self._held:
            self._held[line.line] = is_open(line.text, self._delimiter, inside=True)
        return self._held[line.line]

    def _joined(self) -> Record:
        some = [self._next() for _ in range(self._count)]
        self._count = self._letters = 0
        return some[0] if len(some) == 1 else Record(some[0].line, "\n".join(one.text for one in some))

    def _endless(self) -> Record:
        self._count = self._letters = 0
        return Record(self._next().line, wrong="its quotes do not end")

    def _next(self) -> Record:
        first = self._waiting.popleft()
        self._held.pop(first.line, None)
        return first


def is_open(text: str, delimiter: str, *, inside: bool = False) -> bool:
    """Return whether a quoted field continues after a line.

    Quotes inside a field that does not begin with a quote are ordinary characters. ``inside`` means that an earlier
    line began the quotes.
    """
    if '"' not in text:
        return inside
    begins, fresh = inside, not inside
    for letter in text:
        if letter == '"':
            begins = begins or fresh
            inside = not inside if begins else inside
        elif letter == delimiter and not inside:
            fresh, begins = True, False
            continue
        fresh = fresh and letter == " "
    return inside
