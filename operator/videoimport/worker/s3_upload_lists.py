"""What an object store has of unfinished uploads: the uploads to a key, and the parts of one, page by page to the end.

Some stores cut such a list and give no marker, or the same one again, and some refuse the marker that they gave. A list
that is cut short must never pass for a whole one: an upload would stay in the bucket.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.worker.destination import bounded
from videoimport.worker.s3_answers import UnusableAnswerError, require
from videoimport.worker.s3_errors import is_unknown

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_PAGE = 1000
"""Entries of a full page."""
_Entry = Mapping[str, Any]
_Id = tuple[Any, ...]


class EndlessError(UnusableAnswerError):
    """A list that says that it is not whole, and leads no further."""


@dataclass(frozen=True, slots=True)
class _Marked:
    """A page of a list that is gone on from by markers."""

    entries: Mapping[_Id, _Entry]
    """By what tells each from any other, which is also the marker of what comes after it."""
    next: _Id
    is_cut: bool

    @classmethod
    def of(cls, page: Any, field: str, names: Sequence[str], markers: Sequence[str]) -> "_Marked":
        """Raises UnusableAnswerError for an entry without one of the names."""
        found = page.get(field, [])
        for one in found:
            require(one, names)
        entries = {tuple(one[name] for name in names): one for one in found}
        told = tuple(page.get(f"Next{marker}") or "" for marker in markers)
        return cls(entries, told, page.get("IsTruncated", len(found) >= _PAGE))

    def after(self, earlier: Container[_Id]) -> _Id:
        """The marker of the next page: the store's or, where that is missing or was there before, the last entry."""
        whole = [self.next] if all(self.next) else []
        partial = [self.next] if self.next[0] else []
        for marker in (*whole, *[*self.entries][-1:], *partial):
            if marker not in earlier:
                return marker
        raise EndlessError(error="it lists the same again and again")


def uploads(client: "S3Client", bucket: str, key: str) -> Iterator[_Entry]:
    """Yield the unfinished uploads to this very key. Raises as ``_entries``."""
    markers = ("KeyMarker", "UploadIdMarker")

    def ask(asks: Any) -> _Marked:
        page: Any = client.list_multipart_uploads(Bucket=bucket, Prefix=key, **asks)
        return _Marked.of(page, "Uploads", ("Key", "UploadId"), markers)

    for one in _entries(ask, markers, key):
        if one["Key"] == key:
            require(one, ["Initiated"])
            yield one


def parts(client: "S3Client", bucket: str, key: str, upload: str) -> Iterator[_Entry]:
    """Yield the parts of an upload. Raises as ``_entries``."""
    markers = ("PartNumberMarker",)

    def ask(asks: Any) -> _Marked:
        page: Any = client.list_parts(Bucket=bucket, Key=key, UploadId=upload, **asks)
        return _Marked.of(page, "Parts", ("PartNumber",), markers)

    return _entries(ask, markers, key)


def _entries(ask: Callable[[Any], _Marked], markers: Sequence[str], where: str) -> Iterator[_Entry]:
    """Yield each entry once. Raises botocore's errors, EndlessError for a list that is cut and leads no further, and
    ImportFailure for one of too many entries or pages."""

    def new() -> Iterator[list[_Entry]]:
        seen, asked = set[_Id](), set[_Id]()
        page = ask({})
        while True:
            yield [one for name, one in page.entries.items() if name not in seen]
            if not page.is_cut:
                return
            seen.update(page.entries)
            marker = page.after(asked)
            asked.add(marker)
            page = _continued(ask, {name: told for name, told in zip(markers, marker, strict=True) if told})

    return bounded((one for page in bounded(new(), where) for one in page), where)


def _continued(ask: Callable[[Any], _Marked], asks: Mapping[str, Any]) -> _Marked:
    """Some stores refuse the marker that they gave. That must not pass for a store that knows no such list."""
    try:
        return ask(asks)
    except ClientError as error:
        if not is_unknown(error):
            raise
        raise EndlessError(error="it refuses its own marker") from None
