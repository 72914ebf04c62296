"""The sessions of this user: private files."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.local_file import LocalFile
from videoimport.cli.upload.session_token import SessionStore, draw_session

FILE = LocalFile(Path("talk.mp4"), 10, 7, 0, 0)
PLACE = ("https://cluster:6443", "films", "talk")


def test_kept_session_is_found_again_for_its_import_only(tmp_path: Path) -> None:
    store, session = SessionStore(tmp_path / "a/b"), draw_session(FILE)
    store.keep(*PLACE, session)
    assert store.find(*PLACE) == [session]
    assert store.find(PLACE[0], PLACE[1], "other") == []
    store.forget(*PLACE, session)
    assert store.find(*PLACE) == []
    store.forget(*PLACE, session)


def test_session_of_another_command_is_kept_beside(tmp_path: Path) -> None:
    store, winner, loser = SessionStore(tmp_path), draw_session(FILE), draw_session(FILE)
    store.keep(*PLACE, winner)
    store.keep(*PLACE, loser)
    store.keep(*PLACE, replace(winner, uid="1"))
    store.forget(*PLACE, loser)
    assert store.find(*PLACE) == [replace(winner, uid="1")]


def test_sessions_of_an_ended_import_are_forgotten_and_no_others(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    sessions = [replace(draw_session(FILE), uid=uid) for uid in ("1", "1", "2", "")]
    for session in sessions:
        store.keep(*PLACE, session)
    store.forget_import(*PLACE, "1")
    assert {session.uid for session in store.find(*PLACE)} == {"2", ""}


def test_only_the_user_can_read_the_token(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    SessionStore(folder).keep(*PLACE, draw_session(FILE))
    [path] = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "talk" not in path.name


def test_token_is_random_and_not_shown() -> None:
    one, two = draw_session(FILE), draw_session(FILE)
    assert one.token != two.token
    assert len(one.token_sha256) == 64
    assert one.token not in repr(one)


def test_session_belongs_to_an_unchanged_file() -> None:
    session = draw_session(FILE)
    assert session.belongs_to(FILE)
    assert not session.belongs_to(LocalFile(FILE.path, 11, 7, 0, 0))
    assert not session.belongs_to(LocalFile(FILE.path, 10, 8, 0, 0))


def test_broken_file_is_no_session(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.keep(*PLACE, draw_session(FILE))
    [path] = tmp_path.iterdir()
    for text in ("", "[]", '{"token": "x"}', '{"token": 1, "size": 1, "modified_ns": 1}'):
        path.write_text(text)
        assert store.find(*PLACE) == []


def test_old_sessions_are_removed(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.keep(*PLACE, draw_session(FILE))
    [path] = tmp_path.iterdir()
    os.utime(path, (0, 0))
    store.keep(PLACE[0], "films", "other", draw_session(FILE))
    assert store.find(*PLACE) == []
    assert store.find(PLACE[0], "films", "other") != []


def test_folder_follows_the_users_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    SessionStore().keep(*PLACE, draw_session(FILE))
    assert len(list((tmp_path / "kubectl-videoimport/uploads").iterdir())) == 1


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableError, match="XDG_STATE_HOME"):
        SessionStore(tmp_path / "file/uploads").keep(*PLACE, draw_session(FILE))
