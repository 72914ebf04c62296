"""A bulk of two hundred, its controller killed again and again while it works: as if it never had been."""

import uuid
from pathlib import Path

from acting_kubelet import ActingKubelet
from apiserver import ApiServer, Raw, await_until, background, holds
from controller_process import Controller, Forked, through
from interposer import Interposer
from settled import JobRecord, await_state, settled_state
from wishing import bulk

ITEMS = 200
GONE = 7
"""One of so many is not there."""
KILL_EVERY = 12
"""Ended items between two kills: a few seconds' work."""
LEAST_KILLS = 8
LONGEST_SECONDS = 300.0
"""For two hundred Jobs on a machine that is busy with other things as well."""
URLS = [f"https://example.com/{'gone-' if number % GONE == 0 else ''}{number}.mp4" for number in range(ITEMS)]
"""Also the only distinct items: the list that is applied has some of them twice."""


def test_the_results_are_the_same_and_none_is_there_twice(api: ApiServer, tmp_path: Path) -> None:
    undisturbed, calm_jobs, _ = run(api, tmp_path, killed=False)
    disturbed, jobs, kills = run(api, tmp_path, killed=True, wanted=undisturbed)
    assert kills >= LEAST_KILLS
    assert disturbed == undisturbed
    status = disturbed["BulkImport/many"]
    failed = sum(number % GONE == 0 for number in range(ITEMS))
    assert (status["total"], status["completed"], status["failed"]) == (ITEMS, ITEMS - failed, failed)
    results = [key for name, shard in disturbed.items() if name.startswith("ConfigMap/") for key in shard]
    assert (len(results), len(set(results))) == (ITEMS, ITEMS)
    for record in (calm_jobs, jobs):
        assert len(record) == ITEMS
        assert {len(uids) for uids in record.values()} == {1}, "a Job was made twice"


def run(
    api: ApiServer, tmp_path: Path, *, killed: bool, wanted: Raw | None = None
) -> tuple[Raw, dict[str, set[str]], int]:
    """The settled state, the UIDs of every Job that ever was, and how often the controller was killed."""
    with api.namespace(f"often-{uuid.uuid4().hex[:8]}") as namespace, Interposer(api).running() as proxy:
        jobs, kubelet = JobRecord(api, namespace), ActingKubelet(api, namespace)
        controller = Controller(
            kubeconfig=through(proxy.port, tmp_path / f"{namespace}.kubeconfig"),
            log=tmp_path / f"{namespace}.log",
            environment={"VIDEOIMPORT_WATCH_NAMESPACES": f'["{namespace}"]'},
        )
        with background("job record", jobs.run), background("acting kubelet", kubelet.run):
            api.create(bulk(namespace, [*URLS, *URLS[:5]], parallelism=20))
            kills = _until_the_end(api, namespace, controller, killed)
            with Forked(controller):
                await_until("the end", lambda: over(api, namespace), LONGEST_SECONDS, controller.tail)
                if wanted is not None:
                    await_state(api, namespace, wanted, controller.tail)
        return settled_state(api, namespace), jobs.uids, kills


def _until_the_end(api: ApiServer, namespace: str, controller: Controller, killed: bool) -> int:
    """One controller after the other, each for so many items; returns how many."""
    kills, next_kill = 0, KILL_EVERY
    while killed and next_kill < ITEMS:
        with Forked(controller):
            await_until(f"{next_kill} items", lambda: ended(api, namespace) >= next_kill, LONGEST_SECONDS)  # noqa: B023
        kills += 1
        next_kill = ended(api, namespace) + KILL_EVERY
    return kills


def ended(api: ApiServer, namespace: str) -> int:
    """Items whose own status says that they ended."""
    return sum(holds(video, "Finished") for video in api.all_of("VideoImport", namespace))


def over(api: ApiServer, namespace: str) -> bool:
    """The bulk is finished and so is all that follows."""
    many = api.get("BulkImport", namespace, "many")
    jobs = api.all_of("Job", namespace)
    return holds(many, "Finished") and all("ttlSecondsAfterFinished" in job["spec"] for job in jobs)
