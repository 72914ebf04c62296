"""What is asked of the destination before a byte is fetched: wrong keys must never be found out after an encode."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from videoimport.api.task import DESTINATION_VOLUME_PATH, Task
from videoimport.worker import credentials, layout, naming, record, s3
from videoimport.worker.destination import Store
from videoimport.worker.leftovers import Notebook
from videoimport.worker.naming import Names
from videoimport.worker.volume import VolumeStore


@dataclass(frozen=True)
class Place:
    """Where one import's things go. Its video's folder is known once the source's title is, if the template has it."""

    store: Store
    task: Task
    now: Callable[[], datetime]

    @property
    def record_key(self) -> str:
        """The key of the commit record."""
        return naming.record_key(self.task.spec.destination, self.task.uid)

    @cached_property
    def notebook(self) -> Notebook:
        """What this import has under way."""
        folder = naming.own_key(self.task.spec.destination, "uploads")
        return Notebook(self.store, folder, self.task.uid, self.now())

    def folder(self, title: str | None, source_id: str | None) -> str:
        """The key of the video's folder. Raises ImportFailure INVALID_SPEC."""
        wish = self.task.spec.destination
        names = Names(self.task.name, self.task.spec.source.locator, title, source_id)
        return naming.folder_key(wish, naming.folder_name(wish, names))

    def url(self, key: str) -> str | None:
        """Where a key is served, if the destination says so."""
        return layout.url(self.task.spec.destination.public_base_url, key)

    def metadata(self, run: int | None = None) -> dict[str, str]:
        """What every visible object carries."""
        marks = record.marks(self.task.uid, self.task.spec_hash, run or self.task.run)
        return marks | layout.user_metadata(self.task.spec.metadata)


def connect(
    task: Task,
    credentials_folder: Path,
    volume: Path = Path(DESTINATION_VOLUME_PATH),
    ca_bundle: Path | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Place:
    """The destination with the task's keys; only their presence was checked. Raises ImportFailure."""
    wish = task.spec.destination
    if wish.s3 is not None:
        keys = credentials.read_keys(wish, credentials_folder)
        return Place(s3.connect(wish.s3, keys, ca_bundle), task, now)
    assert wish.persistent_volume_claim is not None, "one of the two"  # noqa: S101
    return Place(VolumeStore(volume, wish.persistent_volume_claim.claim_name, wish.prefix), task, now)


def writable(place: Place) -> None:
    """Raises ImportFailure unless we may write where the video will lie or, its title unknown, beside that.

    Leaves nothing.
    """
    key = layout.key(place.folder(title=place.task.uid, source_id=place.task.uid), layout.VIDEO)
    place.notebook.announce([key])
    place.store.probe(key)
    place.notebook.forget()
