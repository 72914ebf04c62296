"""What no file of a video begins with: refused at its first bytes."""

from videoimport.api.reasons import Reason
from videoimport.media import sniff
from videoimport.worker.errors import ImportFailure

_UNFIT = {
    sniff.Kind.PICTURE: (Reason.NOT_VIDEO, "The source is a picture; give one that holds a video."),
    sniff.Kind.TEXT: (Reason.NOT_VIDEO, "The source is text or a document; give one that holds a video."),
    sniff.Kind.DISGUISED: (
        Reason.UNSUPPORTED_SOURCE,
        "The source says that it is a video file, but it is a playlist; give the address of the video itself.",
    ),
}
_NO_FILE = {
    sniff.Kind.PAGE: (Reason.NOT_VIDEO, "The source is a web page and no video file."),
    sniff.Kind.PLAYLIST: (
        Reason.UNSUPPORTED_SOURCE,
        "The source is a playlist; playlists are read from web addresses only, by source.url.",
    ),
}


def refuse_empty(head: bytes) -> None:
    """Raises ImportFailure for a source of no bytes at all."""
    if not head:
        raise ImportFailure(Reason.NOT_VIDEO, "The source is empty: it has no bytes at all.")


def refuse_unfit(kind: sniff.Kind) -> None:
    """Raises ImportFailure for what is neither a file nor something that yt-dlp may know."""
    if kind in _UNFIT:
        raise ImportFailure(*_UNFIT[kind])


def refuse_no_file(head: bytes) -> None:
    """Raises ImportFailure for what is no file of media, where there is nobody else to ask."""
    refuse_empty(head)
    kind = sniff.kind(head, "application/octet-stream")
    refuse_unfit(kind)
    if kind in _NO_FILE:
        raise ImportFailure(*_NO_FILE[kind])
