"""Scenarios to be disturbed: what a user does with an import, from its creation until everything has finished."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from support.controller.api_server import ApiServer, Raw, await_until, background, holds
from support.controller.api_server_proxy import ApiServerProxy, KillAfter
from support.controller.controller_process import Controller, through
from support.controller.fake_kubelet import FakeKubelet
from support.controller.fake_listing_worker import FakeListingWorker
from support.controller.fake_webhook_worker import FakeWebhookWorker
from support.controller.manifests import HOOK, SCRATCH, SESSIONS, THREE, UPLOAD, bulk, video
from support.controller.namespace_state import JobRecord, await_state, final_state, phase
from videoimport.api.labels import RUN, UPLOAD_SESSION
from videoimport.api.reasons import Reason


class Scenario(Protocol):
    """What is told to the cluster, and what must come of it."""

    jobs: int
    """How many Jobs there are in the end to have been."""

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        """All that its user does. May wait for what the controller does, and not for a controller."""

    def over(self, api: ApiServer, namespace: str) -> bool:
        """Whether nothing more is to come."""

    def ends_well(self, state: Raw) -> bool:
        """Whether the settled state is what it was told for."""

    def beside(self, api: ApiServer, namespace: str) -> Callable[[threading.Event], object]:
        """What goes on while it is told, until the event is set."""


class PlainScenario:
    """Nothing goes on beside it."""

    def beside(self, api: ApiServer, namespace: str) -> Callable[[threading.Event], object]:
        return threading.Event.wait


class BulkOfThree(PlainScenario):
    """Created, and left alone."""

    jobs = len(THREE)

    def ends_well(self, state: Raw) -> bool:
        return (state["BulkImport/many"]["completed"], state["BulkImport/many"]["failed"]) == (2, 1)

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        api.create(bulk(namespace, THREE))

    def over(self, api: ApiServer, namespace: str) -> bool:
        state = final_state(api, namespace)
        jobs = [value for key, value in state.items() if key.startswith("Job/")]
        many = api.get("BulkImport", namespace, "many")
        return holds(many, "Finished") and len(jobs) == len(THREE) and all(job["expires"] for job in jobs)


class BesideSidecars(PlainScenario):
    """An import and a run that fails before it, in pods with a container that never ends."""

    jobs = 2

    def ends_well(self, state: Raw) -> bool:
        one = state["VideoImport/one"]
        return (one["phase"], one["run"], one["attempts"]["count"]) == ("Completed", 2, 2)

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        kubelet.mesh = True
        kubelet.fate = lambda task: Reason.SOURCE_UNAVAILABLE if task.run == 1 else None
        api.create(video(namespace))

    def over(self, api: ApiServer, namespace: str) -> bool:
        return holds(api.get("VideoImport", namespace, "one"), "Finished") and not api.all_of("Job", namespace)


class WebhookDelivery:
    """A bulk whose end is told to a receiver, which takes the message at the second try. It is a dry run: imports have
    lives of their own."""

    jobs = 2

    def ends_well(self, state: Raw) -> bool:
        hook = state["BulkImport/many"]["webhook"]
        return (hook["state"], hook["run"], hook["attempts"]["count"]) == ("Delivered", 2, 2)

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        api.create(bulk(namespace, THREE, dryRun=True, webhook=HOOK))

    def over(self, api: ApiServer, namespace: str) -> bool:
        hook = api.get("BulkImport", namespace, "many").get("status", {}).get("webhook", {})
        jobs = [value for key, value in final_state(api, namespace).items() if key.startswith("Job/")]
        return hook.get("state") == "Delivered" and len(jobs) == self.jobs and all(job["expires"] for job in jobs)

    def beside(self, api: ApiServer, namespace: str) -> Callable[[threading.Event], object]:
        return FakeWebhookWorker(api, namespace, fates=(Reason.WEBHOOK_FAILED,)).run


class Listing:
    """A list of two pages, the first of which is printed and lost at the first try. It is a dry run too."""

    jobs = 3

    def ends_well(self, state: Raw) -> bool:
        many = state["BulkImport/many"]
        pages = [key for key in state if key.startswith("ConfigMap/page-")]
        return (many["total"], many["discovery"]["run"], many["phase"], len(pages)) == (3, 3, "Completed", 2)

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        api.create(bulk(namespace, [], dryRun=True, source={"playlist": {"url": "https://example.com/list"}}))

    def over(self, api: ApiServer, namespace: str) -> bool:
        return holds(api.get("BulkImport", namespace, "many"), "Finished") and not api.all_of("Job", namespace)

    def beside(self, api: ApiServer, namespace: str) -> Callable[[threading.Event], object]:
        pages = (tuple(THREE[:2]), tuple(THREE[1:]))
        return FakeListingWorker(api, namespace, pages, spoil=lambda run, text: None if run == 1 else text).run


class Pause(PlainScenario):
    """An import with scratch of its own, suspended while its worker runs and resumed when that is gone."""

    jobs = 2

    def ends_well(self, state: Raw) -> bool:
        one = state["VideoImport/one"]
        attempts = (one["attempts"]["count"], one["attempts"]["uncharged"])
        return (one["phase"], one["run"], attempts) == ("Completed", 2, (1, 0))

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        kubelet.hold.set()
        api.create(video(namespace, **SCRATCH))
        await_until(
            "its worker", lambda: any(pod["status"].get("phase") == "Running" for pod in api.all_of("Pod", namespace))
        )
        api.merge("VideoImport", namespace, "one", {"spec": {"suspend": True}})
        await_until("the suspension", lambda: phase(api, namespace) == "Suspended" and not api.all_of("Job", namespace))
        kubelet.hold.clear()
        api.merge("VideoImport", namespace, "one", {"spec": {"suspend": False}})

    def over(self, api: ApiServer, namespace: str) -> bool:
        jobs = [value for key, value in final_state(api, namespace).items() if key.startswith("Job/")]
        finished = holds(api.get("VideoImport", namespace, "one"), "Finished")
        return (
            finished
            and [job["expires"] for job in jobs] == [True]
            and not api.all_of("PersistentVolumeClaim", namespace)
        )


class UploadSessions(PlainScenario):
    """An upload to kept scratch that waits, whose first session is idle, and whose second one a third one replaces.
    Then the file arrives."""

    jobs = 3

    def ends_well(self, state: Raw) -> bool:
        one = state["VideoImport/one"]
        facts = (one["phase"], one["run"], one["uploadSession"]["tokenSha256"])
        return facts == ("Completed", 3, SESSIONS[2]) and one["attempts"]["count"] == 1

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        kubelet.fate = lambda task: Reason.UPLOAD_IDLE if task.run == 1 else None
        api.create(video(namespace, source=UPLOAD, **SCRATCH))
        await_until("the wait", lambda: _waits_after_run(api, namespace, 0))
        _open_session(api, namespace, SESSIONS[0])
        await_until("the end of the idle session", lambda: _waits_after_run(api, namespace, 1))
        kubelet.hold.set()
        _open_session(api, namespace, SESSIONS[1])
        await_until("the second session's worker", lambda: _runs(api, namespace, 2))
        _open_session(api, namespace, SESSIONS[2])
        await_until("the third session's worker", lambda: _runs(api, namespace, 3))
        kubelet.finish_all()

    def over(self, api: ApiServer, namespace: str) -> bool:
        jobs = {key: value for key, value in final_state(api, namespace).items() if key.startswith("Job/")}
        ended = holds(api.get("VideoImport", namespace, "one"), "Finished")
        kept = {"Job/one-1", "Job/one-3"}
        return (
            ended
            and set(jobs) == kept
            and all(job["expires"] for job in jobs.values())
            and not api.all_of("PersistentVolumeClaim", namespace)
        )


class UploadDeadline(PlainScenario):
    """An upload for which no client comes in time. A new token lets it wait again, and then its file arrives."""

    jobs = 1

    def ends_well(self, state: Raw) -> bool:
        one = state["VideoImport/one"]
        return (one["phase"], one["run"], one["attempts"]["count"]) == ("Completed", 1, 1)

    def tell(self, api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
        api.create(video(namespace, source=UPLOAD))
        await_until("the wait", lambda: _waits_after_run(api, namespace, 0))
        past = {"status": {"uploadSession": {"deadline": "2020-01-01T00:00:00Z"}}}
        api.merge("VideoImport", namespace, "one", past, "status")
        await_until("the deadline", lambda: phase(api, namespace) == "Failed")
        assert api.get("VideoImport", namespace, "one")["status"]["reason"] == Reason.UPLOAD_DEADLINE_EXCEEDED
        api.merge("VideoImport", namespace, "one", {"spec": {"retryToken": "again"}})
        await_until("another wait", lambda: _waits_after_run(api, namespace, 0))
        _open_session(api, namespace, SESSIONS[0])

    def over(self, api: ApiServer, namespace: str) -> bool:
        jobs = [value for key, value in final_state(api, namespace).items() if key.startswith("Job/")]
        return holds(api.get("VideoImport", namespace, "one"), "Finished") and [job["expires"] for job in jobs] == [
            True
        ]


def _open_session(api: ApiServer, namespace: str, session: str) -> None:
    api.merge("VideoImport", namespace, "one", {"metadata": {"annotations": {UPLOAD_SESSION: session}}})


def _waits_after_run(api: ApiServer, namespace: str, run: int) -> bool:
    status = api.get("VideoImport", namespace, "one").get("status", {})
    return (status.get("reason"), status.get("run")) == (Reason.WAITING_FOR_UPLOAD, run) and not any(
        pod["status"].get("phase") == "Running" for pod in api.all_of("Pod", namespace)
    )


def _runs(api: ApiServer, namespace: str, run: int) -> bool:
    pods = [
        pod["metadata"]["labels"][RUN]
        for pod in api.all_of("Pod", namespace)
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    known = api.get("VideoImport", namespace, "one")["status"].get("job", {})
    return pods == [str(run)] and known.get("name") == f"one-{run}" and "uid" in known


@dataclass
class ScenarioRun:
    """One story in a namespace of its own."""

    api: ApiServer
    namespace: str
    log: Path
    story: Scenario

    def settle(self, kill: KillAfter, wanted: Raw | None) -> tuple[Raw, int]:
        """The settled state and the number of writes committed before the kill, or all of them."""
        jobs, kubelet = JobRecord(self.api, self.namespace), FakeKubelet(self.api, self.namespace)
        with (
            ApiServerProxy(self.api, trouble=kill).running() as proxy,
            background("job record", jobs.run),
            background("fake kubelet", kubelet.run),
            background("beside", self.story.beside(self.api, self.namespace)),
            self._controller(proxy) as controller,
        ):
            kill.pid = controller.pid
            with background("successor", lambda stopping: self._succeed(kill, controller, stopping)):
                self.story.tell(self.api, self.namespace, kubelet)
                self._await_end(wanted, controller)
            await_until("the record of every Job", lambda: len(jobs.uids) >= self.story.jobs)
        assert {name: len(uids) for name, uids in jobs.uids.items()} == dict.fromkeys(jobs.uids, 1), "a second Job"
        assert len(jobs.uids) == self.story.jobs, jobs.uids
        return final_state(self.api, self.namespace), kill.committed_writes

    def _controller(self, proxy: ApiServerProxy) -> Controller:
        return Controller(
            kubeconfig=through(proxy.port, self.log.with_suffix(f".{proxy.port}")),
            log=self.log,
            environment={"VIDEOIMPORT_WATCH_NAMESPACES": json.dumps([self.namespace])},
        )

    def _succeed(self, kill: KillAfter, first: Controller, stopping: threading.Event) -> None:
        """Another controller takes over once the first was killed."""
        while not kill.happened.wait(0.05):
            if stopping.is_set():
                return
        first.process.wait()
        with ApiServerProxy(self.api).running() as calm, self._controller(calm):
            stopping.wait()

    def _shown(self, controller: Controller) -> str:
        state = final_state(self.api, self.namespace)
        pods = {pod["metadata"]["name"]: pod["status"] for pod in self.api.all_of("Pod", self.namespace)}
        return "\n".join(f"{key}: {value}" for key, value in {**state, **pods}.items()) + controller.tail()

    def _await_end(self, wanted: Raw | None, controller: Controller) -> None:
        await_until(
            "the end", lambda: self.story.over(self.api, self.namespace), explain=lambda: self._shown(controller)
        )
        if wanted is not None:
            await_state(self.api, self.namespace, wanted, controller.tail)
