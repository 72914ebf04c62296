"""A destination that fails at each moment of an import: its files are made once, and nothing half-done is visible."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.faulty_store import Fault, FaultyStore, StoreRequest
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task

Footage = Callable[[str], Path]
VIDEO, RESULT, RECORD = "in/clip/video.mp4", "in/clip/result.json", "in/.videoimport/imports/uid-1.json"
ENCODE = {"mode": "Encode", "video": {"preset": "ultrafast"}}
MOMENTS = {
    "opening": r"^CreateMultipartUpload in/clip/video",
    "its note": r"^PutObject in/.videoimport/uploads/",
    "a part": r"^UploadPart in/clip/video",
    "the index": r"^PutObject in/.videoimport/index/",
    "the intent": rf"^PutObject {RECORD}",
    "showing": r"^CompleteMultipartUpload in/clip/video",
    "the proof": r"^HeadObject in/clip/video",
    "the result": rf"^PutObject {RESULT}",
}
PREFLIGHT = {"opening": 1, "its note": 1, "the proof": 1}
"""How many such requests come before anything is fetched."""
COUNTING = """#!/bin/sh
case " $* " in *" libx264 "*) echo >> {count} ;; esac
exec {ffmpeg} "$@"
"""


class Counted:
    """Runs imports into the faulty store, and counts the encodes."""

    def __init__(self, desk: WorkerHarness, faulty: FaultyStore, url: str) -> None:
        self.desk, self.faulty, self._url = desk, faulty, url
        self._count = desk.folder / "encodes"
        programs = desk.folder / "bin"
        programs.mkdir()
        script = programs / "ffmpeg"
        script.write_text(COUNTING.format(count=self._count, ffmpeg=shutil.which("ffmpeg")))
        script.chmod(0o755)
        desk.path = f"{programs}{os.pathsep}{desk.path}"

    @property
    def encodes(self) -> int:
        return len(self._count.read_text().splitlines()) if self._count.exists() else 0

    def task(self, *, stall: int = 600, **more: Any) -> Task:
        destination = {
            "s3": {"endpoint": self.faulty.endpoint, "bucket": self.desk.bucket.name, "prefix": "in"},
            **more.pop("destination", {}),
        }
        made = self.desk.task(self._url, **{"output": ENCODE, "destination": destination, **more})
        return made.model_copy(update={"stall_seconds": stall})

    def run(self, **more: Any) -> FinishedRun:
        return self.desk.run(self.task(**more))

    def is_whole(self) -> bool:
        """Whether the very result that result.json describes is there, and nothing is left over."""
        bucket = self.desk.bucket
        described = bucket.json(RESULT)["outputs"]["video"]
        return bucket.head(VIDEO)["ContentLength"] == described["sizeBytes"] and bucket.unfinished == []


@pytest.fixture
def counted(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> Iterator[Counted]:
    with FaultyStore(desk.bucket.store.endpoint) as faulty:
        yield Counted(desk, faulty, site.add("/v.mp4", file(footage("small.mp4"))))


class TestAFaultThatPasses:
    @pytest.mark.full(but=["a part", "the intent"])
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_an_outage_costs_no_encode(self, counted: Counted, moment: str) -> None:
        """More refusals than boto repeats by itself, of all requests from that moment on."""
        outage = Fault(MOMENTS[moment], "SlowDown", times=8, skipped=PREFLIGHT.get(moment, 0), everything=True)
        counted.faulty.faults.append(outage)
        ended = counted.run()
        assert ended.report.outcome == "Succeeded", ended.report.message
        assert outage.met == outage.times
        assert counted.encodes == 1
        assert counted.is_whole()
        assert '"destination_retry"' in ended.stderr

    @pytest.mark.full(but=["True-a part", "False-showing"])
    @pytest.mark.parametrize("moment", ["a part", "showing", "the result"])
    @pytest.mark.parametrize("is_heard", [True, False])
    def test_answers_that_are_lost_cost_no_encode(self, counted: Counted, moment: str, is_heard: bool) -> None:
        counted.faulty.faults.append(Fault(MOMENTS[moment], times=5, is_heard=is_heard))
        ended = counted.run()
        assert ended.report.outcome == "Succeeded", ended.report.message
        assert counted.encodes == 1
        assert counted.is_whole()

    @pytest.mark.full(but=["BadDigest", "RequestTimeout"])
    @pytest.mark.parametrize("code", ["BadDigest", "InternalError", "RequestTimeout", "OperationAborted"])
    def test_a_part_is_sent_again(self, counted: Counted, code: str) -> None:
        counted.faulty.faults.append(Fault(MOMENTS["a part"], code, status=400, times=2))
        ended = counted.run()
        assert ended.report.outcome == "Succeeded", ended.report.message
        assert counted.faulty.count(MOMENTS["a part"]) >= 3
        assert counted.faulty.count(MOMENTS["opening"]) == 2, "the probe's and the video's"
        assert counted.encodes == 1

    @pytest.mark.parametrize("moment", ["a part", "showing"])
    def test_an_upload_that_is_gone_is_begun_anew(self, counted: Counted, moment: str) -> None:
        counted.faulty.faults.append(Fault(MOMENTS[moment], "NoSuchUpload", status=404))
        ended = counted.run()
        assert ended.report.outcome == "Succeeded", ended.report.message
        assert counted.encodes == 1
        assert counted.is_whole()

    def test_an_object_that_is_damaged_is_sent_again(self, counted: Counted) -> None:
        counted.faulty.faults.append(Fault(MOMENTS["showing"], after=damaging(counted)))
        ended = counted.run()
        assert ended.report.outcome == "Succeeded", ended.report.message
        assert counted.encodes == 1
        assert counted.faulty.count(MOMENTS["showing"]) == 2
        assert counted.is_whole()


def damaging(counted: Counted) -> Callable[[StoreRequest], None]:
    """Replaces what the store stored, as a bad disk would, under the same metadata."""

    def damage(asked: StoreRequest) -> None:
        bucket = counted.desk.bucket
        metadata = bucket.head(asked.key)["Metadata"]
        bucket.put(asked.key, bucket.read(asked.key)[:-1], Metadata=metadata)

    return damage


class TestAFaultThatStays:
    def test_an_object_that_is_always_damaged_is_the_destinations_fault(self, counted: Counted) -> None:
        counted.faulty.faults.append(Fault(MOMENTS["showing"], times=100, after=damaging(counted)))
        ended = counted.run()
        assert ended.reason == Reason.DESTINATION_CORRUPT
        assert VIDEO in ended.report.message
        assert counted.encodes == 1
        assert counted.faulty.count(MOMENTS["showing"]) == 3
        assert counted.desk.bucket.shown == []
        assert counted.desk.bucket.unfinished == []

    @pytest.mark.parametrize(
        ("code", "status", "reason"),
        [
            ("EntityTooLarge", 400, Reason.UNSUPPORTED_DESTINATION),
            ("NotImplemented", 501, Reason.UNSUPPORTED_DESTINATION),
            ("MethodNotAllowed", 405, Reason.UNSUPPORTED_DESTINATION),
            ("QuotaExceeded", 403, Reason.DESTINATION_UNAVAILABLE),
            ("XMinioStorageFull", 507, Reason.DESTINATION_UNAVAILABLE),
            ("AccessDenied", 403, Reason.DESTINATION_DENIED),
        ],
    )
    @pytest.mark.full(but=["EntityTooLarge-*", "QuotaExceeded-*", "AccessDenied-*"])
    def test_a_refusal_is_not_repeated(self, counted: Counted, code: str, status: int, reason: Reason) -> None:
        counted.faulty.faults.append(Fault(MOMENTS["a part"], code, status, times=100))
        ended = counted.run()
        assert ended.reason == reason
        assert f"UploadPart answered {code} (HTTP {status})" in ended.report.message
        assert counted.faulty.count(MOMENTS["a part"]) <= 2, "boto itself repeats each 5xx once"
        assert counted.encodes == 1
        assert counted.desk.bucket.shown == []
        assert counted.desk.bucket.unfinished == []

    @pytest.mark.full(but=["opening", "its note", "the index", "the proof"])
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_nothing_is_visible_after_a_refusal(self, counted: Counted, moment: str) -> None:
        skipped = PREFLIGHT.get(moment, 0)
        counted.faulty.faults.append(Fault(MOMENTS[moment], "AccessDenied", 403, times=100, skipped=skipped))
        ended = counted.run()
        assert ended.reason == Reason.DESTINATION_DENIED, ended.report.message
        assert counted.desk.bucket.shown == []
        assert counted.desk.bucket.unfinished == []

    @pytest.mark.full(but=["showing"])
    @pytest.mark.parametrize("moment", ["a part", "the intent", "showing"])
    def test_an_earlier_result_stands_as_it_was(self, counted: Counted, moment: str) -> None:
        """The thumbnail, which it has not, is shown before the video, and is taken back."""
        assert counted.run(uid="earlier").report.outcome == "Succeeded"
        bucket = counted.desk.bucket
        before = {key: bucket.read(key) for key in bucket.shown}
        pattern = MOMENTS[moment]
        counted.faulty.faults.append(Fault(pattern, "AccessDenied", status=403, times=100))
        ended = counted.run(destination={"ifExists": "Replace"}, output={**ENCODE, "thumbnails": {"count": 1}})
        assert ended.reason == Reason.DESTINATION_DENIED, ended.report.message
        assert bucket.unfinished == []
        assert {key: bucket.read(key) for key in bucket.shown} == before

    def test_an_outage_without_end_ends_the_run_and_costs_the_next_one_no_encode(self, counted: Counted) -> None:
        outage = Fault(MOMENTS["showing"], "ServiceUnavailable", times=10**6, everything=True)
        counted.faulty.faults.append(outage)
        ended = counted.run(stall=8)
        assert ended.reason == Reason.DESTINATION_UNAVAILABLE
        assert "CompleteMultipartUpload answered ServiceUnavailable (HTTP 503)" in ended.report.message
        outage.times = 0
        parts = counted.faulty.count(MOMENTS["a part"])
        assert counted.run(run=2).report.outcome == "Succeeded"
        assert counted.encodes == 1
        assert counted.faulty.count(MOMENTS["a part"]) == parts
        assert counted.is_whole()
