"""The worker's interface to the sandboxed listing process. It sends questions and reads the answers within a time
limit."""

import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import DESTINATION_CREDENTIALS_PATH, DESTINATION_VOLUME_PATH
from videoimport.api.tasks.listing_task import ListingTask, Skipped
from videoimport.worker.fetch.process_messages import Failed, Request
from videoimport.worker.listing import process
from videoimport.worker.listing.process_messages import (
    ANSWERS,
    Answer,
    Ask,
    ListEnd,
    ListEntry,
    ListRequest,
    Look,
    Looked,
    Passed,
)
from videoimport.worker.runtime import ca_bundle as trust
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.subprocesses import Child, Children, Ended
from videoimport.worker.source import sandboxed_child

PROXY_FIELD = "spec.template.worker.proxy"
_NAME = "The listing process"
ROOM_BYTES = 512 * 2**20


@dataclass(slots=True)
class Batch:
    """The entries that the sandboxed process has sent for one question."""

    entries: list[ListEntry] = field(default_factory=list)
    passed: str | None = None
    """Cursor after the last part of the list, if that part has no entries for the page."""
    skipped: Skipped | None = None
    """Numbers of skipped rows in the part before ``passed``."""
    is_last: bool = False
    is_late: bool = False
    """True if the time ended before all requested entries arrived. No further request may be sent then."""
    failure: ImportFailure | None = None
    """The failure that ended the list after these entries."""


def request_of(task: ListingTask, paths: Paths, folder: Path) -> ListRequest:
    """Return the request to the sandboxed process. Raises ImportFailure INVALID_SPEC for an invalid CA bundle."""
    source = task.source
    trusted = trust.bundle(task.ca_bundle_config_map_ref, paths.ca_bundle, folder)
    secret, manifest = source.credentials_secret_ref, source.manifest
    fetch = Request(
        url=source.playlist.url if source.playlist else manifest.url if manifest else None,
        folder=str(folder),
        max_height=1080,
        room_bytes=ROOM_BYTES,
        secret=secret.name if secret else None,
        secret_folder=str(paths.source_credentials),
        bytes_per_second=task.politeness.bytes_per_second,
        sleep_seconds=task.politeness.sleep_seconds,
        proxy=task.proxy,
        proxy_field=PROXY_FIELD,
        ca_bundle=str(trusted) if trusted else None,
        allowed_networks=task.allowed_networks,
        shut_paths=(DESTINATION_CREDENTIALS_PATH, DESTINATION_VOLUME_PATH, str(paths.credentials)),
    )
    key = manifest.config_map_key_ref if manifest else None
    return ListRequest(
        fetch=fetch,
        source=source,
        cursor=task.cursor,
        manifest=str(paths.manifest / key.key) if key else None,
        is_own=_is_own(task),
        wants_versions=task.incremental,
    )


def _is_own(task: ListingTask) -> bool:
    """Return whether the bucket may also be the destination.

    Only bucket names are compared, because one store can have many addresses. In such a bucket, an object with a
    result's name is checked for a result's metadata.
    """
    ours, theirs = task.source.s3, task.destination.s3
    return ours is not None and theirs is not None and ours.bucket == theirs.bucket


def start(children: Children, folder: Path) -> Child:
    """Start the sandboxed process, which waits for a request."""
    return sandboxed_child.start(children, folder, process.main, _NAME)


class Lister:
    """Sends questions to one sandboxed process. Every method except ``more`` raises ImportFailure."""

    def __init__(self, child: Child, request: ListRequest) -> None:
        self._child = child
        self._heard: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        child.say(request.model_dump_json(by_alias=True))
        threading.Thread(target=self._listen, daemon=True).start()

    def more(self, wanted: int, until: float, last_moment: float) -> Batch:
        """Return at most ``wanted`` more entries. The result has fewer entries if ``last_moment`` has passed, or if
        ``until`` has passed and there is at least one entry. ``until`` and ``last_moment`` are values of
        ``time.monotonic``."""
        self._ask(Ask(more=wanted))
        batch = Batch()
        try:
            while self._took(batch, self._hear(until if batch.entries or batch.passed else last_moment)):
                pass
        except TimeoutError:
            batch.is_late = True
        except ImportFailure as failure:
            batch.failure = failure
        return batch

    def look(self, keys: Sequence[str], last_moment: float) -> list[Look]:
        """Return the facts in the first bytes of objects of the last batch, in the order of ``keys``. The result has
        fewer entries if ``last_moment`` has passed. After that, the caller must send no further question."""
        self._ask(Ask(look=tuple(keys)))
        looks: list[Look] = []
        with contextlib.suppress(TimeoutError):
            while not isinstance(answer := self._hear(last_moment), Looked):
                if not isinstance(answer, Look):
                    raise sandboxed_child.not_understood(_NAME)
                looks.append(answer)
        return looks

    def _took(self, batch: Batch, answer: Answer) -> bool:
        if isinstance(answer, ListEntry):
            batch.entries.append(answer)
            batch.passed = batch.skipped = None
            return True
        if isinstance(answer, Passed):
            batch.passed, batch.skipped = answer.cursor, answer.skipped
            return True
        batch.is_last = isinstance(answer, ListEnd)
        return False

    def _ask(self, question: Ask) -> None:
        self._child.say(question.model_dump_json(exclude_none=True))

    def _hear(self, until: float) -> Answer:
        """Return the next answer. Raises TimeoutError, or ImportFailure if the process has ended or failed."""
        try:
            answer = self._heard.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        if answer is None:
            raise sandboxed_child.ended_silently(self._ended(), _NAME)
        if isinstance(answer, Failed):
            raise answer.failure
        return answer

    def _ended(self) -> Ended:
        """Return the output of the process after its end.

        Raises ImportFailure OUT_OF_MEMORY with other advice than usual, because more memory rarely helps with a list.
        """
        try:
            return self._child.ended()
        except ImportFailure as failure:
            if failure.reason is not Reason.OUT_OF_MEMORY:
                raise
            message = "The listing process was killed, most likely for lack of memory."
            advice = "Check the address of the list; if it is right, raise the chart's worker.listingMemory."
            raise ImportFailure(failure.reason, message, advice=advice) from None

    def _listen(self) -> None:
        for line in self._child.whole_lines():
            try:
                self._heard.put(sandboxed_child.parse(ANSWERS, line, _NAME))
            except ImportFailure as failure:
                self._heard.put(Failed.of(failure))
        self._heard.put(None)
