"""The worker's interface to the fetching process. This module starts the process, sends the request and reads the
progress."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import (
    CA_BUNDLE_PATH,
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SOURCE_CREDENTIALS_PATH,
    SOURCE_VOLUME_PATH,
    Task,
)
from videoimport.worker.fetch import process
from videoimport.worker.fetch.limits import Pace
from videoimport.worker.fetch.process_messages import (
    EVENTS,
    GO,
    Ahead,
    Arrived,
    Event,
    Failed,
    Fetched,
    File,
    FileGrowing,
    Found,
    Hashed,
    Moved,
    Part,
    Request,
    Restarted,
    SentFile,
)  # fmt: skip
from videoimport.worker.fetch.volume_source import changed, open_beneath
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Child, Children
from videoimport.worker.source import sandboxed_child
from videoimport.worker.source.files import Source, Sources, Tail
from videoimport.worker.source.stall_monitor import USUAL, Watch

_NAME = "The fetching process"
_REFUSAL_SECONDS = 8.0
"""Maximum number of seconds in which the client of an upload gets the reason of a failure. The fetching process gives
the client five."""
_Told = FileGrowing | Restarted | Arrived | Fetched | Failed


@dataclass(frozen=True, slots=True)
class Mounts:
    """Paths at which the source's Secret, volume and CA bundle are mounted. The defaults are the paths in a pod."""

    credentials: Path = Path(SOURCE_CREDENTIALS_PATH)
    """Folder of the source's Secret."""
    volume: Path = Path(SOURCE_VOLUME_PATH)
    ca_bundle: Path = Path(CA_BUNDLE_PATH)


def request_of(task: Task, folder: Path, destination_credentials: Path, mounts: Mounts = Mounts()) -> Request:
    """Return the request to the fetching process for a task. Raises ImportFailure INVALID_SPEC for an invalid CA
    bundle, and for an upload without a session."""
    source, worker, requirements = task.spec.source, task.spec.worker, task.spec.requirements
    volume, secret = source.persistent_volume_claim, source.credentials_secret_ref
    trusted = trust.bundle(worker.ca_bundle_config_map_ref, mounts.ca_bundle, folder)
    return Request(
        url=source.url,
        stored=source.s3,
        sent=_read_session(task),
        mounted=volume.path if volume else None,
        volume=str(mounts.volume) if volume else None,
        folder=str(folder),
        outlives=worker.scratch.storage_class_name is not None,
        max_height=task.spec.output.video.max_height,
        max_bytes=bytes_of(requirements.max_size) if requirements and requirements.max_size else None,
        room_bytes=bytes_of(worker.scratch.size),
        checksum=source.checksum.removeprefix("sha256:") if source.checksum else None,
        secret=secret.name if secret else None,
        secret_folder=str(mounts.credentials),
        header_origins=source.header_origins,
        bytes_per_second=task.politeness.bytes_per_second,
        sleep_seconds=task.politeness.sleep_seconds,
        proxy=worker.proxy,
        ca_bundle=str(trusted) if trusted else None,
        allowed_networks=task.allowed_networks,
        shut_paths=(DESTINATION_CREDENTIALS_PATH, DESTINATION_VOLUME_PATH, str(destination_credentials)),
    )


def _read_session(task: Task) -> SentFile | None:
    file, session = task.spec.source.upload, task.upload
    if file is None:
        return None
    if session is None:
        raise ImportFailure(Reason.INVALID_SPEC, "The task of source.upload has no session.")
    return SentFile(file=file, token_sha256=session.token_sha256, idle_seconds=session.idle_seconds, port=session.port)


def start(children: Children, folder: Path) -> Child:
    """Start the fetching process. The process loads its modules while the worker checks the destination, and then
    waits for the request.

    ``begin`` sends the request to the process.
    """
    return sandboxed_child.start(children, folder, process.main, _NAME)


