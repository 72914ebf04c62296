import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import processes
from cluster.processes import Daemon, Identity, belongs, identify, read_stat
from cluster.waiting import wait_until
from support.waiting import LONGEST_SECONDS

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.kill([known for file in tmp_path.glob("*.json") if (known := processes.recorded(file))])


def test_a_command_with_spaces_and_parentheses_does_not_confuse_the_reading_of_stat() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    assert read_stat(f"17 (tmux: (a) b) S {fields}") == ("S", 22)


def test_a_process_id_in_use_by_another_process_is_not_ours() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert me.alive
    assert not Identity(me.pid, me.started - 1, me.boot).alive
    assert not Identity(me.pid, me.started, "another boot").alive


def test_a_process_that_ended_but_was_not_yet_collected_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        assert wait_until(lambda: identify(child.pid) is None, LONGEST_SECONDS)
    finally:
        child.wait()


def test_a_daemon_is_started_once_and_again_only_when_it_changes(pids: Path) -> None:
    log = pids / "log"
    assert processes.start(Daemon("one", SLEEP), pids, log) is None
    first = processes.running(pids, "one")
    assert processes.start(Daemon("one", SLEEP), pids, log) == "runs already"
    assert processes.running(pids, "one") == first
    assert processes.start(Daemon("one", (*SLEEP, "changed")), pids, log) is None
    assert first is not None
    assert not first.alive
    assert processes.running(pids, "one") not in (None, first)


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a")
    daemon = Daemon("one", SLEEP, reads=(file,))
    before = daemon.fingerprint
    file.write_text("b")
    assert daemon.fingerprint != before


def test_a_process_that_ignores_the_request_to_end_is_killed(pids: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    log = pids / "log"
    processes.start(Daemon("one", (sys.executable, "-c", stubborn)), pids, log)
    assert wait_until(lambda: "deaf" in log.read_text(), LONGEST_SECONDS)
    known = processes.running(pids, "one")
    assert known is not None
    processes.stop([known], seconds=0.2)
    assert not known.alive


def test_a_half_written_pid_file_means_not_running(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"pid": 1, ')
    assert processes.running(tmp_path, "one") is None


@pytest.mark.parametrize(
    ("argv", "ours"),
    [
        (["/cache/tools/x/bin/etcd", "--data-dir=/state/demo/etcd"], True),
        (["etcd", "--data-dir=/state/demo-2/etcd"], False),
        (["vim", "/state/demo/kubelet.yaml"], False),
        (["tail", "-f", "/state/demo/logs/etcd.log"], False),
        (["etcd"], False),
        ([""], False),
        ([], False),
    ],
)
def test_only_our_programs_on_our_folder_belong_to_a_cluster(argv: list[str], ours: bool) -> None:
    assert belongs(argv, [Path("/state/demo")], ("etcd",)) is ours
