"""The destination is asked before anything is fetched, and what stands there is respected."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, file, fixed, html, in_turn
from support.waiting import until
from support.worker.object_store import KEY_ID, SECRET
from support.worker.stalling_proxy import StallingProxy
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason, info

Footage = Callable[[str], Path]
RECORD = "in/.videoimport/imports/uid-1.json"
VIDEO, RESULT = "in/clip/video.mp4", "in/clip/result.json"


class TestBeforeAnyFetch:
    @pytest.mark.parametrize(
        ("keys", "reason", "words"),
        [
            ({}, Reason.CREDENTIALS_NOT_FOUND, ["store-keys", "no Secret"]),
            ({"AWS_ACCESS_KEY_ID": KEY_ID}, Reason.CREDENTIALS_NOT_FOUND, ["store-keys", "AWS_SECRET_ACCESS_KEY"]),
            (
                {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "not-the-secret"},
                Reason.DESTINATION_DENIED,
                ["SignatureDoesNotMatch"],
            ),
            (
                {"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": SECRET},
                Reason.DESTINATION_DENIED,
                ["Correct the keys"],
            ),
        ],
    )
    def test_wrong_keys_end_it(
        self, desk: WorkerHarness, site: FakeSourceSite, keys: dict[str, str], reason: Reason, words: list[str]
    ) -> None:
        desk.keys = keys
        ended = desk.bring(site.url("/v.mp4"))
        assert ended.reason == reason
        assert ended.code == info(reason).exit_code
        told = f"{ended.report.message} {ended.report.advice}"
        assert all(word in told for word in words), told
        assert site.requests == []

    def test_a_missing_bucket_ends_it(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        s3 = {"endpoint": desk.bucket.store.endpoint, "bucket": "nobody-made-this"}
        ended = desk.bring(site.url("/v.mp4"), destination={"s3": s3})
        assert ended.reason == Reason.DESTINATION_NOT_FOUND
        assert "nobody-made-this" in ended.report.message
        assert site.requests == []

    def test_a_store_that_does_not_answer_is_tried_again_later(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        s3 = {"endpoint": "http://127.0.0.1:9", "bucket": desk.bucket.name}
        ended = desk.bring(site.url("/v.mp4"), destination={"s3": s3})
        assert ended.reason == Reason.DESTINATION_UNAVAILABLE
        assert site.requests == []

    def test_another_imports_video_ends_it(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        """An incremental import asks the source first: it may be the very video that stands there."""
        desk.bucket.put(VIDEO, b"somebody's")
        ended = desk.bring(site.url("/v.mp4"), incremental=False)
        assert ended.reason == Reason.DESTINATION_EXISTS
        assert f"s3://{desk.bucket.name}/{VIDEO}" in ended.report.message
        assert site.requests == []
        assert desk.bucket.read(VIDEO) == b"somebody's"

    def test_an_unknown_placeholder_ends_it(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        """A resource that was stored before the API server refused it."""
        task = desk.task(site.url("/v.mp4"))
        destination = task.spec.destination.model_copy(update={"name": "{author}"})
        spec = task.spec.model_copy(update={"destination": destination})
        ended = desk.run(task.model_copy(update={"spec": spec}))
        assert ended.reason == Reason.INVALID_SPEC
        assert "spec.destination.name" in ended.report.message
        assert site.requests == []


def test_a_title_that_is_taken_ends_it_before_the_bytes_come(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    desk.bucket.put("in/a-page/video.mp4", b"somebody's")
    site.routes["/clip.mp4"] = file(footage("silent.mp4"))
    page = site.add("/watch", html('<video src="/clip.mp4"></video>'))
    ended = desk.bring(page, destination={"name": "{title}"})
    assert ended.reason == Reason.DESTINATION_EXISTS
    assert desk.bucket.keys == ["in/a-page/video.mp4"]


def test_replace_replaces_video_and_result(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    desk.bucket.put(VIDEO, b"somebody's")
    desk.bucket.put(RESULT, b"{}")
    ended = desk.bring(site.add("/v.mp4", file(footage("silent.mp4"))), destination={"ifExists": "Replace"})
    assert ended.code == 0, ended.everything
    assert desk.bucket.metadata(VIDEO)["videoimport-uid"] == "uid-1"
    assert desk.bucket.json(RESULT)["kind"] == "VideoImportResult"


def test_an_object_that_appears_meanwhile_is_not_overwritten(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    path = footage("silent.mp4")

    def while_fetching(exchange: Exchange) -> None:
        desk.bucket.put(VIDEO, b"faster")
        file(path)(exchange)

    ended = desk.bring(site.add("/v.mp4", while_fetching))
    assert ended.reason == Reason.DESTINATION_EXISTS
    assert desk.bucket.read(VIDEO) == b"faster"
    assert desk.bucket.unfinished == []


class TestTheRecord:
    def test_a_second_run_repeats_the_report_and_moves_nothing(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        first = desk.bring(url)
        before = len(site.requests)
        second = desk.bring(url, run=2)
        assert second.code == 0
        assert len(site.requests) == before
        assert second.report.run == 2
        assert second.report.outputs == first.report.outputs
        assert second.report.video_id == first.report.video_id
        assert desk.bucket.metadata(VIDEO)["videoimport-run"] == "1"

    def test_another_wish_of_the_same_import_is_done_anew(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        first = desk.bring(url)
        second = desk.bring(url, run=2, output={"video": {"maxHeight": 240, "preset": "ultrafast"}})
        assert second.code == 0, second.everything
        assert second.report.outputs.video.resolution == "426x240"
        assert second.report.video_id != first.report.video_id

    def test_a_record_nobody_can_read_does_not_count(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        desk.bucket.put(RECORD, b'{"kind": "Report", "half')
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        assert desk.bucket.json(RECORD)["outcome"] == "Succeeded"


class TestLeftovers:
    """Unfinished uploads of an earlier run of this import are taken back; nobody else's are."""

    NOTE = "in/.videoimport/uploads/uid-1.json"

    def note(self, desk: WorkerHarness, uid: str, *uploads: str) -> None:
        content = {"uid": uid, "since": datetime.now(UTC).isoformat(), "uploads": {VIDEO: uploads}}
        desk.put_record(f"in/.videoimport/uploads/{uid}.json", content)

    def open(self, desk: WorkerHarness, key: str = VIDEO) -> str:
        upload = desk.bucket.store.client.create_multipart_upload(Bucket=desk.bucket.name, Key=key)["UploadId"]
        return str(upload)

    def test_those_in_the_note_are_taken_back(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        self.note(desk, "uid-1", self.open(desk))
        self.open(desk, "in/other/video.mp4")
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        assert desk.bucket.unfinished == ["in/other/video.mp4"]
        assert self.NOTE not in desk.bucket.keys

    def test_one_whose_id_nobody_had_the_time_to_note_is_ours(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        self.note(desk, "uid-1")
        self.open(desk)
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        assert desk.bucket.unfinished == []

    def test_another_imports_upload_at_the_same_key_stays(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        self.note(desk, "uid-1", self.open(desk))
        self.note(desk, "uid-2")
        self.open(desk)
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        assert desk.bucket.unfinished == [VIDEO]

    def test_a_stranger_s_upload_stays(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        self.open(desk)
        assert desk.bring(site.add("/v.mp4", file(footage("silent.mp4")))).code == 0
        assert desk.bucket.unfinished == [VIDEO]


class TestKilledBetweenUploadAndRecord:
    """The intent is what the worker writes before the video is made visible; it is put back as it was then."""

    @pytest.fixture
    def intent(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> dict[str, object]:
        url = site.add("/v.mp4", in_turn(file(footage("silent.mp4")), fixed(b"", status=404)))
        assert desk.bring(url).code == 0
        head = desk.bucket.head(VIDEO)
        record = desk.bucket.json(RECORD)
        return {
            "kind": "Intent",
            "tickets": [
                {
                    "key": VIDEO,
                    "upload": "gone",
                    "sizeBytes": head["ContentLength"],
                    "seal": "of the parts",
                    "sha256": record["outputs"]["video"]["sha256"],
                    "etags": [head["ETag"].strip('"')],
                    "checksum": next(one.get("checksum") for one in record["objects"] if one["key"] == VIDEO),
                }
            ],
            "replace": False,
            "report": record,
            "resultKey": RESULT,
            "result": desk.bucket.read(RESULT).decode(),
        }

    def test_a_video_that_is_there_is_adopted(
        self, desk: WorkerHarness, site: FakeSourceSite, intent: dict[str, object]
    ) -> None:
        told = desk.bucket.read(RESULT)
        desk.bucket.delete(RESULT)
        desk.put_record(RECORD, intent)
        etag = desk.bucket.head(VIDEO)["ETag"]

        ended = desk.bring(site.url("/v.mp4"), run=2)

        assert ended.code == 0, ended.everything
        assert len(site.requests) == 1, "the source was asked again"
        assert desk.bucket.head(VIDEO)["ETag"] == etag
        assert desk.bucket.read(RESULT) == told
        assert desk.bucket.json(RECORD)["kind"] == "Report"

    def test_a_video_that_never_appeared_is_made_anew(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage, intent: dict[str, object]
    ) -> None:
        desk.bucket.delete(VIDEO)
        desk.put_record(RECORD, intent)
        site.routes["/v.mp4"] = file(footage("silent.mp4"))
        ended = desk.bring(site.url("/v.mp4"), run=2)
        assert ended.code == 0, ended.everything
        assert desk.bucket.metadata(VIDEO)["videoimport-run"] == "2"

    def test_somebody_elses_video_is_not_adopted(
        self, desk: WorkerHarness, site: FakeSourceSite, intent: dict[str, object]
    ) -> None:
        desk.bucket.put(VIDEO, b"somebody's")
        desk.put_record(RECORD, intent)
        ended = desk.bring(site.url("/v.mp4"), run=2, incremental=False)
        assert ended.reason == Reason.DESTINATION_EXISTS


def but_the_index(desk: WorkerHarness) -> list[str]:
    return [key for key in desk.bucket.keys if not key.startswith("in/.videoimport/index/")]


def test_killed_between_upload_and_record_the_next_run_adopts(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/v.mp4", file(footage("silent.mp4")))
    with StallingProxy(
        desk.bucket.store.endpoint, b"PUT /" + desk.bucket.name.encode() + b"/in/clip/result.json"
    ) as gate:
        through = {"destination": {"s3": {"endpoint": gate.endpoint, "bucket": desk.bucket.name, "prefix": "in"}}}
        running = desk.start(desk.task(url, **through))
        until(gate.held.is_set)
        running.process.kill()
        running.ended()
        assert but_the_index(desk) == [RECORD, "in/.videoimport/uploads/uid-1.json", VIDEO]
        etag, fetched = desk.bucket.head(VIDEO)["ETag"], len(site.requests)
        gate.open()

        ended = desk.run(desk.task(url, run=2, **through))

    assert ended.code == 0, ended.everything
    assert len(site.requests) == fetched, "the source was fetched again"
    assert desk.bucket.head(VIDEO)["ETag"] == etag
    assert but_the_index(desk) == [RECORD, RESULT, VIDEO]
    assert desk.bucket.json(RECORD)["outcome"] == "Succeeded"


def test_a_worker_killed_while_it_publishes_is_finished_by_the_next(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    """Kill -9 at whatever point the publishing has come to: the next run always ends with one whole result."""
    url = site.add("/v.mp4", file(footage("silent.mp4")))
    running = desk.start(desk.task(url))
    until(lambda: running.stage("Finalize") != "Waiting" or running.process.poll() is not None)
    running.process.kill()
    running.ended()
    ended = desk.bring(url, run=2)
    assert ended.code == 0, ended.everything
    assert but_the_index(desk) == [RECORD, RESULT, VIDEO]
    assert desk.bucket.json(RECORD)["outcome"] == "Succeeded"
    assert desk.bucket.unfinished == []
