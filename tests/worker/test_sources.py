"""Every kind of source through the whole worker: what is imported, what is told of it, and what is told to nobody."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, file, fixed, html
from support.worker.object_store import KEY_ID, SECRET
from support.worker.refusals import assert_refused
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason

Footage = Callable[[str], Path]


@pytest.fixture
def clip(footage: Footage) -> Path:
    return footage("silent.mp4")


def bring(
    desk: WorkerHarness, source: dict[str, Any], secret: dict[str, str] | None = None, **more: Any
) -> FinishedRun:
    if secret is not None:
        folder = desk.folder / "source-secret"
        folder.mkdir()
        for name, content in secret.items():
            (folder / name).write_text(content)
        desk.options = (*desk.options, "--source-credentials", folder)
        source = {**source, "credentialsSecretRef": {"name": "source-login"}}
    return desk.bring("", source=source, **more)


def told(ended: FinishedRun, kind: str, clip: Path) -> None:
    assert ended.code == 0, ended.everything
    source = ended.report.source
    assert source is not None
    assert (source.type, source.sha256) == (kind, hashlib.sha256(clip.read_bytes()).hexdigest())


def test_an_object(desk: WorkerHarness, clip: Path) -> None:
    desk.bucket.put("talks/a talk.mp4", clip.read_bytes())
    stored = {"endpoint": desk.bucket.store.endpoint, "bucket": desk.bucket.name, "key": "talks/a talk.mp4"}
    secret = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    ended = bring(desk, {"s3": stored}, secret, destination={"name": "{title}"})
    told(ended, "S3", clip)
    assert "in/a-talk/video.mp4" in desk.bucket.keys
    assert SECRET not in ended.everything


def test_a_file_in_a_volume(desk: WorkerHarness, clip: Path) -> None:
    volume = desk.folder / "volume"
    (volume / "talks").mkdir(parents=True)
    (volume / "talks" / "clip.mp4").symlink_to("../store.mp4")
    (volume / "store.mp4").write_bytes(clip.read_bytes())
    desk.options = ("--source-volume", volume)
    ended = bring(desk, {"persistentVolumeClaim": {"claimName": "archive", "path": "talks/clip.mp4"}})
    told(ended, "PersistentVolumeClaim", clip)
    assert ended.report.source is not None
    assert ended.report.source.url == "pvc://archive/talks/clip.mp4"


def test_a_way_out_of_a_volume(desk: WorkerHarness) -> None:
    volume = desk.folder / "volume"
    volume.mkdir()
    (volume / "clip.mp4").symlink_to("/etc/passwd")
    desk.options = ("--source-volume", volume)
    source = {"persistentVolumeClaim": {"claimName": "archive", "path": "clip.mp4"}}
    assert_refused(bring(desk, source), desk, Reason.UNSUPPORTED_SOURCE, "leads out of the volume")


@pytest.mark.parametrize("is_page", [False, True])
def test_behind_a_login(desk: WorkerHarness, site: FakeSourceSite, clip: Path, is_page: bool) -> None:
    serve = file(clip)

    def guarded(exchange: Exchange) -> None:
        if exchange.seen.headers.get("Authorization") == "Bearer hunter2":
            serve(exchange)
        else:
            exchange.answer(401)

    site.routes["/v.mp4"] = guarded
    url = site.add("/watch", html('<video src="/v.mp4"></video>')) if is_page else site.url("/v.mp4")
    ended = bring(desk, {"url": url}, {"headers": "Authorization: Bearer hunter2"})
    told(ended, "HTML5MediaEmbed" if is_page else "Url", clip)
    assert "hunter2" not in ended.everything


def test_a_secret_that_is_not_there(desk: WorkerHarness, site: FakeSourceSite, clip: Path) -> None:
    ended = bring(desk, {"url": site.add("/v.mp4", file(clip))}, {})
    assert_refused(ended, desk, Reason.CREDENTIALS_NOT_FOUND, "source-login")
    assert site.requests == []


@pytest.mark.parametrize("right", [True, False])
def test_a_checksum(desk: WorkerHarness, site: FakeSourceSite, clip: Path, right: bool) -> None:
    digest = hashlib.sha256(clip.read_bytes() if right else b"").hexdigest()
    ended = bring(desk, {"url": site.add("/v.mp4", file(clip)), "checksum": f"sha256:{digest}"})
    if right:
        told(ended, "Url", clip)
    else:
        assert_refused(ended, desk, Reason.CHECKSUM_MISMATCH, digest)


def test_certificates_of_ones_own(desk: WorkerHarness, clip: Path) -> None:
    pem, ca = desk.folder / "site.pem", desk.folder / "ca.crt"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", *key, *subject, "-keyout", pem, "-out", ca], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + ca.read_bytes())
    desk.options = ("--ca-bundle", ca)
    with FakeSourceSite(certificate=pem) as site:
        source = {"url": site.add("/v.mp4", file(clip))}
        told(bring(desk, source, worker={"caBundleConfigMapRef": {"name": "our-ca"}}), "Url", clip)


def test_a_bundle_without_certificates(desk: WorkerHarness, site: FakeSourceSite, clip: Path) -> None:
    (desk.folder / "ca.crt").write_text("no certificate")
    desk.options = ("--ca-bundle", desk.folder / "ca.crt")
    source = {"url": site.add("/v.mp4", fixed(clip.read_bytes()))}
    ended = bring(desk, source, worker={"caBundleConfigMapRef": {"name": "our-ca"}})
    assert_refused(ended, desk, Reason.INVALID_SPEC, "our-ca")
