import io
from pathlib import Path

import pytest

from cluster.commands import run
from cluster.errors import ClusterError
from cluster.steps import Step, elapsed, heading, run_steps


def test_titles_stand_below_each_other() -> None:
    assert heading(3, 12, "etcd") == "[ 3/12] etcd"
    assert heading(12, 12, "CoreDNS") == "[12/12] CoreDNS"


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (225.3, "225 s")])
def test_short_times_have_tenths(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def test_each_step_shows_its_time_and_its_remark(tmp_path: Path) -> None:
    out = io.StringIO()
    log = tmp_path / "log"
    run_steps([Step("one", log, lambda _log: None), Step("two", log, lambda _log: "there already")], out)
    assert out.getvalue() == "[1/2] one … 0.0 s\n[2/2] two … 0.0 s (there already)\n"


def test_a_failing_step_shows_the_end_of_its_log_and_stops_the_rest(tmp_path: Path) -> None:
    out, log, ran = io.StringIO(), tmp_path / "log", []
    log.write_text("of an earlier run\n")

    def fails(log: Path) -> None:
        run(["sh", "-c", "seq 1 100; exit 3"], log=log)

    with pytest.raises(ClusterError, match="exit code 3"):
        run_steps([Step("one", log, fails), Step("two", log, lambda _log: ran.append("two"))], out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("[1/2] one … failed after ")
    assert lines[1].strip() == "81"
    assert lines[-2].strip() == "100"
    assert lines[-1].strip() == f"log: {log}"
    assert ran == []


def test_a_failure_before_anything_was_written_shows_no_earlier_run(tmp_path: Path) -> None:
    out, log = io.StringIO(), tmp_path / "log"
    log.write_text("of an earlier run\n")

    def fails(_log: Path) -> None:
        raise ClusterError("no")

    with pytest.raises(ClusterError):
        run_steps([Step("one", log, fails)], out)
    assert "earlier" not in out.getvalue()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no-such-program is not installed"):
        run(["no-such-program"], log=tmp_path / "log")
