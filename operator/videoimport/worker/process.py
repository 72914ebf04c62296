"""The worker's process. It reads its task, runs it once, writes a report and exits with the code of its reason."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from videoimport.api.base import Model
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.tasks.listing_task import ListingTask
from videoimport.api.tasks.webhook_task import DeliveryTask
from videoimport.worker.runtime import logging as logs
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.paths import Paths, parse
from videoimport.worker.runtime.task_runner import log_within_time


class _Kind(Model):
    """The field ``kind``, which is read before the rest of a task."""

    kind: str = "Import"


_KINDS: dict[str, type[Task | ListingTask | DeliveryTask]] = {"Listing": ListingTask, "Delivery": DeliveryTask}


def read_task(path: Path) -> Task | ListingTask | DeliveryTask:
    """Return the task in the file ``path``.

    Raises ImportFailure INVALID_SPEC if the file cannot be read or is not a valid task of a known version.
    """
    try:
        text = path.read_bytes()
        return _KINDS.get(_Kind.model_validate_json(text).kind, Task).model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)[:5])
        raise ImportFailure(Reason.INVALID_SPEC, f"This worker does not understand the task: {fields}.") from None
    except OSError as error:
        message = f"The task at {path} cannot be read ({type(error).__name__})."
        raise ImportFailure(Reason.INVALID_SPEC, message) from None


def _run(task: Task | ListingTask | DeliveryTask, paths: Paths) -> int:
    if isinstance(task, DeliveryTask):
        from videoimport.worker.webhook import delivery_runner as delivery

        return delivery.DeliveryRunner(task, paths).run()
    if isinstance(task, ListingTask):
        from videoimport.worker.listing import listing_runner as listing

        return listing.ListingRunner(task, paths).run()
    from videoimport.worker.pipeline import import_runner as importing

    return importing.ImportRunner(task, paths).run()


def _without_task(paths: Paths, failure: ImportFailure) -> int:
    """Write the report for a task that could not be read, and return the exit code.

    The report has no ``uid``, because the uid is in the task.
    """
    report = Report(
        uid="", run=0, spec_hash="", outcome="Failed", reason=failure.reason, message=failure.message[:1024],
        advice=failure.advice[:512], finished_at=datetime.now(UTC),
    )  # fmt: skip
    reporting.write(report, paths.termination_message)
    log_within_time(lambda: logs.log().error("ended", reason=failure.reason, message=failure.message))
    return reporting.exit_code(failure.reason)


def main(argv: Sequence[str]) -> None:
    """Run the task, then end the process at once, so that no thread or library can delay the end."""
    logs.configure()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # ffmpeg would send even requests for the loopback server to the proxy
    paths = parse(argv, __doc__)
    Report.model_rebuild()  # built now, so that the end of a run does not wait for it
    try:
        code = _run(read_task(paths.task), paths)
    except ImportFailure as failure:
        code = _without_task(paths, failure)
    os._exit(code)  # no output is lost: each line was flushed when it was written
