"""A bulk of many items, its controller killed again and again while it works: as if it never had been."""

import uuid
from pathlib import Path

from support.controller.api_server import ApiServer, Raw, await_until, background, holds
from support.controller.api_server_proxy import ApiServerProxy
from support.controller.controller_process import Controller, through
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import bulk
from support.controller.namespace_state import JobRecord, final_state
from support.portion import repetitions

ITEMS = repetitions("items", 90, 200)
GONE = 7
"""One of so many is not there."""
KILL_EVERY = 12
"""Ended items between two kills: a few seconds' work."""
LEAST_KILLS = ITEMS // 25
URLS = [f"https://example.com/{'gone-' if number % GONE == 0 else ''}{number}.mp4" for number in range(ITEMS)]
"""Also the only distinct items: the list that is applied has some of them twice."""


def test_every_item_has_the_result_that_it_has_without_and_none_is_there_twice(api: ApiServer, tmp_path: Path) -> None:
    with api.namespace(f"often-{uuid.uuid4().hex[:8]}") as namespace, ApiServerProxy(api).running() as proxy:
        jobs, kubelet = JobRecord(api, namespace), FakeKubelet(api, namespace)
        controller = Controller(
            kubeconfig=through(proxy.port, tmp_path / f"{namespace}.kubeconfig"),
            log=tmp_path / f"{namespace}.log",
            environment={"VIDEOIMPORT_WATCH_NAMESPACES": f'["{namespace}"]'},
        )
        with background("job record", jobs.run), background("fake kubelet", kubelet.run):
            api.create(bulk(namespace, [*URLS, *URLS[:5]], parallelism=20))
            assert _killed(api, namespace, controller) >= LEAST_KILLS
            with controller:
                await_until("the end", lambda: over(api, namespace), explain=controller.tail)
        state = final_state(api, namespace)
    check_status(state["BulkImport/many"])
    shards = [shard for key, shard in state.items() if key.startswith("ConfigMap/")]
    entries = [(key, entry) for shard in shards for key, [entry] in shard.items()]
    assert len(entries) == len(dict(entries)) == ITEMS
    assert {entry["url"]: facts(entry) for _, entry in entries} == {url: undisturbed(url) for url in URLS}
    assert {name: len(uids) for name, uids in jobs.uids.items()} == dict.fromkeys(jobs.uids, 1), "a Job was made twice"
    assert len(jobs.uids) == ITEMS


def check_status(status: Raw) -> None:
    failed = sum("gone" in url for url in URLS)
    counts = (status["phase"], status["total"], status["completed"], status["failed"], status["progressPercent"])
    assert counts == ("Completed", ITEMS, ITEMS - failed, failed, 100)
    assert sum(reference["count"] for reference in status["resultsRef"]) == ITEMS


def facts(entry: Raw) -> tuple[bool, str | None, int, int, bool]:
    """What a result tells: its success, its reason, tries, bytes, and whether the video has a place."""
    return entry["success"], entry.get("reason"), entry["attempts"], entry["bytesOut"], "uri" in entry


def undisturbed(url: str) -> tuple[bool, str | None, int, int, bool]:
    """The same of an item whose one run ends as the fake kubelet has it."""
    return (False, "SourceNotFound", 1, 500, False) if "gone" in url else (True, None, 1, 500, True)


def _killed(api: ApiServer, namespace: str, controller: Controller) -> int:
    """One controller after the other, each for so many items; returns how many."""
    kills, next_kill = 0, KILL_EVERY
    while next_kill < ITEMS:
        with controller:
            await_until(f"{next_kill} items", lambda: ended(api, namespace) >= next_kill)  # noqa: B023
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
