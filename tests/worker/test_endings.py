"""However a run ends, its reason is known, its children are gone, and no secret was said."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file, slowly
from support.waiting import until
from support.worker.object_store import KEY_ID, SECRET
from support.worker.stalling_proxy import StallingProxy
from support.worker.worker_harness import ActiveRun, WorkerHarness, is_alive
from videoimport.api.reasons import Reason, info

Footage = Callable[[str], Path]
LONG = {"mode": "Encode", "video": {"preset": "slower"}}


def child_named(running: ActiveRun, name: str) -> list[int]:
    """Children whose program has this name."""
    return [pid for pid in running.children() if _program(pid) == name]


def words_of(pid: int) -> list[bytes]:
    """A process's command line; empty when it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


@pytest.fixture
def encoding(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> ActiveRun:
    """A run whose ffmpeg encodes for long; not one that only lists its encoders."""
    running = desk.start(desk.task(site.add("/v.mp4", file(footage("compliant.mp4"))), output=LONG))
    until(
        lambda: (
            running.stage("Transcode") == "Running" and any(b"-progress" in words_of(pid) for pid in running.children())
        )
    )
    return running


def test_sigterm_while_encoding_ends_everything(desk: WorkerHarness, encoding: ActiveRun) -> None:
    children = encoding.children()
    encoding.terminate()
    ended = encoding.ended()
    assert ended.code == info(Reason.WORKER_LOST).exit_code
    assert ended.reason == Reason.WORKER_LOST
    assert "terminated" in ended.report.message
    assert "terminated" in ended.stderr
    assert ended.stage("Transcode").state == "Failed"
    until(lambda: not any(map(is_alive, children)))
    assert desk.bucket.shown == []
    assert desk.left_in_scratch == []


def test_sigterm_while_fetching_ends_everything(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    site.routes["/v.mp4"] = slowly(footage("compliant.mp4"), site, seconds=120)
    running = desk.start(desk.task(site.url("/v.mp4")))
    until(lambda: site.requests)
    children = running.children()
    assert children
    running.terminate()
    ended = running.ended()
    assert ended.reason == Reason.WORKER_LOST
    until(lambda: not any(map(is_alive, children)))


def test_sigterm_while_uploading_takes_the_upload_back(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/v.mp4", file(footage("compliant.mp4")))
    with StallingProxy(
        desk.bucket.store.endpoint, b"PUT /" + desk.bucket.name.encode() + b"/in/clip/video.mp4?"
    ) as gate:
        s3 = {"endpoint": gate.endpoint, "bucket": desk.bucket.name, "prefix": "in"}
        running = desk.start(desk.task(url, destination={"s3": s3}))
        until(gate.held.is_set)
        assert desk.bucket.unfinished == ["in/clip/video.mp4"]
        running.terminate()
        ended = running.ended()
    assert ended.code == info(Reason.WORKER_LOST).exit_code
    assert ended.stage("Upload").state == "Failed"
    assert desk.bucket.unfinished == []
    assert desk.bucket.shown == []


def test_a_worker_killed_hard_leaves_no_process(encoding: ActiveRun) -> None:
    children = encoding.children()
    assert children
    encoding.process.kill()
    encoding.ended()
    until(lambda: not any(map(is_alive, children)))


def test_a_worker_killed_hard_leaves_no_fetching_process(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    site.routes["/v.mp4"] = slowly(footage("compliant.mp4"), site, seconds=120)
    running = desk.start(desk.task(site.url("/v.mp4")))
    until(lambda: site.requests)
    children = running.children()
    assert children
    running.process.kill()
    running.ended()
    until(lambda: not any(map(is_alive, children)))


def test_an_ffmpeg_that_somebody_killed_ran_out_of_memory(desk: WorkerHarness, encoding: ActiveRun) -> None:
    for pid in child_named(encoding, "ffmpeg"):
        os.kill(pid, signal.SIGKILL)
    ended = encoding.ended()
    assert ended.reason == Reason.OUT_OF_MEMORY
    assert ended.code == info(Reason.OUT_OF_MEMORY).exit_code
    assert "ffmpeg was killed" in ended.report.message
    assert desk.bucket.shown == []


def test_an_ffmpeg_without_the_encoder_is_found_out_before_the_fetch(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path
) -> None:
    """The real ffmpeg, whose list of encoders lacks one line."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = next(path for entry in desk.path.split(":") if (path := Path(entry) / "ffmpeg").exists())
    (folder / "ffmpeg").write_text(f'#!/bin/sh\n{real} "$@" | grep -v libx264\n')
    (folder / "ffmpeg").chmod(0o755)
    desk.path = f"{folder}:{desk.path}"
    ended = desk.bring(site.url("/v.mp4"), output={"mode": "Encode"})
    assert ended.reason == Reason.ENCODER_UNAVAILABLE
    assert "libx264" in ended.report.message
    assert site.requests == []


def test_no_ffmpeg_at_all_is_told(desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path) -> None:
    desk.path = str(tmp_path)
    ended = desk.bring(site.add("/v.mp4", file(footage("silent.mp4"))))
    assert ended.reason == Reason.ENCODER_UNAVAILABLE
    assert "ffmpeg" in ended.report.message
    assert site.requests == []


class TestSecrets:
    """Nothing that a person or a log collector can read holds a key or a signature."""

    SIGNATURE = "0123456789abcdefSIGNATURE"

    def url(self, site: FakeSourceSite, path: str) -> str:
        return site.url(f"{path}?X-Amz-Signature={self.SIGNATURE}&part=1").replace("://", "://ann:openSesame@")

    @pytest.mark.full(but=["/v.mp4"])
    @pytest.mark.parametrize("path", ["/v.mp4", "/gone.mp4", "/page"])
    def test_none_is_printed(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage, path: str) -> None:
        site.routes["/v.mp4"] = file(footage("silent.mp4"))
        site.routes["/page"] = lambda exchange: exchange.answer(
            200, b"<html>none</html>", {"Content-Type": "text/html"}
        )
        running = desk.start(desk.task(self.url(site, path)))
        ended = running.ended()
        for secret in (KEY_ID, SECRET, self.SIGNATURE, "openSesame"):
            assert secret not in ended.everything
        for key in desk.bucket.keys:
            assert self.SIGNATURE.encode() not in desk.bucket.read(key)

    def test_none_stands_in_an_argument_list(self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
        site.routes["/v.mp4"] = slowly(footage("silent.mp4"), site, seconds=120)
        running = desk.start(desk.task(self.url(site, "/v.mp4")))
        until(lambda: site.requests)
        lines = [b" ".join(words_of(pid)) for pid in [running.process.pid, *running.children()]]
        running.terminate()
        running.ended()
        assert len([line for line in lines if line]) > 1
        for secret in (KEY_ID, SECRET, self.SIGNATURE, "openSesame"):
            assert not any(secret.encode() in line for line in lines)

    def test_none_is_printed_when_keys_are_refused(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        desk.keys = {"AWS_ACCESS_KEY_ID": "AKIAWRONGWRONG", "AWS_SECRET_ACCESS_KEY": "wrongwrongwrong"}
        ended = desk.bring(site.url("/v.mp4"))
        assert ended.reason == Reason.DESTINATION_DENIED
        assert "AKIAWRONGWRONG" not in ended.everything
        assert "wrongwrongwrong" not in ended.everything
