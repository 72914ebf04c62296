"""Plain lists: one URL per line. Lines that people write may also have numbers, bullets and remarks. Pure functions.

A line that can be read in two ways is rejected, because a wrong URL is worse than no URL.
"""

import re

from videoimport.api.tasks.listing_task import Skipped
from videoimport.worker.listing.cells import begins_address, has_address, trim, unwrap
from videoimport.worker.listing.row_to_item import Given, RowError, passed_over

HEADER = "a first line that names the columns, such as url,name"
_BULLET = re.compile(r"(?:[-*+•·–—>]|\(?[0-9]{1,7}[.):]{0,2}|\[[ xX]?\])\s+|[-*•·]|\(?[0-9]{1,7}[.):]+")
"""A bullet or a number at the beginning of a line. A number alone needs a space after it."""
_MOST_BULLETS = 3
"""Maximum number of bullets and numbers in a line such as ``- [ ] 1. https://…``."""
_TAGGED = re.compile(r"(?:<[^<>\s]+>|!?\[[^\]]{0,500}\]\([^()\s]+(?:\s[^()]{0,500})?\))(?=$|[\s,;:.])")
"""A URL in angle brackets, or a Markdown link, before a remark."""
_TABLE_MARK = re.compile(r"[\t|]")
_ANOTHER = re.compile(r"[,;|\s][\"'<(]?https?://", re.I)
"""A second URL after the first. A URL inside the first has a slash or an equals sign before it."""
_MEDIA = re.compile(r"\.(?:mp4|m4v|mkv|mov|webm|avi|ts|m2ts|mpe?g|flv|wmv|asf|ogv|mxf|3gp|m3u8|mpd)(?=[,;])", re.I)
"""A file name that ends before a comma or semicolon."""
_COLUMN = re.compile(r"[,;]([^,;]*)")
_OF_ADDRESS = re.compile(r"[./?&=%:@]")
"""Characters that are rare in a name, but frequent in a URL after a comma."""
_TIME = re.compile(
    r"[0-9]{1,3}(?::[0-9]{2}){1,2}|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+Z?)?|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}"
)
"""A duration or a date. This is a separate column, although it has colons and dots."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,5}\W{0,2}$")
_REMARK_MARKS = ("#", "//")
_WEAK_MARKS = ("--", "–", "—", "- ", "(", "[", "<", '"', "“", "„")


class PlainList:
    """Reads one URL from each line."""

    def read(self, text: str) -> Given:
        """Return the URL of a line, or the content that was skipped in the line. Raises RowError."""
        line = trim(text)
        if given := passed_over(line):
            return given
        address, remark = _divide(_without_bullets(line))
        return Given({"url": address}, Skipped(remarks=1) if remark else None)


def _without_bullets(line: str) -> str:
    inner = line
    for _ in range(_MOST_BULLETS):
        if begins_address(unwrap(inner)) or _TAGGED.match(inner):
            break
        inner = trim(_BULLET.sub("", inner, count=1) if _BULLET.match(inner) else inner)
    return inner if has_address(inner[:500]) else line


def _divide(line: str) -> tuple[str, str]:
    """Return the URL at the beginning of a line, and the remark after it. Raises RowError."""
    whole = unwrap(trim(line.rstrip(",; ")))
    tagged = _TAGGED.match(line)
    address, remark = (unwrap(tagged[0]), trim(line[tagged.end() :].lstrip(",;:."))) if tagged else _parts(whole)
    if not begins_address(address):
        raise _no_address(line)
    if has_another(address) or has_address(remark):
        raise RowError("it has two addresses; write one address per line")
    if not tagged and _has_columns(address, remark, whole):
        raise RowError(f"it has other columns beside the address, and the list has no header; write {HEADER}")
    if not tagged and remark and not _is_remark(address, remark):
        raise RowError(
            "it has a space after its address; write a space in an address as %20, and begin a remark with ' #'"
        )
    return address, remark


def _parts(line: str) -> tuple[str, str]:
    """Return the text before the first space, and the text after it."""
    address, *rest = re.split(r"\s+", line, maxsplit=1)
    return trim(address), trim(rest[0]) if rest else ""


def has_another(address: str) -> bool:
    """Return whether a second URL follows the first."""
    return _ANOTHER.search(address) is not None


def is_row(text: str) -> bool:
    """Return whether columns follow the URL. Such a line may be a table row with another delimiter."""
    address, remark = _parts(text)
    return _has_columns(address, remark, text)


def _has_columns(address: str, remark: str, whole: str) -> bool:
    """Return whether a comma, semicolon, tab or bar separates columns. A comma that may belong to the URL is part of
    the URL."""
    if remark.startswith(_REMARK_MARKS):
        return bool(_MEDIA.search(address))
    if _TABLE_MARK.search(whole) or remark.startswith((",", ";")):
        return True
    columns = set(_COLUMN.findall(address))
    if not columns:
        return False
    if any(_TIME.fullmatch(trim(column)) for column in columns):
        return True
    is_name = not any(_OF_ADDRESS.search(column) for column in columns)
    has_letters = any(letter.isalpha() for column in columns for letter in column)
    ends_before = bool(_EXTENSION.search(address.partition(",")[0].partition(";")[0]))
    return bool(remark or _MEDIA.search(address) or (is_name and (has_letters or ends_before)))


def _is_remark(address: str, remark: str) -> bool:
    """Return whether the text after a space cannot be the rest of a URL that contains a space."""
    if remark.startswith(_REMARK_MARKS):
        return True
    if re.search(r"[/=&%?]", remark) or _EXTENSION.search(remark):
        return False
    return remark.startswith(_WEAK_MARKS) or "?" in address or bool(_EXTENSION.search(address))


def _no_address(line: str) -> RowError:
    if has_address(line):
        return RowError(f"its address is not at the beginning of the line; write one address per line, or {HEADER}")
    if re.match(r"[A-Za-z][\w+.-]*:\S+$", line):
        return RowError("its url is not an http or https address", line)
    if re.match(r"(?:www\.|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}/)\S+$", line):
        return RowError("its address does not begin with http:// or https://; write the whole address", line)
    return RowError(f"{_quoted(line)} is not an http or https address; write one address per line, or {HEADER}")


def _quoted(line: str) -> str:
    """Return a short text in quotes. If the text may contain a login or a signature, return a pronoun instead."""
    if re.search(r"[/@?=%:]", line):
        return "it"
    return f"'{line[:60]}{'…' if len(line) > 60 else ''}'"
