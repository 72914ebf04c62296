"""Configuration of logs: one JSON object on each line, for the loggers of the controller and of the libraries."""

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

from videoimport.api.redaction import shown_value

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)

_TALKATIVE = {
    "kopf.objects": logging.WARNING,  # otherwise each event writes a line
    "kopf._core.reactor.running": logging.ERROR,  # otherwise kopf warns that its thread gets no signals
    "leaderelection": logging.WARNING,  # otherwise each renewal writes a line
    "aiohttp.access": logging.WARNING,
}


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Redact each value. An error of the API server or of a library may contain an object, and this object may contain
    a URL with a password."""
    return {key: shown_value(value) for key, value in event.items()}


def configure(level: str) -> None:
    """Configure all logs. Call this function once, before the first message."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=_SHARED,
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, least in _TALKATIVE.items():
        logging.getLogger(name).setLevel(max(least, logging.getLogger().level))
