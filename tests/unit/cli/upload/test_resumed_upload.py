"""An import takes only the file that it waits for."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from support.upload_cluster import write_kubeconfig
from videoimport.cli.errors import UnusableError
from videoimport.cli.kube_client import Kube
from videoimport.cli.upload.local_file import LocalFile, read_file
from videoimport.cli.upload.resumed_upload import check_file

BODY = b"video"
HASH = hashlib.sha256(BODY).hexdigest()


PLACE = "--kubeconfig config --context one --namespace films"


@pytest.fixture
def kube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kube:
    monkeypatch.chdir(tmp_path)
    write_kubeconfig(Path("config"), 1)
    return Kube(Path("config"), "one")


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    (tmp_path / "talk.mp4").write_bytes(BODY)
    return read_file(tmp_path / "talk.mp4")


def resource(phase: str = "Pending", **upload: Any) -> dict[str, Any]:
    checksum = {"checksum": found} if (found := upload.pop("checksum", None)) else {}
    file = {"filename": "talk.mp4", "size": len(BODY)} | upload
    source = {"upload": file} | checksum if upload.get("size") != 0 else {}
    metadata = {"name": "talk", "generation": 1}
    return {"kind": "VideoImport", "metadata": metadata, "spec": {"source": source}, "status": {"phase": phase}}


@pytest.mark.parametrize("upload", [{}, {"sha256": HASH}, {"checksum": HASH}, {"checksum": f"sha256:{HASH}"}])
def test_right_file_is_taken(kube: Kube, file: LocalFile, upload: dict[str, Any]) -> None:
    check_file(kube, resource(**upload), file)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (resource(filename="other.mp4"), "spec.source.upload.filename other.mp4"),
        (resource(size=6), "spec.source.upload.size 6"),
        (resource(sha256="0" * 64), "spec.source.upload.sha256 000"),
        (resource(checksum=f"sha256:{'0' * 64}"), "spec.source.checksum 000"),
        (resource(size=0), "has no spec.source.upload"),
        (resource("Completed"), "nothing is left to send"),
        (resource("Failed"), f"`kubectl videoimport retry {PLACE} talk`"),
    ],
)
def test_other_file_or_import_is_refused(kube: Kube, file: LocalFile, found: dict[str, Any], told: str) -> None:
    with pytest.raises(UnusableError) as refused:
        check_file(kube, found, file)
    assert told in str(refused.value)
