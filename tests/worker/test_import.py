"""A video comes in: what is in the bucket then, and what was said on the way."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from support.fake_source_site import FakeSourceSite, file, slowly
from support.worker.worker_harness import WorkerHarness, probe
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.api.videoimport_status import StageName

Footage = Callable[[str], Path]


def test_a_compliant_file_is_remuxed_uploaded_and_reported(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    ended = desk.bring(site.add("/talk.mp4", file(footage("compliant.mp4"))))

    assert ended.code == 0, ended.stderr
    assert desk.bucket.shown == ["in/clip/result.json", "in/clip/video.mp4"]
    assert "in/.videoimport/imports/uid-1.json" in desk.bucket.keys
    report, video = ended.report, ended.report.outputs.video
    assert video.uri == f"s3://{desk.bucket.name}/in/clip/video.mp4"
    assert video.sha256 == hashlib.sha256(desk.bucket.read("in/clip/video.mp4")).hexdigest()
    assert report.source.sha256 == hashlib.sha256(footage("compliant.mp4").read_bytes()).hexdigest()
    assert (report.source.filename, report.source.title, report.source.type) == ("talk.mp4", "talk", "Url")
    assert report.metadata.resolution == "1280x720"
    assert report.metadata.frames_per_second == "25/1"
    assert ended.stage("Transcode").mode == "Remux"
    assert ended.stage("Transcode").why == "video and audio comply and are copied"
    assert len(ended.message) <= MAX_BYTES
    found = probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "video.mp4"))
    assert [stream["codec_name"] for stream in found["streams"]] == ["h264", "aac"]
    assert abs(float(found["format"]["duration"]) - 20.0) < 0.1


def test_one_get_is_enough_for_a_file(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    assert desk.bring(site.add("/once.mp4", file(footage("silent.mp4")))).code == 0
    assert len(site.requests) == 1


def test_objects_say_whose_they_are(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    task = desk.task(site.add("/a.mp4", file(footage("silent.mp4"))), run=3)
    assert desk.run(task).code == 0
    head = desk.bucket.head("in/clip/video.mp4")
    assert head["ContentType"] == "video/mp4"
    marks = {"videoimport-uid": "uid-1", "videoimport-run": "3", "videoimport-spec-hash": task.spec_hash}
    assert head["Metadata"] == marks


def test_result_json_tells_the_whole_story(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    ended = desk.bring(site.add("/a.mp4", file(footage("silent.mp4"))))
    told = desk.bucket.json("in/clip/result.json")
    assert told["outputs"]["video"]["sha256"] == ended.report.outputs.video.sha256
    assert told["source"]["sha256"] == ended.report.source.sha256
    assert told["videoId"] == ended.report.video_id
    assert told["import"] == {"namespace": "team", "name": "clip", "uid": "uid-1", "run": 1}
    content = desk.bucket.read("in/clip/result.json")
    assert ended.report.outputs.result.sha256 == hashlib.sha256(content).hexdigest()


def test_the_commit_record_is_the_report(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    ended = desk.bring(site.add("/a.mp4", file(footage("silent.mp4"))))
    record = desk.bucket.json("in/.videoimport/imports/uid-1.json")
    assert record["outcome"] == "Succeeded"
    assert record["outputs"] == ended.report.wire()["outputs"]


def test_an_incompliant_file_is_encoded(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    ended = desk.bring(site.add("/a.avi", file(footage("mpeg4.avi"), kind="video/x-msvideo")))
    assert ended.code == 0, ended.stderr
    assert (ended.stage("Transcode").mode, ended.stage("Transcode").why) == ("Encode", "video codec is mpeg4, not h264")
    video, audio = probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4"))["streams"]
    assert (video["codec_name"], video["pix_fmt"], video["profile"], video["level"]) == ("h264", "yuv420p", "High", 42)
    assert (audio["codec_name"], audio["profile"], audio["channels"]) == ("aac", "LC", 2)
    assert abs(float(video["duration"]) - 5.28) < 0.1


def test_audio_is_encoded_while_video_is_copied(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    ended = desk.bring(site.add("/a.mp4", file(footage("bigbuckbunny.mp4"))))
    assert ended.stage("Transcode").mode == "Remux"
    assert ended.stage("Transcode").why == (
        "the video complies and is copied; audio has 6 channels, more than 2, so the audio is encoded"
    )
    _, audio = probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4"))["streams"]
    assert audio["channels"] == 2


def test_mode_encode_encodes_what_complies(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    ended = desk.bring(site.add("/a.mp4", file(footage("silent.mp4"))), output={"mode": "Encode"})
    assert (ended.stage("Transcode").mode, ended.stage("Transcode").why) == ("Encode", "mode Encode asks for it")


def test_progress_is_whole_snapshots_that_never_go_back(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    path = footage("mpeg4.avi")
    site.routes["/slow.avi"] = slowly(path, site, seconds=3)
    ended = desk.bring(site.url("/slow.avi"))
    assert ended.code == 0, ended.stderr
    lines = ended.progress
    assert all([stage.name for stage in line.stages] == list(StageName) for line in lines)
    for number in range(len(StageName)):
        percents = [line.stages[number].percent for line in lines]
        assert percents == sorted(percents)
    downloading = [line for line in lines if line.stages[0].state == "Running"]
    assert any(0 < line.stages[0].percent < 100 and (line.bytes_per_second or 0) > 0 for line in downloading)
    assert any(line.stages[1].state == "Running" and line.stages[1].percent > 0 for line in lines)
    assert lines[-1].stages[3].percent == 100
    assert lines[-1].validated


def test_a_title_names_the_folder(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    site.routes["/Das%20Gl%C3%BCck.mp4"] = file(footage("silent.mp4"))
    url = site.url("/Das%20Gl%C3%BCck.mp4")
    ended = desk.bring(url, destination={"name": "{title}-{hash}", "folder": "courses/one"})
    assert ended.code == 0, ended.stderr
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    assert f"in/courses/one/das-glück-{digest}/video.mp4" in desk.bucket.keys


def test_nothing_is_left_behind(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    running = desk.start(desk.task(site.add("/a.mp4", file(footage("silent.mp4")))))
    assert running.ended().code == 0
    assert running.children() == []
    assert desk.left_in_scratch == []
    assert desk.bucket.unfinished == []


def test_a_large_result_goes_in_parts(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    url = site.add("/a.mp4", file(footage("moov-last.mp4")))
    ended = desk.bring(url, output={"mode": "Encode", "video": {"crf": 8, "preset": "ultrafast"}})
    assert ended.code == 0, ended.stderr
    head = desk.bucket.head("in/clip/video.mp4")
    assert head["ContentLength"] > 8 * 2**20
    assert int(head["ETag"].strip('"').rpartition("-")[2]) > 1
    assert ended.report.outputs.video.sha256 == hashlib.sha256(desk.bucket.read("in/clip/video.mp4")).hexdigest()
