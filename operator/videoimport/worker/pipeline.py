"""One run, from a task to its report: whether anything is left to be done, whether it can be done, and doing it."""

from videoimport.api.report import Report
from videoimport.media import command
from videoimport.worker import earlier_run, fetching, preflight, telling, transcode, trust, versions
from videoimport.worker.importing import AlreadyStored, Import, Setting
from videoimport.worker.logs import log
from videoimport.worker.retries import patience


def report(setting: Setting) -> Report:
    """What there is to say of the run. Raises ImportFailure or Interruption."""
    task, paths = setting.task, setting.paths
    fetcher = fetching.start(setting.children, setting.space.source)  # it gets ready while the destination is asked
    trusted = trust.bundle(task.spec.worker, paths.ca_bundle, setting.space.folder)
    place = preflight.connect(task, paths.credentials, paths.destination_volume, trusted)
    place.store.went_on = setting.board.touch
    if (done := earlier_run.done_before(place)) is not None:
        log().info("already imported", run=done.run)
        repeated = done.model_copy(update={"run": task.run})
        setting.completed(repeated)
        return repeated
    versions.warn_of_unknown(setting.children)
    transcode.require(setting.children, command.surely_needed_encoders(task.spec.output))
    preflight.writable(place)
    seconds = patience(task.stall_seconds)
    place.retries.persist(lambda: setting.board.still()[0], seconds, lambda: setting.children.is_stopping)
    try:
        return Import(setting, place, fetcher).report()
    except AlreadyStored as there:
        log().info("the destination has it", uri=there.entry.uri)
        return telling.duplicate(task, setting.board, there.entry)
    finally:
        place.store.close()
