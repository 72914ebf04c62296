"""Facts from the status of a VideoImport: whether the import has finished, must start again or has an active run.

The file also computes the fields that depend on other fields (upload, displayName), and the difference between two
statuses.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from videoimport.api.reasons import Reason, UploadText, info
from videoimport.api.redaction import shown_text, shown_url
from videoimport.api.videoimport import VideoImport, wish_hash
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import (
    Attempts,
    SourceStatus,
    Stage,
    StageName,
    UploadStatus,
    VideoImportStatus,
    VideoPhase,
)

ENDED = frozenset({VideoPhase.COMPLETED, VideoPhase.FAILED, VideoPhase.CANCELLED})
MOST_SHOWN = 40
"""Maximum number of characters in a column. With this width, a row of usual names fits a terminal of 120 columns."""
_MOST_READ = 512
"""Maximum number of characters of a text that are read."""
_MOST_ENCODINGS = 3
"""Maximum number of times that an address is percent-decoded. Proxies and archives encode addresses repeatedly."""
_NOT_A_NAME = re.compile(r"[?#;&=]")
"""Character that begins a query, a fragment or a parameter, also within a path."""
LOST = "Lost"
"""``News.retried`` of a lost run that the next run follows at once. No status has the reason of such a run."""
_PENDING: tuple[Literal[1], Literal["pending"]] = (1, "pending")
_UPLOADING: tuple[Literal[5], Literal["uploading"]] = (5, "uploading")
_FAILED: tuple[Literal[7], Literal["failed"]] = (7, "failed")
_CODES: dict[
    VideoPhase,
    tuple[Literal[1, 3, 5, 6, 7], Literal["pending", "processing", "uploading", "completed", "failed"]],
] = {
    VideoPhase.PENDING: _PENDING,
    VideoPhase.QUEUED: _PENDING,
    VideoPhase.SUSPENDED: _PENDING,
    VideoPhase.DOWNLOADING: _PENDING,
    VideoPhase.TRANSCODING: (3, "processing"),
    VideoPhase.UPLOADING: _UPLOADING,
    VideoPhase.FINALIZING: _UPLOADING,
    VideoPhase.COMPLETED: (6, "completed"),
    VideoPhase.FAILED: _FAILED,
    VideoPhase.CANCELLED: _FAILED,
}


def is_finished(status: VideoImportStatus) -> bool:
    """Return whether the import's last run is over and no other run will follow."""
    return status.phase in ENDED


def has_active_run(status: VideoImportStatus) -> bool:
    """Return whether, by the status, a run of the import is decided and has not ended."""
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return status.job is not None and not between and status.phase not in (None, VideoPhase.SUSPENDED, *ENDED)


def needs_restart(video: VideoImport) -> bool:
    """Return whether an import that ended without success must start again.

    A new retryToken always starts the import again. A changed spec starts only a failed import again. A cancelled
    import waits for a new token, so that the removal of ``cancel`` does not start it.
    """
    if video.spec.cancel or video.status.phase not in (VideoPhase.FAILED, VideoPhase.CANCELLED):
        return False
    return has_new_token(video) or (video.status.phase is VideoPhase.FAILED and _has_changed_spec(video))


def _has_changed_spec(video: VideoImport) -> bool:
    """Return whether the spec differs from the spec that failed. A spec that could not be read has no hash."""
    if video.status.observed_generation == video.metadata.generation:
        return False
    return video.status.observed_spec_hash != wish_hash(video.spec)


def has_new_token(video: VideoImport) -> bool:
    """Return whether the retryToken differs from the token of the last start."""
    return (video.status.observed_retry_token or "") != video.spec.retry_token


def is_settled(video: VideoImport) -> bool:
    """Return whether the import has ended and will not start again."""
    return is_finished(video.status) and not needs_restart(video)


def is_done(stages: tuple[Stage, ...], name: StageName) -> bool:
    """Return whether the stage of this name is done."""
    return any(stage.name == name and stage.state == "Done" for stage in stages)


def build_upload_status(status: VideoImportStatus) -> UploadStatus:
    """Return the value of ``status.upload``, derived from the other fields of a status."""
    code, text = _CODES[status.phase or VideoPhase.PENDING]
    return UploadStatus(status=_find_upload_text(status), code=code, text=text, message=status.message)


