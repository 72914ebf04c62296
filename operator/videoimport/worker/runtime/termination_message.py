"""The report as a termination message: at most 4096 bytes, because Kubernetes keeps only the tail of a longer one.

What is too long is packed first, which loses nothing; then its texts are cut, and only then facts are left out.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import MAX_BYTES, Report, written
from videoimport.api.videoimport_status import Outputs
from videoimport.worker.runtime.logging import log

_LIMITS = (1024, 512, 256, 128, 64, 32)
"""Characters that each free text may have, tried in this order."""


def fitted(report: Report) -> bytes:
    """The report in at most MAX_BYTES, its free texts shortened as little as that needs."""
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
    """At most ``limit`` characters, an ellipsis for what was left out."""
    return text if text is None or len(text) <= limit else text[: limit - 1] + "…"


def exit_code(reason: Reason | None) -> int:
    """Return the process's exit code for the reason its run ended with; 0 without one."""
    return 0 if reason is None else info(reason).exit_code or 1


def write(report: Report, path: Path) -> None:
    """Leave the report where the kubelet looks for it. Where that cannot be written, the exit code still shows the
    outcome.

    A file that has room already is written over, and only then cut: on a full disk there is no other room.
    """
    content = fitted(report)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb") as file:
            file.write(content)
            file.truncate()
    except OSError as error:
        log().error("cannot leave the report", path=str(path), error=type(error).__name__)
