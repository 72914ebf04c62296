"""Stages that overlap: what leaves while the rest arrives, what makes a run start over, and how it ends in between."""

import contextlib
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, file, in_turn, ranged
from support.waiting import until
from support.worker.worker_harness import ActiveRun, FinishedRun, WorkerHarness, is_alive, probe
from videoimport.api.reasons import Reason

Footage = Callable[[str], Path]
QUICK = {"mode": "Encode", "video": {"preset": "ultrafast"}}
LARGE = {"mode": "Encode", "video": {"preset": "ultrafast", "crf": 8, "maxBitrateKbps": 60000}}


class Held:
    """A route that sends a part of a file, and the rest when it is let go."""

    def __init__(self, path: Path, site: FakeSourceSite, part: float) -> None:
        self._content, self._site = path.read_bytes(), site
        self._first = int(part * len(self._content))
        self._go = threading.Event()
        self.sent = threading.Event()
        """Set once the part is out."""

    def __call__(self, exchange: Exchange) -> None:
        headers = {"Content-Type": "video/mp4", "Content-Length": str(len(self._content)), "ETag": '"held"'}
        exchange.start(200, headers)
        exchange.write(self._content[: self._first])
        self.sent.set()
        while not self._go.wait(0.05):
            if self._site.over.is_set():
                return
        exchange.write(self._content[self._first :])

    def let_go(self) -> None:
        self._go.set()


def told(running: ActiveRun, stage: str) -> dict[str, object]:
    """A stage as the last line has it."""
    if not running.lines:
        return {}
    return next(found for found in json.loads(running.lines[-1])["stages"] if found["name"] == stage)


def same_video(ended: FinishedRun, desk: WorkerHarness, tmp_path: Path, seconds: float) -> None:
    """It is there, whole, and as long as its source."""
    assert ended.code == 0, ended.stderr
    video = desk.bucket.save("in/clip/video.mp4", tmp_path / "video.mp4")
    assert abs(float(probe(video)["format"]["duration"]) - seconds) < 0.2
    assert ended.report.outputs.video.sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    decoded = subprocess.run(["ffmpeg", "-v", "error", "-i", video, "-f", "null", "-"], capture_output=True, text=True)
    assert (decoded.returncode, decoded.stderr) == (0, "")


def never_back(ended: FinishedRun) -> bool:
    """Whether no stage's percent ever went back."""
    columns = zip(*([stage.percent for stage in line.stages] for line in ended.progress), strict=True)
    return all(list(column) == sorted(column) for column in columns)