def _find_upload_text(status: VideoImportStatus) -> UploadText:
    if status.phase is VideoPhase.COMPLETED:
        return UploadText.COMPLETED
    if status.phase in (VideoPhase.FAILED, VideoPhase.CANCELLED):
        return info(status.reason).upload_status if status.reason else UploadText.FAILED
    return UploadText.IN_PROGRESS


def derive_display_name(source: VideoSource, found: SourceStatus | None) -> str | None:
    """Return the name to display. It is the title that was found, else the file name, else the last segment of the
    source's address. Return None if none of these can be displayed.

    The name has at most MOST_SHOWN characters, without control characters, queries and user info.
    """
    known = (_find_title(found), found.filename or "") if found else ()
    return next((shown for text in (*known, _find_location(source)) if (shown := shorten_name(text))), None)


def _find_title(found: SourceStatus) -> str:
    """Return the title that was found. The result is empty if the title is only the file name without its extension,
    because the file name has more."""
    title, file = found.title or "", found.filename or ""
    return "" if title and file.startswith(f"{title}.") else title


def _find_location(source: VideoSource) -> str:
    """Return the file name in the source's address. If the last segment of a URL's path has no dot, return the host and
    this segment."""
    if source.url is None:
        return source.address.rstrip("/").rpartition("/")[2]
    url = _split_shown(source.url)
    file, host = _decode_file_name(url.path), url.hostname or ""
    return file if "." in file else f"{host}/{file}" if file else host


def find_file_name(url: str) -> str:
    """Return the last segment of a URL's path, decoded and without secrets. The result is empty if the path has no
    segment. The function never raises an exception."""
    return _decode_file_name(_split_shown(url).path)


def _split_shown(url: str) -> SplitResult:
    try:
        return urlsplit(shown_url(url))
    except ValueError:
        return urlsplit("")


def _decode_file_name(path: str) -> str:
    for _ in range(_MOST_ENCODINGS):
        path = unquote(path)
    path = _NOT_A_NAME.split(path)[0]
    return path.rpartition("/")[2].rpartition("@")[2]


def shorten_name(text: str) -> str:
    """Return ``text`` on one line of at most MOST_SHOWN characters, without control and formatting characters."""
    plain = "".join(_clean_letter(letter) for letter in shown_text(text[:_MOST_READ]))
    short = " ".join(plain.split())
    return short if len(short) <= MOST_SHOWN else f"{short[: MOST_SHOWN - 1].rstrip()}…"


def _clean_letter(letter: str) -> str:
    if letter.isspace() or letter in "\u2028\u2029":
        return " "
    return "" if unicodedata.category(letter)[0] == "C" else letter


@dataclass(frozen=True, slots=True)
class News:
    """Changes of one import that the controller's metrics count once, such as its end."""

    ended: tuple[str, str] | None = None
    """Phase and reason of the import's end."""
    retried: str | None = None
    """Reason for which another run follows."""
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: tuple[tuple[str, int], ...] = ()
    """Name and seconds of each stage that a finished run has completed."""


def find_status_delta(old: VideoImportStatus, new: VideoImportStatus) -> News:
    """Return the changes from the old status to the new status."""
    over = has_active_run(old) and (not has_active_run(new) or new.run != old.run)
    report = new.usage if over and new.run == old.run else None
    return News(
        ended=(str(new.phase), str(new.reason or "")) if is_finished(new) and not is_finished(old) else None,
        retried=_find_lost_run(old, new) if over else None,
        bytes_in=report.bytes_in if report else 0,
        bytes_out=report.bytes_out if report else 0,
        seconds=_list_stage_seconds(new) if over and new.run == old.run else (),
    )


def _find_lost_run(old: VideoImportStatus, new: VideoImportStatus) -> str | None:
    before, after = old.attempts or Attempts(), new.attempts or Attempts()
    if after.next_retry_time is not None and new.reason is not None:
        told = new.reason is not Reason.RATE_LIMITED or old.host_backoff != new.host_backoff
        return str(new.reason) if told else LOST
    return LOST if new.run != old.run and after.uncharged > before.uncharged else None


def _list_stage_seconds(status: VideoImportStatus) -> tuple[tuple[str, int], ...]:
    done = (stage for stage in status.stages if stage.state == "Done" and stage.seconds is not None)
    return tuple((str(stage.name), stage.seconds or 0) for stage in done)
