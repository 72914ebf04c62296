"""Messages between the worker and its fetching process.

The worker sends a request on the fetching process's stdin, and later a line that allows the download. The fetching
process writes events as JSON lines to stdout.

No value is an argument of the command line, because other processes of the pod and crash dumps can show arguments.
"""

import hashlib
import json
import os
import sys
import time
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.api.container_formats import ContainerFormat
from videoimport.api.field_types import Sha256
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownText
from videoimport.api.untrusted_text import DisplayText
from videoimport.api.videoimport_source import S3Source, UploadSource
from videoimport.worker.runtime.errors import ImportFailure

GO = "go"
"""The line that answers a Found event. Before it, only the first bytes are fetched."""
Part = Literal["video", "audio"]


def sayable(text: str) -> str:
    """Return ``text`` in a form that JSON can encode. A lone surrogate becomes a question mark. Web pages may contain
    such characters."""
    return text.encode("utf-8", "replace").decode()


def identity(kind: str, *parts: str) -> str:
    """Return a text that identifies a source's bytes, for the event Found. The text contains a hash, because an address
    may contain secrets."""
    return f"{kind}:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


class SentFile(Model):
    """A file that a client sends to this process, and the session in which the client may send it."""

    file: UploadSource
    token_sha256: Sha256
    """SHA-256 of the session's token."""
    idle_seconds: Annotated[int, Field(ge=1)]
    """Seconds without a byte after which the session ends with UPLOAD_IDLE."""
    port: int
    """Port on the loopback address."""


class Request(Model):
    """The source to fetch, and the limits. Exactly one of ``url``, ``stored``, ``sent`` and ``mounted`` is set."""

    url: str | None = None
    stored: S3Source | None = None
    """An object in an object store."""
    sent: SentFile | None = None
    """A file that a client sends."""
    mounted: str | None = None
    """Path of a file below ``volume``."""
    volume: str | None = None
    """The folder at which the volume is mounted."""
    folder: str
    """The folder for files. It exists and is empty, except for files of an earlier run if ``outlives`` is set."""
    outlives: bool = False
    max_height: int
    """Maximum of a video's shorter side in pixels. The best quality up to this limit is chosen."""
    max_bytes: int | None = None
    """Bytes in requirements.maxSize. A larger source fails with SOURCE_TOO_LARGE."""
    room_bytes: int
    """Size of the scratch volume in bytes. A larger source fails with SCRATCH_FULL."""
    checksum: Sha256 | None = None
    """Expected SHA-256 of the file."""
    secret: str | None = None
    """Name of the source's Secret for messages, or None without a Secret."""
    secret_folder: str = ""
    """The folder at which the Secret is mounted."""
    header_origins: tuple[str, ...] | None = None
    """Origins that get the Secret's ``headers``, besides the hosts that the Secret names. None stands for the origin of
    ``url``."""
    bytes_per_second: int | None = None
    sleep_seconds: int = 0
    """Seconds between two requests while yt-dlp examines a web page."""
    proxy: str | None = None
    proxy_field: str = "spec.worker.proxy"
    """Name of the field in which the user wrote the proxy, for messages."""
    ca_bundle: str | None = None
    """Path of a file with all trusted certificates."""
    allowed_networks: tuple[str, ...] = ()
    shut_paths: tuple[str, ...] = ()
    """Folders that the process must not read."""


class Found(Model):
    """The source has sent its first response. This event has the facts that are known before the download."""

    kind: Literal["Found"] = "Found"
    type: str
    """"Url", "S3", "Upload", "PersistentVolumeClaim", or the name of yt-dlp's extractor."""
    filename: str | None = None
    source_id: str | None = None
    title: str | None = None
    size: int | None = None
    """Size of the source in bytes, if the source reports it."""
    duration_seconds: float | None = None
    """Duration in seconds, if a web page reports it."""
    identity: str | None = None
    """Identity of the bytes, without secrets, if the source can guarantee it. Equal identities mean equal bytes."""


class TailFile(Model):
    """The end of a growing file, from ``offset`` on, in a separate file."""

    path: str
    offset: int


class FileGrowing(Model):
    """A file has its first bytes, and it grows by appending only.

    If there is separate audio, the event for the audio comes before the event for the video.
    """

    kind: Literal["Growing"] = "Growing"
    part: Part
    path: str
    size: int | None = None
    """Final size in bytes, if the source reports it."""
    seekable: bool = False
    is_whole: bool = False
    """True if the file is complete already, because it is read in place."""
    inode: tuple[int, int] | None = None
    """Device and inode of a file that is read in place. Its path may lead to another file later."""
    tail: TailFile | None = None
    container: ContainerFormat | None = None
    """Container format, by the first bytes or, for web pages, by the site's data."""
    is_segmented: bool = False


