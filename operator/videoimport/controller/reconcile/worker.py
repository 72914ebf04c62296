"""Hands for the queue: what goes wrong with one key must not stop the others."""

import structlog

from videoimport.controller.client.errors import ClusterError, Conflict, NotFound, TooManyRequests
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.reconcile.reconciler import Syncer
from videoimport.controller.telemetry.metrics import RECONCILE_SECONDS

_log = structlog.get_logger(__name__)


async def work(queue: KeyedQueue, syncer: Syncer) -> None:
    """Take keys, one after the other, for as long as the queue gives any."""
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
        _log.info("decided on something older", problem=str(stale), again_in_seconds=queue.retry(key))
    except TooManyRequests as pause:
        _log.info("asked to wait", problem=str(pause), again_in_seconds=queue.retry(key, pause.retry_after))
    except ClusterError as problem:
        _log.warning("failed", problem=str(problem), again_in_seconds=queue.retry(key))
    except Exception:  # noqa: BLE001 (the key's border: one odd object must not stop all others)
        _log.exception("a mistake of ours", again_in_seconds=queue.retry(key))
    else:
        queue.succeeded(key)
