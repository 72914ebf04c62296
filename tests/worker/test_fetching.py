"""The worker's side of fetching: a source has to bring something, and what it says of itself is bounded."""

import hashlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, in_turn, ranged
from support.waiting import LONGEST_SECONDS
from support.worker.fetch_harness import go_when_found
from support.worker.worker_harness import LOOPBACK
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import FetchLimits, Pace
from videoimport.worker.fetch.process_messages import Fetched, FileGrowing, Found, Hashed, Request
from videoimport.worker.fetch.ytdlp.segment_download import Segments, hashed
from videoimport.worker.pipeline import source_facts as facts
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import fetch_client as fetching
from videoimport.worker.source.fetch_client import Fetching

REQUEST = Request(url="https://e.com/v", folder="/none", max_height=720, max_bytes=1000, room_bytes=2**62)
PACE = Pace(rate=1000, seconds=0.4)
"""Soon over."""
PATIENT = Pace(rate=1000, seconds=5.0)
"""For what must outlast it: longer than a busy machine needs to start a process."""
DRIP = """
import itertools, time
for done in itertools.count():
    print('{"kind": "Moved", "done": %d}' % DONE, flush=True)
    time.sleep(0.02)
"""
FILE = '{"path": "/v", "size": 1, "sha256": "' + "0" * 64 + '", "seekable": false}'
END = f"""print('{{"kind": "Fetched", "video": {FILE}}}', flush=True)"""


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.kill_all()


def fetched(children: Children, script: str, pace: Pace = PACE) -> Fetched:
    child = children.start([sys.executable, "-S", "-c", script])
    return fetching.begin(child, REQUEST, lambda *_: None, pace).finish()


@pytest.mark.parametrize("done", ["done", "done % 2", "0"])
def test_a_source_that_drips_is_ended(children: Children, done: str) -> None:
    with pytest.raises(ImportFailure, match=r"1000 bytes a second for 0\.4 seconds") as caught:
        fetched(children, DRIP.replace("DONE", f"({done})"))
    assert caught.value.reason is Reason.STALLED


def test_one_that_says_nothing_is_too(children: Children) -> None:
    with pytest.raises(ImportFailure) as caught:
        fetched(children, "import time; time.sleep(60)")
    assert caught.value.reason is Reason.STALLED


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, Reason.OUT_OF_MEMORY), (signal.SIGTERM, Reason.WORKER_LOST)]
)
def test_one_that_is_killed_within_a_line_is_not_misunderstood(
    children: Children, number: signal.Signals, reason: Reason
) -> None:
    cut = """print('{"kind": "Mov', end="", flush=True)"""
    with pytest.raises(ImportFailure) as caught:
        fetched(children, f"import os\n{cut}\nos.kill(os.getpid(), {number.value})", pace=PATIENT)
    assert caught.value.reason is reason


@pytest.mark.parametrize("kind", ["Moved", "Hashed"])
def test_bytes_that_arrive_or_are_hashed_keep_it_alive(children: Children, kind: str) -> None:
    steps = DRIP.replace("itertools.count()", "range(300)").replace("DONE", "(done * 1000)").replace("Moved", kind)
    assert fetched(children, steps + END, pace=PATIENT).video.size == 1


def test_what_is_hashed_is_no_standstill(children: Children) -> None:
    """Nobody else would know: nothing of the source moves meanwhile."""
    said = "".join(f"""print('{{"kind": "Hashed", "done": {done}}}', flush=True)\n""" for done in (1, 2, 3))
    child = children.start([sys.executable, "-S", "-c", said + END])
    went_on = Mock()
    fetching.begin(child, REQUEST, lambda *_: None, went_on=went_on).finish()
    assert went_on.call_count == 3


def test_the_destinations_time_is_not_the_sources(children: Children) -> None:
    told = """print('{"kind": "Found", "type": "Url"}', flush=True)\n"""
    child = children.start([sys.executable, "-S", "-c", f"{told}input()\ninput()\n{END}"])
    under_way = fetching.begin(child, REQUEST, lambda *_: None, PATIENT)
    assert under_way.found().type == "Url"
    time.sleep(5.5)
    under_way.go()
    assert under_way.finish().video.size == 1


def test_a_source_is_found_once(children: Children) -> None:
    told = """print('{"kind": "Found", "type": "Url"}', flush=True)\n"""
    with pytest.raises(ImportFailure, match="wrote an invalid line"):
        fetched(children, told * 2 + "import time; time.sleep(60)", PATIENT)


def test_a_files_hashing_is_told(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"video")
    teller = Mock()
    assert hashed(tmp_path / "v", teller).size == 5
    teller.tell.assert_called_once_with(Hashed(done=5))


