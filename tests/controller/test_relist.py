"""What no watch tells is noticed all the same."""

from collections.abc import Callable

from support.controller.api_server import ApiServer, await_until
from support.controller.api_server_proxy import ApiServerProxy
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import video
from support.controller.namespace_state import finished, its_worker_runs


def test_a_job_deleted_while_no_watch_works_is_made_again(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Callable[..., Controller], kubelet: FakeKubelet
) -> None:
    kubelet.hold.set()
    controller = started(VIDEOIMPORT_RELIST_SECONDS="1")
    api.create(video(namespace))
    await_until("its worker", lambda: its_worker_runs(api, namespace), explain=controller.tail)

    proxy.cut_watches()
    api.delete("Job", namespace, "one-1")
    await_until("the second Job", lambda: job_names(api, namespace) == ["one-2"], explain=controller.tail)
    kubelet.finish_all()

    status = finished(api, "VideoImport", namespace, "one")["status"]
    assert status["phase"] == "Completed"
    assert (status["run"], status["attempts"]["count"], status["attempts"]["uncharged"]) == (2, 1, 1)
    assert proxy.watches_cut


def test_a_resource_deleted_while_no_watch_works_is_forgotten(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Callable[..., Controller], kubelet: FakeKubelet
) -> None:
    controller = started(VIDEOIMPORT_RELIST_SECONDS="1")
    api.create(video(namespace))
    finished(api, "VideoImport", namespace, "one")
    await_until("it to be counted", lambda: 'videoimport_imports{phase="Completed"' in str(controller.page("/metrics")))

    proxy.cut_watches()
    api.delete("VideoImport", namespace, "one")
    await_until("it to be forgotten", lambda: "videoimport_imports{" not in str(controller.page("/metrics")))


def job_names(api: ApiServer, namespace: str) -> list[str]:
    """Of all Jobs there are."""
    return [job["metadata"]["name"] for job in api.all_of("Job", namespace)]
