import io
from pathlib import Path

import pytest

from cluster.commands import run
from cluster.errors import ClusterError
from cluster.steps import Step, run_steps
from demo.times import read_times, time_table


def test_finished_steps_of_two_commands_are_in_one_file(tmp_path: Path) -> None:
    times, log = tmp_path / "times", tmp_path / "log"
    run_steps([Step("etcd", log, lambda _log: "in the cache")], io.StringIO(), times)
    run_steps([Step("chart", log, lambda _log: None)], io.StringIO(), times)
    assert [(step["title"], step["remark"]) for step in read_times(times)] == [
        ("etcd", "in the cache"),
        ("chart", None),
    ]


def test_a_failed_step_has_no_time(tmp_path: Path) -> None:
    times, log = tmp_path / "times", tmp_path / "log"

    def fails(log: Path) -> None:
        run(["false"], log=log)

    with pytest.raises(ClusterError):
        run_steps([Step("good", log, lambda _log: None), Step("bad", log, fails)], io.StringIO(), times)
    assert [step["title"] for step in read_times(times)] == ["good"]


def test_a_missing_file_has_no_steps(tmp_path: Path) -> None:
    assert read_times(tmp_path / "none") == []


def test_the_longest_step_is_first_and_short_steps_share_a_line() -> None:
    steps = [
        {"title": "etcd, built", "seconds": 2.0, "remark": "in the cache"},
        {"title": "kubernetes, built", "seconds": 582.25, "remark": None},
        {"title": "certificates", "seconds": 0.25, "remark": None},
        {"title": "CoreDNS", "seconds": 0.5, "remark": None},
    ]
    assert time_table(steps) == [
        "STEP               SECONDS  REMARK",
        "kubernetes, built    582.2  made",
        "etcd, built            2.0  in the cache",
        "2 shorter steps        0.8",
        "all steps            585.0",
    ]
