"""Checks of a source's first bytes. These checks refuse content that cannot be the start of a video file."""

from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.media.source.findings import Finding
from videoimport.worker.runtime.errors import ImportFailure, refuse

_UNFIT = {
    sniff.FileKind.PICTURE: Finding(Reason.NOT_VIDEO, "The source is a picture."),
    sniff.FileKind.TEXT: Finding(Reason.NOT_VIDEO, "The source is text or a document."),
    sniff.FileKind.DISGUISED: Finding(
        Reason.UNSUPPORTED_SOURCE,
        "The source is served as a video file, but it is a playlist.",
        "Give the address of the video itself.",
    ),
}
_NO_FILE = {
    sniff.FileKind.PAGE: Finding(Reason.NOT_VIDEO, "The source is a web page and not a video file."),
    sniff.FileKind.PLAYLIST: Finding(
        Reason.UNSUPPORTED_SOURCE,
        "The source is a playlist, and playlists are read from web addresses only.",
        "Give the address of the playlist as source.url.",
    ),
}


def refuse_empty(head: bytes) -> None:
    """Raise ImportFailure for an empty source."""
    if not head:
        raise ImportFailure(Reason.NOT_VIDEO, "The source is empty: it has no bytes at all.")


def refuse_unfit(kind: sniff.FileKind) -> None:
    """Raise ImportFailure for content that is neither a media file nor a page that yt-dlp can read."""
    refuse(_UNFIT.get(kind))


def refuse_no_file(head: bytes) -> None:
    """Raise ImportFailure for content that is not a media file. Use this function if no later step checks the
    content."""
    refuse_empty(head)
    kind = sniff.kind(head, "application/octet-stream")
    refuse_unfit(kind)
    refuse(_NO_FILE.get(kind))
