"""Our own Range client: one file from one address, resumed within the run, never mixed from two versions."""

import errno
import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

from videoimport.api.reasons import Reason
from videoimport.media.sniff import ENOUGH
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import statuses
from videoimport.worker.fetch.http import Answer, Browser, Interrupted, Validator
from videoimport.worker.fetch.protocol import File

CHUNK = 256 * 1024
MOST_FRUITLESS = 4
"""Tries in a row that brought no byte; then it ends."""
MOST_RESTARTS = 3
"""Times a download may begin anew, for whatever cause."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a download that would otherwise go on."""

    room_bytes: int
    max_bytes: int | None = None
    read_seconds: float = 30.0
    """Longest silence."""
    slow_seconds: float = 60.0
    """A stall is a rate below ``slow_rate`` for so long."""
    slow_rate: int = 1024
    """Bytes a second."""

    def check(self, size: int) -> None:
        """Raises ImportFailure for more bytes than the user or the scratch volume allows."""
        if self.max_bytes is not None and size > self.max_bytes:
            message = f"The source has {size} bytes or more; requirements.maxSize is {self.max_bytes}."
            raise ImportFailure(Reason.SOURCE_TOO_LARGE, f"{message} Use a smaller source, or raise it.")
        if size > self.room_bytes:
            message = f"The source has {size} bytes or more; worker.scratch.size is {self.room_bytes}."
            raise ImportFailure(Reason.SCRATCH_FULL, f"{message} Raise it to about twice the source.")


@dataclass(frozen=True, slots=True)
class Opening:
    """The first answer with its first bytes: what decides whether it is a file at all."""

    answer: Answer
    head: bytes


