from collections.abc import Callable
from typing import Any

import pytest

from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport_status import Stage, StageName
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.progress_poller import Tails, last_progress
from videoimport.controller.cache.store import Store
from videoimport.controller.client.errors import NotFound, TooManyRequests
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue

Raw = dict[str, Any]
Thing = Callable[..., Raw]
ONE = Key("VideoImport", "ns", "one")


SPEC = {"source": {"url": "https://video.example/one.mp4"}, "destination": {"s3": {"bucket": "videos"}}}


def line(percent: int) -> str:
    stage = Stage(name=StageName.DOWNLOAD, state="Running", percent=percent)
    return Progress(run=1, stages=(stage,)).model_dump_json(by_alias=True, exclude_none=True)


def percent(progress: Progress | None) -> int | None:
    return progress.stages[0].percent if progress else None


def test_the_last_whole_snapshot_counts() -> None:
    assert percent(last_progress(f"{line(1)}\n{line(2)}\nTraceback: something\n{line(3)[:-9]}")) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "no JSON", '{"kind": "Report"}', "[1]", '{"kind":"Progress"}'])
def test_anything_else_is_no_news(text: str) -> None:
    assert last_progress(text) is None


class Scene:
    """One import, its Job and a pod of it, whose container runs."""

    def __init__(self, cluster: Any, thing: Thing) -> None:
        self.cluster, self.queue, self.notebook = cluster, KeyedQueue(), AdditionalStates()
        self.store = Store(lambda _: None)
        self.store.put("VideoImport", thing("VideoImport", "one", 1, spec=SPEC, status={"run": 1}))
        run = {"labels": {"videoimport.io/run": "1"}}
        self.store.put("Job", thing("Job", "one-1", 1, owner=("VideoImport", "one", "one-uid"), meta=run))
        self.put_pod(thing, {"running": {}})
        self.tails = Tails(cluster, self.store, self.notebook, self.queue, 2, 1000)

    def put_pod(self, thing: Thing, state: Raw, version: int = 1) -> None:
        status = {"phase": "Running", "containerStatuses": [{"name": "worker", "state": state}]}
        labels = {"labels": {"videoimport.io/import": "one"}}
        owner = ("Job", "one-1", "one-1-uid")
        self.store.put("Pod", thing("Pod", "one-1-kkkkk", version, owner=owner, meta=labels, status=status))

    @property
    def known(self) -> int | None:
        return percent(self.notebook.of(ONE, "one-uid").progress)


@pytest.fixture
def scene(cluster: Any, thing: Thing) -> Scene:
    return Scene(cluster, thing)


async def test_progress_of_a_running_worker_is_kept_and_its_import_told(scene: Scene) -> None:
    scene.cluster.logs["one-1-kkkkk"] = line(42)
    await scene.tails.round()
    assert scene.known == 42
    assert await scene.queue.get() == ONE


async def test_progress_that_does_not_move_tells_nobody(scene: Scene) -> None:
    scene.cluster.logs["one-1-kkkkk"] = line(42)
    await scene.tails.round()
    scene.queue.done(await scene.queue.get() or ONE)
    await scene.tails.round()
    assert scene.queue.depth == 0


@pytest.mark.parametrize("failure", [NotFound("gone"), TooManyRequests("busy", 0.0)])
async def test_an_empty_log_or_a_failure_takes_nothing_back(scene: Scene, failure: Exception) -> None:
    scene.cluster.logs["one-1-kkkkk"] = line(42)
    await scene.tails.round()
    scene.cluster.logs["one-1-kkkkk"] = ""
    await scene.tails.round()
    scene.cluster.failures["log_tail"] = [failure]
    await scene.tails.round()
    assert scene.known == 42


async def test_only_running_containers_are_looked_at(scene: Scene, thing: Thing) -> None:
    scene.put_pod(thing, {"terminated": {"exitCode": 0}}, version=2)
    await scene.tails.round()
    assert scene.cluster.called("log_tail") == []


WRONG = [{"apiVersion": "v1"}, {"kind": "ReplicaSet"}, {"name": "other-1"}, {"uid": "another"}, {"controller": False}]


@pytest.mark.parametrize("changes", [*WRONG, {}])
async def test_a_pod_that_is_not_its_jobs_in_every_part_is_not_even_looked_at(
    scene: Scene, thing: Thing, changes: Raw
) -> None:
    scene.put_pod(thing, {"terminated": {"exitCode": 0}}, version=2)
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": "one-1", "uid": "one-1-uid", "controller": True}
    meta = {"labels": {"videoimport.io/import": "one"}, "ownerReferences": [reference | changes]}
    status = {"containerStatuses": [{"name": "worker", "state": {"running": {}}}]}
    name = "one-1-yyyyy" if changes else "another"
    scene.store.put("Pod", thing("Pod", name, 3, meta=meta, status=status))
    await scene.tails.round()
    assert scene.cluster.called("log_tail") == []


async def test_progress_of_another_run_is_no_news(scene: Scene) -> None:
    scene.cluster.logs["one-1-kkkkk"] = line(42).replace('"run":1', '"run":2')
    await scene.tails.round()
    assert scene.known is None


async def test_a_pod_of_an_earlier_namesake_is_no_news(scene: Scene, thing: Thing) -> None:
    scene.store.put("VideoImport", thing("VideoImport", "one", 9, uid="another-uid"))
    scene.cluster.logs["one-1-kkkkk"] = line(42)
    await scene.tails.round()
    assert scene.queue.depth == 0


async def test_an_import_has_one_pod_looked_at_whatever_stands_beside_it(scene: Scene, thing: Thing) -> None:
    """Looks are few for the whole cluster: whoever makes many Jobs and pods of one import delays nobody else's."""
    status = {"phase": "Running", "containerStatuses": [{"name": "worker", "state": {"running": {}}}]}
    for run in (2, 3):
        labels = {"labels": {"videoimport.io/run": str(run)}}
        scene.store.put("Job", thing("Job", f"one-{run}", 2, owner=("VideoImport", "one", "one-uid"), meta=labels))
    for run, suffix in ((1, "aaaaa"), (1, "zzzzz"), (2, "bbbbb"), (3, "ccccc")):
        owner = ("Job", f"one-{run}", f"one-{run}-uid")
        scene.store.put("Pod", thing("Pod", f"one-{run}-{suffix}", 3, owner=owner, status=status))
    scene.cluster.logs["one-1-kkkkk"] = line(42)
    await scene.tails.round()
    assert len(scene.cluster.called("log_tail")) == 1
    assert scene.cluster.called("log_tail")[0].startswith("one-1-")
