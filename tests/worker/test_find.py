"""`kubectl videoimport find`: what imports stored is found again, by the file and by the address."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.cli_harness import LOOPBACK, Terminal, to
from support.worker.object_store import SECRET, Bucket

Footage = Callable[[str], Path]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_a_video_in_a_bucket_is_found_by_its_file_and_by_its_address(
    terminal: Terminal, site: FakeSourceSite, bucket: Bucket, footage: Footage
) -> None:
    clip = footage("compliant.mp4")
    url = site.add("/talk.mp4", file(clip))
    keys = terminal.keys()
    assert terminal.bring(terminal.manifest(url, destination=to(bucket)), keys).code == 0

    place = (f"--into=s3://{bucket.name}/in", f"--endpoint={bucket.store.endpoint}", f"--keys={terminal.folder}/keys")
    by_file = terminal.run("find", clip, *place, "-o", "json")
    assert by_file.code == 0, by_file.stderr
    assert by_file.resource["uri"] == f"s3://{bucket.name}/in/clip/video.mp4"
    assert by_file.resource["by"] == "content"

    by_address = terminal.run("find", url, *LOOPBACK, *place, "-o", "json")
    assert by_address.code == 0, by_address.stderr
    assert (by_address.resource["uri"], by_address.resource["by"]) == (by_file.resource["uri"], "source")
    assert SECRET not in by_file.stdout + by_file.stderr + by_address.stdout + by_address.stderr
    assert terminal.left == []


def test_a_video_in_a_folder_is_found_until_it_is_removed(
    terminal: Terminal, site: FakeSourceSite, footage: Footage
) -> None:
    clip = footage("silent.mp4")
    assert terminal.bring(terminal.manifest(site.add("/talk.mp4", file(clip)))).code == 0
    told = terminal.run("find", clip, "--into", terminal.manifests)
    assert told.code == 0, told.stderr
    assert "pvc://here/clip/video.mp4" in told.stdout

    (terminal.manifests / "clip/video.mp4").unlink()
    told = terminal.run("find", clip, "--into", terminal.manifests)
    assert (told.code, told.stderr) == (1, "")
    assert "does not have this video" in told.stdout


def test_another_file_is_not_found(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    assert terminal.bring(terminal.manifest(site.add("/talk.mp4", file(footage("silent.mp4"))))).code == 0
    told = terminal.run("find", footage("compliant.mp4"), "--into", terminal.manifests, "-o", "json")
    assert (told.code, told.resource["found"]) == (1, False)


def test_what_stops_a_search_is_named(terminal: Terminal, site: FakeSourceSite, footage: Footage) -> None:
    clip = footage("silent.mp4")
    for words, expected in (
        ((clip,), "--into s3://bucket/prefix or --like vi/NAME"),
        ((clip, "--into", terminal.folder / "missing"), "There is no folder"),
        (("missing.mp4", "--into", terminal.folder), "missing.mp4 cannot be read"),
        (("ftp://example.com/a.mp4", "--into", terminal.folder), "begins with http:// or https://"),
        ((clip, "--into", "s3://videos", "--keys", terminal.manifests), "there is no file AWS_ACCESS_KEY_ID"),
        ((site.add("/gone.mp4", file(clip)) + "x", *LOOPBACK, "--into", terminal.folder), "SourceNotFound"),
    ):
        told = terminal.run("find", *words)
        assert (told.code, told.stdout) == (2, "")
        assert expected in told.stderr
