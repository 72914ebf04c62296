"""The messages between the worker and its fetching process: a request and a go-ahead on stdin, events as JSON lines on
stdout.

No argument list has any of it, because those can be read by every process of the pod and in crash dumps.
"""

import hashlib
import json
import os
import sys
import time
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model, Sha256
from videoimport.api.container_formats import ContainerFormat
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownText
from videoimport.api.untrusted_text import DisplayText
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.runtime.errors import ImportFailure

GO = "go"
"""The line that answers Found: until then nothing but the first bytes is fetched."""
Part = Literal["video", "audio"]


def sayable(text: str) -> str:
    """``text`` as JSON can encode it: half a surrogate pair, as pages have them, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def identity(kind: str, *parts: str) -> str:
    """The name of bytes, for Found: a hash, since an address may hold secrets."""
    return f"{kind}:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


class Request(Model):
    """The source to fetch, and the limits. One of ``url``, ``stored`` and ``mounted`` is set."""

    url: str | None = None
    stored: S3Source | None = None
    """An object of an object store."""
    mounted: str | None = None
    """A file's path below ``volume``."""
    volume: str | None = None
    """The folder a volume is mounted at."""
    folder: str
    """The folder for files; it exists and is empty, except for files of an earlier run if it ``outlives`` the pod."""
    outlives: bool = False
    max_height: int
    """Of several qualities, the best up to this short side is taken."""
    max_bytes: int | None = None
    """requirements.maxSize: beyond it SOURCE_TOO_LARGE."""
    room_bytes: int
    """The scratch volume's limit: beyond it SCRATCH_FULL."""
    checksum: Sha256 | None = None
    """What the file's SHA-256 must be."""
    secret: str | None = None
    """The name of the source's Secret, for messages; None where there is none."""
    secret_folder: str = ""
    """The folder of its keys."""
    header_origins: tuple[str, ...] | None = None
    """Where the Secret's ``headers`` go besides the hosts that it names; None: the url's own."""
    bytes_per_second: int | None = None
    sleep_seconds: int = 0
    """Between two requests while a page is looked into."""
    proxy: str | None = None
    proxy_field: str = "spec.worker.proxy"
    """Where the user wrote the proxy, for messages."""
    ca_bundle: str | None = None
    """A file with all certificates to trust."""
    allowed_networks: tuple[str, ...] = ()
    shut_paths: tuple[str, ...] = ()
    """Folders that it may read nothing of."""


class Found(Model):
    """The source answered: the facts before its bytes arrive."""

    kind: Literal["Found"] = "Found"
    type: str
    """Url, or the extractor's name."""
    filename: str | None = None
    source_id: str | None = None
    title: str | None = None
    size: int | None = None
    """Bytes in all, where the source reports them."""
    duration_seconds: float | None = None
    """As a page reports it."""
    identity: str | None = None
    """The name of these bytes, without secrets, where the source vouches for them; equal names mean equal bytes."""


class TailFile(Model):
    """The end of a growing file, from ``offset`` on, in a file of its own."""

    path: str
    offset: int


class FileGrowing(Model):
    """A file has its first bytes. It grows by appending only; the video's is reported last, when there is separate
    audio."""

    kind: Literal["Growing"] = "Growing"
    part: Part
    path: str
    size: int | None = None
    """The final number of bytes, where the source reports it."""
    seekable: bool = False
    is_whole: bool = False
    """Whether the file is complete, because it is read in place."""
    tail: TailFile | None = None
    container: ContainerFormat | None = None
    """By its first bytes or, on pages, by the site's data."""
    is_segmented: bool = False


class Restarted(Model):
    """The file that grew is void and deleted: it is reported anew."""

    kind: Literal["Restarted"] = "Restarted"
    part: Part


class Moved(Model):
    """So many bytes are there."""

    kind: Literal["Moved"] = "Moved"
    done: int
    total: int | None = None


class Ahead(Model):
    """So many bytes of the file's end are there, which comes before the rest; none of them counts as moved."""

    kind: Literal["Ahead"] = "Ahead"
    done: int


class Hashed(Model):
    """So many bytes of an existing file are hashed: nothing arrives meanwhile, and yet there is progress."""

    kind: Literal["Hashed"] = "Hashed"
    done: int


class File(Model):
    """One file, whole."""

    path: str
    size: int
    sha256: Sha256
    seekable: bool


class Chapter(Model):
    """A part of the video that the source names."""

    start_ms: int
    end_ms: int
    title: DisplayText


class Caption(Model):
    """Subtitles in one language, in a file."""

    language: str
    """As the source names it, fit for a file's name."""
    path: str


class Extras(Model):
    """Extras of a page besides the video. Their number and size are bounded."""

    chapters: tuple[Chapter, ...] = ()
    captions: tuple[Caption, ...] = ()
    thumbnail: str | None = None
    """A picture's path."""


class Arrived(Model):
    """A file is whole, while another may still be growing."""

    kind: Literal["Arrived"] = "Arrived"
    part: Part
    file: File


class Fetched(Model):
    """The end, when all went well."""

    kind: Literal["Fetched"] = "Fetched"
    video: File
    audio: File | None = None
    """Set when the source offers video and audio apart."""
    is_segmented: bool = False
    """HLS or DASH: what was joined from segments counts as mp4."""
    extras: Extras = Extras()


class Failed(Model):
    """The end, when it did not."""

    kind: Literal["Failed"] = "Failed"
    reason: Reason
    message: ShownText
    advice: ShownText = ""
    retry_after: int | None = None
    """The source's Retry-After in seconds, if it sent one."""

    @classmethod
    def of(cls, failure: ImportFailure) -> "Failed":
        """Return the event for a failure."""
        return cls(
            reason=failure.reason,
            message=failure.message[:1000],
            advice=failure.advice,
            retry_after=failure.retry_after,
        )

    @property
    def failure(self) -> ImportFailure:
        """The failure in it."""
        return ImportFailure(self.reason, self.message, self.retry_after, advice=self.advice)


Event = Annotated[
    Found | FileGrowing | Restarted | Arrived | Moved | Ahead | Hashed | Fetched | Failed, Field(discriminator="kind")
]
EVENTS: TypeAdapter[Event] = TypeAdapter(Event, config=DEFERRED)


_PAUSE_SECONDS = 0.25
"""Between two Moved events."""


class Telling(Protocol):
    """The callbacks for progress."""

    def tell(self, event: Model) -> None:
        """One event, at once."""

    def moved(self, done: int, total: int | None) -> None:
        """So many bytes of all files are there; not every word of it need be passed on."""


class Teller:
    """Writes events. Stray prints of libraries go to stderr, so that they cannot be taken for one."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._last = 0.0

    def tell(self, event: Model) -> None:
        """One event, at once."""
        self._out.write(event.model_dump_json(by_alias=True, exclude_none=True) + "\n")
        self._out.flush()

    def moved(self, done: int, total: int | None) -> None:
        """A Moved event, unless there was one a moment ago."""
        now = time.monotonic()
        if now - self._last >= _PAUSE_SECONDS:
            self._last = now
            self.tell(Moved(done=done, total=total))

    def found(self, found: Found) -> None:
        """Report the finding and wait for the go-ahead. Ends this process when it never comes."""
        self.tell(found)
        if sys.stdin.readline().strip() != GO:
            sys.exit(0)
