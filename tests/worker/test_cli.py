"""`kubectl videoimport run`: a manifest is tried on this machine, by the worker that a cluster would run."""

import hashlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.fake_source_site import FakeSourceSite, file, slowly
from support.waiting import LONGEST_SECONDS, until
from support.worker.cli_harness import LOOPBACK, Terminal, to
from support.worker.object_store import SECRET, Bucket
from support.worker.schema_check import violations
from support.worker.stalling_proxy import StallingProxy
from support.worker.worker_harness import descendants, is_alive, probe
from videoimport.api.videoimport import VideoImport

Footage = Callable[[str], Path]
CRD = Path(__file__).resolve().parents[2] / "crds/videoimports.yaml"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def schema() -> Any:
    return yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def fits_the_api(resource: Any) -> bool:
    """Whether the API server and the models would take it as it is."""
    VideoImport.model_validate(resource)
    return [*violations(schema(), resource)] == []


def test_a_manifest_without_destination_leaves_a_folder_with_the_imports_name_beside_it(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    told = terminal.bring(terminal.manifest(site.add("/talk.mp4", file(footage("compliant.mp4")))))

    assert told.code == 0, told.stderr
    results = terminal.manifests / "clip"
    assert sorted(path.name for path in results.iterdir()) == ["result.json", "video.mp4"]
    assert [stream["codec_name"] for stream in probe(results / "video.mp4")["streams"]] == ["h264", "aac"]
    first, *rows = told.stdout.splitlines()
    assert first.startswith("clip: Completed in ")
    assert first.endswith("(Remux: video and audio comply and are copied)")
    assert [row.split()[:2] for row in rows] == [
        ["video", "manifests/clip/video.mp4"],
        ["result", "manifests/clip/result.json"],
    ]
    assert told.stderr.startswith("vi/clip: ")
    assert terminal.left == []


def test_the_resource_is_printed_as_the_cluster_would_have_it(
    terminal: Terminal, site: FakeSourceSite, bucket: Bucket, footage: Footage
) -> None:
    manifest = terminal.manifest(site.add("/talk.mp4", file(footage("compliant.mp4"))), destination=to(bucket))
    told = terminal.bring(manifest, terminal.keys(), "-o", "json")

    assert told.code == 0, told.stderr
    assert fits_the_api(told.resource)
    status = told.resource["status"]
    assert (status["phase"], status["progressPercent"]) == ("Completed", 100)
    assert status["outputs"]["video"]["uri"] == f"s3://{bucket.name}/in/clip/video.mp4"
    assert bucket.head("in/clip/video.mp4")["ContentLength"] == status["outputs"]["video"]["sizeBytes"]
    assert {c["type"]: c["status"] for c in status["conditions"]}["Finished"] == "True"
    assert "vi/clip: Transcoding" in told.stderr
    assert SECRET not in told.stdout + told.stderr
    assert terminal.left == []


def test_run_again_it_is_the_same_import(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    """It knows its own result, and makes another in its place once the manifest asks for another."""
    url = site.add("/talk.mp4", file(footage("silent.mp4")))
    for _ in range(2):
        assert terminal.bring(terminal.manifest(url)).code == 0
    assert len(site.asked("/talk.mp4")) == 1

    told = terminal.bring(terminal.manifest(url, metadata={"take": 2}), "-o", "yaml")
    assert told.code == 0, told.stderr
    assert yaml.safe_load(told.stdout)["status"]["outputs"]["video"]["url"].startswith("file:///")


def test_what_another_manifest_brought_is_not_stored_twice(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/talk.mp4", file(footage("silent.mp4")))
    assert terminal.bring(terminal.manifest(url)).code == 0
    other = terminal.manifest(url)
    other.write_text(other.read_text().replace("name: clip", "name: again"))
    told = terminal.bring(other)
    assert told.code == 0, told.stderr
    assert (
        told.stdout == "again: nothing was stored, because the destination already has it: manifests/clip/video.mp4\n"
    )
    assert not (terminal.manifests / "again").exists()


def test_into_tries_a_clusters_manifest_without_its_bucket(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    elsewhere = {"s3": {"bucket": "videos", "prefix": "in"}, "folder": "a/b", "credentialsSecretRef": {"name": "keys"}}
    manifest = terminal.manifest(site.add("/talk.mp4", file(footage("silent.mp4"))), destination=elsewhere)
    told = terminal.bring(manifest, "--into", "results")
    assert told.code == 0, told.stderr
    assert (terminal.folder / "results/in/a/b/clip/video.mp4").stat().st_size > 0


def test_a_source_in_a_volume_is_read_in_the_claims_folder(terminal: Terminal, footage: Footage) -> None:
    tapes = terminal.folder / "shelf"
    tapes.mkdir()
    (tapes / "old.mp4").write_bytes(footage("silent.mp4").read_bytes())
    manifest = terminal.manifest({"persistentVolumeClaim": {"claimName": "tapes", "path": "old.mp4"}})
    told = terminal.run("run", "-f", manifest, f"--claim=tapes={tapes}", "-o", "json")
    assert told.code == 0, told.stderr
    assert fits_the_api(told.resource)
    assert told.resource["status"]["source"]["url"] == "pvc://tapes/old.mp4"
    assert (terminal.manifests / "clip/video.mp4").exists()


def test_file_of_an_upload_is_read_beside_the_manifest(terminal: Terminal, footage: Footage) -> None:
    content = footage("silent.mp4").read_bytes()
    (terminal.manifests / "old.mp4").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = terminal.manifest({"upload": {"filename": "old.mp4", "size": len(content), "sha256": sha256}})
    told = terminal.run("run", "-f", manifest, "-o", "json")
    assert told.code == 0, told.stderr
    assert told.resource["status"]["source"]["sha256"] == sha256
    assert (terminal.manifests / "clip/video.mp4").exists()


def test_source_and_destination_may_share_a_secret(terminal: Terminal, bucket: Bucket, footage: Footage) -> None:
    """The fetching process is shut out of the destination's keys, wherever they lie, and must have the source's."""
    bucket.put("tapes/old.mp4", footage("silent.mp4").read_bytes())
    s3 = {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "tapes/old.mp4"}
    source = {"s3": s3, "credentialsSecretRef": {"name": "store-keys"}}
    told = terminal.bring(terminal.manifest(source, destination=to(bucket)), terminal.keys())
    assert told.code == 0, told.stderr
    assert bucket.head("in/clip/video.mp4")["ContentLength"] > 0


def test_certificates_of_a_config_map_are_trusted(terminal: Terminal, footage: Footage) -> None:
    pair = terminal.folder / "pair.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", terminal.folder / "key",
         "-out", terminal.folder / "ca.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    pair.write_bytes((terminal.folder / "key").read_bytes() + (terminal.folder / "ca.crt").read_bytes())
    with FakeSourceSite(certificate=pair) as site:
        url = site.add("/talk.mp4", file(footage("silent.mp4")))
        stranger = terminal.bring(terminal.manifest(url))
        trusting = terminal.manifest(url, worker={"caBundleConfigMapRef": {"name": "company"}})
        known = terminal.bring(trusting, f"--config-map=company={terminal.folder}")
    assert (stranger.code, "CertificateInvalid" in stranger.stderr) == (70, True)
    assert known.code == 0, known.stderr


def test_the_workers_log_is_shown_instead_of_the_progress(terminal: Terminal, site: FakeSourceSite) -> None:
    told = terminal.bring(terminal.manifest(site.url("/gone.mp4")), "--verbose")
    assert told.code == 65
    log, outcome = told.stderr.split("clip: ", 1)
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "ended"
    assert outcome.startswith("Failed: SourceNotFound")


def test_a_manifest_comes_by_standard_input_too(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    text = terminal.manifest(site.add("/talk.mp4", file(footage("silent.mp4")))).read_text()
    told = terminal.run("run", "-f", "-", *LOOPBACK, stdin=text)
    assert told.code == 0, told.stderr
    assert (terminal.folder / "clip/video.mp4").exists()


def test_a_source_that_is_not_there_is_told_by_reason_and_exit_code(terminal: Terminal, site: FakeSourceSite) -> None:
    told = terminal.bring(terminal.manifest(site.url("/gone.mp4")), "-o", "json")
    assert told.code == 65
    assert fits_the_api(told.resource)
    assert (told.resource["status"]["phase"], told.resource["status"]["reason"]) == ("Failed", "SourceNotFound")
    assert "clip: Failed: SourceNotFound (exit code 65)" in told.stderr
    assert "Correct the address of the source." in told.stderr
    assert not (terminal.manifests / "clip").exists()
    assert terminal.left == []


def test_a_private_address_is_refused_with_the_option_that_allows_it(terminal: Terminal, site: FakeSourceSite) -> None:
    told = terminal.run("run", "-f", terminal.manifest(site.url("/talk.mp4")))
    assert told.code == 69
    assert "--allow-network" in told.stderr
    assert site.requests == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --secret store-keys=DIR"),
        (("--secret", "store-keys=/nonexistent"), "there is no folder /nonexistent"),
        (("--output", "results"), "--output results: write json, yaml or html; --into names a folder for the results"),
        (("--allow-network", "here"), "--allow-network here is not a network"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_started(
    terminal: Terminal, site: FakeSourceSite, bucket: Bucket, words: tuple[str, ...], said: str
) -> None:
    told = terminal.bring(terminal.manifest(site.url("/talk.mp4"), destination=to(bucket)), *words)
    assert (told.code, told.stdout) == (2, "")
    assert said in told.stderr
    assert site.requests == []
    assert bucket.shown == []


def test_a_manifest_that_the_api_server_would_refuse_is_refused(terminal: Terminal) -> None:
    told = terminal.run("run", "-f", terminal.manifest("https://media.example.com/a.mp4", outptu={}))
    assert told.code == 2
    assert "spec.outptu: there is no such field; did you mean output?" in told.stderr


def test_missing_programs_are_named_with_the_way_out(terminal: Terminal) -> None:
    terminal.path = "/nonexistent"
    told = terminal.run("run", "-f", terminal.manifest("https://media.example.com/a.mp4"))
    assert told.code == 2
    assert "ffmpeg and ffprobe cannot be found on PATH; install the package ffmpeg" in told.stderr


def held_upload(
    terminal: Terminal, site: FakeSourceSite, gate: StallingProxy, bucket: Bucket, footage: Footage
) -> subprocess.Popen[str]:
    """An import whose upload is under way and comes no further."""
    url = site.add("/talk.mp4", file(footage("compliant.mp4")))
    manifest = terminal.manifest(url, destination=to(bucket, gate.endpoint))
    process = terminal.start("run", "-f", manifest, *LOOPBACK, terminal.keys())
    until(gate.held.is_set)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(
    terminal: Terminal, site: FakeSourceSite, bucket: Bucket, footage: Footage, number: signal.Signals, code: int
) -> None:
    with StallingProxy(bucket.store.endpoint, b"PUT /" + bucket.name.encode() + b"/in/clip/video.mp4?") as gate:
        process = held_upload(terminal, site, gate, bucket, footage)
        below = descendants(process.pid)
        assert below
        process.send_signal(number)
        out, err = process.communicate(timeout=LONGEST_SECONDS)
    assert (process.returncode, out) == (code, "")
    assert f"Stopped by {number.name}" in err
    until(lambda: [pid for pid in below if is_alive(pid)] == [])
    assert bucket.unfinished == []
    assert terminal.left == []


def test_a_second_interruption_ends_the_run_at_once(
    terminal: Terminal, site: FakeSourceSite, bucket: Bucket, footage: Footage
) -> None:
    with StallingProxy(bucket.store.endpoint, b"PUT /" + bucket.name.encode() + b"/in/clip/video.mp4?") as gate:
        process = held_upload(terminal, site, gate, bucket, footage)
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST_SECONDS)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Stopped by SIGINT. ")
    until(lambda: [pid for pid in below if is_alive(pid)] == [])
    assert terminal.left == []


def test_the_worker_ends_with_a_command_that_is_killed(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/talk.mp4", slowly(footage("compliant.mp4"), site, 600))
    process = terminal.start("run", "-f", terminal.manifest(url), *LOOPBACK)
    until(lambda: site.asked("/talk.mp4"))
    below = descendants(process.pid)
    process.kill()
    process.communicate()
    until(lambda: not any(is_alive(pid) for pid in below))


def test_a_terminal_gets_a_bar(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    """Its size is that of a new pseudo-terminal, unknown: rich then takes 80 columns."""
    mine, theirs = pty.openpty()
    manifest = terminal.manifest(site.add("/talk.mp4", slowly(footage("silent.mp4"), site, 3)))
    process = terminal.start("run", "-f", manifest, *LOOPBACK, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(mine):
        shown += chunk
    os.close(mine)
    assert process.communicate()[0].startswith("clip: Completed")
    assert process.returncode == 0
    assert "━".encode() in shown
    assert b"Download" in shown


def _read(descriptor: int) -> bytes:
    """The terminal's other end is closed with an error, not with an end."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_the_version_is_told(terminal: Terminal) -> None:
    assert terminal.run("--version").stdout.startswith("kubectl-videoimport ")
