"""Who leads: a Lease, by the client library's synchronous election, in the main thread.

Not by its asynchronous one: there a crash of the leading task keeps the Lease renewed. This adds what the synchronous
one lacks: a broken connection is a failed attempt, every request has a timeout, and the Lease is released.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from kubernetes.client import ApiClient, ApiException, CoordinationV1Api, V1Lease, V1ObjectMeta
from kubernetes.client.configuration import Configuration
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from urllib3.exceptions import HTTPError

from videoimport.controller.settings import LEASE, ControllerSettings

_RELEASE_TRIES = 3
_log = structlog.get_logger(__name__)


class _PromptClient(ApiClient):
    """Timeout of a request; it is not retried."""

    def __init__(self, configuration: Configuration, seconds: float) -> None:
        configuration.retries = False
        super().__init__(configuration)
        self._seconds = seconds

    def call_api(self, *args: Any, **kwargs: Any) -> Any:
        return super().call_api(*args, **{**kwargs, "_request_timeout": self._seconds})


class Lock(LeaseLock):
    """The Lease. ``tried`` is called at each attempt."""

    def __init__(self, settings: ControllerSettings, configuration: Configuration, tried: Callable[[], None]) -> None:
        super().__init__(LEASE, settings.pod_namespace, settings.pod_name)  # type: ignore[no-untyped-call]
        self.api_instance = CoordinationV1Api(_PromptClient(configuration, settings.request_seconds))
        self._tried = tried

    def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        """The Lease's record, or why there is none; a broken connection is reported like a refusal."""
        self._tried()
        try:
            self.lease_reference = self.api_instance.read_namespaced_lease(name, namespace)
        except ApiException as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                _log.warning("the Lease was not read", problem=_words(refused))
            return False, refused
        except HTTPError as broken:
            _log.warning("the Lease was not read", problem=str(broken))
            return False, ApiException(status=0, reason=str(broken))
        return True, self.get_lock_object(self.lease_reference)  # type: ignore[no-untyped-call]

    def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Whether it was created."""
        spec = self.get_lease_spec(election_record)  # type: ignore[no-untyped-call]
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=spec)
        return self._written(lambda: self.api_instance.create_namespaced_lease(namespace, lease))

    def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Whether it was written; it is not if another process has written it since it was read."""
        lease: V1Lease | None = self.lease_reference
        if lease is None:
            return False
        lease.spec = self.get_lease_spec(updated_record, lease.spec)  # type: ignore[no-untyped-call]
        return self._written(lambda: self.api_instance.replace_namespaced_lease(name, namespace, lease))

    def release(self) -> None:
        """Release the Lease if this process holds it, so that another one need not wait until it expires."""
        for _ in range(_RELEASE_TRIES):
            try:
                lease = self.api_instance.read_namespaced_lease(self.name, self.namespace)
                if lease.spec is not None and lease.spec.holder_identity == self.identity:
                    lease.spec.holder_identity = ""
                    self.api_instance.replace_namespaced_lease(self.name, self.namespace, lease)
            except (ApiException, HTTPError) as problem:
                _log.warning("the Lease was not released", problem=_words(problem))
            else:
                return

    def _written(self, write: Callable[[], V1Lease]) -> bool:
        try:
            self.lease_reference = write()
        except (ApiException, HTTPError) as problem:
            _log.warning("the Lease was not written", problem=_words(problem))
            return False
        return True


def _words(problem: ApiException | HTTPError) -> str:
    """The error on one line; the library's own text has every header."""
    return f"{problem.status} {problem.reason}: {problem.body}" if isinstance(problem, ApiException) else str(problem)


def elect(settings: ControllerSettings, lock: Lock, lead: Callable[[], None]) -> None:
    """Try to lead; when leading, run ``lead`` in a thread of its own and renew. Returns when leadership is lost."""
    config = Config(  # type: ignore[no-untyped-call]
        lock,
        lease_duration=settings.lease_seconds,
        renew_deadline=settings.renew_deadline_seconds,
        retry_period=settings.retry_seconds,
        onstarted_leading=lead,
        onstopped_leading=lambda: _log.error("leadership was lost"),
    )
    LeaderElection(config).run()  # type: ignore[no-untyped-call]
