"""Workers of the queue. An error with one key does not stop the other keys."""

import structlog

from videoimport.controller.client.errors import ClusterError, Conflict, NotFound, TooManyRequests
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.reconcile.reconciler import Syncer
from videoimport.controller.telemetry.metrics import RECONCILE_SECONDS

_log = structlog.get_logger(__name__)


async def work(queue: KeyedQueue, syncer: Syncer) -> None:
    """Reconcile keys one after the other until the queue is closed."""
    while (key := await queue.get()) is not None:
        with structlog.contextvars.bound_contextvars(key=str(key)), RECONCILE_SECONDS.labels(key.kind).time():
            try:
                await _try(queue, syncer, key)
            finally:
                queue.done(key)


async def _try(queue: KeyedQueue, syncer: Syncer, key: Key) -> None:
    try:
        await syncer.sync(key)
    except (Conflict, NotFound) as stale:
        _log.info("reconcile_conflict", problem=str(stale), again_in_seconds=queue.retry(key))
    except TooManyRequests as pause:
        _log.info("api_throttled", problem=str(pause), again_in_seconds=queue.retry(key, pause.retry_after))
    except ClusterError as problem:
        _log.warning("reconcile_failed", problem=str(problem), again_in_seconds=queue.retry(key))
    except Exception:  # noqa: BLE001 (an error with one object must not stop the others)
        _log.exception("reconcile_crashed", again_in_seconds=queue.retry(key))
    else:
        queue.succeeded(key)
