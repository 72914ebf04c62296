"""Some eighty imports of a media corpus: what comes out is what must come out, or the refusal says why.

`make test` runs a third of them, `make full-test` all.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.portion import portion
from support.worker.corpus.cases import CASES, QUICK, QUICK_NAMES, Case
from support.worker.corpus.files import ROOT, Corpus
from support.worker.object_store import ObjectStore
from support.worker.worker_harness import FinishedRun, WorkerHarness, probe
from videoimport.media.source.packet_scan import Track, walk, walk_argv
from videoimport.worker.runtime.subprocesses import Children

NAMES = portion("corpus", [case.name for case in CASES], QUICK_NAMES)
RUN = [case for case in CASES if case.name in NAMES]
TABLE = ROOT / "build" / "corpus.md"
AT_ONCE = 2


@dataclass
class Came:
    """What came of a case."""

    case: Case
    ended: FinishedRun
    result: Path | None
    wrong: list[str]

    @property
    def row(self) -> str:
        told = self.ended.reason or self.ended.stage("Transcode").mode
        more = self.ended.report.message if self.ended.reason else f"{self._shape}; {self.ended.stage('Transcode').why}"
        wrong = "; ".join(self.wrong) or "as expected"
        return f"| {self.case.name} | {told} | {more.replace('|', '/')} | {wrong} |"

    @property
    def _shape(self) -> str:
        video = self.ended.report.outputs.video
        return f"{self.case.codec} {video.resolution}, {(video.duration_ms or 0) / 1000:.2f} s"


def tracks(path: Path) -> tuple[Any, Any, dict[int, Track]]:
    """ffprobe's video and audio stream, and all packets."""
    streams = probe(path)["streams"]
    found = [next((stream for stream in streams if stream["codec_type"] == kind), None) for kind in ("video", "audio")]
    return found[0], found[1], walk(Children().run(walk_argv(str(path))).stdout.splitlines())


def differences(case: Case, ended: FinishedRun, result: Path | None) -> Iterator[str]:
    if case.reason:
        if ended.reason != case.reason:
            yield f"{ended.reason or 'success'} instead of {case.reason.value}"
        if case.says not in ended.report.message:
            yield f"the message lacks {case.says!r}"
        return
    if result is None:
        yield f"{ended.reason}: {ended.report.message}"
        return
    stage = ended.stage("Transcode")
    if stage.mode != case.mode:
        yield f"mode {stage.mode}, not {case.mode}"
    if case.says not in stage.why:
        yield f"why lacks {case.says!r}"
    yield from streams_that_differ(case, ended, result)


def streams_that_differ(case: Case, ended: FinishedRun, result: Path) -> Iterator[str]:
    video, audio, packets = tracks(result)
    if video["codec_name"] != case.codec:
        yield f"codec {video['codec_name']}, not {case.codec}"
    if case.codec == "hevc" and video["codec_tag_string"] != "hvc1":
        yield f"tag {video['codec_tag_string']}, not hvc1"
    if ended.report.outputs.video.resolution != "x".join(map(str, case.size)):
        yield f"displayed as {ended.report.outputs.video.resolution}, not {case.size}"
    if case.mode == "Encode":
        yield from encode_that_differs(video)
    track = packets[video["index"]]
    if abs(track.seconds - case.seconds) > 0.1:
        yield f"{track.seconds:.2f} s, not {case.seconds:.2f}"
    if case.frames is not None and track.packets != case.frames:
        yield f"{track.packets} frames, not {case.frames}"
    found = (audio["codec_name"], audio["channels"]) if audio else None
    if found != case.audio:
        yield f"audio {found}, not {case.audio}"
    if audio:
        offset = (packets[audio["index"]].start or 0.0) - (track.start or 0.0)
        if abs(offset - case.offset) > 0.06:
            yield f"audio starts {offset:+.2f} s from the video, not {case.offset:+.2f}"


def encode_that_differs(video: Any) -> Iterator[str]:
    """What every encode must be, whatever went in."""
    wanted = {"pix_fmt": "yuv420p", "field_order": "progressive", "sample_aspect_ratio": "1:1"}
    for name, value in wanted.items():
        if video.get(name) != value:
            yield f"{name} is {video.get(name)}, not {value}"
    if video.get("color_transfer") in ("smpte2084", "arib-std-b67"):
        yield f"transfer is still {video['color_transfer']}"
    if any("rotation" in data for data in video.get("side_data_list", [])):
        yield "it is still turned"


@pytest.fixture(scope="module")
def corpus(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Came]:
    """Every case, run through the worker's own process, two at once."""
    kitchen = Corpus.open()
    for case in RUN:
        kitchen.obtain(case.file)
    with FakeSourceSite() as site:

        def run(case: Case) -> Came:
            folder = tmp_path_factory.mktemp("case")
            desk = WorkerHarness(store.new_bucket(), folder)
            url = site.add(f"/{quote(case.file)}", file(kitchen.obtain(case.file)))
            wish = {"video": QUICK, **case.output}
            more = {} if case.requirements is None else {"requirements": case.requirements}
            ended = desk.bring(url, output=wish, **more)
            result = desk.bucket.save("in/clip/video.mp4", folder / "result.mp4") if ended.code == 0 else None
            return Came(case, ended, result, list(differences(case, ended, result)))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            came = {one.case.name: one for one in pool.map(run, RUN)}
    TABLE.parent.mkdir(exist_ok=True)
    heading = "| File and wish | Outcome | What it says | Verdict |\n| --- | --- | --- | --- |\n"
    TABLE.write_text(heading + "".join(f"{one.row}\n" for one in came.values()))
    return came


@pytest.mark.parametrize("name", NAMES)
def test_it_comes_out_as_it_must(corpus: dict[str, Came], name: str) -> None:
    came = corpus[name]
    assert came.wrong == [], came.ended.everything


def test_the_table_is_told(corpus: dict[str, Came], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n" + TABLE.read_text())
    assert len(TABLE.read_text().splitlines()) == len(RUN) + 2


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
