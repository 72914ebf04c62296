"""Download of one file from one URL. If the connection breaks, a Range request continues the download. The file never
mixes two versions of the source."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch import mp4_tail as tail
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.response import HttpResponse, Interrupted, Validator, status_failure
from videoimport.worker.fetch.http.retry import RetryPolicy
from videoimport.worker.fetch.limits import FetchLimits, StallDetector, Throttle
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import (
    File,
    FileGrowing,
    Hashed,
    Part,
    Restarted,
    TailFile,
    Telling,
    identity,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first response and its first bytes, which decide whether the URL holds a media file."""

    answer: HttpResponse
    head: bytes


class Download:
    """One download. Call ``open``, then either ``close`` or ``finish``. If nothing fails, there is a single request."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        landing: Landing,
        limits: FetchLimits,
        teller: Telling,
        *,
        part: Part = "video",
        extra: Mapping[str, str] | None = None,
        throttle: Throttle | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._browser, self._original, self._url = browser, url, url
        self._landing, self._limits, self._teller, self._part = landing, limits, teller, part
        self._extra = dict(extra or {})
        self._throttle = throttle or Throttle(None)
        self._patience = RetryPolicy(sleep)
        self._total: int | None = None
        self._validator = Validator()
        self._resumable = True
        self._refusals = 0
        self._pending: Opening | None = None
        self._is_told = False
        self._tail: TailFile | None = None
        self._source = identity("url", url)

    def open(self) -> Opening:
        """Request the file and return the first response.

        If an earlier run already fetched the first bytes of the file, only the remaining bytes are requested. Raises
        ImportFailure.
        """
        if mark := self._landing.recover(self._source, lambda done: self._teller.tell(Hashed(done=done))):
            self._validator, self._total = Validator.parse(mark.version), mark.total
        for attempt in self._patience.attempts():
            with attempt:
                self._pending = self._first()
        assert self._pending is not None  # noqa: S101
        return self._pending

    def close(self) -> None:
        """Close the first response without reading its remaining bytes."""
        if self._pending:
            self._pending.answer.response.close()

    def finish(self) -> File:
        """Download the complete file. Raises ImportFailure."""
        with self._landing:
            for attempt in self._patience.attempts():
                with attempt:
                    self._receive()
            return self._landing.file(seekable=self._seekable)

    @property
    def _seekable(self) -> bool:
        return self._resumable and self._validator.if_range is not None

    def _first(self) -> Opening:
        answer = self._resume()
        if self._landing.size:
            if answer.status == 206 and self._continues(answer):
                self._url = answer.url
                self._limits.check(self._total or 0)
                return Opening(answer, self._landing.head(sniff.ENOUGH))
            self._landing.start_over()
        if answer.status == 206 and not answer.is_whole:
            # No range was requested. A part that is accepted as the whole file would be a short video.
            answer.response.close()
            raise Interrupted("it answers with a part of the source", reason=Reason.SOURCE_TRUNCATED)
        opening = Opening(answer, self._read_head(answer))
        self._adopt(answer)
        return opening

    def _read_head(self, answer: HttpResponse) -> bytes:
        head, stall = b"", StallDetector(self._limits.pace)
        while len(head) < sniff.ENOUGH and (chunk := answer.read(sniff.ENOUGH - len(head))):
            head += chunk
            stall.check(len(head))
        return head

    def _adopt(self, answer: HttpResponse) -> None:
        """Record the version of the source that is read from now on."""
        self._url = answer.url
        self._validator = answer.validator
        self._total = answer.total
        self._resumable = not answer.is_encoded and answer.header("Accept-Ranges").lower() != "none"
        self._limits.check(self._total or 0)
        self._landing.remember(self._source, self._validator.text if self._resumable else None, self._total)

    def _check_status(self, answer: HttpResponse) -> None:
        if answer.status in (200, 206):
            return
        answer.response.close()
        has_begun = self._landing.size > 0 or answer.status == 403
        if answer.status in (401, 403, 404, 410) and self._refusals == 0 and has_begun:
            # A signed URL may have expired: request the first URL once more.
            self._refusals += 1
            self._url = self._original
            raise Interrupted(f"it answers {answer.status}")
        raise status_failure(answer.status, answer.url, answer.retry_after)

    def _receive(self) -> None:
        opening, self._pending = self._pending, None
        if opening:
            self._tail = self._fetch_tail(opening)
            if self._landing.size:
                self._tell(opening.head)
            else:
                self._keep(opening.head)
            self._drain(opening.answer)
            return
        answer = self._resume()
        if answer.status == 200 or not self._continues(answer):
            self._restart(answer)
        elif answer.content_range:
            self._total = answer.content_range.total
        self._drain(answer)

    def _fetch_tail(self, opening: Opening) -> TailFile | None:
        if self._total is None or not self._seekable or opening.answer.header("Accept-Ranges").lower() != "bytes":
            return None
        fetch = tail.by_range(self._get, self._validator, self._total, self._limits, self._throttle)
        found = tail.fetched(
            self._landing.folder, opening.head, self._total, self._limits, self._throttle, self._teller, fetch
        )
        return found if found and found.offset >= self._landing.size else None

    def _resume(self) -> HttpResponse:
        """Request the missing part, or the whole file if a part could not be trusted. Return the response."""
        condition = self._validator.if_range if self._resumable and self._landing.size else None
        wanted = {"Range": f"bytes={self._landing.size}-", "If-Range": condition} if condition else {}
        answer = self._get(wanted)
        if answer.status == 416:
            answer.response.close()
            answer = self._get({})
        self._check_status(answer)
        return answer

    def _get(self, headers: Mapping[str, str]) -> HttpResponse:
        return self._browser.get(self._url, {**self._extra, **headers}, first=self._original)

    def _continues(self, answer: HttpResponse) -> bool:
        """Return whether a response of status 206 has exactly the requested part, in the same version."""
        span = answer.content_range
        if self._validator.differs(answer.validator):
            return False
        if span is None or span.first != self._landing.size or span.total is None:
            return False
        return self._total in (None, span.total)

    def _restart(self, answer: HttpResponse) -> None:
        """Delete the bytes so far, so that the file holds a single version again."""
        self._patience.restarted(self._validator.differs(answer.validator) or self._length_differs(answer))
        self._landing.start_over()
        self._tail = None
        if self._is_told:
            self._is_told = False
            self._teller.tell(Restarted(part=self._part))
        if answer.status == 206:
            # The response is neither the missing part nor the whole file, so ranges of this server cannot be trusted.
            answer.response.close()
            self._resumable = False
            raise Interrupted("it sent another range than the worker requested")
        self._adopt(answer)

    def _length_differs(self, answer: HttpResponse) -> bool:
        return answer.status == 200 and None not in (answer.length, self._total) and answer.length != self._total

    def _drain(self, answer: HttpResponse) -> None:
        stall = StallDetector(self._limits.pace, self._landing.size)
        while chunk := answer.read(self._throttle.chunk):
            if self._tail and self._landing.size + len(chunk) >= self._tail.offset:
                answer.response.close()
                for piece in (chunk[: self._tail.offset - self._landing.size], *tail.chunks(self._tail)):
                    self._keep(piece)  # the tail was fetched before
                break
            self._keep(chunk)
            self._throttle.took(len(chunk))
            stall.check(self._landing.size)
        if self._total is not None and self._landing.size != self._total:
            why = f"it ended after {self._landing.size} of {self._total} bytes"
            raise Interrupted(why, reason=Reason.SOURCE_TRUNCATED)

    def _keep(self, chunk: bytes) -> None:
        self._limits.check(self._landing.size + len(chunk))
        self._landing.keep(chunk)
        self._patience.gained()
        self._teller.moved(self._landing.size, self._total)
        if chunk and not self._is_told:
            self._tell(chunk)

    def _tell(self, head: bytes) -> None:
        self._is_told = True
        growing = FileGrowing(
            part=self._part,
            path=str(self._landing.path),
            size=self._total,
            seekable=self._seekable,
            tail=self._tail,
            container=sniff.container(head),
        )
        self._teller.tell(growing)
