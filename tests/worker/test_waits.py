"""Faults that stay end with their true reason, however much each repetition moves. Time passes only by sleeping."""

import errno
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.fake_clock import FakeClock
from support.worker.destinations import (
    FOLDER,
    BucketHarness,
    DestinationHarness,
    VolumeHarness,
    bring,
    place_at,
    task_for,
)
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.shaped_store import Call, Shape, ShapedStore
from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import StageName
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.errors import ImportFailure, ScratchError
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.retry_policy import MOST_COPIES, WAIT_SECONDS, Retries
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.upload_batch import Parcel, Shipment

MIB = 2**20
VIDEO = f"{FOLDER}/video.mp4"


class Run:
    """A run of which nothing goes on but what its destination is sent."""

    def __init__(self, home: DestinationHarness) -> None:
        self.clock = FakeClock(end=10 * WAIT_SECONDS)
        self.board = Board(1, self.clock)
        self.board.start(StageName.UPLOAD)
        retries = Retries(self.clock.sleep, self.clock)
        retries.persist(lambda: self.board.still()[0], WAIT_SECONDS, lambda: False)
        self.place: Place = replace(place_at(home.store(), task_for(home)), retries=retries)
        self.place.store.went_on = self.board.touch

    def moved(self, done: int) -> None:
        self.board.touch()
        self.board.moved(StageName.UPLOAD, done, None)

    def send(self, path: Path) -> None:
        with Shipment(self.place.notebook, self.place.metadata(), self.moved, self.place.retries) as shipment:
            shipment.add(Parcel(VIDEO, "video/mp4", "video"), path)
            shipment.arrived(VIDEO)


@pytest.fixture
def volume(tmp_path: Path) -> VolumeHarness:
    home = VolumeHarness(tmp_path / "volume")
    home.root.mkdir()
    return home


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "video"
    path.write_bytes(os.urandom(20 * MIB))
    return path


