"""The commands in messages."""

import shlex
from pathlib import Path

import pytest

from support.upload_cluster import write_kubeconfig
from videoimport.cli.kube_client import Kube
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.suggested_command import format_resume


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("talks/talk.mp4", "talks/talk.mp4"),
        ("my talk's.mp4", "my talk's.mp4"),
        ("-n.mp4", "./-n.mp4"),
        ("~ana.mp4", "./~ana.mp4"),
        ("$(reboot).mp4", "$(reboot).mp4"),
    ],
)
def test_command_has_the_place_and_one_word_for_the_file(tmp_path: Path, path: str, word: str) -> None:
    config = tmp_path / "my config"
    write_kubeconfig(config, 1)
    command = format_resume(Kube(config, "one", "films"), "talk", LocalFile(Path(path), 1, 1, 1, 1))
    place = ["--kubeconfig", str(config), "--context", "one", "--namespace", "films"]
    assert shlex.split(command) == ["kubectl", "videoimport", "upload", *place, "--resume", "talk", word]


def test_command_leaves_out_what_the_user_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_kubeconfig(tmp_path / "config", 1)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    command = format_resume(Kube(None, None), "talk", LocalFile(Path("talk.mp4"), 1, 1, 1, 1))
    assert command == "kubectl videoimport upload --namespace films --resume talk talk.mp4"
