"""Lists of unfinished uploads: the uploads to a key, and the parts of one upload, read page by page to the end.

Some stores truncate such a list and return no marker, or the same marker again. Some stores refuse the marker that
they returned. A truncated list must never be used as a whole list, because an upload would stay in the bucket.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from videoimport.worker.storage.base import bounded
from videoimport.worker.storage.s3.answer_limits import UnusableAnswerError, require
from videoimport.worker.storage.s3.errors import is_unknown

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_PAGE = 1000
"""Number of entries of a full page."""
_Entry = Mapping[str, Any]
_Id = tuple[Any, ...]


class EndlessError(UnusableAnswerError):
    """A truncated list for which the store gives no usable next page."""


@dataclass(frozen=True, slots=True)
class _Marked:
    """A page of a list that is continued with markers."""

    entries: Mapping[_Id, _Entry]
    """Entries by their identity, which is also the marker for the entries after it."""
    next: _Id
    is_cut: bool

    @classmethod
    def of(cls, page: Any, field: str, names: Sequence[str], markers: Sequence[str]) -> "_Marked":
        """Return the page in a response. Raises UnusableAnswerError for an entry without one of the names."""
        found = page.get(field, [])
        for one in found:
            require(one, names)
        entries = {tuple(one[name] for name in names): one for one in found}
        told = tuple(page.get(f"Next{marker}") or "" for marker in markers)
        return cls(entries, told, page.get("IsTruncated", len(found) >= _PAGE))

    def after(self, earlier: Container[_Id]) -> _Id:
        """Return the marker of the next page. This is the store's marker or, if that is missing or was used before, the
        last entry."""
        whole = [self.next] if all(self.next) else []
        partial = [self.next] if self.next[0] else []
        for marker in (*whole, *[*self.entries][-1:], *partial):
            if marker not in earlier:
                return marker
        raise EndlessError(error="it lists the same entries again and again")


def uploads(client: "S3Client", bucket: str, key: str) -> Iterator[_Entry]:
    """Yield the unfinished uploads to exactly this key. Raises the errors of ``_entries``."""
    markers = ("KeyMarker", "UploadIdMarker")

    def ask(asks: Any) -> _Marked:
        page: Any = client.list_multipart_uploads(Bucket=bucket, Prefix=key, **asks)
        return _Marked.of(page, "Uploads", ("Key", "UploadId"), markers)

    for one in _entries(ask, markers, key):
        if one["Key"] == key:
            require(one, ["Initiated"])
            yield one


def parts(client: "S3Client", bucket: str, key: str, upload: str) -> Iterator[_Entry]:
    """Yield the parts of an upload. Raises the errors of ``_entries``."""
    markers = ("PartNumberMarker",)

    def ask(asks: Any) -> _Marked:
        page: Any = client.list_parts(Bucket=bucket, Key=key, UploadId=upload, **asks)
        return _Marked.of(page, "Parts", ("PartNumber",), markers)

    return _entries(ask, markers, key)


def _entries(ask: Callable[[Any], _Marked], markers: Sequence[str], where: str) -> Iterator[_Entry]:
    """Yield each entry once. Raises botocore's errors, and EndlessError for a truncated list that cannot be continued.
    Raises ImportFailure for too many entries or pages."""

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
    """Return the next page. Raises EndlessError if the store refuses its own marker: that is different from a store
    that does not support such a list."""
    try:
        return ask(asks)
    except ClientError as error:
        if not is_unknown(error):
            raise
        raise EndlessError(error="it refuses its own marker") from None