class Restarted(Model):
    """The growing file was deleted, because the download started again. Another event will report the new file."""

    kind: Literal["Restarted"] = "Restarted"
    part: Part


class Moved(Model):
    """The number of bytes that have arrived so far."""

    kind: Literal["Moved"] = "Moved"
    done: int
    total: int | None = None


class Ahead(Model):
    """Number of bytes at the end of the file that were fetched before the rest. The event Moved does not include these
    bytes."""

    kind: Literal["Ahead"] = "Ahead"
    done: int


class Hashed(Model):
    """Number of bytes of an existing file that were hashed. The event shows progress while no bytes arrive."""

    kind: Literal["Hashed"] = "Hashed"
    done: int


class File(Model):
    """A complete file."""

    path: str
    size: int
    sha256: Sha256
    seekable: bool


class Chapter(Model):
    """A chapter of the video, with the title that the source gives."""

    start_ms: int
    end_ms: int
    title: DisplayText


class Caption(Model):
    """A file with captions in one language."""

    language: str
    """Language name from the source, in a form that is valid in a file name."""
    path: str


class Extras(Model):
    """Additional files and data of a web page, besides the video. The number and size of the files are limited."""

    chapters: tuple[Chapter, ...] = ()
    captions: tuple[Caption, ...] = ()
    thumbnail: str | None = None
    """Path of an image file."""


class Arrived(Model):
    """A file is complete, while another file may still be growing."""

    kind: Literal["Arrived"] = "Arrived"
    part: Part
    file: File


class Fetched(Model):
    """Last event of a successful fetch."""

    kind: Literal["Fetched"] = "Fetched"
    video: File
    audio: File | None = None
    """Set if the source has video and audio in separate files."""
    is_segmented: bool = False
    """True if the source is HLS or DASH. A file that was joined from segments is handled as mp4."""
    extras: Extras = Extras()


class Failed(Model):
    """Last event of a fetch that failed."""

    kind: Literal["Failed"] = "Failed"
    reason: Reason
    message: ShownText
    advice: ShownText = ""
    retry_after: int | None = None
    """Seconds from the source's Retry-After header. The value is None if the source sent no such header."""

    @classmethod
    def of(cls, failure: ImportFailure) -> "Failed":
        """Return the event that describes a failure."""
        return cls(
            reason=failure.reason,
            message=failure.message[:1000],
            advice=failure.advice,
            retry_after=failure.retry_after,
        )

    @property
    def failure(self) -> ImportFailure:
        """The failure that the event describes."""
        return ImportFailure(self.reason, self.message, self.retry_after, advice=self.advice)


Event = Annotated[
    Found | FileGrowing | Restarted | Arrived | Moved | Ahead | Hashed | Fetched | Failed, Field(discriminator="kind")
]
EVENTS: TypeAdapter[Event] = TypeAdapter(Event, config=DEFERRED)


_PAUSE_SECONDS = 0.25
"""Minimum number of seconds between two Moved events."""


class Telling(Protocol):
    """Interface for reporting progress."""

    def tell(self, event: Model) -> None:
        """Send an event at once."""

    def moved(self, done: int, total: int | None) -> None:
        """Report that ``done`` bytes of all files have arrived. Calls that follow each other quickly may be ignored."""


class Teller:
    """Writes events to the original stdout.

    All other output of the process goes to stderr. So the output of a library is never parsed as an event.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._last = 0.0

    def tell(self, event: Model) -> None:
        """Write an event at once."""
        self._out.write(event.model_dump_json(by_alias=True, exclude_none=True) + "\n")
        self._out.flush()

    def moved(self, done: int, total: int | None) -> None:
        """Write a Moved event, unless the last one was less than ``_PAUSE_SECONDS`` ago."""
        now = time.monotonic()
        if now - self._last >= _PAUSE_SECONDS:
            self._last = now
            self.tell(Moved(done=done, total=total))

    def found(self, found: Found) -> None:
        """Write a Found event and wait for the line that allows the download. This process ends if stdin ends without
        that line."""
        self.tell(found)
        if sys.stdin.readline().strip() != GO:
            sys.exit(0)
