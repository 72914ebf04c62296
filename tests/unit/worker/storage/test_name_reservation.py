"""Which folder an import with KeepBoth reserves, on a real folder as its destination."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.name_reservation import (
    RESERVED,
    SETTLE_SECONDS,
    FolderNames,
    Reservation,
    is_available,
)
from videoimport.worker.storage.record_checks import Scope
from videoimport.worker.storage.video_index import CLOCKS_DIFFER
from videoimport.worker.storage.volume.store import VolumeStore

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
FOLDERS = ("in/clip", "in/clip-2", "in/clip-3")
DESTINATION = Destination.model_validate({"persistentVolumeClaim": {"claimName": "media", "path": "in"}})


@pytest.fixture
def store(tmp_path: Path) -> VolumeStore:
    return VolumeStore(tmp_path, "media", "in")


@pytest.fixture
def names(store: VolumeStore) -> Callable[..., FolderNames]:
    def make(uid: str = "me", now: datetime = NOW, wait: Callable[[float], object] = lambda _: None) -> FolderNames:
        return FolderNames(Scope(store, DESTINATION), uid, lambda: now, wait)

    return make


def ours(_: str) -> bool:
    return True


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.json"))


def reserved(uid: str = "other", *, left: timedelta = RESERVED) -> Reservation:
    return Reservation(uid=uid, folder="in/clip", expires=NOW + left)


@pytest.mark.parametrize(
    ("reservation", "expected"),
    [
        (None, True),
        (reserved("me"), True),
        (reserved(), False),
        (reserved(left=timedelta(seconds=1)), False),
        (reserved(left=timedelta(0)), True),
        (reserved(left=RESERVED + CLOCKS_DIFFER), False),
        (reserved(left=RESERVED + CLOCKS_DIFFER + timedelta(seconds=1)), True),
    ],
)
def test_a_reservation_holds_until_it_ends(reservation: Reservation | None, expected: bool) -> None:
    """One that would hold for longer than any import reserves was not written by an importer."""
    assert is_available(reservation, "me", NOW) is expected


def test_the_first_free_folder_is_reserved(store: VolumeStore, names: Callable[..., FolderNames]) -> None:
    store.write("in/clip/notes.json", b"{}", {}, shown=True)
    assert names().reserve(FOLDERS, None, ours) == "in/clip-2"
    assert names("other").reserve(FOLDERS, None, ours) == "in/clip-3"


def test_all_in_use_is_told_with_the_bound(store: VolumeStore, names: Callable[..., FolderNames]) -> None:
    for uid in "abc":
        names(uid).reserve(FOLDERS, None, ours)
    with pytest.raises(ImportFailure, match="pvc://media/in/clip and the names with the suffixes -2 to -3") as caught:
        names().reserve(FOLDERS, None, ours)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert "destination.name" in caught.value.advice


def test_an_import_reserves_its_folder_again(store: VolumeStore, names: Callable[..., FolderNames]) -> None:
    names("other").reserve(FOLDERS, None, ours)
    assert names().reserve(FOLDERS, None, ours) == "in/clip-2"
    names("other").release()
    assert names().reserve(FOLDERS, None, ours) == "in/clip-2"


def test_an_earlier_result_is_replaced_in_its_folder(store: VolumeStore, names: Callable[..., FolderNames]) -> None:
    store.write("in/clip-3/video.mp4", b"mine", {}, shown=True)
    assert names().reserve(FOLDERS, "in/clip-3", ours) == "in/clip-3"


@pytest.mark.parametrize("earlier", ["in/other", "in/clip-3"])
def test_an_earlier_folder_that_is_no_longer_its_own_is_left(
    names: Callable[..., FolderNames], earlier: str, tmp_path: Path
) -> None:
    """Another name is wished for, or another writer's files are there."""
    assert names().reserve((earlier,), None, ours) == earlier
    assert names().reserve(FOLDERS, earlier, lambda _: False) == "in/clip"
    assert len(files(tmp_path)) == 2, "the earlier folder is reserved no more"


def test_a_folder_that_was_filled_meanwhile_is_left(
    store: VolumeStore, names: Callable[..., FolderNames], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another import published there and removed its reservation, after this one had looked."""
    write_if = store.write_if

    def late(key: str, *args: object, **more: object) -> str:
        store.write("in/clip/video.mp4", b"theirs", {}, shown=True)
        return write_if(key, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "write_if", late)
    assert names().reserve(FOLDERS, None, ours) == "in/clip-2"
    monkeypatch.undo()
    assert names("other").reserve(FOLDERS, None, ours) == "in/clip-3"


def test_a_reservation_that_ended_is_taken_over(names: Callable[..., FolderNames]) -> None:
    assert names("other", NOW - RESERVED).reserve(FOLDERS, None, ours) == "in/clip"
    assert names().reserve(FOLDERS, None, ours) == "in/clip"
    with pytest.raises(ImportFailure, match="Another import reserved pvc://media/in/clip") as caught:
        names("other").confirm("in/clip")
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE, "it is retried under the next name"


def test_a_reservation_that_cannot_be_read_counts_as_none(names: Callable[..., FolderNames], tmp_path: Path) -> None:
    names("other").reserve(FOLDERS, None, ours)
    for path in tmp_path.rglob("names/folders/*.json"):
        path.write_text("{")
    assert names().reserve(FOLDERS, None, ours) == "in/clip"


def test_a_release_leaves_nothing_and_touches_no_other_reservation(
    names: Callable[..., FolderNames], tmp_path: Path
) -> None:
    names("other", NOW - RESERVED).reserve(FOLDERS, None, ours)
    names().reserve(FOLDERS, None, ours)
    names("other").release()
    names("nobody").release()
    assert names("third").reserve(FOLDERS, None, ours) == "in/clip-2"
    names("third").release()
    names().release()
    assert files(tmp_path) == []


def test_on_a_volume_without_locks_the_reservation_is_read_again_after_a_while(
    store: VolumeStore, names: Callable[..., FolderNames]
) -> None:
    """Another import that saw no reservation either writes its own in that time: the last one has the folder."""
    store.guards_writes = False
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            mine = store.read(key := next(store.keys("in/.videoimport/names/folders/")))
            assert mine is not None
            store.write(key, mine.body.replace(b'"me"', b'"other"'), {})

    assert names(wait=wait).reserve(FOLDERS, None, ours) == "in/clip-2"
    assert waits == [SETTLE_SECONDS] * 2
