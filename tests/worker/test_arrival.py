"""A source that begins anew while it is passed on: nothing of the first is kept, nor the room it took."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, in_turn, ranged
from support.waiting import LONGEST_SECONDS, until
from support.worker.worker_harness import LOOPBACK
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.worker.fetch.process_messages import Request
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline.original import Originals
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import fetch_client as fetching
from videoimport.worker.source.arrival import Arrival
from videoimport.worker.source.loopback_server import Serving

FIRST, SECOND = b"first" * 1000, b"the second" * 1000
FETCHER = """
import json, sys
request = json.loads(sys.stdin.readline())
path = request["folder"] + "/page-1-0-video"
def tell(**event): print(json.dumps(event), flush=True)
def put(content): open(path, "wb").write(content)
put(FIRST)
tell(kind="Growing", part="video", path=path)
sys.stdin.readline()
put(SECOND)
tell(kind="Restarted", part="video")
tell(kind="Growing", part="video", path=path)
file = {"path": path, "size": len(SECOND), "sha256": "0" * 64, "seekable": False}
tell(kind="Arrived", part="video", file=file)
tell(kind="Fetched", video=file)
"""


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.kill_all()


def place(volume: Path) -> preflight.Place:
    spec = VideoImportSpec.model_validate({
        "source": {"url": "https://e.com/v"},
        "destination": {"persistentVolumeClaim": {"claimName": "media"}},
    })  # fmt: skip
    task = Task(uid="u", namespace="team", name="clip", run=1, spec=spec, spec_hash=spec_hash(spec))
    volume.mkdir()
    return preflight.connect(task, volume, volume)


def looked_into(sources: Any) -> Any:
    """As the inspector would tell of it."""
    media = SimpleNamespace(demuxer="mpegts")
    return SimpleNamespace(sources=sources, video=SimpleNamespace(container=None, media=media))


def test_an_original_that_begins_anew_under_its_name_is_sent_anew(children: Children, tmp_path: Path) -> None:
    """yt-dlp does that where a site wants requests of one chunk each."""
    script = f"FIRST, SECOND = {FIRST!r}, {SECOND!r}\n{FETCHER}"
    child = children.start([sys.executable, "-S", "-c", script])
    request = Request(url="https://e.com/v", folder=str(tmp_path), max_height=720, room_bytes=2**40)
    under_way = fetching.begin(child, request, lambda *_: None)
    board = Board(1)
    outgoing = Outgoing(place(tmp_path / "volume"), "in/clip", board)
    kept = Originals(outgoing, board, wanted=True)
    with Serving() as serving, outgoing.shipment:
        arrival = Arrival(under_way, serving, lambda _: None)
        kept.begin(arrival, looked_into(arrival.sources()))
        child.say(json.dumps("go on"))
        kept.complete(looked_into(fetching.sources_of(arrival.whole())))
        assert outgoing.output("original.ts").size_bytes == len(SECOND)


def test_a_word_without_bytes_is_no_standstill(tmp_path: Path) -> None:
    """The last of a large upload: every byte was told, and the whole is read once more to be hashed."""
    now = [0.0]
    board = Board(1, lambda: now[0])
    outgoing = Outgoing(place(tmp_path / "volume"), "in/clip", board)
    outgoing._moved(5)
    now[0] = 100.0
    outgoing._moved(5)
    assert board.still()[0] == 0.0


class TestRoom:
    """What nobody counts any more takes none: a removed file does, as long as somebody has it open."""

    @staticmethod
    def left(growing: Growing) -> int:
        return os.fstat(growing.descriptor).st_size

    def test_of_a_file_that_was_removed_is_given_back(self, tmp_path: Path) -> None:
        (tmp_path / "source").write_bytes(FIRST)
        growing = Growing(tmp_path / "source")
        assert self.left(growing) == len(FIRST)
        (tmp_path / "source").unlink()
        growing.fail()
        assert self.left(growing) == 0
        growing.close()

    def test_of_one_that_is_there_still_is_not_touched(self, tmp_path: Path) -> None:
        """It may be a user's, read in place."""
        (tmp_path / "source").write_bytes(FIRST)
        growing = Growing(tmp_path / "source")
        assert self.left(growing) == len(FIRST)
        growing.fail()
        assert (tmp_path / "source").read_bytes() == FIRST
        growing.close()

    def test_is_free_once_a_download_has_begun_anew(
        self, children: Children, tmp_path: Path, site: FakeSourceSite
    ) -> None:
        one, two = b"\0\0\0\x18ftypmp42" + bytes(50_000), b"\0\0\0\x18ftypisom" + bytes(70_000)
        gate = threading.Event()

        def breaking(exchange: Exchange) -> None:
            exchange.answer(200, one, {"Content-Type": "video/mp4", "ETag": '"1"'}, send=30_000)
            gate.wait(LONGEST_SECONDS)

        site.routes["/v.mp4"] = in_turn(breaking, lambda exchange: ranged(exchange, two, '"2"'))
        request = Request(
            url=site.url("/v.mp4"), folder=str(tmp_path), max_height=720, room_bytes=2**40, allowed_networks=LOOPBACK
        )
        under_way = fetching.begin(fetching.start(children, tmp_path), request, lambda *_: None)
        under_way.found()
        under_way.go()
        with Serving() as serving:
            arrival = Arrival(under_way, serving, lambda _: None)
            growing = arrival.growing(arrival.sources().video)
            assert self.left(growing) > 0
            gate.set()
            assert arrival.whole().video.size == len(two)
            until(lambda: self.left(growing) == 0)