class Fetching:
    """A fetch in progress. Callers must call ``found`` first, then ``go``, then the other methods.

    After a failure, every method that reads results raises ImportFailure. The reason comes from the fetching process.
    For a source below the minimum rate, the reason is STALLED.
    """

    def __init__(
        self,
        child: Child,
        request: Request,
        moved: Callable[[int, int | None], None],
        pace: Pace,
        went_on: Callable[[], None],
    ) -> None:
        self._request, self._held = request, ""
        self._child, self._moved, self._went_on = child, moved, went_on
        self._watch = Watch(child, pace)
        self._news = threading.Condition()
        self._found: Found | None = None
        self._files: dict[Part, FileGrowing] = {}
        self._whole: dict[Part, File] = {}
        self._fetched: Fetched | None = None
        self._failure: BaseException | None = None
        self.restarts = 0
        """Number of times that the download of a file was discarded and begun again.

        Results from the earlier file are invalid. Call ``sources`` again, because the new file has another name and the
        old file is deleted.
        """
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def found(self) -> Found:
        """Wait for the source's first response, and return the known facts. Before ``go``, only the first bytes are
        fetched.

        The time until ``go`` is not included in the source's rate.
        """
        with self._news:
            self._news.wait_for(lambda: self._failure or self._found)
            if self._found is None:
                self._check()
            assert self._found is not None  # noqa: S101
            return self._found

    def go(self) -> None:
        """Start the fetch of the remaining bytes."""
        self._watch.resume()
        self._child.say(GO)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Give the client of an upload the failure of the ``with`` block as the response to its present request. The
        end of this process would reset the connection of a client that still sends."""
        try:
            yield
        except ImportFailure as failure:
            if self._request.sent and not (self._failure or self._fetched):
                self._child.say(Failed.of(failure).model_dump_json(by_alias=True, exclude_none=True))
                with self._news:
                    self._news.wait_for(lambda: self._failure or self._fetched, _REFUSAL_SECONDS)
            raise

    def sources(self, timeout: float | None = None) -> Sources:
        """Wait until each file has its first bytes, and return the files. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: self._failure or self._fetched or "video" in self._files, timeout):
                raise TimeoutError
            self._check()
            if self._fetched is None:
                return self._so_far()
            # All bytes arrived before this call, but ffmpeg may still read the index first.
            sources = sources_of(self._fetched)
            return replace(sources, video=replace(sources.video, tail=self._tail("video")))

    def is_whole(self, path: Path) -> bool:
        """Return whether a file is complete, so that no more bytes follow."""
        with self._news:
            self._check()
            whole = {file.path for file in self._whole.values()}
            whole |= {file.path for file in self._files.values() if file.is_whole}
            return self._fetched is not None or str(path) in whole

    def wait(self, timeout: float) -> None:
        """Wait for an event, at most ``timeout`` seconds. Bytes may arrive without an event."""
        with self._news:
            self._news.wait(timeout)

    def finish(self) -> Fetched:
        """Wait until all files are complete, and return them."""
        with self._news:
            self._news.wait_for(lambda: self._failure or self._fetched)
            self._check()
            assert self._fetched is not None  # noqa: S101
            return self._fetched

    def _check(self) -> None:
        if self._failure:
            raise self._failure

    def _so_far(self) -> Sources:
        video, audio = self._growing("video"), self._growing("audio")
        assert video is not None  # noqa: S101
        return Sources(video, audio, is_segmented=self._files["video"].is_segmented)

    def _growing(self, part: Part) -> Source | None:
        if part in self._whole:
            return replace(_source(self._whole[part]), tail=self._tail(part))
        if part not in self._files:
            return None
        file = self._files[part]
        return Source(
            Path(file.path),
            seekable=file.seekable,
            size=file.size,
            finished=file.is_whole,
            tail=self._tail(part),
            container=file.container,
        )

    def _tail(self, part: Part) -> Tail | None:
        file = self._files.get(part)
        return Tail(Path(file.tail.path), file.tail.offset) if file and file.tail else None

    def _listen(self) -> None:
        try:
            with self._watch.on():
                for line in self._child.whole_lines():
                    self._hear(sandboxed_child.parse(EVENTS, line, _NAME))
                ended = self._child.ended()
            if self._fetched is None:
                self._fail(self._watch.failure if self._watch.tripped else sandboxed_child.ended_silently(ended, _NAME))
        except BaseException as error:  # noqa: BLE001 — raised again in the reader
            self._fail(error)
            self._child.kill()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Found):
            if self._found is not None:
                raise sandboxed_child.not_understood(_NAME)
            self._watch.pause()
            with self._news:
                self._found = event
                self._news.notify_all()
        elif isinstance(event, Moved | Ahead | Hashed):
            self._watch.brought(event)
            if isinstance(event, Moved):
                self._moved(event.done, event.total)
            else:
                self._went_on()
        else:
            with self._news:
                self._note(self._opened(event))
                self._news.notify_all()

    def _opened(self, event: _Told) -> _Told:
        """Return the event, with a file in a volume replaced by a path of the worker's own file descriptor.

        If a program moves files in the volume, this path still names the same file. It never names a file outside the
        volume.
        """
        if not self._request.mounted or not self._request.volume or isinstance(event, Restarted | Failed):
            return event
        if isinstance(event, FileGrowing):
            self._held = self._held or _hold(self._request.volume, self._request.mounted, event.inode)
            return event.model_copy(update={"path": self._held})
        if isinstance(event, Fetched):
            return event.model_copy(update={"video": event.video.model_copy(update={"path": self._held})})
        return event

    def _note(self, event: _Told) -> None:
        if isinstance(event, FileGrowing):
            self._files[event.part] = event
        elif isinstance(event, Restarted):
            self.restarts += 1
            self._files.pop(event.part, None)
            self._whole.pop(event.part, None)
        elif isinstance(event, Arrived):
            self._whole[event.part] = event.file
        elif isinstance(event, Fetched):
            self._fetched = event
        else:
            self._failure = self._failure or event.failure

    def _fail(self, error: BaseException) -> None:
        with self._news:
            self._failure = self._failure or error
            self._news.notify_all()


