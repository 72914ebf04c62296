"""The worker's log: JSON lines on stderr. What looks like a URL loses its secrets before it is written."""

import contextlib
import sys
import traceback
from types import TracebackType
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from videoimport.api.redaction import shown_lines, shown_value


def log() -> FilteringBoundLogger:
    """The logger, for a line at a time."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


class _Lossy:
    """Standard error as it is now; lines without a reader are lost, and the run continues."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure() -> None:
    """Once, at the start of a process."""
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
    """``text`` without the secrets of the addresses in it."""
    return shown_lines(text)


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: shown_value(value) for key, value in event.items()}


def frames(trace: TracebackType | None) -> list[str]:
    """Where an exception was raised, without its message: a library's message may hold a secret."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
