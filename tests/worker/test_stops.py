"""A stop at any moment of a run ends as the stop, or as a success that is complete. It is never a fault of the import.

A runtime may signal the worker alone, its process group, or all its processes in any order. The moments are random, but
the same for the same seed; VIDEOIMPORT_TEST_SEED sets another one, and each failure prints its moment.
VIDEOIMPORT_TEST_MOMENTS sets another number of them for each kind of run.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.portion import IS_FULL, LEFT_OUT, repetitions
from support.waiting import LONGEST_SECONDS, until
from support.webhook_receiver import WebhookReceiver
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import ObjectStore
from support.worker.upload_tasks import PersistentClient, upload_task
from support.worker.webhook_harness import WebhookHarness
from support.worker.worker_harness import ActiveRun, FinishedRun, WorkerHarness, descendants, is_alive
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.listing_log import unpacked

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = int(os.environ.get("VIDEOIMPORT_TEST_SEED", "9"))
MOMENTS = {
    "import": (12, 50), "listing": (6, 10), "delivery": (6, 10), "upload": (3, 25), "upload to kept scratch": (3, 25),
}  # fmt: skip
"""Of each kind of run, in `make test` and in `make full-test`."""
STEP = 1 if IS_FULL else 3
"""Of the children at whose start a run is stopped, every so many."""
STOPPED = info(Reason.WORKER_LOST).exit_code
UNSTARTED = -signal.SIGTERM
"""Before the worker has its handlers the default action ends it, without a report."""
OUTPUT = {"mode": "Encode", "video": {"preset": "ultrafast"}, "thumbnails": {"count": 2}}
TARGETS = ("worker", "group", "children first", "worker first")
AT_FORK = """
import itertools, os, signal, sys
count, at = itertools.count(1), int(sys.argv.pop(1))
def stop():
    if next(count) == at:
        print("stopped", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
os.register_at_fork(after_in_parent=stop)
from videoimport.worker.__main__ import main
main(sys.argv[1:])
"""
"""Runs the worker; as it starts its n-th child, SIGTERM arrives inside Python's fork hooks, which drop exceptions."""

AT_END = """
import os, shutil, signal, sys
remove = shutil.rmtree
def removed(path, *words, **more):
    if os.path.basename(path).startswith("run-"):
        print("stopped", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
    remove(path, *words, **more)
shutil.rmtree = removed
from videoimport.worker.__main__ import main
main(sys.argv[1:])
"""
"""Runs the worker; SIGTERM arrives while it removes its scratch files."""

AT_START = """
import signal, sys, threading
print("started", file=sys.stderr, flush=True)
while signal.SIGTERM not in signal.sigpending():
    threading.Event().wait(0.01)
from videoimport.worker.__main__ import main
main(sys.argv[1:])
"""
"""Runs the worker once SIGTERM waits for its handlers."""

AT_IMPORT = """
import sys, threading
class Slow:
    def find_spec(self, name, *rest):
        if name == "pydantic":
            print("importing", file=sys.stderr, flush=True)
            threading.Event().wait()
sys.meta_path.insert(0, Slow())
from videoimport.worker.__main__ import main
main(sys.argv[1:])
"""
"""Runs the worker; its imports never end."""


@dataclass(frozen=True)
class Moment:
    """When and whom a signal hits."""

    seconds: float
    target: str


def moments(kind: str, longest: float) -> list[Moment]:
    """Moments within a run of ``longest`` seconds, a little beyond its end included."""
    dice = random.Random(f"{SEED}/{kind}")
    number = int(os.environ.get("VIDEOIMPORT_TEST_MOMENTS") or repetitions(f"moments of {kind}", *MOMENTS[kind]))
    found = [Moment(dice.uniform(0, longest * 1.05), dice.choice(TARGETS)) for _ in range(number)]
    print(f"seed {SEED}, {number} moments within {longest:.1f} s")
    return found


def stop(pid: int, target: str) -> list[int]:
    """Send SIGTERM; return the processes that were there."""
    children = descendants(pid)
    hit = {"worker": [pid], "children first": [*children, pid], "worker first": [pid, *children]}
    with contextlib.suppress(ProcessLookupError):
        if target == "group":
            os.killpg(pid, signal.SIGTERM)
    for one in hit.get(target, []):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGTERM)
    return children


