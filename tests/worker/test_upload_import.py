"""The whole import of a file that a client sends: the encode overlaps, and a refusal does not wait for all bytes."""

import hashlib
import http.client
import json
from collections.abc import Callable
from pathlib import Path

from support.waiting import until
from support.worker.upload_tasks import TOKEN, open_patch, send, upload_task
from support.worker.worker_harness import ActiveRun, WorkerHarness, probe

Footage = Callable[[str], Path]
ENCODE = {"output": {"mode": "Encode", "video": {"preset": "ultrafast"}}}


def transcode_state(running: ActiveRun) -> str:
    return running.stage("Transcode") if running.lines else "Waiting"


def test_encode_starts_while_the_bytes_arrive(desk: WorkerHarness, footage: Footage, tmp_path: Path) -> None:
    content = footage("silent.mp4").read_bytes()
    half = len(content) * 3 // 4
    task = upload_task(desk, content, **ENCODE)
    running = desk.start(task)
    until(lambda: running.process.poll() is not None or send(task, 0, content[:half]) == 204)
    until(lambda: running.process.poll() is not None or transcode_state(running) == "Running")
    assert send(task, half, content[half:]) == 204
    ended = running.ended()
    assert ended.code == 0, ended.stderr
    report = ended.report
    assert (report.source.type, report.source.filename) == ("Upload", "talk.mp4")
    assert report.source.sha256 == hashlib.sha256(content).hexdigest()
    assert probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "video.mp4"))["streams"]
    assert TOKEN not in ended.everything


def test_video_that_is_too_long_is_refused_before_its_last_byte(desk: WorkerHarness, footage: Footage) -> None:
    content = footage("silent.mp4").read_bytes()
    half = len(content) * 3 // 4
    task = upload_task(desk, content, requirements={"maxDurationSeconds": 1}, **ENCODE)
    running = desk.start(task)
    until(lambda: running.process.poll() is not None or send(task, 0, content[:half]) == 204)
    ended = running.ended()
    assert ended.reason == "UnsupportedDuration"
    assert send(task, half, content[half:]) is None


def test_client_in_the_middle_of_a_request_gets_the_reason(desk: WorkerHarness, footage: Footage) -> None:
    content = footage("silent.mp4").read_bytes()
    task = upload_task(desk, content, requirements={"maxDurationSeconds": 1}, **ENCODE)
    running = desk.start(task)
    until(lambda: running.process.poll() is not None or send(task, 0, content[:1]) == 204)
    with open_patch(task, 1, len(content) - 1) as connection:
        connection.sendall(content[1 : len(content) * 3 // 4])
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert (response.status, response.read().partition(b":")[0]) == (422, b"UnsupportedDuration")
    assert running.ended().reason == "UnsupportedDuration"


def test_stored_result_is_repeated_for_its_own_session_only(desk: WorkerHarness, footage: Footage) -> None:
    """The client of another session may have another file of the same name and size."""
    content = footage("silent.mp4").read_bytes()
    task = upload_task(desk, content, idle_seconds=2)
    assert task.upload is not None
    running = desk.start(task)
    until(lambda: running.process.poll() is not None or send(task, 0, content) == 204)
    assert running.ended().code == 0
    lost_report = desk.run(task.model_copy(update={"run": 2}))
    assert (lost_report.code, lost_report.report.run) == (0, 2)
    other = task.upload.model_copy(update={"token_sha256": "0" * 64})
    ended = desk.run(task.model_copy(update={"run": 3, "upload": other}))
    assert ended.reason == "UploadIdle"


def test_session_is_no_part_of_the_record_if_the_spec_has_the_hash(desk: WorkerHarness, footage: Footage) -> None:
    content = footage("silent.mp4").read_bytes()
    task = upload_task(desk, content, sha256=hashlib.sha256(content).hexdigest(), idle_seconds=2)
    assert task.upload is not None
    running = desk.start(task)
    until(lambda: running.process.poll() is not None or send(task, 0, content) == 204)
    assert running.ended().code == 0
    other = task.upload.model_copy(update={"token_sha256": "0" * 64})
    assert desk.run(task.model_copy(update={"run": 2, "upload": other})).code == 0


def test_idle_session_has_an_exit_code_of_its_own(desk: WorkerHarness) -> None:
    ended = desk.run(upload_task(desk, bytes(1000), idle_seconds=1))
    assert (ended.code, ended.reason) == (103, "UploadIdle")
    assert json.loads(ended.stdout.splitlines()[-1])["run"] == 1
