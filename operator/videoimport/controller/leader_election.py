"""Leader election with a Lease, in the main thread, by the synchronous election of the Kubernetes client library.

The asynchronous election of that library is not used, because it continues to renew the Lease after the leading task
has crashed. This module adds three features to the synchronous election. A broken connection is a failed attempt, every
request has a timeout, and the Lease is released at the end.
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
    """A client with a timeout in seconds for each request. Requests are not retried."""

    def __init__(self, configuration: Configuration, seconds: float) -> None:
        configuration.retries = False
        super().__init__(configuration)
        self._seconds = seconds

    def call_api(self, *args: Any, **kwargs: Any) -> Any:
        return super().call_api(*args, **{**kwargs, "_request_timeout": self._seconds})


class Lock(LeaseLock):
    """The Lease as a lock of the election. ``tried`` is called at each attempt."""

    def __init__(self, settings: ControllerSettings, configuration: Configuration, tried: Callable[[], None]) -> None:
        super().__init__(LEASE, settings.pod_namespace, settings.pod_name)  # type: ignore[no-untyped-call]
        self.api_instance = CoordinationV1Api(_PromptClient(configuration, settings.request_seconds))
        self._tried = tried

    def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        """Return True and the record in the Lease, or False and the error. A broken connection is reported as an
        ApiException too."""
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
        """Create the Lease. Return whether the API server created the Lease."""
        spec = self.get_lease_spec(election_record)  # type: ignore[no-untyped-call]
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=spec)
        return self._written(lambda: self.api_instance.create_namespaced_lease(namespace, lease))

    def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Write the Lease. Return False if the write failed, for example because another process wrote the Lease since
        the last read."""
        lease: V1Lease | None = self.lease_reference
        if lease is None:
            return False
        lease.spec = self.get_lease_spec(updated_record, lease.spec)  # type: ignore[no-untyped-call]
        return self._written(lambda: self.api_instance.replace_namespaced_lease(name, namespace, lease))

    def release(self) -> None:
        """Release the Lease if this process holds it. Another process then need not wait until the Lease expires."""
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
    """Return the error on one line. The text of the client library contains every header."""
    return f"{problem.status} {problem.reason}: {problem.body}" if isinstance(problem, ApiException) else str(problem)


def elect(settings: ControllerSettings, lock: Lock, lead: Callable[[], None]) -> None:
    """Try to become the leader, and return when leadership is lost. The leader runs ``lead`` in a separate thread and
    renews the Lease."""
    config = Config(  # type: ignore[no-untyped-call]
        lock,
        lease_duration=settings.lease_seconds,
        renew_deadline=settings.renew_deadline_seconds,
        retry_period=settings.retry_seconds,
        onstarted_leading=lead,
        onstopped_leading=lambda: _log.error("leadership was lost"),
    )
    LeaderElection(config).run()  # type: ignore[no-untyped-call]
