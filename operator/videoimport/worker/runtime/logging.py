"""The worker's log: JSON lines on stderr. Secrets in URLs, and in text that looks like a URL, are removed first."""

import contextlib
import sys
import traceback
from types import TracebackType
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from videoimport.api.redaction import shown_lines, shown_value


def log() -> FilteringBoundLogger:
    """Return the logger."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


class _Lossy:
    """A text stream that writes to the current sys.stderr.

    If stderr has no reader, the lines are lost and the run continues.
    """

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure() -> None:
    """Configure structlog. Call this once, at the start of a process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lossy())),
        cache_logger_on_first_use=True,
    )


def redacted(text: str) -> str:
    """Return ``text`` without the secrets of the URLs in it."""
    return shown_lines(text)


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: shown_value(value) for key, value in event.items()}


def frames(trace: TracebackType | None) -> list[str]:
    """Return the stack frames of an exception, without its message. The message of a library may contain a secret."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
