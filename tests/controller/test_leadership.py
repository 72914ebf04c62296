"""One controller leads; when it goes, however it goes, the other goes on."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, await_until
from support.controller.api_server_proxy import ApiServerProxy, BrokenConnection, NoFault, Write
from support.controller.controller_process import Controller, through
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import video
from support.controller.namespace_state import finished
from support.waiting import LONGEST_SECONDS

BRIEF = {
    "VIDEOIMPORT_LEASE_SECONDS": "3",
    "VIDEOIMPORT_RENEW_DEADLINE_SECONDS": "2",
    "VIDEOIMPORT_RETRY_SECONDS": "1",
}
ENDLESS = {
    "VIDEOIMPORT_LEASE_SECONDS": "3600",
    "VIDEOIMPORT_RENEW_DEADLINE_SECONDS": "2",
    "VIDEOIMPORT_RETRY_SECONDS": "1",
}
"""Nobody takes over within a test unless the Lease was given back."""
Candidate = Callable[..., Controller]


@pytest.fixture
def candidate(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Candidate]:
    """Start one more controller that wants to lead."""
    with ExitStack() as all_of_them:

        def start(name: str, timing: dict[str, str], kubeconfig: Path = api.kubeconfig) -> Controller:
            environment = {
                "VIDEOIMPORT_LEADER_ELECTION": "true",
                "VIDEOIMPORT_WATCH_NAMESPACES": json.dumps([namespace]),
                "POD_NAMESPACE": namespace,
                "POD_NAME": name,
                **timing,
            }
            return all_of_them.enter_context(Controller(kubeconfig, tmp_path / f"{name}.log", environment))

        yield start


def test_a_killed_leader_is_replaced_and_its_work_goes_on(
    api: ApiServer, namespace: str, candidate: Candidate, kubelet: FakeKubelet
) -> None:
    kubelet.hold.set()
    first = candidate("first", BRIEF).ready()
    second = candidate("second", BRIEF)
    await_until("the standby's health", lambda: second.page("/healthz") == "ok\n", explain=second.tail)
    assert second.page("/readyz") == "ok\n"
    assert "videoimport_queue_depth" not in str(second.page("/metrics"))
    api.create(video(namespace))
    await_until("a Job", lambda: api.all_of("Job", namespace), explain=first.tail)
    assert not second.leads

    first.kill()
    kubelet.finish_all()
    assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 1
    assert second.leads
    assert holder(api, namespace) == "second"


def test_a_leader_asked_to_end_hands_over_at_once(
    api: ApiServer, namespace: str, candidate: Candidate, kubelet: FakeKubelet
) -> None:
    first = candidate("first", ENDLESS).ready()
    second = candidate("second", ENDLESS)
    await_until("the standby's health", lambda: second.page("/healthz"), explain=second.tail)
    assert first.tell(signal.SIGTERM) == 0
    second.ready()
    api.create(video(namespace))
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Completed"


def test_a_standby_asked_to_end_leaves_the_lease_alone(api: ApiServer, namespace: str, candidate: Candidate) -> None:
    candidate("first", ENDLESS).ready()
    second = candidate("second", ENDLESS)
    await_until("the standby's health", lambda: second.page("/healthz"), explain=second.tail)
    assert second.tell(signal.SIGTERM) == 0, second.tail()
    assert holder(api, namespace) == "first"


def test_a_leader_that_cannot_renew_ends(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, candidate: Candidate, tmp_path: Path
) -> None:
    first = candidate("first", BRIEF, through(proxy.port, tmp_path / "kubeconfig")).ready()
    second = candidate("second", BRIEF)
    proxy.trouble = NothingIsWritten()
    assert first.process is not None
    assert first.process.wait(LONGEST_SECONDS) == 1
    assert "leadership was lost" in first.log.read_text()
    second.ready()


def test_a_broken_connection_does_not_end_a_leader(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, candidate: Candidate, tmp_path: Path
) -> None:
    first = candidate("first", ENDLESS, through(proxy.port, tmp_path / "kubeconfig")).ready()
    proxy.trouble = breaking = OneIsBroken()
    await_until("a renewal after the broken one", lambda: breaking.later > 0, explain=first.tail)
    assert holder(api, namespace) == "first"
    assert first.process is not None
    assert first.process.poll() is None


class NothingIsWritten(NoFault):
    """Every write's connection breaks."""

    def before(self, write: Write) -> None:
        raise BrokenConnection


class OneIsBroken(NoFault):
    """The first write's connection breaks."""

    broken = False
    later = 0

    def before(self, write: Write) -> None:
        if not self.broken:
            self.broken = True
            raise BrokenConnection

    def committed(self, write: Write) -> None:
        self.later += write.what == "PUT leases"


def holder(api: ApiServer, namespace: str) -> str:
    """Who leads, by the Lease."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/videoimport-controller"
    name: str = api.call("GET", path)["spec"]["holderIdentity"]
    return name
