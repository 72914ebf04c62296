"""Sends one file to the workers of its import, until the import has the file or has ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from videoimport.api.labels import IMPORT, VIDEO_KIND
from videoimport.api.tasks.import_task import UPLOAD_PORT
from videoimport.cli.cluster.resource_reference import with_kind
from videoimport.cli.errors import (
    MissingRightError,
    NotFoundError,
    RefusedForwardError,
    UnreachableError,
    UnusableError,
)
from videoimport.cli.kube_client import Kube
from videoimport.cli.port_forward import ForwardedConnection, open_forward
from videoimport.cli.progress_display import printable
from videoimport.cli.resource_facts import is_successful, name_of, status_of
from videoimport.cli.upload.hashed_file import BLOCK, FileChangedError, HashedFile, UploadStoppedError
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.session_token import LocalSession
from videoimport.cli.upload.suggested_command import format_resume
from videoimport.cli.upload.tus_client import RefusedFileError, RefusedSessionError, TusClient
from videoimport.cli.upload.upload_display import SENDING
from videoimport.cli.upload.upload_step import ImportEnded, Received, Sending, SessionOver, Step, Waiting, choose_step

Raw = dict[str, Any]
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 600.0
"""Maximum number of seconds without an API server. An idle session ends after the same time by default."""
_LONGEST_PAUSE = 10.0
_SHOWN_FAILURES = 3
"""Number of failed connections in a row after which the user sees the error. A pod that ends causes fewer."""


class UploadOverError(Exception):
    """This session cannot send the file any more. The text has the solution."""


class FileDisplay(Protocol):
    """The display of one file."""

    def start(self, offset: int) -> None:
        """Show the number of bytes that the worker has. The speed is measured from here on."""

    def move(self, offset: int) -> None:
        """Show the number of bytes that were sent."""

    def tell(self, words: str) -> None:
        """Show what happens now."""


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What became of one file."""

    resource: Raw | None
    """The last state of the import. None if the import was not created."""
    is_sent: bool
    """True if a worker has the whole file."""
    problem: str = ""
    """The sentence about a failure of the upload. A failure of the import is in ``resource``."""


