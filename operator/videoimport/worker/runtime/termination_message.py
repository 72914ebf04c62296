"""The report as a termination message of at most 4096 bytes. Kubernetes keeps only the end of a longer message.

A report that is too long is first compressed, which loses nothing. If the compressed report is still too long, its
texts are cut. As the last step, fields are left out.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import MAX_BYTES, Report, written
from videoimport.api.videoimport_status import Outputs
from videoimport.worker.runtime.logging import log

_LIMITS = (1024, 512, 256, 128, 64, 32)
"""Maximum number of characters of each free text. The limits are tried in this order."""


def fitted(report: Report) -> bytes:
    """Return the report as at most MAX_BYTES bytes. Its messages are cut as little as possible."""
    return next(message for candidate in _shorter(report) if len(message := written(candidate)) <= MAX_BYTES)


def _shorter(report: Report) -> Iterator[Report]:
    yield report
    for limit in _LIMITS:
        yield _clipped(report, lambda text, limit=limit: clip(text, limit))  # type: ignore[misc]
    bare = _clipped(report, lambda text: clip(text, _LIMITS[-1]))
    yield (bare := bare.model_copy(update={"source": None, "metadata": None}))
    yield (bare := bare.model_copy(update={"stages": ()}))
    if bare.outputs:
        yield (bare := bare.model_copy(update={"outputs": Outputs(video=bare.outputs.video)}))
    yield bare.model_copy(update={"outputs": None})


def _clipped(report: Report, cut: Callable[[str | None], str | None]) -> Report:
    source = report.source and report.source.model_copy(
        update={
            "url": cut(report.source.url),
            "filename": cut(report.source.filename),
            "source_id": cut(report.source.source_id),
            "title": cut(report.source.title),
        }
    )
    stages = tuple(stage.model_copy(update={"why": cut(stage.why)}) for stage in report.stages)
    return report.model_copy(
        update={"message": cut(report.message), "advice": cut(report.advice), "source": source, "stages": stages}
    )


def clip(text: str | None, limit: int) -> str | None:
    """Return at most ``limit`` characters of ``text``. A text that is cut ends with an ellipsis."""
    return text if text is None or len(text) <= limit else text[: limit - 1] + "…"


def exit_code(reason: Reason | None) -> int:
    """Return the exit code for the reason with which a run ended. If ``reason`` is None, the exit code is 0."""
    return 0 if reason is None else info(reason).exit_code or 1


def write(report: Report, path: Path) -> None:
    """Write the report to the file that the kubelet reads. If the write fails, the exit code still shows the outcome.

    An existing file is first overwritten and then truncated. So the write can succeed on a full disk.
    """
    content = fitted(report)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb") as file:
            file.write(content)
            file.truncate()
    except OSError as error:
        log().error("cannot leave the report", path=str(path), error=type(error).__name__)