def stopped_at(moment: Moment, process: "subprocess.Popen[str]") -> list[int]:
    """Stop a run at its moment, or find that it is over."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment.seconds)
        return []
    return stop(process.pid, moment.target)


@pytest.fixture
def desk_of(store: ObjectStore, tmp_path: Path) -> Callable[[], WorkerHarness]:
    """A desk for each run: a bucket and a folder of its own."""

    def make() -> WorkerHarness:
        bucket = store.new_bucket()
        folder = tmp_path / bucket.name
        folder.mkdir()
        return WorkerHarness(bucket, folder, is_leader=True)

    return make


def judge_import(desk: WorkerHarness, ended: FinishedRun) -> str:
    """What a run that was stopped came to. Fails unless that is a stop or a whole success."""
    shown, record = desk.bucket.shown, "in/.videoimport/imports/uid-1.json"
    if ended.code == 0:
        assert ended.report.outcome == "Succeeded"
        assert {"in/clip/video.mp4", "in/clip/result.json"} <= set(shown)
        assert desk.bucket.json(record)["outcome"] == "Succeeded"
        assert desk.bucket.unfinished == []
        return "success"
    if ended.code == UNSTARTED:
        assert (ended.message, shown) == (b"", [])
        return "not started"
    assert (ended.code, ended.reason) == (STOPPED, Reason.WORKER_LOST), ended.everything
    assert shown == [] or record in desk.bucket.keys  # the next run shows the rest
    return "stop"


def check_leftovers(desk: WorkerHarness) -> None:
    """What is left open is noted, so that the next run finds it."""
    unfinished, note = set(desk.bucket.unfinished), "in/.videoimport/uploads/uid-1.json"
    if unfinished and "in/.videoimport/imports/uid-1.json" not in desk.bucket.keys:
        assert unfinished <= set(desk.bucket.json(note)["uploads"])


def test_a_stop_at_any_moment_of_an_import(
    desk_of: Callable[[], WorkerHarness], site: FakeSourceSite, footage: Any
) -> None:
    url = site.add("/v.mp4", file(footage("silent.mp4")))
    began, whole = time.monotonic(), desk_of()
    assert whole.bring(url, output=OUTPUT).code == 0
    tally: dict[str, int] = {}
    for number, moment in enumerate(moments("import", time.monotonic() - began)):
        desk = desk_of()
        running = desk.start(desk.task(url, output=OUTPUT))
        children = stopped_at(moment, running.process)
        try:
            came_to = judge_import(desk, running.ended())
            check_leftovers(desk)
            until(lambda: not any(map(is_alive, children)))  # noqa: B023
            if number % 10 == 0 and came_to != "success":
                assert desk.run(desk.task(url, output=OUTPUT, run=2)).code == 0
                assert desk.bucket.unfinished == []
        except AssertionError as failure:
            raise AssertionError(f"number {number}, {moment}: {failure}") from failure
        tally[came_to] = tally.get(came_to, 0) + 1
    print(tally)
    assert tally.get("stop", 0) > 0


KEPT = {"worker": {"scratch": {"size": "1Gi", "storageClassName": "kept"}}}


@pytest.mark.parametrize(("kind", "more"), [("upload", {}), ("upload to kept scratch", KEPT)])
def test_a_stop_at_any_moment_of_an_upload_whose_client_continues(
    desk_of: Callable[[], WorkerHarness], footage: Any, kind: str, more: dict[str, Any]
) -> None:
    """SIGTERM, or SIGKILL as for a lost node. The next run serves the same session."""
    content = footage("silent.mp4").read_bytes()
    digest, began, tally = hashlib.sha256(content).hexdigest(), time.monotonic(), dict[str, int]()
    with PersistentClient(content).sending() as client:
        assert upload_run(desk_of(), client, content, **more).ended().code == 0
    dice = random.Random(f"{SEED}/{kind}/signals")
    for number, moment in enumerate(moments(kind, time.monotonic() - began)):
        desk, is_lost = desk_of(), dice.random() < 0.5
        with PersistentClient(content).sending() as client:
            running = upload_run(desk, client, content, **more)
            children = lose(running.process, moment) if is_lost else stopped_at(moment, running.process)
            ended = running.ended()
            until(lambda: not any(map(is_alive, children)))  # noqa: B023
            came_to = "lost" if ended.code == -signal.SIGKILL else judge_import(desk, ended)
            tally[came_to] = tally.get(came_to, 0) + 1
            if came_to != "success":
                ended = upload_run(desk, client, content, run=2, **more).ended()
            assert ended.code == 0, (number, moment, is_lost, ended.everything)
        assert ended.report.source.sha256 == digest, (number, moment)
        assert desk.bucket.unfinished == []
    print(tally)
    assert tally.get("stop", 0) + tally.get("lost", 0) > 0


def upload_run(desk: WorkerHarness, client: PersistentClient, content: bytes, run: int = 1, **more: Any) -> ActiveRun:
    """A run whose file the client sends."""
    task = upload_task(desk, content, output=OUTPUT, **more).model_copy(update={"run": run})
    assert task.upload is not None
    client.port = task.upload.port
    return desk.start(task)


def lose(process: "subprocess.Popen[str]", moment: Moment) -> list[int]:
    """Kill a whole run at its moment, as a node that fails. Return the processes that were there."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment.seconds)
        return []
    children = descendants(process.pid)
    for pid in (*children, process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return children


def test_a_stop_while_any_child_starts(
    desk_of: Callable[[], WorkerHarness], site: FakeSourceSite, footage: Any
) -> None:
    url = site.add("/v.mp4", file(footage("silent.mp4")))
    if not IS_FULL:
        LEFT_OUT.append(f"children that start as a stop arrives: every one instead of every {STEP}rd")
    for number in range(1, 100, STEP):
        desk = desk_of()
        desk.program = ("-c", AT_FORK, str(number))
        ended = desk.bring(url, output=OUTPUT)
        came_to = judge_import(desk, ended)
        if "stopped" not in ended.stderr:
            assert (came_to, number > 5) == ("success", True)
            return
        assert came_to == "stop", (number, ended.everything)
        check_leftovers(desk)
    raise AssertionError("the run starts children without end")


def test_a_stop_after_the_commit_record_changes_nothing(
    desk: WorkerHarness, site: FakeSourceSite, footage: Any
) -> None:
    desk.program = ("-c", AT_END)
    ended = desk.bring(site.add("/v.mp4", file(footage("silent.mp4"))))
    assert "stopped" in ended.stderr
    assert judge_import(desk, ended) == "success", ended.everything
    assert desk.left_in_scratch == []


def test_a_stop_at_any_moment_of_a_listing(lists: ListingHarness, store: ObjectStore, footage: Any) -> None:
    videos = store.new_bucket()
    for number in range(6):
        videos.put(f"{number}.mp4", footage("silent.mp4").read_bytes())
    source, more = lists.bucket_source(videos), {"requirements": {"minHeight": 100}, "incremental": True}
    began = time.monotonic()
    whole = lists.page(source, **more)
    assert (whole.code, len(whole.keys)) == (0, 6), whole.log
    for moment in moments("listing", time.monotonic() - began):
        process = lists.start(lists.task(source, **more), is_leader=True)
        children = stopped_at(moment, process)
        ended = lists.ended(process)
        if ended.code == 0:
            assert len(ended.keys) == 6, moment
        elif ended.code != UNSTARTED:
            reason = json.loads(ended.message)["reason"]
            assert (ended.code, reason) == (STOPPED, Reason.WORKER_LOST), (moment, ended.log, ended.message)
            assert unpacked(ended.log) == ""
        until(lambda: not any(map(is_alive, children)))  # noqa: B023


def test_a_stop_at_any_moment_of_a_delivery(tmp_path: Path) -> None:
    with WebhookReceiver().running() as receiver:
        sender = WebhookHarness(tmp_path, {"webhook-secret": receiver.secret})
        began = time.monotonic()
        assert sender.deliver(receiver.url()).code == 0
        for moment in moments("delivery", time.monotonic() - began):
            receiver.posts.clear()
            (tmp_path / "message").write_text("")
            process = sender.start(sender.task(receiver.url()), is_leader=True)
            stopped_at(moment, process)
            out, log = process.communicate(timeout=LONGEST_SECONDS)
            message = (tmp_path / "message").read_text()
            code, said = process.returncode, out + log + message
            if code == UNSTARTED:
                assert (message, receiver.posts) == ("", []), moment
                continue
            reason = json.loads(message).get("reason")
            assert (code, reason) in ((0, None), (STOPPED, Reason.WORKER_LOST)), (moment, said)
            assert len(receiver.posts) == 1 if code == 0 else len(receiver.posts) <= 1, moment


def test_a_stop_before_the_worker_has_its_handlers_waits_for_them(desk: WorkerHarness, site: FakeSourceSite) -> None:
    """As process 1 of a container, where the kernel would drop it. Started as the image starts it."""
    desk.launcher, desk.program = entrypoint()[:-1], ("-c", AT_START)
    running = desk.start(desk.task(site.url("/never.mp4")))
    until(lambda: "started\n" in running.log)
    running.terminate()
    ended = running.ended()
    assert (ended.code, ended.reason) == (STOPPED, Reason.WORKER_LOST)
    assert site.requests == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_the_worker_is_imported_ends_it_at_once(
    desk: WorkerHarness, site: FakeSourceSite, number: signal.Signals
) -> None:
    """On a starved node the imports take longer than a pod's grace period. No worker began, so nothing is left."""
    desk.launcher, desk.program = entrypoint()[:-1], ("-c", AT_IMPORT)
    running = desk.start(desk.task(site.url("/never.mp4")))
    until(lambda: "importing\n" in running.log)
    running.process.send_signal(number)
    ended = running.ended()
    assert (ended.code, ended.reason) == (STOPPED, Reason.WORKER_LOST)
    assert ended.report.message == f"The worker was terminated ({number.name}) before it began."
    assert (desk.left_in_scratch, site.requests, ended.stdout) == ([], [], "")


def entrypoint() -> tuple[str, ...]:
    """How the image starts the worker."""
    dockerfile = (ROOT / "images/worker/Dockerfile").read_text()
    return tuple(json.loads(dockerfile.rpartition("ENTRYPOINT")[2]))


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, Reason.OUT_OF_MEMORY), (signal.SIGTERM, Reason.WORKER_LOST)]
)
@pytest.mark.parametrize("module", ["worker.fetch", "ffmpeg"])
def test_a_child_that_something_else_ended(
    desk: WorkerHarness, site: FakeSourceSite, footage: Any, module: str, number: signal.Signals, reason: Reason
) -> None:
    """Without a stop of the worker. The fetching process answers SIGTERM by killing all it started, itself too."""
    url = site.add("/v.mp4", file(footage("compliant.mp4")))
    if module != "ffmpeg":
        site.routes["/v.mp4"] = lambda exchange: site.over.wait()
    running = desk.start(desk.task(url, output={"mode": "Encode", "video": {"preset": "slower"}}))
    until(lambda: site.requests and _children_of(running.process.pid, module))
    until(lambda: module != "ffmpeg" or running.stage("Transcode") == "Running")
    for pid in _children_of(running.process.pid, module):
        os.kill(pid, number)
    ended = running.ended()
    expected = Reason.OUT_OF_MEMORY if module != "ffmpeg" else reason
    assert (ended.reason, ended.code) == (expected, info(expected).exit_code), ended.everything
    name = "ffmpeg" if module == "ffmpeg" else "The fetching process"
    assert ended.report.message.startswith(f"{name} was ")


def _children_of(pid: int, word: str) -> list[int]:
    found = []
    for child in descendants(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            words.append(Path(f"/proc/{child}/comm").read_bytes().strip())
            encodes = word != "ffmpeg" or b"-progress" in words
            if any(one.decode().endswith(word) for one in words) and encodes:
                found.append(child)
    return found