class TestAVolume:
    def test_a_bad_block_ends_the_run(self, volume: VolumeHarness, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real, failed = os.pwrite, Counter[int]()

        def write(descriptor: int, content: Any, at: int) -> int:
            if at >= 16 * MIB:
                failed[at] += 1
                assert failed[at] < 100, "it never ends"
                raise OSError(errno.EIO, "bad block")
            return real(descriptor, content, at)

        monkeypatch.setattr(os, "pwrite", write)
        self.refused(Run(volume), path)
        assert failed == {16 * MIB: MOST_COPIES}
        assert volume.unfinished == []

    def test_so_does_a_disk_that_cannot_keep_it(
        self, volume: VolumeHarness, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, failed = os.fsync, 0

        def sync(descriptor: int) -> None:
            nonlocal failed
            if os.fstat(descriptor).st_size == 20 * MIB:
                failed += 1
                assert failed < 100, "it never ends"
                raise OSError(errno.EIO, "bad disk")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", sync)
        self.refused(Run(volume), path)
        assert failed == MOST_COPIES

    def refused(self, run: Run, path: Path) -> None:
        with pytest.raises(ImportFailure, match="EIO") as caught:
            run.send(path)
        assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
        assert "claim 'media'" in caught.value.message
        assert run.clock.now <= WAIT_SECONDS


@pytest.fixture
def home(request: pytest.FixtureRequest) -> DestinationHarness:
    if request.param == "volume":
        found: VolumeHarness = request.getfixturevalue("volume")
        return found
    return BucketHarness(request.getfixturevalue("bucket"))


class TestScratch:
    """What cannot be read there is no fault of the destination, and no repetition mends it."""

    @pytest.mark.parametrize(
        ("home", "reading"),
        [("bucket", 1), ("bucket", 2), ("bucket", 3), ("volume", 1), ("volume", 2)],
        indirect=["home"],
    )
    def test_a_file_that_cannot_be_read_again_ends_the_run(
        self, home: DestinationHarness, path: Path, monkeypatch: pytest.MonkeyPatch, reading: int
    ) -> None:
        """A bucket's part is hashed, sent, and hashed with the whole; a volume's is copied, and hashed with it."""
        real, reads = os.pread, Counter[int]()
        last = 19 * MIB

        def read(descriptor: int, most: int, at: int) -> bytes:
            reads[last] += at <= last < at + most
            if reads[last] >= reading and at <= last < at + most:
                raise OSError(errno.EIO, "bad block")
            return real(descriptor, most, at)

        monkeypatch.setattr(os, "pread", read)
        self.refused(Run(home), path, "EIO")

    @pytest.mark.parametrize("home", ["bucket", "volume"], indirect=True)
    def test_so_does_one_that_became_shorter(
        self, home: DestinationHarness, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.pread
        monkeypatch.setattr(os, "pread", lambda file, most, at: real(file, most, at) if at < 17 * MIB else b"")
        self.refused(Run(home), path, "became shorter")

    def refused(self, run: Run, path: Path, words: str) -> None:
        with pytest.raises(ScratchError, match=words) as caught:
            run.send(path)
        assert "scratch" in caught.value.message
        assert "store" not in caught.value.message
        assert run.clock.now == 0, "nothing is repeated"


def without_checksums(name: str, value: str) -> tuple[str, str] | None:
    return None if name.lower().startswith("x-amz-checksum-") else (name, value)


def opaque(etag: str) -> str:
    return f'"v.{etag.strip(chr(34))[::-1][:20].replace("-", "x")}"'


MOMENTS: dict[str, Callable[[Call], bool]] = {
    "opening": lambda call: call.name == "Create" and "clip/" in call.path,
    "a part": lambda call: call.name == "Part" and "clip/" in call.path,
    "the intent": lambda call: call.name == "Put" and "/imports/" in call.path,
}


class TestAStoreThatHangs:
    """It takes connections, and sends nothing."""

    @pytest.mark.parametrize("moment", MOMENTS)
    def test_is_named_and_then_left_alone(
        self, via: Callable[[Shape], BucketHarness], bucket: Bucket, path: Path, moment: str
    ) -> None:
        """To take back what was sent, each request would wait in vain, until the run is Stalled."""
        hung, released = list[str](), threading.Event()

        def hang(call: Call) -> None:
            if hung or MOMENTS[moment](call):
                hung.append(call.name)
                released.wait(60)

        home, began = via(Shape("hangs", hang)), time.monotonic()
        retries = Retries()
        wish = S3Destination.model_validate(home.destination["s3"])
        store = s3.connect(wish, Keys(KEY_ID, SECRET, None), retries=retries, read_seconds=0.3)
        place = replace(place_at(store, task_for(home)), retries=retries)
        retries.persist(lambda: time.monotonic() - began, 2.0, lambda: False)
        try:
            with pytest.raises(ImportFailure, match="did not answer") as caught:
                bring(place, {"video.mp4": path})
        finally:
            released.set()
            store.close()
        assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
        assert len(set(hung)) == 1, "nothing else is asked"
        assert bucket.shown == []


class TestAnObjectThatBreaksOff:
    """A store whose word shows nothing, so that each object is read."""

    def home(self, via: Callable[[Shape], BucketHarness], breaks: int) -> tuple[BucketHarness, list[int]]:
        starts: list[int] = []

        def answer(_: ShapedStore, call: Call) -> None:
            call.rename(without_checksums)
            if call.name == "Get" and VIDEO in call.path and call.status in (200, 206):
                found = re.match(r"bytes=(\d+)-", call.headers.get("range", ""))
                starts.append(int(found[1]) if found else 0)
                assert len(starts) < 100, "it never ends"
                if len(starts) <= breaks:
                    call.sent = max(0, 5 * MIB - starts[-1])

        return via(Shape("breaks off", answer=answer, etag=opaque)), starts

    def test_at_the_same_byte_each_time_is_sent_again_and_then_refused(
        self, via: Callable[[Shape], BucketHarness], path: Path
    ) -> None:
        home, _ = self.home(via, breaks=10**6)
        with pytest.raises(ImportFailure, match="cannot be read to its end") as caught:
            bring(Run(home).place, {"video.mp4": path})
        assert caught.value.reason is Reason.DESTINATION_CORRUPT
        assert (home.keys, home.unfinished) == ([], [])

    def test_some_times_is_read_on(self, via: Callable[[Shape], BucketHarness], path: Path) -> None:
        home, starts = self.home(via, breaks=3)
        assert bring(Run(home).place, {"video.mp4": path}).outputs
        assert starts == [0, 5 * MIB, 5 * MIB, 5 * MIB]
        assert home.read(VIDEO) == path.read_bytes()

    def test_the_second_sending_may_be_whole(self, via: Callable[[Shape], BucketHarness], path: Path) -> None:
        """Although the store names the same bytes alike: it is read anew."""
        home, starts = self.home(via, breaks=6)
        assert bring(Run(home).place, {"video.mp4": path}).outputs
        assert starts == [0, *[5 * MIB] * 5, 0]
