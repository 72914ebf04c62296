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
    (tmp_path / "worker-test_streams.xml").write_text(last)
    (tmp_path / "worker-test_upload.xml").write_text("<testsu")
    names = [job.targets[0].name for job in runner.jobs_of([runner.WORKER])]
    assert names[:2] == ["test_streams.py", "test_stops.py"]


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
    assert taken == [others[0]]
    assert [queue.take() for _ in others] == [*others[1:], None]


def test_other_layers_do_not_wait_for_what_runs_apart(runner: ModuleType) -> None:
    jobs = runner.jobs_of([runner.CONTROLLER, runner.CHART])
    queue = runner.Queue(jobs)
    assert queue.take().is_apart
    assert queue.take().layer is runner.CHART
