"""Whatever is killed when: a VideoImport comes to its end, no run is used twice, nothing is uploaded twice."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.core.simulated_cluster import SURE, SimulatedCluster
from support.core.video_builders import SETTINGS
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.observed_parsers import parse_job
from videoimport.core.video_status import ENDED

WISH: dict[str, Any] = {
    "source": {"url": "https://video.example/talk.mp4"},
    "destination": {"s3": {"bucket": "media"}},
    "maxAttempts": 3,
}
seeds = st.integers(0, 2**32)


def a_cluster(seed: int) -> SimulatedCluster:
    """Half of them are in a mesh."""
    cluster = SimulatedCluster(random.Random(seed), mesh=seed % 2 == 1)
    cluster.put({"kind": "VideoImport", "metadata": {"name": "talk", "namespace": "films"}, "spec": WISH})
    return cluster


def status_in(cluster: SimulatedCluster) -> VideoImportStatus:
    return cluster.status_of("talk")


def stormy_step(cluster: SimulatedCluster) -> None:
    """The controller, possibly killed between any two of its writes; then time and Jobs go on."""
    cluster.sync_video("talk", cluster.dice.choice((0, 1, 2, SURE, SURE)))
    if cluster.dice.random() < 0.5:
        cluster.run_jobs()
    cluster.wait(cluster.dice.choice((0, 1, 20, 900)))


def calm_down(cluster: SimulatedCluster, fate: str = "succeeds") -> None:
    """No more crashes: synced until nothing is left to do, which must come soon."""
    for _ in range(200):
        plan = cluster.sync_video("talk")
        leaving = any(parse_job(job).deleting for job in cluster.of_kind("Job"))
        if plan.status is None and not plan.actions and not leaving and status_in(cluster).phase in ENDED:
            return
        cluster.run_jobs(fate)
        cluster.wait(60)
    raise AssertionError(f"no end: {status_in(cluster)}")


@given(seeds)
def test_it_ends_and_then_nothing_is_left_to_do(seed):
    cluster = a_cluster(seed)
    for _ in range(25):
        stormy_step(cluster)
    calm_down(cluster)
    assert status_in(cluster).phase in (VideoPhase.COMPLETED, VideoPhase.FAILED)
    writes = cluster.writes
    for _ in range(3):
        cluster.sync_video("talk")
        cluster.wait(1000)
    assert cluster.writes == writes


@given(seeds)
def test_no_job_is_made_twice_and_no_run_is_used_twice(seed):
    cluster = a_cluster(seed)
    runs = [0]
    for _ in range(25):
        stormy_step(cluster)
        runs.append(status_in(cluster).run or 0)
    assert runs == sorted(runs)
    jobs = {name: count for name, count in cluster.made.items() if name.startswith("Job/")}
    assert set(jobs.values()) <= {1}


@given(seeds)
def test_nothing_is_uploaded_twice_and_no_success_is_lost(seed):
    cluster = a_cluster(seed)
    for _ in range(25):
        stormy_step(cluster)
    calm_down(cluster)
    assert sum(cluster.uploads.values()) <= 1
    given_up = status_in(cluster).attempts
    assert given_up is not None
    if cluster.uploads and given_up.uncharged <= SETTINGS.max_uncharged:
        assert status_in(cluster).phase is VideoPhase.COMPLETED


@given(seeds)
def test_attempts_stay_within_their_bounds(seed):
    cluster = a_cluster(seed)
    for _ in range(40):
        stormy_step(cluster)
        attempts = status_in(cluster).attempts
        if attempts is not None:
            assert attempts.count <= 3
            assert attempts.uncharged <= SETTINGS.max_uncharged + 1
            assert attempts.reasons.count(Reason.OUT_OF_MEMORY) <= 2


@given(seeds)
def test_percent_and_phase_never_go_back_within_a_run(seed):
    cluster = a_cluster(seed)
    order = list(VideoPhase)
    before = status_in(cluster)
    for _ in range(40):
        stormy_step(cluster)
        now = status_in(cluster)
        if now.run == before.run and before.phase and now.phase not in (VideoPhase.PENDING, VideoPhase.CANCELLED):
            assert (now.progress_percent or 0) >= (before.progress_percent or 0)
            assert order.index(now.phase) >= order.index(before.phase)
        if now.phase is not VideoPhase.COMPLETED:
            assert (now.progress_percent or 0) <= 99
        before = now


@given(seeds)
def test_a_status_once_written_is_not_written_again_without_news(seed):
    """No write loop: with the world standing still, a few syncs come to rest at every point of a run."""
    cluster = a_cluster(seed)
    for _ in range(15):
        stormy_step(cluster)
        for _ in range(4):
            cluster.sync_video("talk")
        plan = cluster.sync_video("talk")
        assert plan.status is None
        assert [action for action in plan.actions if type(action).__name__ != "Create"] == []


@given(seeds)
def test_cancel_at_any_moment_ends_it_with_nothing_running(seed):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(0, 12)):
        stormy_step(cluster)
    cluster.change("VideoImport", "talk", {"spec": {"cancel": True}})
    for _ in range(4):
        stormy_step(cluster)
    calm_down(cluster)
    assert status_in(cluster).phase in ENDED
    assert [job for job in cluster.of_kind("Job") if not parse_job(job).finished] == []


@given(seeds)
def test_suspended_at_any_moment_it_rests_with_nothing_running_and_comes_home_when_resumed(seed):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(0, 12)):
        stormy_step(cluster)
    cluster.change("VideoImport", "talk", {"spec": {"suspend": True}})
    for _ in range(4):
        stormy_step(cluster)
    for _ in range(10):
        cluster.sync_video("talk")
        cluster.run_jobs("goes on")
        cluster.wait(1)
    assert status_in(cluster).phase in (VideoPhase.SUSPENDED, *ENDED)
    assert [job for job in cluster.of_kind("Job") if not parse_job(job).finished] == []
    before = status_in(cluster)
    assert cluster.sync_video("talk").status is None
    cluster.change("VideoImport", "talk", {"spec": {"suspend": False}})
    for _ in range(cluster.dice.randint(0, 3)):
        stormy_step(cluster)
    calm_down(cluster)
    attempts = status_in(cluster).attempts
    if before.phase is VideoPhase.SUSPENDED and before.attempts and attempts:
        assert attempts.reasons[: len(before.attempts.reasons)] == before.attempts.reasons
    assert sum(cluster.uploads.values()) <= 1


@given(seeds)
def test_suspended_and_resumed_over_and_over_no_attempt_is_charged_and_no_job_is_made_twice(seed):
    cluster = a_cluster(seed)
    for _ in range(12):
        wish = {"suspend": cluster.dice.random() < 0.5}
        cluster.change("VideoImport", "talk", {"spec": wish})
        cluster.sync_video("talk", cluster.dice.choice((0, 1, 2, SURE, SURE)))
        cluster.run_jobs("goes on")
        cluster.wait(1)
    attempts = status_in(cluster).attempts
    assert attempts is None or (attempts.count, attempts.reasons, attempts.uncharged) == (1, (), 0)
    assert {count for name, count in cluster.made.items() if name.startswith("Job/")} <= {1}
    cluster.change("VideoImport", "talk", {"spec": {"suspend": False}})
    calm_down(cluster)
    assert status_in(cluster).phase is VideoPhase.COMPLETED


@given(seeds)
def test_scratch_of_its_own_is_made_before_any_job_kept_until_the_end_and_gone_after_it(seed):
    cluster = a_cluster(seed)
    scratch = {"worker": {"scratch": {"size": "1Gi", "storageClassName": "fast"}}}
    cluster.change("VideoImport", "talk", {"spec": scratch})
    for _ in range(25):
        stormy_step(cluster)
        if cluster.of_kind("Job") and status_in(cluster).phase not in ENDED:
            assert cluster.of_kind("PersistentVolumeClaim")
    calm_down(cluster)
    cluster.sync_video("talk")
    assert cluster.of_kind("PersistentVolumeClaim") == []
    assert cluster.made["PersistentVolumeClaim/talk-scratch"] == 1
    assert set(cluster.made.values()) == {1}


@given(seeds)
def test_new_token_after_any_unhappy_end_brings_it_home(seed):
    cluster = a_cluster(seed)
    for _ in range(10):
        stormy_step(cluster)
    cluster.change("VideoImport", "talk", {"spec": {"cancel": True}})
    calm_down(cluster)
    run = status_in(cluster).run or 0
    again = status_in(cluster).phase is not VideoPhase.COMPLETED
    cluster.change("VideoImport", "talk", {"spec": {"cancel": False, "retryToken": "again"}})
    calm_down(cluster)
    assert status_in(cluster).phase is VideoPhase.COMPLETED
    assert status_in(cluster).observed_retry_token == "again"
    assert (status_in(cluster).run or 0) > run if again else status_in(cluster).run == run


@given(seeds)
def test_old_sight_of_the_cluster_does_no_harm(seed):
    """A watch lags: the plan may rest on how things were some writes ago."""
    cluster = a_cluster(seed)
    sights = [cluster.snapshot()]
    for _ in range(30):
        cluster.sync_video("talk", seen_at=cluster.dice.choice(sights[-3:]))
        sights.append(cluster.snapshot())
        cluster.run_jobs()
        cluster.wait(cluster.dice.choice((0, 1, 60)))
        sights.append(cluster.snapshot())
    calm_down(cluster)
    assert sum(cluster.uploads.values()) <= 1
    assert [job for job in cluster.of_kind("Job") if not parse_job(job).finished] == []
