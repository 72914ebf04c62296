"""The folder of a killed run is removed by the next, and that of a run that is alive is not."""

import fcntl
from pathlib import Path

import pytest

from videoimport.cli.embedded.private_folder import open_private_folder, remove_abandoned_folders


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_is_private_and_gone_at_the_end(temporary: Path) -> None:
    with open_private_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o077 == 0
    assert [*temporary.iterdir()] == []


def test_an_abandoned_folder_is_removed_and_one_in_use_stays(temporary: Path) -> None:
    abandoned = temporary / "videoimport-run-abc"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "secret").write_text("key")
    with open_private_folder() as first, open_private_folder() as second:
        assert sorted(temporary.iterdir()) == sorted([first, second])


def test_other_folders_stay(temporary: Path) -> None:
    (temporary / "videoimport-run-notes").mkdir()
    (temporary / "other").mkdir()
    (temporary / "other/lock").touch()
    (temporary / "videoimport-run-link").symlink_to(temporary / "other")

    remove_abandoned_folders(temporary)

    assert len([*temporary.iterdir()]) == 3
    assert (temporary / "other/lock").exists()


def test_a_lock_that_is_held_protects_its_folder(temporary: Path) -> None:
    folder = temporary / "videoimport-run-held"
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_abandoned_folders(temporary)
        assert folder.exists()
    remove_abandoned_folders(temporary)
    assert not folder.exists()
