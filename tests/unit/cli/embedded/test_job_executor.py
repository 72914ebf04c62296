"""Each Job becomes a pod with a process, and its end the status that the Job controller would write."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.embedded.cluster import EmbeddedCluster
from videoimport.cli.embedded.job_executor import JobExecutor, build_final_status, build_job_status, build_pod
from videoimport.cli.embedded.local_volumes import Choices, LocalVolumes, MountSources
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.embedded.pod_process import PodProcess, Termination
from videoimport.cli.errors import UnusableError
from videoimport.controller.client.errors import NotFound

Raw = dict[str, Any]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SECRET_VOLUME = {"name": "keys", "secret": {"secretName": "store-keys"}}


def job(*volumes: Raw) -> Raw:
    pod_spec = {"containers": [{"name": "worker"}], "volumes": [*volumes]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "clip-1", "namespace": "media"},
        "spec": {"template": {"metadata": {"labels": {"run": "1"}}, "spec": pod_spec}},
    }


class Machine:
    """A store of objects and what runs its Jobs."""

    def __init__(self, folder: Path, secrets: dict[str, Path]) -> None:
        numbers = itertools.count(1)
        self.objects = ObjectStore(lambda _kind, _raw: f"uid-{next(numbers)}", lambda: NOW)
        self.volumes = LocalVolumes(MountSources(Choices(folder, secrets=secrets)), self.objects)
        logs = folder / "logs"
        logs.mkdir()
        self.cluster = EmbeddedCluster(self.objects, logs)
        self.folder = folder

    def run(self, steps: Callable[[JobExecutor], Awaitable[None]]) -> None:
        async def _run() -> None:
            executor = JobExecutor(self.cluster, self.volumes, self.folder)
            executor.begin()
            await steps(executor)
            await executor.stop()

        asyncio.run(_run())

    async def await_end(self) -> Raw:
        ended = asyncio.Event()
        self.objects.observe(lambda _change, kind, raw: ended.set() if kind == "Job" and _is_over(raw) else None)
        await ended.wait()
        return self.objects.get("Job", "media", "clip-1")


def _is_over(raw: Raw) -> bool:
    return bool(raw.get("status", {}).get("conditions"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    large = tmp_path / "large"
    large.mkdir()
    (large / "key").write_bytes(bytes(4 * 2**20 + 1))
    return Machine(tmp_path, {"large": large})


def test_a_process_that_fails_is_a_failed_job_with_a_failed_pod(machine: Machine) -> None:
    """The worker gets no task, and ends with the code of a wrong command line."""

    async def steps(_executor: JobExecutor) -> None:
        machine.objects.create(job())
        ended = await machine.await_end()
        [pod] = machine.objects.list("Pod")
        code = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        assert code > 0
        [condition] = ended["status"]["conditions"]
        assert (condition["type"], condition["reason"]) == ("Failed", "PodFailurePolicy")
        assert f"failed with exit code {code} " in condition["message"]
        assert pod["metadata"].get("finalizers") is None

    machine.run(steps)


def test_a_secret_that_cannot_be_used_ends_the_run_and_does_not_hang(machine: Machine) -> None:
    async def steps(executor: JobExecutor) -> None:
        machine.objects.create(job({"name": "keys", "secret": {"secretName": "large"}}))
        with pytest.raises(UnusableError, match="is larger than 4194304 bytes"):
            await executor.crash

    machine.run(steps)


def test_a_job_of_an_earlier_program_that_has_not_finished_is_removed(machine: Machine) -> None:
    made = machine.objects.create(job())
    machine.objects.create(build_pod(made))

    async def steps(_executor: JobExecutor) -> None:
        with pytest.raises(NotFound):
            machine.objects.get("Job", "media", "clip-1")
        assert machine.objects.list("Pod") == []

    machine.run(steps)


def test_a_stop_before_the_process_exists_ends_it(machine: Machine, tmp_path: Path) -> None:
    made = machine.objects.create(job())
    process = PodProcess(build_pod(made), tmp_path / "pod", tmp_path / "pod.log")

    async def steps(_executor: JobExecutor) -> None:
        await process.stop(0.0)
        end = await process.run(machine.volumes, lambda: None)
        assert end.exit_code == 128 + 9

    machine.run(steps)
    assert not (tmp_path / "pod").exists()


@pytest.mark.parametrize(
    ("end", "late", "reason"),
    [
        (Termination(0, "", oom_killed=False), False, None),
        (Termination(72, "", oom_killed=False), False, "PodFailurePolicy"),
        (Termination(143, "", oom_killed=False), True, "DeadlineExceeded"),
    ],
)
def test_the_condition_of_a_job_names_its_end(end: Termination, late: bool, reason: str | None) -> None:
    pod = build_pod(job() | {"metadata": job()["metadata"] | {"uid": "uid-1"}})
    [condition] = build_job_status(pod, end, NOW, deadline_exceeded=late)["conditions"]
    assert (condition["type"], condition.get("reason")) == ("Failed" if reason else "Complete", reason)


def test_a_process_without_enough_memory_is_a_pod_out_of_memory() -> None:
    status = build_final_status(Termination(137, "", oom_killed=True), NOW, NOW)
    assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"


def test_a_worker_gets_no_key_of_the_users_environment(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    program = tmp_path / "worker"
    program.write_text("#!/bin/sh\nenv\nexit 9\n")
    program.chmod(0o700)
    monkeypatch.setattr("videoimport.cli.embedded.pod_process.sys.executable", str(program))
    process = PodProcess(build_pod(machine.objects.create(job())), tmp_path / "pod", tmp_path / "pod.log")
    asyncio.run(process.run(machine.volumes, lambda: None))
    told = (tmp_path / "pod.log").read_text()
    assert f"HOME={tmp_path}/pod/tmp\n" in told
    assert "PATH=" in told
    assert "hidden" not in told