def segments(moved: Mock) -> Segments:
    growing = FileGrowing(part="video", path="/none/video")
    return Segments(growing, 0, FetchLimits(room_bytes=2**62, max_bytes=1000), Mock(moved=moved))


class TestTotals:
    @pytest.mark.parametrize("told", [2**63, 10**40, float("inf"), float("nan"), -5, "many", 0, None])
    @pytest.mark.parametrize("field", ["total_bytes", "total_bytes_estimate"])
    def test_one_that_means_nothing_is_unknown(self, field: str, told: Any) -> None:
        moved = Mock()
        segments(moved).hook({"downloaded_bytes": 5, field: told})
        moved.assert_called_once_with(5, None)

    def test_one_that_is_too_large_ends_it_at_once(self) -> None:
        with pytest.raises(ImportFailure) as caught:
            segments(Mock()).hook({"downloaded_bytes": 5, "total_bytes": 1001})
        assert caught.value.reason is Reason.SOURCE_TOO_LARGE

    def test_an_estimate_ends_nothing(self) -> None:
        moved = Mock()
        segments(moved).hook({"downloaded_bytes": 5, "total_bytes_estimate": 1001.5})
        moved.assert_called_once_with(5, 1001)


def test_an_address_is_shown_within_its_bound() -> None:
    url = "https://e.com/?token=x&q=" + "ü" * 2040
    shown = facts.source_status(url, Found(type="Url")).url
    assert shown is not None
    assert len(shown) == 2048
    assert "token" not in shown


class TestWhileItGrows:
    """The real fetching process."""

    @pytest.fixture
    def begin(self, children: Children, tmp_path: Path) -> Any:
        def run(url: str, *, goes: bool = True, **more: Any) -> Fetching:
            request = Request(
                url=url, folder=str(tmp_path), max_height=720, room_bytes=2**40, allowed_networks=LOOPBACK, **more
            )
            under_way = fetching.begin(fetching.start(children, tmp_path), request, lambda *_: None)
            return go_when_found(under_way) if goes else under_way

        return run

    def test_sources_are_there_before_the_end(self, site: FakeSourceSite, begin: Any, footage: Any) -> None:
        path, gate = footage("silent.mp4"), threading.Event()

        def halting(exchange: Exchange) -> None:
            body = path.read_bytes()
            exchange.start(200, {"Content-Type": "video/mp4", "Content-Length": str(len(body))})
            exchange.write(body[:100_000])
            gate.wait(LONGEST_SECONDS)
            exchange.write(body[100_000:])

        under_way = begin(site.add("/v.mp4", halting))
        video = under_way.sources(30).video
        assert (video.finished, video.size, video.container) == (False, path.stat().st_size, "mp4")
        assert not under_way.is_whole(video.path)
        gate.set()
        assert under_way.finish().video.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert under_way.is_whole(video.path)
        assert under_way.sources().video.finished

    def test_nothing_is_fetched_before_the_go_ahead(self, site: FakeSourceSite, begin: Any) -> None:
        sent: list[int] = []

        def endless(exchange: Exchange) -> None:
            exchange.start(200, {"Content-Type": "video/mp4", "ETag": '"a"'})
            exchange.write(b"\0\0\0\x18ftypmp42")
            while not site.over.is_set():
                exchange.write(bytes(65536))
                sent.append(65536)

        under_way = begin(site.add("/v.mp4", endless), goes=False)
        found = under_way.found()
        assert found.identity is not None
        assert found.identity.startswith("url:")
        with pytest.raises(TimeoutError):
            under_way.sources(1)
        assert sum(sent) < 32 * 2**20  # what the sockets between hold

    def test_a_restart_is_counted_and_the_new_file_told(self, site: FakeSourceSite, begin: Any) -> None:
        one, two = b"\0\0\0\x18ftypmp42" + bytes(50_000), b"\0\0\0\x18ftypisom" + bytes(70_000)

        def broken(exchange: Exchange) -> None:
            exchange.answer(200, one, {"Content-Type": "video/mp4", "ETag": '"1"'}, send=30_000)

        whole: Route = lambda exchange: ranged(exchange, two, '"2"')  # noqa: E731
        under_way = begin(site.add("/v.mp4", in_turn(broken, whole)))
        assert under_way.finish().video.size == len(two)
        assert under_way.restarts == 1

    def test_it_takes_no_longer_than_asked(self, site: FakeSourceSite, begin: Any) -> None:
        with pytest.raises(TimeoutError):
            begin(site.add("/v.mp4", lambda _: site.over.wait(30) and None)).sources(0.1)
