"""The order in which the parts of a multipart upload are sent while the file still grows."""

import time
from collections.abc import Callable, Iterator

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage import parts
from videoimport.worker.storage.parts import Window

_LOOK_SECONDS = 0.05


def final(file: Growing, held: int, expected: int | None, go_on: Callable[[], None]) -> Iterator[Window]:
    """Yield each part as soon as the part is full and will not change. The parts that contain the first ``held``
    bytes come last, when the file is complete.

    ``held`` is the number of bytes at the start of the file that its writer rewrites at the end. The first part always
    comes last. ``expected`` is the approximate final size in bytes. ``go_on`` is called regularly, and may raise an
    exception to stop. Raises AbandonedError if the writer of the file failed.
    """
    if file.ended:
        yield from parts.windows_of(file.size)
        return
    waiting: list[Window] = []
    end = 0
    for cut in parts.windows_ahead(expected):
        size = _wait(file, cut.end, go_on)
        window = Window(cut.number, cut.offset, min(cut.end, size) - cut.offset)
        if window.size <= 0 and cut.number > 1:
            break
        end = window.end
        if window.offset < max(held, 1):
            waiting.append(window)
        else:
            yield window
    else:
        _refuse_more(_wait(file, end + 1, go_on), end)
    yield from waiting


def _wait(file: Growing, size: int, go_on: Callable[[], None]) -> int:
    """Wait like ``Growing.wait``, but stop when ``go_on`` raises an exception."""
    while True:
        go_on()
        ended = file.ended  # read before the size, so that the size includes the last bytes
        found = file.wait(0)
        if ended or found >= size:
            return found
        time.sleep(_LOOK_SECONDS)


def _refuse_more(size: int, end: int) -> None:
    if size > end:
        raise ImportFailure(Reason.INTERNAL, f"A result is larger than {end} bytes, the limit of its multipart upload.")
