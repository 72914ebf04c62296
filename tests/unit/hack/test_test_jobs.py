"""`make test` runs each file once, and what changes the cluster for others before those."""

import sys
import threading
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    loader = SourceFileLoader("hack_test", str(ROOT / "hack/test"))
    spec = spec_from_loader("hack_test", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["hack_test"] = module
    loader.exec_module(module)
    return module


def test_each_file_of_tests_runs_once(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that a target of their own asks for are among them then."""
    for layer in (layer for stage in runner.STAGES for layer in stage.layers):
        for variable in layer.on_request.values():
            monkeypatch.setenv(variable, "1")
    targets = [target for stage in runner.STAGES for job in runner.jobs_of(stage.layers) for target in job.targets]
    files = [file for target in targets for file in ([target] if target.is_file() else target.rglob("test_*.py"))]
    assert sorted(files) == sorted((ROOT / "tests").rglob("test_*.py"))


def test_each_name_that_a_layer_knows_is_there(runner: ModuleType) -> None:
    layers = [layer for stage in runner.STAGES for layer in stage.layers]
    known = {layer.name: {*layer.known, *layer.apart, *layer.on_request} - {layer.name} for layer in layers}
    assert [name for layer in layers for name in known[layer.name] if not (layer.folder / name).exists()] == []


def test_results_of_two_files_do_not_lie_in_one(runner: ModuleType) -> None:
    jobs = [job for stage in runner.STAGES for job in runner.jobs_of(stage.layers)]
    reports = [report for job in jobs for report in job.reports()]
    assert len(set(reports)) == len(reports)


def test_a_layer_of_many_short_tests_is_divided_among_two_processes_that_take_as_long(runner: ModuleType) -> None:
    jobs = runner.jobs_of([runner.UNIT])
    assert [job.runs() for job in jobs] == [[job.targets] for job in jobs]
    longest = max(runner.UNIT.known.values())
    seconds = [sum(runner.UNIT.known[target.name] for target in job.targets) for job in jobs]
    assert len(seconds) == 2
    assert max(seconds) <= max(longest, sum(seconds) * 0.55)


def test_a_long_file_begins_first(runner: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    last = '<testsuites><testsuite time="900.5"/></testsuites>'
    (tmp_path / "worker-test_destination.xml").write_text(last)
    (tmp_path / "worker-test_upload.xml").write_text("<testsu")
    names = [job.targets[0].name for job in runner.jobs_of([runner.WORKER])]
    assert names[:2] == ["test_destination.py", "test_stops.py"]


def test_no_file_runs_beside_one_that_runs_apart(runner: ModuleType) -> None:
    apart, *others = runner.jobs_of([runner.CONTROLLER])
    assert apart.is_apart
    queue = runner.Queue([apart, *others])
    assert queue.take() is apart
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    assert taken == []
    queue.done(apart)
    thread.join()
    busy_first = sorted(others, key=lambda job: job.mostly_waits)
    assert taken == [busy_first[0]]
    assert [queue.take() for _ in others] == [*busy_first[1:], None]


def test_short_files_run_in_one_process_and_long_ones_alone(runner: ModuleType) -> None:
    jobs = [job for job in runner.jobs_of([runner.WORKER]) if not job.is_apart]
    assert all(job.runs() == [job.targets] for job in jobs)
    assert [job.targets[0].name for job in jobs if job.targets[0].name in runner.WORKER.known] == [
        job.targets[-1].name for job in jobs if job.targets[0].name in runner.WORKER.known
    ]
    assert len(jobs) < sum(len(job.targets) for job in jobs)


def test_a_layer_runs_once_it_is_prepared(runner: ModuleType) -> None:
    queue = runner.Queue(runner.jobs_of([runner.E2E, runner.CHART]), [runner.E2E])
    assert queue.take().layer is runner.CHART
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    assert taken == []
    queue.prepared(runner.E2E, is_good=True)
    thread.join()
    assert [job.layer for job in taken] == [runner.E2E]


def test_a_layer_that_cannot_be_prepared_is_dropped(runner: ModuleType) -> None:
    queue = runner.Queue(runner.jobs_of([runner.E2E]), [runner.E2E])
    queue.prepared(runner.E2E, is_good=False)
    assert queue.take() is None


def test_a_slot_for_what_waits_gets_nothing_else(runner: ModuleType) -> None:
    jobs = runner.jobs_of([runner.WORKER, runner.CHART])
    queue = runner.Queue(jobs)
    taken = list(iter(lambda: queue.take(must_wait=True), None))
    assert taken == [job for job in jobs if job.mostly_waits]
    assert 0 < len(taken) < len(jobs) / 2
    assert queue.take() is next(job for job in jobs if not job.mostly_waits)


def test_no_more_files_of_a_layer_run_at_once_than_may(runner: ModuleType) -> None:
    queue = runner.Queue(runner.jobs_of([runner.E2E, runner.CHART]))
    first = [queue.take() for _ in range(runner.E2E.at_once + 1)]
    assert [job.layer for job in first].count(runner.E2E) == runner.E2E.at_once
    queue.done(next(job for job in first if job.layer is runner.E2E))
    assert queue.take().layer is runner.E2E


def test_the_totals_name_what_is_left_for_the_full_test(runner: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    left_out = ("worker-test_stops: moments: 50 instead of 12", "worker-test_stops: test_b")
    runner.print_totals([runner.Outcome("worker", 3, 0, 0, 7.0, 5.5, left_out)], 9.0)
    told = capsys.readouterr().out
    assert "2 tests, members and repetitions are left for `make full-test`" in told
    assert "build/test-results/worker-test_stops.json" in told


def test_each_pattern_of_what_waits_matches_a_file(runner: ModuleType) -> None:
    layers = [layer for stage in runner.STAGES for layer in stage.layers]
    assert [pattern for layer in layers for pattern in layer.waiting if not list(layer.folder.glob(pattern))] == []


def test_other_layers_do_not_wait_for_what_runs_apart(runner: ModuleType) -> None:
    jobs = runner.jobs_of([runner.CONTROLLER, runner.CHART])
    queue = runner.Queue(jobs)
    assert queue.take().is_apart
    assert queue.take().layer is runner.CHART
