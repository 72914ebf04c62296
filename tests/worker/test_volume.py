"""A volume as a destination: nothing leads out of it, nothing half-written is seen, and its errors name it."""

import errno
import os
import threading
from pathlib import Path

import pytest

from support.waiting import until
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.parts import LEAST_PART
from videoimport.worker.storage.volume import errors as volume_errors
from videoimport.worker.storage.volume.store import VolumeStore

KEY = "in/clip/video.mp4"
MARKS = {"videoimport-uid": "me"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "volume"
    root.mkdir()
    return root


@pytest.fixture
def store(root: Path) -> VolumeStore:
    return VolumeStore(root, "media", "in")


def files(root: Path) -> list[str]:
    hidden = "in/.videoimport"
    return sorted(
        key
        for path in root.rglob("*")
        if path.is_file() and not (key := str(path.relative_to(root))).startswith(hidden)
    )


def test_a_file_appears_whole_and_says_whose_it_is(store: VolumeStore, root: Path, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"video")
    upload = store.begin(KEY, "video/mp4", MARKS)
    upload.send(Growing(tmp_path / "made", finished=True), lambda _: None)
    assert files(root) == [upload.id]
    upload.complete(replace=False)
    assert files(root) == [KEY]
    facts = store.head(KEY)
    assert facts is not None
    assert (facts.size, dict(facts.metadata)) == (5, MARKS)
    assert store.is_there(upload.ticket, MARKS)
    assert store.uri(KEY) == "pvc://media/in/clip/video.mp4"
    (root / KEY).write_bytes(b"other")
    facts = store.head(KEY)
    assert facts is not None
    assert not facts.metadata, "a file that somebody changed is not ours any more"


def test_a_growing_file_is_copied_while_it_grows(store: VolumeStore, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(os.urandom(2 * LEAST_PART))
    growing, upload, moved = Growing(path), store.begin(KEY, "video/mp4", MARKS), list[int]()
    thread = threading.Thread(target=lambda: upload.send(growing, moved.append))
    thread.start()
    until(lambda: moved == [LEAST_PART])
    with path.open("r+b") as file:
        file.write(b"the head, at last")
        file.seek(LEAST_PART + 3)
        file.write(b"and what nobody announced")
    growing.end()
    thread.join()
    assert moved.count(2 * LEAST_PART) == 4  # sent, both parts hashed, and the one that was rewritten
    upload.complete(replace=False)
    assert (root / KEY).read_bytes() == path.read_bytes()


def test_an_abort_ends_a_copy_and_leaves_nothing(store: VolumeStore, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x")
    upload = store.begin(KEY, "video/mp4", MARKS)
    end: list[BaseException] = []

    def send() -> None:
        try:
            upload.send(Growing(path), lambda _: None)
        except AbandonedError as error:
            end.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    upload.abort()
    thread.join()
    assert len(end) == 1
    assert list(root.iterdir()) == []


def test_nobodys_file_is_overwritten(store: VolumeStore, root: Path, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"video")
    upload = store.begin(KEY, "video/mp4", MARKS)
    upload.send(Growing(tmp_path / "made", finished=True), lambda _: None)
    (root / KEY).write_bytes(b"theirs")
    with pytest.raises(ImportFailure, match=r"pvc://media/in/clip/video\.mp4") as caught:
        upload.complete(replace=False)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert (root / KEY).read_bytes() == b"theirs"
    upload.complete(replace=True)
    assert (root / KEY).read_bytes() == b"video"


def test_of_two_imports_at_one_key_one_has_it_and_is_known_for_it(
    store: VolumeStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes between the first one's word of its file and the file's name."""
    (tmp_path / "made").write_bytes(b"video")
    one, other = (store.begin(KEY, "video/mp4", {"videoimport-uid": uid}) for uid in ("one", "other"))
    for upload in (one, other):
        upload.send(Growing(tmp_path / "made", finished=True), lambda _: None)
    failures: list[Reason] = []

    def show() -> None:
        try:
            other.complete(replace=False)
        except ImportFailure as failure:
            failures.append(failure.reason)

    thread = threading.Thread(target=show)
    real = store.tree.rename

    def rename(key: str, target: str, *, replace: bool) -> None:
        if key == one.id:
            thread.start()
            thread.join(0.5)
        real(key, target, replace=replace)

    monkeypatch.setattr(store.tree, "rename", rename)
    one.complete(replace=False)
    thread.join()
    assert failures == [Reason.DESTINATION_EXISTS]
    assert store.is_there(one.ticket, {"videoimport-uid": "one"})


def test_a_write_bound_to_a_version_is_refused_after_another(store: VolumeStore) -> None:
    version = store.write_if("in/.videoimport/x", b"1", None)
    with pytest.raises(UnmetError):
        store.write_if("in/.videoimport/x", b"2", None)
    second = store.write_if("in/.videoimport/x", b"2", version)
    with pytest.raises(UnmetError):
        store.write_if("in/.videoimport/x", b"3", version)
    assert second != version


def test_of_many_at_once_one_has_it(store: VolumeStore) -> None:
    won: list[int] = []

    def try_it(number: int) -> None:
        try:
            store.write_if("in/.videoimport/x", str(number).encode(), None)
            won.append(number)
        except UnmetError:
            pass

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_write_probe_leaves_a_users_empty_folders_as_they_are(store: VolumeStore, root: Path) -> None:
    """Somebody made them for us, and gave them a group or rights that a new one would not have."""
    (root / "in").mkdir()
    (root / "in").chmod(0o2750)
    before = (root / "in").stat().st_ino
    store.probe(KEY)
    assert [str(path.relative_to(root)) for path in root.rglob("*")] == ["in"]
    assert (root / "in").stat().st_ino == before


class TestNoWayOut:
    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret").write_bytes(b"secret")
        return outside

    def test_by_a_linked_folder(self, store: VolumeStore, root: Path, outside: Path) -> None:
        (root / "in").symlink_to(outside)
        for attempt in (
            lambda: store.begin(KEY, "video/mp4", MARKS),
            lambda: store.probe(KEY),
            lambda: store.write("in/x", b"", {}),
            lambda: store.read("in/secret"),
            lambda: store.delete("in/secret"),
        ):
            with pytest.raises(ImportFailure, match="links are not followed") as caught:
                attempt()
            assert caught.value.reason is Reason.DESTINATION_DENIED
        assert [path.name for path in outside.iterdir()] == ["secret"]

    def test_by_a_linked_file(self, store: VolumeStore, root: Path, outside: Path) -> None:
        (root / "in").mkdir()
        (root / "in/x").symlink_to(outside / "secret")
        with pytest.raises(ImportFailure):
            store.read("in/x")
        store.write("in/x", b"new", {})
        assert (outside / "secret").read_bytes() == b"secret"
        assert not (root / "in/x").is_symlink()

    @pytest.mark.parametrize("key", ["../outside/secret", "in/../../outside/secret", "/etc/passwd"])
    def test_by_dots(self, store: VolumeStore, root: Path, outside: Path, key: str) -> None:
        (root / "in").mkdir()
        with pytest.raises(ImportFailure):
            store.read(key)


class TestWhatIsWrongIsNamed:
    def test_a_volume_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ImportFailure, match="claim 'media' is not mounted") as caught:
            VolumeStore(tmp_path / "none", "media", None).probe(KEY)
        assert caught.value.reason is Reason.DESTINATION_NOT_FOUND

    def test_a_file_where_a_folder_is_needed(self, store: VolumeStore, root: Path) -> None:
        (root / "in").write_bytes(b"")
        with pytest.raises(ImportFailure, match="is where a folder is needed") as caught:
            store.probe(KEY)
        assert caught.value.reason is Reason.DESTINATION_DENIED

    def test_a_device_that_is_full(self, store: VolumeStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """/dev/full answers every write with ENOSPC, as a full volume does."""
        (tmp_path / "made").write_bytes(b"video")
        monkeypatch.setattr(store.tree, "create", lambda _: os.open("/dev/full", os.O_WRONLY))
        upload = store.begin(KEY, "video/mp4", MARKS)
        with pytest.raises(ImportFailure, match="The volume of claim 'media' is full") as caught:
            upload.send(Growing(tmp_path / "made", finished=True), lambda _: None)
        assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE

    def test_a_name_that_is_too_long(self, store: VolumeStore) -> None:
        with pytest.raises(ImportFailure) as caught:
            store.probe(f"in/{'n' * 300}/video.mp4")
        assert caught.value.reason is Reason.INVALID_SPEC
        assert "destination.name" in caught.value.advice

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            (errno.ENOSPC, Reason.DESTINATION_UNAVAILABLE),
            (errno.EDQUOT, Reason.DESTINATION_UNAVAILABLE),
            (errno.EACCES, Reason.DESTINATION_DENIED),
            (errno.EROFS, Reason.DESTINATION_DENIED),
            (errno.ESTALE, Reason.DESTINATION_UNAVAILABLE),
            (errno.EIO, Reason.DESTINATION_UNAVAILABLE),
        ],
    )
    def test_every_error_has_its_reason(self, number: int, reason: Reason) -> None:
        failure = volume_errors.failure_of(number, "media", "write x")
        assert failure.reason is reason
        assert "'media'" in failure.message


def test_a_small_file_is_deleted_only_while_it_is_unchanged(store: VolumeStore) -> None:
    key = "in/.videoimport/imports/one.json"
    first = store.write_if(key, b"1", None)
    second = store.write_if(key, b"2", first)
    with pytest.raises(UnmetError):
        store.delete_if(key, first)
    assert store.read(key) is not None
    store.delete_if(key, second)
    assert store.read(key) is None
    store.delete_if(key, second)  # a second delete finds nothing, and is no error
