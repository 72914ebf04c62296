"""Who runs and who waits: limits, turns and a host that answers 429, whenever the controller is killed."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from support.controller.api_server import ApiServer, Raw, await_until, background, holds
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import bulk, video
from support.controller.namespace_state import finished
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task

Start = Callable[..., Controller]


@dataclass
class LiveJobs:
    """How many Jobs were ever unfinished at the same time, as the API server tells it."""

    api: ApiServer
    namespace: str
    live: set[str] = field(default_factory=set)
    most: int = 0

    def run(self, stopping: threading.Event) -> None:
        for event in self.api.watch("Job", self.namespace, stopping):
            job, name = event["object"], event["object"]["metadata"]["name"]
            over = event["type"] == "DELETED" or holds(job, "Complete") or holds(job, "Failed")
            (self.live.discard if over else self.live.add)(name)
            self.most = max(self.most, len(self.live))


def statuses(api: ApiServer, namespace: str) -> list[Raw]:
    return [item.get("status", {}) for item in api.all_of("VideoImport", namespace)]


def phases(api: ApiServer, namespace: str) -> Counter[str]:
    return Counter(status.get("phase", "") for status in statuses(api, namespace))


def running_pods(api: ApiServer, namespace: str) -> list[Raw]:
    return [pod for pod in api.all_of("Pod", namespace) if pod.get("status", {}).get("phase") == "Running"]


def test_no_more_run_than_may_whatever_ends_or_frees_a_place_and_whoever_is_killed(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Start
) -> None:
    kubelet.hold.set()
    kubelet.fate = lambda task: Reason.SOURCE_UNAVAILABLE if (task.name, task.run) == ("v2", 1) else None
    controller = started(VIDEOIMPORT_MAX_RUNNING="2")
    live = LiveJobs(api, namespace)
    with background("live jobs", live.run):
        for number in range(5):
            api.create(video(namespace, name=f"v{number}"))
        api.create(bulk(namespace, [f"https://example.com/{n}.mp4" for n in range(4)]))
        await_until("two to run and the others to wait", lambda: phases(api, namespace)["Queued"] == 7)
        waiting = next(status for status in statuses(api, namespace) if status.get("phase") == "Queued")
        assert "2 imports run in the cluster, as many as maxRunning allows" in waiting["message"]
        await_until("two workers", lambda: len(running_pods(api, namespace)) == 2)
        first = running_pods(api, namespace)[0]["metadata"]["labels"]["videoimport.io/import"]
        api.merge("VideoImport", namespace, first, {"spec": {"suspend": True}})
        await_until("another to start", lambda: phases(api, namespace)["Queued"] == 6)
        controller.kill()
        kubelet.finish_all()
        controller.start().ready()
        api.merge("VideoImport", namespace, first, {"spec": {"suspend": False}})
        assert finished(api, "BulkImport", namespace, "many")["status"]["completed"] == 4
        await_until("all", lambda: phases(api, namespace) == {"Completed": 9})
    assert live.most == 2


def test_two_bulks_share_what_there_is_and_a_namespace_has_its_own_limit(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Start
) -> None:
    kubelet.hold.set()
    started(VIDEOIMPORT_MAX_RUNNING_PER_NAMESPACE="4")
    large = [f"https://example.com/large-{n}.mp4" for n in range(12)]
    api.create(bulk(namespace, large, name="large", parallelism=100))
    await_until("four workers", lambda: len(running_pods(api, namespace)) == 4)
    small = [f"https://elsewhere.example/small-{n}.mp4" for n in range(2)]
    api.create(bulk(namespace, small, name="small", parallelism=2))
    await_until("all to wait", lambda: phases(api, namespace)["Queued"] == 10)
    words = [status["message"] for status in statuses(api, namespace) if status.get("phase") == "Queued"]
    assert all("4 imports run in this namespace" in word for word in words)
    for pod in running_pods(api, namespace)[:2]:
        kubelet.finish(pod)

    def owners() -> Counter[str]:
        names = (pod["metadata"]["labels"]["videoimport.io/import"] for pod in running_pods(api, namespace))
        return Counter(name.partition("-")[0] for name in names)

    await_until("the small one's turn", lambda: owners() == {"large": 2, "small": 2}, explain=lambda: str(owners()))
    kubelet.finish_all()
    for name, count in (("small", 2), ("large", 12)):
        assert finished(api, "BulkImport", namespace, name)["status"]["completed"] == count


@dataclass
class Site:
    """Answers so many requests, then 429 for some seconds, over and over."""

    requests: int
    seconds: float
    closed_until: float = 0.0
    answered: int = 0
    refused: list[int] = field(default_factory=list)
    """Requests that it refused, each time it was closed."""

    def fate(self, task: Task) -> Reason | None:
        if "busy" not in str(task.spec.source.url):
            return None
        if time.monotonic() < self.closed_until:
            self.refused[-1] += 1
            return Reason.RATE_LIMITED
        if self.answered == self.requests:
            self.answered, self.closed_until = 0, time.monotonic() + self.seconds
            self.refused.append(1)
            return Reason.RATE_LIMITED
        self.answered += 1
        return None


def test_a_site_that_answers_429_after_some_requests_is_not_contacted_until_its_backoff_is_over_and_all_arrive(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Start
) -> None:
    site, backoff, parallelism, count = Site(requests=8, seconds=8.0), 2, 4, 16
    kubelet.fate = site.fate
    controller = started(VIDEOIMPORT_HOST_BACKOFF_SECONDS=str(backoff))
    urls = [f"https://busy.example/{n}.mp4" for n in range(count)]
    api.create(bulk(namespace, urls, parallelism=parallelism))
    await_until("the first refusal", lambda: site.refused)
    api.create(video(namespace, name="elsewhere", url="https://calm.example/one.mp4"))
    assert finished(api, "VideoImport", namespace, "elsewhere")["status"]["attempts"]["count"] == 1
    hosts = await_until("the host", lambda: api.get("BulkImport", namespace, "many")["status"].get("hosts"))
    assert hosts[0]["host"] == "busy.example"
    controller.kill()
    controller.start().ready()
    done = finished(api, "BulkImport", namespace, "many")["status"]
    assert (done["completed"], done["failed"], done.get("hosts")) == (count, 0, [])
    assert not any(status["attempts"].get("reasons") for status in statuses(api, namespace))
    together = parallelism  # runs that were under way when it closed
    assert max(site.refused) < together + site.seconds / backoff, site.refused
    assert "videoimport_hosts_backing_off 0.0" in (controller.page("/metrics") or "")
