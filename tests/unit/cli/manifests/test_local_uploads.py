"""The file of source.upload on this machine, for a run without a cluster."""

from pathlib import Path
from typing import Any

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.local_uploads import find_local_files

BODY = b"0123456789"
KEY = ("VideoImport", "default", "talk")


def video(source: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "VideoImport",
        "metadata": {"name": "talk", "namespace": "default"},
        "spec": {"source": source, "destination": {"s3": {"bucket": "media"}}},
    }


def upload(**changes: Any) -> dict[str, Any]:
    return video({"upload": {"filename": "talk.mp4", "size": len(BODY), **changes}})


def test_file_beside_the_manifest_is_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(BODY)
    found = find_local_files([upload(sha256="a" * 64)], {}, {KEY: tmp_path})
    [source] = [raw["spec"]["source"] for raw in found.resources]
    volume = source["persistentVolumeClaim"]
    assert (volume["path"], found.claims[volume["claimName"]]) == ("talk.mp4", tmp_path)
    assert source["checksum"] == "sha256:" + "a" * 64
    assert "upload" not in source


def test_file_of_the_command_line_goes_first(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"another")
    (tmp_path / "mine.mov").write_bytes(BODY)
    found = find_local_files([upload()], {"talk": tmp_path / "mine.mov"}, {KEY: tmp_path})
    assert found.resources[0]["spec"]["source"]["persistentVolumeClaim"]["path"] == "mine.mov"


def test_two_different_hashes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(BODY)
    wish = upload(sha256="a" * 64)
    wish["spec"]["source"]["checksum"] = "sha256:" + "b" * 64
    with pytest.raises(UnusableError, match=r"upload\.sha256 and spec\.source\.checksum differ"):
        find_local_files([wish], {}, {KEY: tmp_path})


@pytest.mark.parametrize("how", ["link", "path"])
def test_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, how: str) -> None:
    folder, outside = tmp_path / "manifests", tmp_path / "secret.mp4"
    folder.mkdir()
    outside.write_bytes(BODY)
    (folder / "talk.mp4").symlink_to(outside)
    wish = upload() if how == "link" else upload(filename="../secret.mp4")
    with pytest.raises(UnusableError, match=r"not in the folder of the manifest.*give --upload talk=FILE"):
        find_local_files([wish], {}, {KEY: folder})


def test_link_on_the_command_line_is_followed(tmp_path: Path) -> None:
    """The worker refuses links out of the volume, so the volume is the folder of the real file."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/film.mp4").write_bytes(BODY)
    (tmp_path / "talk.mp4").symlink_to(tmp_path / "real/film.mp4")
    found = find_local_files([upload()], {"talk": tmp_path / "talk.mp4"}, {KEY: tmp_path})
    volume = found.resources[0]["spec"]["source"]["persistentVolumeClaim"]
    assert (volume["path"], found.claims[volume["claimName"]]) == ("film.mp4", tmp_path / "real")


def test_other_sources_stay_as_they_are(tmp_path: Path) -> None:
    web = video({"url": "https://media.example.com/talk.mp4"})
    found = find_local_files([web], {}, {KEY: tmp_path})
    assert (found.resources, found.claims) == ((web,), {})


def test_missing_file_is_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match=r"talk\.mp4, which does not exist; give --upload talk=FILE"):
        find_local_files([upload()], {}, {KEY: tmp_path})


def test_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(BODY + b"x")
    with pytest.raises(UnusableError, match=r"size is 10, and .* has 11 bytes"):
        find_local_files([upload()], {}, {KEY: tmp_path})


def test_name_without_such_an_import_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="--upload film: no VideoImport of this name"):
        find_local_files([video({"url": "https://e.com/1.mp4"})], {"film": tmp_path / "a"}, {KEY: tmp_path})