def test_parts_leave_while_the_source_still_arrives(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    held = Held(footage("compliant.mp4"), site, 0.8)
    running = desk.start(desk.task(site.add("/v.mp4", held), output=LARGE))
    until(lambda: told(running, "Upload").get("bytesDone"))
    assert told(running, "Download")["state"] == "Running"
    assert desk.bucket.shown == []
    held.let_go()
    ended = running.ended()
    same_video(ended, desk, tmp_path, 20.0)
    assert (ended.stage("Download").mode, ended.stage("Download").why) == (
        "Overlapped", "the video is encoded during its download",
    )  # fmt: skip
    assert ended.stage("Upload").mode == "Overlapped"
    assert never_back(ended)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("moov-last.mp4", 6.08), ("compliant.mkv", 6.08), ("encode.webm", 10.0), ("compliant.mov", 6.08)],
)
@pytest.mark.full(but=["moov-last.mp4-*", "encode.webm-*"])
def test_containers_that_read_from_their_start_overlap(
    name: str, seconds: float, desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    ended = desk.bring(site.add(f"/{name}", file(footage(name))), output=QUICK)
    same_video(ended, desk, tmp_path, seconds)
    download = ended.stage("Download")
    assert (download.mode, download.why) == ("Overlapped", "the video is encoded during its download")


@pytest.mark.parametrize(
    ("name", "output", "why"),
    [
        ("silent.mp4", {}, "the video may be copied, so all of it is checked first"),
        ("mpeg4.avi", QUICK, "avi is not read before all of it is there"),
        ("fragmented.mp4", QUICK, "how long the source lasts is known only at its end"),
        ("compliant.ts", QUICK, "how long the source lasts is known only at its end"),
    ],
)
@pytest.mark.full(but=["silent.mp4-*", "mpeg4.avi-*", "fragmented.mp4-*"])
def test_what_is_staged_says_why(
    name: str, output: dict[str, object], why: str, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    ended = desk.bring(site.add(f"/{name}", file(footage(name))), output=output)
    assert ended.code == 0, ended.stderr
    assert (ended.stage("Download").mode, ended.stage("Download").why) == ("Staged", why)


def without_ranges(path: Path) -> Route:
    body = path.read_bytes()
    return lambda exchange: exchange.answer(200, body, {"Content-Type": "video/mp4"})


def test_an_index_at_the_end_that_cannot_be_had_first_is_staged(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    ended = desk.bring(site.add("/v.mp4", without_ranges(footage("moov-last.mp4"))), output=QUICK)
    assert ended.code == 0, ended.stderr
    assert ended.stage("Download").why == "the source's index is at its end, which could not be fetched first"


def test_a_download_that_starts_over_takes_everything_with_it(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    """Another version of the source comes half-way: nothing of the first is in the result."""
    first, second = footage("compliant.mp4").read_bytes(), footage("small.mp4").read_bytes()
    site.routes["/v.mp4"] = in_turn(
        lambda exchange: ranged(exchange, first, '"one"', send=len(first) // 2),
        lambda exchange: ranged(exchange, second, '"two"'),
    )
    ended = desk.bring(site.url("/v.mp4"), output=QUICK)
    same_video(ended, desk, tmp_path, 5.28)
    assert ended.stage("Download").why == "the download started over"
    assert ended.report.source.sha256 == hashlib.sha256(second).hexdigest()
    assert ended.report.metadata.resolution == "320x180"
    assert desk.bucket.unfinished == []
    assert never_back(ended)


def lying(small: Path, target: Path) -> Path:
    """A Matroska file of minutes whose header says that it lasts a second."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-stream_loop", "29", "-i", small, "-c", "copy", "-map_metadata", "-1", "-y", target],
        check=True,
    )
    content = bytearray(target.read_bytes())
    place = content.index(b"\x44\x89\x88", 0, 4096) + 3
    content[place : place + 8] = b"\x40\x8f\x40\x00\x00\x00\x00\x00"  # 1000.0 ms
    target.write_bytes(content)
    return target


def test_an_index_that_outgrows_its_room_is_made_again(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    source = lying(footage("small.mp4"), tmp_path / "lying.mkv")
    ended = desk.bring(site.add("/v.mkv", file(source, kind="video/x-matroska")), output=QUICK)
    same_video(ended, desk, tmp_path, float(probe(footage("small.mp4"))["format"]["duration"]) * 30)
    assert ended.stage("Download").mode == "Staged"
    assert ended.stage("Download").why == "the space reserved for the result's index was too small"
    assert desk.bucket.unfinished == []
    assert never_back(ended)


class TestWhatItsHeadProves:
    """A source that is not wanted is refused before the rest of it comes."""

    @pytest.mark.parametrize(
        ("requirements", "reason"),
        [
            ({"minHeight": 1080, "maxHeight": 2160}, Reason.UNSUPPORTED_RESOLUTION),
            ({"maxDurationSeconds": 10}, Reason.UNSUPPORTED_DURATION),
            ({"formats": ["mkv"]}, Reason.UNSUPPORTED_FORMAT),
        ],
    )
    @pytest.mark.full(but=["requirements1-*"])
    def test_is_refused_at_once(
        self,
        requirements: dict[str, object],
        reason: Reason,
        desk: WorkerHarness,
        site: FakeSourceSite,
        footage: Footage,
    ) -> None:
        held = Held(footage("compliant.mp4"), site, 0.3)
        ended = desk.bring(site.add("/v.mp4", held), requirements=requirements)
        assert ended.reason == reason
        assert ended.report.metadata.resolution == "1280x720"
        assert ended.stage("Download").state == "Failed"


@pytest.fixture
def halfway(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> Iterator[ActiveRun]:
    """A run whose source stays away in the middle, while parts have left already."""
    held = Held(footage("compliant.mp4"), site, 0.8)
    running = desk.start(desk.task(site.add("/v.mp4", held), output=LARGE))
    until(lambda: told(running, "Upload").get("bytesDone"))
    yield running
    running.process.kill()
    running.ended()


def test_sigterm_in_the_middle_takes_everything_back(desk: WorkerHarness, halfway: ActiveRun) -> None:
    children = halfway.children()
    assert len(children) >= 2  # the fetching process and ffmpeg
    assert desk.bucket.unfinished == ["in/clip/video.mp4"]
    halfway.terminate()
    ended = halfway.ended()
    assert ended.reason == Reason.WORKER_LOST
    until(lambda: not any(map(is_alive, children)))
    assert desk.bucket.unfinished == []
    assert desk.bucket.shown == []
    assert desk.left_in_scratch == []


STALL_SECONDS = 20
"""Longer than a busy machine takes from the start of the worker to the first byte."""


def test_what_stands_still_is_ended_and_says_where(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    held = Held(footage("compliant.mp4"), site, 0.5)
    task = desk.task(site.add("/v.mp4", held), output=QUICK).model_copy(update={"stall_seconds": STALL_SECONDS})
    running = desk.start(task)
    ended = running.ended()
    assert ended.reason == Reason.STALLED
    assert f"Stage Download made no progress for {STALL_SECONDS} seconds" in ended.report.message
    assert running.children() == []
    assert desk.bucket.unfinished == []


def sizes(folder: Path) -> dict[Path, int]:
    """Bytes of each file that is there; some go while they are looked at, and so do folders."""
    found: dict[Path, int] = {}
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.stat().st_size
    return found


def test_scratch_is_never_more_than_was_declared(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    limit = 16 * 2**20
    task = desk.task(
        site.add("/v.mp4", file(footage("compliant.mp4"))), output=LARGE, worker={"scratch": {"size": "16Mi"}}
    )
    running = desk.start(task)
    most = 0
    while running.process.poll() is None:
        most = max(most, sum(sizes(desk.folder / "scratch").values()))
    ended = running.ended()
    assert ended.reason == Reason.SCRATCH_FULL
    assert "worker.scratch.size is 16Mi" in ended.report.message
    assert "the source takes 67" in ended.report.message
    assert 0 < most <= limit
    assert desk.bucket.unfinished == []
    assert desk.left_in_scratch == []


class TestOriginals:
    def test_mode_original_keeps_the_very_bytes(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        path = footage("two-tracks.mkv")
        ended = desk.bring(site.add("/v.bin", file(path)), output={"mode": "Original"})
        assert ended.code == 0, ended.stderr
        assert desk.bucket.shown == ["in/clip/original.mkv", "in/clip/result.json"]
        assert desk.bucket.read("in/clip/original.mkv") == path.read_bytes()
        assert desk.bucket.head("in/clip/original.mkv")["ContentType"] == "video/x-matroska"
        assert ended.report.outputs.video is None
        assert ended.report.outputs.original.sha256 == ended.report.source.sha256
        assert ended.stage("Transcode").mode == "Original"

    def test_what_is_damaged_is_not_kept_either(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        ended = desk.bring(site.add("/v.mp4", file(footage("truncated.mp4"))), output={"mode": "Original"})
        assert ended.reason == Reason.SOURCE_TRUNCATED
        assert desk.bucket.shown == []
        assert desk.bucket.unfinished == []

    def test_everything_at_once(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
    ) -> None:
        """One decode for all of it, and each file in its place with what is told of it."""
        wish = {
            **QUICK, "keepOriginal": True, "thumbnails": {"count": 2}, "audioFile": {"format": "mp3"},
            "renditions": [{"name": "p360", "height": 360}, {"name": "p180", "height": 180}],
        }  # fmt: skip
        destination = {"publicBaseURL": "https://cdn.example.com/media"}
        url = site.add("/v.mp4", file(footage("moov-last.mp4")))
        ended = desk.bring(url, output=wish, destination=destination, metadata={"campaign": "spring"})
        same_video(ended, desk, tmp_path, 6.08)
        assert desk.bucket.shown == [
            "in/clip/audio.mp3", "in/clip/original.mp4", "in/clip/renditions/p180.mp4", "in/clip/renditions/p360.mp4",
            "in/clip/result.json", "in/clip/thumbnails/001.jpg", "in/clip/thumbnails/002.jpg", "in/clip/video.mp4",
        ]  # fmt: skip
        outputs = ended.report.outputs
        assert [(each.name, each.resolution) for each in outputs.renditions] == [
            ("p360", "640x360"),
            ("p180", "320x180"),
        ]
        assert outputs.thumbnails.count == 2
        assert outputs.original.sha256 == ended.report.source.sha256
        assert outputs.video.url == "https://cdn.example.com/media/in/clip/video.mp4"
        for each in (outputs.video, outputs.audio, *outputs.renditions):
            content = desk.bucket.read(each.uri.partition(f"{desk.bucket.name}/")[2])
            assert (each.size_bytes, each.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        result = desk.bucket.json("in/clip/result.json")
        assert result["userMetadata"] == {"campaign": "spring"}
        assert result["outputs"]["renditions"][0]["name"] == "p360"


@pytest.mark.full
class TestIncremental:
    def test_the_same_video_is_stored_once(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert desk.bring(url).code == 0
        before = desk.bucket.shown
        again = desk.run(desk.task(url, uid="uid-2", destination={"name": "other"}))
        assert again.code == 0, again.stderr
        assert again.report.duplicate_of == f"s3://{desk.bucket.name}/in/clip/video.mp4"
        assert desk.bucket.shown == before

    def test_it_is_known_by_its_bytes_too(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        url = site.add("/elsewhere.mp4", file(footage("silent.mp4"), etag='"two"'))
        again = desk.run(desk.task(url, uid="uid-2", destination={"name": "other"}))
        assert again.report.duplicate_of == f"s3://{desk.bucket.name}/in/clip/video.mp4"
        assert desk.bucket.unfinished == []

    def test_false_stores_it_again(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert desk.bring(url).code == 0
        again = desk.run(desk.task(url, uid="uid-2", destination={"name": "other"}, incremental=False))
        assert again.report.duplicate_of is None
        assert "in/other/video.mp4" in desk.bucket.shown

    def test_another_wish_is_stored_too(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert desk.bring(url).code == 0
        again = desk.run(desk.task(url, uid="uid-2", destination={"name": "other"}, output=QUICK))
        assert again.report.duplicate_of is None
        assert "in/other/video.mp4" in desk.bucket.shown


def longer(path: Path, target: Path) -> Path:
    """An MP4 with 40 MiB behind its video that mean nothing: large enough for a lost node to matter."""
    filler = 40 * 2**20
    target.write_bytes(path.read_bytes() + filler.to_bytes(4, "big") + b"free" + bytes(filler - 8))
    return target


def test_a_volume_of_its_own_keeps_what_was_fetched_for_the_next_pod(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    source = longer(footage("compliant.mp4"), tmp_path / "longer.mp4")
    body = source.read_bytes()

    def halting(exchange: Exchange) -> None:
        ranged(exchange, body, '"one"', send=len(body) - 2**20)
        site.over.wait(120)

    url = site.add("/v.mp4", in_turn(halting, file(source)))
    wish = {"worker": {"scratch": {"size": "1Gi", "storageClassName": "fast"}}, "output": QUICK}
    lost = desk.start(desk.task(url, **wish))
    until(lambda: max(sizes(desk.folder / "scratch").values(), default=0) > 40 * 2**20)
    lost.process.kill()
    lost.ended()
    ended = desk.run(desk.task(url, run=2, **wish))
    same_video(ended, desk, tmp_path, 20.0)
    assert ended.report.source.sha256 == hashlib.sha256(body).hexdigest()
    assert int((site.requests[-1].range or "")[6:-1]) >= 32 * 2**20
    assert desk.left_in_scratch == []