class FileUpload:
    """The upload of one file in one session."""

    def __init__(
        self,
        kube: Kube,
        resource: Raw,
        file: LocalFile,
        session: LocalSession,
        display: FileDisplay,
        stop: threading.Event,
    ) -> None:
        self._kube, self._session, self._display, self._stop = kube, session, display, stop
        self.resource, self.file = resource, file
        """The last state of the import, and the file."""
        self.is_sent = False
        """True if a worker has the whole file."""
        self._served: set[str] = set()
        """UIDs of pods that have the whole file, or that refused the file."""
        self._failures, self._problem = 0, ""
        """Number of failed connections since a worker answered, and the text of the last failure."""

    def run(self, *, until_end: bool) -> UploadOutcome:
        """Send the file, and start again with another worker. With ``until_end``, follow the import to its end."""
        try:
            with closing(HashedFile(self.file, self._stop)) as content:
                while not self._go_on(content, until_end=until_end):
                    if self._stop.wait(_LOOK_SECONDS):
                        raise UploadStoppedError
        except FileChangedError as changed:
            problem = f"{changed} The import cannot get a consistent file; upload the file again when it is complete."
            return UploadOutcome(self.resource, is_sent=False, problem=problem)
        except UploadOverError as over:
            return UploadOutcome(self.resource, self.is_sent, str(over))
        except UnusableError as error:
            command = format_resume(self._kube, name_of(self.resource), self.file)
            return UploadOutcome(self.resource, self.is_sent, f"{' '.join(error.problems)} Then `{command}` continues.")
        return UploadOutcome(self.resource, self.is_sent)

    def _go_on(self, content: HashedFile, *, until_end: bool) -> bool:
        """Take the next step. Return whether the upload is over. Raises UploadOverError, and UnusableError if the API
        server refuses a request."""
        step = self._look()
        match step:
            case ImportEnded():
                self._compare_hashes(content)
                return True
            case SessionOver(words):
                command = format_resume(self._kube, name_of(self.resource), self.file)
                cause = (
                    f" The last connection to the worker failed: {self._problem.rstrip('.')}." if self._problem else ""
                )
                raise UploadOverError(f"{words}{cause} `{command}` opens another session.")
            case Received(words):
                self.is_sent = True
                self._display.move(self.file.size)
                self._display.tell(words)
            case Waiting(words):
                self.is_sent = False
                self._display.tell(words)
            case Sending() if step.uid not in self._served:
                self.is_sent = False
                self._send(content, step)
        return self.is_sent and not until_end

    def _compare_hashes(self, content: HashedFile) -> None:
        """Raise UploadOverError if the completed import has another file. The client of another session may have sent
        it."""
        found = (status_of(self.resource).get("source") or {}).get("sha256")
        if not found or not is_successful(self.resource):
            return
        if content.position < self.file.size:
            self._display.tell("hashing the file")
        try:
            content.move_to(self.file.size)
        except FileChangedError as changed:
            known = f"The import has completed with the SHA-256 {printable(str(found))}"
            raise UploadOverError(f"{known}, but {self.file.path} cannot be compared with it: {changed}") from None
        if (own := content.compute_sha256()) != found:
            raise UploadOverError(
                f"The import has another file, which another session sent: its SHA-256 is {printable(str(found))}, and "
                f"{self.file.path} has {own}. Upload {self.file.path} as another import with --name."
            )

    def _look(self) -> Step:
        """Return the next step from the present state. A broken API server is asked again."""
        tries = Retrying(
            retry=retry_if_exception_type(UnreachableError),
            stop=stop_after_delay(_PATIENCE_SECONDS),
            wait=wait_exponential(max=_LONGEST_PAUSE),
            sleep=self._pause,
            reraise=True,
        )
        name, namespace = self.resource["metadata"]["name"], self._kube.namespace
        try:
            found = with_kind(tries(self._kube.resource, namespace, VIDEO_KIND, name), VIDEO_KIND)
        except NotFoundError:
            raise UploadOverError("The import was deleted. Upload the file as another import.") from None
        if found["metadata"]["uid"] != self.resource["metadata"]["uid"]:
            raise UploadOverError("The import was deleted and created again. Upload the file as another import.")
        self.resource = found
        pods = tries(self._kube.pods, namespace, f"{IMPORT}={name}")
        return choose_step(self.resource, pods, self._session.token_sha256)

    def _pause(self, seconds: float) -> None:
        self._display.tell("no connection to the cluster")
        if self._stop.wait(seconds):
            raise UploadStoppedError

    def _send(self, content: HashedFile, step: Sending) -> None:
        """Send what the worker lacks. After a broken connection, the next step continues at the offset."""
        try:
            with TusClient(lambda: self._connect(step), self._session.token) as client:
                send_file(client, self.file, content, lambda offset: self._show_start(content, offset), self._show_sent)
        except RefusedFileError as refused:
            self._served.add(step.uid)
            self._display.tell(f"refused by the worker: {printable(str(refused))}")
        except RefusedSessionError as refused:
            self._served.add(step.uid)
            self._display.tell(printable(str(refused)))
        except (MissingRightError, RefusedForwardError):
            raise
        except (OSError, HTTPException, UnusableError) as error:  # such as a pod that ends at this moment
            self._note_failure(error)
        else:
            self._served.add(step.uid)
            self.is_sent = True
            self._display.tell("sent")

    def _note_failure(self, error: Exception) -> None:
        """Keep the error of a connection. Show it if the connections before failed too."""
        self._failures, self._problem = self._failures + 1, printable(str(error) or type(error).__name__)
        is_shown = self._failures >= _SHOWN_FAILURES
        self._display.tell(f"no connection to the worker: {self._problem}" if is_shown else "waiting for the worker")

    def _connect(self, step: Sending) -> ForwardedConnection:
        """Return a connection to the worker. The API server connects by name, so the pod of that name is looked at once
        more: it had the same UID before and after, and receives the token only then."""
        with ExitStack() as opened:
            connection = opened.enter_context(closing(open_forward(self._kube, step.pod, UPLOAD_PORT)))
            if self._look() != step:
                raise ConnectionError("Another pod may have the name of the worker.")
            opened.pop_all()
        return connection

    def _show_start(self, content: HashedFile, offset: int) -> None:
        self._failures, self._problem = 0, ""
        self._display.start(offset)
        if offset > content.position:
            self._display.tell("hashing the bytes that the worker has")

    def _show_sent(self, offset: int) -> None:
        if self._stop.is_set():
            raise UploadStoppedError
        self._display.move(offset)
        self._display.tell(SENDING)


def send_file(
    client: TusClient,
    file: LocalFile,
    content: HashedFile,
    start: Callable[[int], None],
    report: Callable[[int], None],
) -> None:
    """Send what the worker lacks of a file. ``start`` gets the first offset, and ``report`` each new one.

    The last block is a request of its own, because its headers have the hash of the whole file. Raises the errors of
    TusClient, and FileChangedError before the last block is sent.
    """
    offset = client.read_offset()
    if offset > file.size:
        raise HTTPException("The worker answered with an offset beyond the file.")
    start(offset)
    content.move_to(offset)  # before a request begins, because the worker waits only a minute for its body
    last = max(file.size - BLOCK, 0)
    if offset < last:
        blocks = _report_blocks(content, offset, last, report)
        offset = client.send(offset, last - offset, blocks)
    if offset < file.size:
        tail = list(content.read_blocks(offset, file.size))
        client.send(offset, file.size - offset, tail, content.compute_sha256())
    report(file.size)


def _report_blocks(content: HashedFile, start: int, end: int, report: Callable[[int], None]) -> Iterator[bytes]:
    for block in content.read_blocks(start, end):
        yield block
        start += len(block)
        report(start)