class Download:
    """One download. ``open``, then either ``close`` or ``finish``: in the best case a single request."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        path: Path,
        limits: Limits,
        moved: Callable[[int, int | None], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._browser, self._original, self._url = browser, url, url
        self._path, self._limits, self._moved = path, limits, moved
        self._hash = hashlib.sha256()
        self._offset = 0
        self._total: int | None = None
        self._validator = Validator()
        self._resumable = True
        self._restarts = 0
        self._changed = False
        self._fruitless = 0
        self._refusals = 0
        self._pending: Opening | None = None

    def open(self) -> Opening:
        """The first answer. Raises ImportFailure."""
        for attempt in self._attempts():
            with attempt:
                self._pending = self._first()
        assert self._pending is not None  # noqa: S101
        return self._pending

    def close(self) -> None:
        """Read no more of what was opened."""
        if self._pending:
            self._pending.answer.response.close()

    def finish(self) -> File:
        """The whole file. Raises ImportFailure."""
        try:
            with self._path.open("w+b") as file:
                for attempt in self._attempts():
                    with attempt:
                        self._receive(file)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                message = f"There is no room in scratch after {self._offset} bytes; raise worker.scratch.size."
                raise ImportFailure(Reason.SCRATCH_FULL, message) from None
            raise
        seekable = self._resumable and self._validator.if_range is not None
        return File(path=str(self._path), size=self._offset, sha256=self._hash.hexdigest(), seekable=seekable)

    def _attempts(self) -> Retrying:
        self._fruitless = 0
        return Retrying(
            retry=retry_if_exception_type(Interrupted),
            stop=lambda _: self._fruitless > MOST_FRUITLESS or self._restarts > MOST_RESTARTS,
            wait=_wait,
            sleep=self._sleep,
            before=lambda _: self._count_try(),
            retry_error_callback=self._give_up,
        )

    def _count_try(self) -> None:
        self._fruitless += 1

    def _give_up(self, state: RetryCallState) -> None:
        cause = state.outcome.exception() if state.outcome else None
        assert isinstance(cause, Interrupted)  # noqa: S101
        if self._changed and self._restarts > MOST_RESTARTS:
            message = f"The source changed {self._restarts} times while it was read."
            raise ImportFailure(Reason.SOURCE_CHANGED, message)
        raise ImportFailure(cause.reason, f"Giving up after several tries: {cause.why}.")

    def _first(self) -> Opening:
        answer = self._browser.get(self._url, {})
        self._check_status(answer)
        if answer.status == 206 and not answer.is_whole:
            # Nobody asked for a part, and one that is taken for the whole would be a short video.
            answer.response.close()
            raise Interrupted("it answers with a part of the source", reason=Reason.SOURCE_TRUNCATED)
        opening = Opening(answer, self._read_head(answer))
        self._adopt(answer)
        return opening

    def _read_head(self, answer: Answer) -> bytes:
        head, pace = b"", _Pace(self._limits, 0)
        while len(head) < ENOUGH and (chunk := self._read(answer, ENOUGH - len(head))):
            head += chunk
            pace.check(len(head))
        return head

    def _adopt(self, answer: Answer) -> None:
        """From now on it is this version of the source that is read."""
        self._url = answer.url
        self._validator = answer.validator
        self._total = answer.total
        self._resumable = not answer.is_encoded and answer.header("Accept-Ranges").lower() != "none"
        self._limits.check(self._total or 0)

    def _check_status(self, answer: Answer) -> None:
        if answer.status in (200, 206):
            return
        answer.response.close()
        if answer.status in (401, 403, 404, 410) and self._refusals == 0 and (self._offset or answer.status == 403):
            # A signed address may have run out since: ask once more, from where we were sent first.
            self._refusals += 1
            self._url = self._original
            raise Interrupted(f"it answers {answer.status}")
        raise statuses.failure(answer.status, answer.url, answer.retry_after)

    def _receive(self, file: IO[bytes]) -> None:
        opening, self._pending = self._pending, None
        if opening:
            self._start_over(file)
            self._keep(file, opening.head)
            self._drain(file, opening.answer)
            return
        answer = self._resume()
        if answer.status == 200 or not self._continues(answer):
            self._restart(file, answer)
        elif answer.content_range:
            self._total = answer.content_range.total
        self._drain(file, answer)

    def _resume(self) -> Answer:
        """The answer to a request for the rest, or for the whole where a rest could not be trusted."""
        condition = self._validator.if_range if self._resumable and self._offset else None
        wanted = {"Range": f"bytes={self._offset}-", "If-Range": condition} if condition else {}
        answer = self._browser.get(self._url, wanted)
        if answer.status == 416:
            answer.response.close()
            answer = self._browser.get(self._url, {})
        self._check_status(answer)
        return answer

    def _continues(self, answer: Answer) -> bool:
        """Whether a 206 is exactly the rest we asked for, of the version we have."""
        span = answer.content_range
        if self._validator.differs(answer.validator):
            return False
        if span is None or span.first != self._offset or span.total is None:
            return False
        return self._total in (None, span.total)

    def _restart(self, file: IO[bytes], answer: Answer) -> None:
        """Throw away what is there; what is read from now on is one version again."""
        self._restarts += 1
        self._changed = self._changed or self._validator.differs(answer.validator) or self._length_differs(answer)
        self._start_over(file)
        if answer.status == 206:
            # An answer that is neither the rest nor the whole: ranges of this server are not to be believed.
            answer.response.close()
            self._resumable = False
            raise Interrupted("it answers with another range than was asked for")
        self._adopt(answer)

    def _length_differs(self, answer: Answer) -> bool:
        return answer.status == 200 and None not in (answer.length, self._total) and answer.length != self._total

    def _start_over(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()
        self._offset, self._hash = 0, hashlib.sha256()

    def _drain(self, file: IO[bytes], answer: Answer) -> None:
        pace = _Pace(self._limits, self._offset)
        while chunk := self._read(answer, CHUNK):
            self._keep(file, chunk)
            pace.check(self._offset)
        file.flush()
        if self._total is not None and self._offset != self._total:
            why = f"it ended after {self._offset} of {self._total} bytes"
            raise Interrupted(why, reason=Reason.SOURCE_TRUNCATED)

    def _keep(self, file: IO[bytes], chunk: bytes) -> None:
        self._limits.check(self._offset + len(chunk))
        file.write(chunk)
        self._hash.update(chunk)
        self._offset += len(chunk)
        self._fruitless = 0
        self._moved(self._offset, self._total)

    def _read(self, answer: Answer, length: int) -> bytes:
        try:
            return answer.response.read1(length, decode_content=True)
        except IncompleteRead as error:
            raise Interrupted("it ended too early", reason=Reason.SOURCE_TRUNCATED) from error
        except (HTTPError, ProtocolError) as error:
            early = isinstance(error.__cause__ or error.__context__, IncompleteRead) or "IncompleteRead" in repr(error)
            reason = Reason.SOURCE_TRUNCATED if early else Reason.SOURCE_UNAVAILABLE
            raise Interrupted(f"the connection broke ({type(error).__name__})", reason=reason) from None


class _Pace:
    """Watches the rate: a server that sends a byte now and then is not alive."""

    def __init__(self, limits: Limits, offset: int) -> None:
        self._limits = limits
        self._seen = deque([(time.monotonic(), offset)])

    def check(self, offset: int) -> None:
        now = time.monotonic()
        self._seen.append((now, offset))
        since, before = self._seen[0]
        if now - since < self._limits.slow_seconds:
            return
        if offset - before < self._limits.slow_rate * self._limits.slow_seconds:
            rate = (offset - before) / (now - since)
            raise Interrupted(f"it sends only {rate:.0f} bytes a second", reason=Reason.STALLED)
        while now - self._seen[0][0] > self._limits.slow_seconds / 2:
            self._seen.popleft()


_BACKOFF = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


def _wait(state: RetryCallState) -> float:
    cause = state.outcome.exception() if state.outcome else None
    asked = cause.retry_after if isinstance(cause, Interrupted) else None
    return min(asked, 30.0) if asked is not None else _BACKOFF(state)
