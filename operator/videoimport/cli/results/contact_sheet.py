"""The data of the results page, from the results of a BulkImport and from its VideoImports.

The results of the cluster and of the embedded mode have the same form, so both have the same page.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from videoimport.api import folder_layout as layout
from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.cli.results.account import Account
from videoimport.cli.results.html_page import ProblemItem, ResultsPage, Tile

Raw = dict[str, Any]
ReadPictures = Callable[[list[str]], list[bytes | None]]
"""Function that returns the picture at each URI, or None for a picture that cannot be read."""
_DUPLICATE = "The destination had this video before."


def build_page(
    account: Account, videos: Iterable[Raw], read_pictures: ReadPictures, now: datetime, *, links_files: bool = False
) -> ResultsPage:
    """Return the data of the page. ``videos`` are the VideoImports of the BulkImport that still exist."""
    statuses = dict(_parse_statuses(videos))
    stored = [result for result in account.results if result.success]
    pictures = read_pictures([_thumbnail_uri(result, _status_of(result, statuses)) for result in stored])
    counts = (
        ("imported", account.completed - account.duplicates),
        ("duplicates", account.duplicates),
        ("failed", account.failed),
        ("rejected", len(account.rejected)),
        ("not finished", len(account.open)),
    )
    return ResultsPage(
        title=account.bulk.metadata.name,
        headline=account.state,
        counts=[(name, number) for name, number in counts if number],
        failed=[_describe_failure(result) for result in account.results if not result.success],
        rejected=[_describe_rejection(item) for item in account.rejected],
        videos=[
            _describe_video(result, _status_of(result, statuses), picture, account.bulk.spec.template.destination)
            for result, picture in zip(stored, pictures, strict=True)
        ],
        open=[item.name or item.url for item in account.open],
        time=now,
        links_files=links_files,
    )


def _parse_statuses(videos: Iterable[Raw]) -> Iterable[tuple[str, VideoImportStatus]]:
    """Yield the name and the status of each VideoImport. A status of another version is left out, because the ledger
    has the result too."""
    for video in videos:
        try:
            yield video["metadata"]["name"], VideoImportStatus.model_validate(video.get("status") or {})
        except ValidationError:
            continue


def _status_of(result: LedgerEntry, statuses: Mapping[str, VideoImportStatus]) -> VideoImportStatus | None:
    return statuses.get(result.import_name) if result.import_name else None


def _thumbnail_uri(result: LedgerEntry, status: VideoImportStatus | None) -> str:
    """Return the address of the first thumbnail. Without a VideoImport, the address follows from the address of the
    video."""
    if status is not None and status.outputs is not None:
        return status.outputs.thumbnails.uri if status.outputs.thumbnails else ""
    folder, slash, _ = (result.uri or "").rpartition("/")
    return layout.key(folder, layout.thumbnail(1)) if slash else ""


def _describe_failure(result: LedgerEntry) -> ProblemItem:
    message = result.wire().get("error", "")  # the ledger keeps the text as it was written, so it is redacted here
    advice = _find_advice(result.reason, message)
    return ProblemItem(result.name or result.url, result.url, str(result.reason or "Failed"), message, advice)


def _describe_rejection(item: RejectedItem) -> ProblemItem:
    address = item.url or ""
    advice = _find_advice(item.reason, item.message)
    return ProblemItem(item.name or address, address, str(item.reason), item.message, advice)


def _find_advice(reason: Reason | None, message: str) -> str:
    """Return the advice for a reason. The result is empty if the message has the advice already, as most messages."""
    advice = info(reason).advice if reason else ""
    return "" if advice in message else advice


def _describe_video(
    result: LedgerEntry, status: VideoImportStatus | None, picture: bytes | None, destination: Destination
) -> Tile:
    outputs = status.outputs if status else None
    file = (outputs.video or outputs.original) if outputs else None
    address = (file and (file.url or file.uri)) or _public_address(result.uri, destination) or result.uri or ""
    metadata = status.metadata if status else None
    return Tile(
        title=_title_of(result, status),
        address=address,
        duration=(metadata.duration if metadata else None) or "",
        note=_DUPLICATE if result.reason is Reason.DUPLICATE else "",
        picture=picture,
    )


def _title_of(result: LedgerEntry, status: VideoImportStatus | None) -> str:
    """Return the title of the source, otherwise the name of the item, the file name or the address."""
    source = status.source if status else None
    return (source.title if source else None) or result.name or _file_name(result.url) or result.url


def _file_name(url: str) -> str:
    try:
        return PurePosixPath(unquote(urlsplit(url).path)).name
    except ValueError:
        return ""


def _public_address(uri: str | None, destination: Destination) -> str | None:
    """Return the public address of an object in the destination's bucket."""
    if uri is None or destination.s3 is None:
        return None
    start = f"s3://{destination.s3.bucket}/"
    return layout.url(destination.public_base_url, uri.removeprefix(start)) if uri.startswith(start) else None
