"""From buckets and volumes, and into volumes: the same import, another place."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.backends import CONTEXT
from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply, finished
from support.e2e.local_volumes import claimed
from support.e2e.manifests import SITE, STORE, destination, video

CLIP = CONTEXT / "site/compliant.mp4"


@pytest.fixture(scope="module")
def shelf(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of this machine that the cluster knows as the claim `shelf`; others must be able to enter it."""
    folder = tmp_path_factory.mktemp("shelf")
    for parent in folder.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    claimed(kubectl, "shelf", folder)
    yield folder
    subprocess.run(kubectl.argv("delete", "pv", "e2e-shelf", "--wait=false"), check=True, capture_output=True)


@pytest.mark.parametrize("address", ["hls/index.m3u8", "dash/index.mpd"])
def test_what_comes_in_segments_is_imported_whole(kubectl: Kubectl, address: str) -> None:
    name = address.partition("/")[0]
    apply(kubectl, video(name, f"{SITE}/{address}"))
    status = finished(kubectl, f"vi/{name}")["status"]
    assert status["phase"] == "Completed", status
    assert abs(status["outputs"]["video"]["durationMs"] - 20_000) < 200
    assert (status["metadata"]["format"], status["metadata"]["audioCodec"]) == ("mp4", "aac")


def test_an_object_of_a_bucket_is_imported(kubectl: Kubectl, bucket: Any) -> None:
    bucket.upload_file(str(CLIP), "videos", "incoming/Sommer & Wellen.mp4")
    source = {
        "s3": STORE | {"bucket": "videos", "key": "incoming/Sommer & Wellen.mp4"},
        "credentialsSecretRef": {"name": "bucket-keys"},
    }
    apply(kubectl, video("from-bucket", "", source=source))
    status = finished(kubectl, "vi/from-bucket")["status"]
    assert status["phase"] == "Completed", status
    assert status["source"]["type"] == "S3"
    assert status["source"]["url"] == "s3://videos/incoming/Sommer & Wellen.mp4"
    assert status["source"]["filename"] == "Sommer & Wellen.mp4"


def test_a_file_of_a_volume_is_imported_and_stays_as_it_was(kubectl: Kubectl, shelf: Path) -> None:
    (shelf / "in").mkdir(exist_ok=True)
    shutil.copyfile(CLIP, shelf / "in/clip.mp4")
    before = (shelf / "in/clip.mp4").read_bytes()
    wish = {"persistentVolumeClaim": {"claimName": "shelf", "path": "in/clip.mp4"}}
    apply(kubectl, video("from-volume", "", source=wish))
    status = finished(kubectl, "vi/from-volume")["status"]
    assert (status["phase"], status["source"]["url"]) == ("Completed", "pvc://shelf/in/clip.mp4"), status
    assert (shelf / "in/clip.mp4").read_bytes() == before


def test_a_link_out_of_the_volume_leads_nowhere(kubectl: Kubectl, shelf: Path) -> None:
    (shelf / "way-out.mp4").symlink_to("/etc/passwd")
    wish = {"persistentVolumeClaim": {"claimName": "shelf", "path": "way-out.mp4"}}
    apply(kubectl, video("way-out", "", source=wish))
    status = finished(kubectl, "vi/way-out")["status"]
    assert status["phase"] == "Failed"
    assert status["reason"] in ("UnsupportedSource", "SourceNotFound"), status["message"]


def test_a_volume_takes_what_was_imported(kubectl: Kubectl, shelf: Path) -> None:
    place = {"persistentVolumeClaim": {"claimName": "shelf", "path": "out"}, "folder": "talks"}
    wish = {"thumbnails": {"count": 2}, "audioFile": {"format": "m4a"}}
    apply(kubectl, video("to-volume", f"{SITE}/compliant.mp4", destination=place, output=wish))
    status = finished(kubectl, "vi/to-volume")["status"]
    assert status["phase"] == "Completed", status
    assert status["outputs"]["video"]["uri"] == "pvc://shelf/out/talks/to-volume/video.mp4"
    there = {
        str(path.relative_to(shelf / "out/talks/to-volume")) for path in (shelf / "out/talks/to-volume").rglob("*")
    }
    assert {"video.mp4", "audio.m4a", "thumbnails/001.jpg", "thumbnails/002.jpg", "result.json"} <= there
    video_file = shelf / "out/talks/to-volume/video.mp4"
    played = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", video_file, "-f", "null", "-"])
    assert played.returncode == 0
    assert video_file.stat().st_size == status["outputs"]["video"]["sizeBytes"]


def test_what_is_not_the_expected_file_is_refused(kubectl: Kubectl) -> None:
    source = {"url": f"{SITE}/compliant.mp4", "checksum": "sha256:" + "0" * 64}
    apply(kubectl, video("wrong-sum", "", source=source))
    status = finished(kubectl, "vi/wrong-sum")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "ChecksumMismatch")
    assert "0" * 64 in status["message"]


def test_tags_and_headers_of_the_objects_are_as_asked(kubectl: Kubectl, bucket: Any) -> None:
    place = destination("tagged", s3=STORE | {
        "bucket": "videos", "prefix": "e2e", "tags": {"team": "media"}, "cacheControl": "public, max-age=60",
    }, publicBaseURL="https://cdn.example.com")  # fmt: skip
    apply(kubectl, video("tagged", f"{SITE}/compliant.mp4", destination=place, metadata={"campaign": "Früh", "n": 1}))
    outputs = finished(kubectl, "vi/tagged")["status"]["outputs"]
    key = outputs["video"]["uri"].removeprefix("s3://videos/")
    assert outputs["video"]["url"] == f"https://cdn.example.com/{key}"
    facts = bucket.head_object(Bucket="videos", Key=key)
    assert (facts["CacheControl"], facts["ContentType"]) == ("public, max-age=60", "video/mp4")
    tags = bucket.get_object_tagging(Bucket="videos", Key=key)["TagSet"]
    assert tags == [{"Key": "team", "Value": "media"}]
