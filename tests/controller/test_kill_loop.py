"""The controller is killed after every single write of a bulk's life, and nothing is lost or done twice."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from acting_kubelet import ActingKubelet
from apiserver import ApiServer, Raw, await_until, background, holds
from controller_process import Controller, Forked, through
from interposer import Interposer, KillAfter
from settled import JobRecord, await_state, settled_state
from wishing import THREE, bulk

MOST_WRITES = 200
"""Far more than a bulk of three may take: the loop must end."""
AT_ONCE = 6
"""Lives lived side by side, each with a controller that sees its own namespace only: most of a life is waiting."""


@dataclass
class Life:
    """One bulk of three in a namespace of its own, from its creation until everything is settled."""

    api: ApiServer
    namespace: str
    log: Path

    def settle(self, kill: KillAfter, wanted: Raw | None) -> tuple[Raw, int]:
        """The settled state and the number of writes committed before the kill, or all of them."""
        jobs, kubelet = JobRecord(self.api, self.namespace), ActingKubelet(self.api, self.namespace)
        with (
            Interposer(self.api, trouble=kill).running() as proxy,
            background("job record", jobs.run),
            background("acting kubelet", kubelet.run),
            Forked(controller := self._controller(proxy)) as first,
        ):
            kill.pid = first.pid
            self.api.create(bulk(self.namespace, THREE))
            await_until("the end or the kill", lambda: kill.happened.is_set() or self._over(), explain=controller.tail)
            if kill.happened.is_set():
                first.wait()
                with Interposer(self.api).running() as calm, Forked(second := self._controller(calm)):
                    self._await_end(wanted, second)
            else:
                self._await_end(wanted, controller)
            await_until("the record of every Job", lambda: len(jobs.uids) >= len(THREE))
        assert {name: len(uids) for name, uids in jobs.uids.items()} == dict.fromkeys(jobs.uids, 1), "a second Job"
        assert len(jobs.uids) == len(THREE), jobs.uids
        return settled_state(self.api, self.namespace), kill.committed_writes

    def _controller(self, proxy: Interposer) -> Controller:
        return Controller(
            kubeconfig=through(proxy.port, self.log.with_suffix(f".{proxy.port}")),
            log=self.log,
            environment={"VIDEOIMPORT_WATCH_NAMESPACES": json.dumps([self.namespace])},
        )

    def _over(self) -> bool:
        state = settled_state(self.api, self.namespace)
        jobs = [value for key, value in state.items() if key.startswith("Job/")]
        many = self.api.get("BulkImport", self.namespace, "many")
        return holds(many, "Finished") and len(jobs) == len(THREE) and all(job["expires"] for job in jobs)

    def _shown(self, controller: Controller) -> str:
        state = settled_state(self.api, self.namespace)
        pods = {pod["metadata"]["name"]: pod["status"] for pod in self.api.all_of("Pod", self.namespace)}
        return "\n".join(f"{key}: {value}" for key, value in {**state, **pods}.items()) + controller.tail()

    def _await_end(self, wanted: Raw | None, controller: Controller) -> None:
        await_until("the end of the bulk", self._over, explain=lambda: self._shown(controller))
        if wanted is not None:
            await_state(self.api, self.namespace, wanted, controller.tail)


def live(api: ApiServer, tmp_path: Path, kill: KillAfter, wanted: Raw | None) -> tuple[Raw, int]:
    with api.namespace(f"kill-{uuid.uuid4().hex[:8]}") as namespace:
        return Life(api, namespace, tmp_path / f"{namespace}.log").settle(kill, wanted)


@pytest.mark.parametrize("answer_arrives", [False, True], ids=["before-the-answer", "after-the-answer"])
def test_killed_after_any_write_everything_ends_the_same(
    api: ApiServer, tmp_path: Path, answer_arrives: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed, writes = live(api, tmp_path, KillAfter(MOST_WRITES, answer_arrives), None)
    assert undisturbed["BulkImport/many"]["completed"] == 2
    assert undisturbed["BulkImport/many"]["failed"] == 1

    def killed_after(k: int) -> KillAfter:
        kill = KillAfter(k, answer_arrives)
        live(api, tmp_path, kill, undisturbed)
        return kill

    kills: list[KillAfter] = []
    with ThreadPoolExecutor(AT_ONCE) as lives:
        while all(kill.happened.is_set() for kill in kills):  # until a life was over before its k-th write
            kills += lives.map(killed_after, range(len(kills) + 1, len(kills) + AT_ONCE + 1))
    killed = [f"{kill.k} {kill.last}" for kill in kills if kill.happened.is_set()]
    with capsys.disabled():
        print(f"\n{len(killed)} kill points ({writes} writes undisturbed): {', '.join(killed)}")
    assert len(killed) >= len(THREE) * 4
