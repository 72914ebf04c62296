"""What is asked of the destination before a byte is fetched: wrong keys must never be found out after an encode."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.api.task import Task
from videoimport.worker import credentials, destination, naming, upload
from videoimport.worker.destination import Store
from videoimport.worker.naming import Names


@dataclass(frozen=True, slots=True)
class Place:
    """Where one import's things go. Its video's key is known once the source's title is, if the template has it."""

    store: Store
    task: Task

    @property
    def record_key(self) -> str:
        """The key of the commit record."""
        return naming.record_key(self.task.spec.destination, self.task.uid)

    def video_key(self, title: str | None, source_id: str | None) -> str:
        """The key of the video. Raises ImportFailure INVALID_SPEC."""
        wish = self.task.spec.destination
        names = Names(self.task.name, self.task.spec.source.locator, title, source_id)
        return naming.video_key(wish, naming.folder_name(wish, names))

    def uri(self, key: str) -> str:
        """How an object is named to users."""
        return naming.uri(self.store.bucket, key)


def connect(task: Task, credentials_folder: Path) -> Place:
    """The destination with the task's keys; only their presence was checked. Raises ImportFailure."""
    wish = task.spec.destination
    assert wish.s3 is not None  # noqa: S101
    return Place(destination.connect(wish.s3, credentials.read_keys(wish, credentials_folder)), task)


def writable(place: Place) -> bool:
    """Raises ImportFailure unless we may write where the video will lie or, its title unknown, beside that.

    Leaves nothing. Returns whether the store keeps SHA-256.
    """
    return upload.probe(place.store, place.video_key(title=place.task.uid, source_id=place.task.uid))