def _hold(volume: str, path: str, inode: tuple[int, int] | None) -> str:
    """Open the file in the volume that the fetching process has opened, and return the path of the descriptor.

    Raises ImportFailure SOURCE_CHANGED if the path leads to another file meanwhile.
    """
    file = open_beneath(volume, path)
    status = os.fstat(file)
    if (status.st_dev, status.st_ino) != inode:
        os.close(file)
        raise changed(path)
    return f"/proc/{os.getpid()}/fd/{file}"


def begin(
    child: Child,
    request: Request,
    moved: Callable[[int, int | None], None],
    pace: Pace = USUAL,
    went_on: Callable[[], None] = lambda: None,
) -> Fetching:
    """Start fetching. ``moved`` and ``went_on`` are called from a separate thread.

    ``went_on`` is called for progress without new bytes: the end of a file is fetched first, or existing bytes are
    hashed.
    """
    if request.bytes_per_second:  # a configured rate limit does not make a source too slow
        pace = replace(pace, rate=min(pace.rate, max(1, request.bytes_per_second // 2)))
    if request.sent:  # the fetching process itself ends an idle session
        pace = Pace(1, request.sent.idle_seconds + 60.0)
    child.say(request.model_dump_json(by_alias=True))
    return Fetching(child, request, moved, pace, went_on)


def sources_of(fetched: Fetched) -> Sources:
    """Return the fetched files in the form that the transcoder uses."""
    audio = _source(fetched.audio) if fetched.audio else None
    return Sources(_source(fetched.video), audio, is_segmented=fetched.is_segmented)


def _source(file: File) -> Source:
    return Source(Path(file.path), seekable=file.seekable, size=file.size, finished=True, sha256=file.sha256)
