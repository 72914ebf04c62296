"""Checks of the destination before the first byte is fetched. So the worker finds wrong credentials before an
encode, and not after the encode."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from videoimport.api import folder_layout as layout
from videoimport.api.tasks.import_task import DESTINATION_VOLUME_PATH, Task
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import credentials
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage.base import DestinationStore, Facts
from videoimport.worker.storage.keys import Names
from videoimport.worker.storage.name_reservation import FolderNames
from videoimport.worker.storage.record_checks import Scope, StoredObject
from videoimport.worker.storage.record_file import RecordFile
from videoimport.worker.storage.retry_policy import Retries, read_timeout
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.upload_journal import UploadJournal
from videoimport.worker.storage.volume.store import VolumeStore


@dataclass(frozen=True)
class Place:
    """The destination of one import. ``destination.name`` may contain the placeholder of the title. Then the video's
    folder is known only after the source has answered."""

    store: DestinationStore
    task: Task
    now: Callable[[], datetime]
    reclaimed: dict[str, Facts] = field(default_factory=dict)
    """Objects without any import's mark that existed when the run began, at keys that this import's record names. They
    may be overwritten. An object that appears later belongs to another writer."""
    proven: dict[str, StoredObject] = field(default_factory=dict)
    """The objects of this import that have no mark, on a store that keeps no metadata.

    When the run began, each object was the same as in the import's record. A different object that appears later at
    such a key belongs to another writer.
    """
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        """Give the store this import's upload note. The store uses the note to test whether it keeps metadata."""
        self.store.witness = lambda: self.notebook.witness()

    @cached_property
    def scope(self) -> Scope:
        """The scope in which the objects of a record must be."""
        return Scope(self.store, self.task.spec.destination)

    @property
    def session(self) -> str | None:
        """The SHA-256 of the token of the upload session, if only the session tells which file is imported. Another
        session may send another file of the same name and size. None if the spec has the file's SHA-256, or if no
        client sends the file."""
        source, upload = self.task.spec.source, self.task.upload
        is_known = source.checksum or (source.upload and source.upload.sha256)
        return None if upload is None or is_known else upload.token_sha256

    @property
    def record_key(self) -> str:
        """The object key of the commit record."""
        return naming.record_key(self.task.spec.destination, self.task.uid)

    @cached_property
    def record(self) -> RecordFile:
        """The file of the commit record, for reading and writing."""
        return RecordFile(self.scope, self.record_key)

    @cached_property
    def notebook(self) -> UploadJournal:
        """The journal of this import's unfinished uploads."""
        folder = naming.own_key(self.task.spec.destination, "uploads")
        return UploadJournal(self.scope, folder, self.task.uid, self.now())

    @property
    def keeps_both(self) -> bool:
        """True if the destination has ``ifExists: KeepBoth``. Then the video gets a folder with the next free name
        if its own folder is in use."""
        return self.task.spec.destination.if_exists == "KeepBoth"

    @cached_property
    def names(self) -> FolderNames:
        """The reservation of the video's folder, for ``ifExists: KeepBoth``."""
        return FolderNames(self.scope, self.task.uid, self.now, time.sleep)

    def folder(self, title: str | None, source_id: str | None) -> str:
        """Return the key of the video's folder, without a suffix. Raises ImportFailure INVALID_SPEC."""
        return next(self.folders(title, source_id))

    def folders(self, title: str | None, source_id: str | None) -> Iterator[str]:
        """Yield the keys of the possible folders of the video. There is one folder, or with ``ifExists: KeepBoth``
        one folder for each suffix. Raises ImportFailure INVALID_SPEC."""
        wish = self.task.spec.destination
        names = Names(self.task.name, self.task.spec.source.locator, title, source_id)
        name = naming.folder_name(wish, names)
        return naming.folder_keys(wish, name) if self.keeps_both else iter((naming.folder_key(wish, name),))

    def is_expected(self, folder: str | None) -> bool:
        """Return whether this import's video may be in this folder. The result depends only on facts that are known
        without the source."""
        if naming.needs_source(self.task.spec.destination):
            return self.scope.is_listed(folder)
        return folder is not None and folder in self.folders(None, None)

    def url(self, key: str) -> str | None:
        """Return the public address of a key, or None if the destination has no ``publicBaseURL``."""
        return layout.url(self.task.spec.destination.public_base_url, key)

    def metadata(self, run: int | None = None) -> dict[str, str]:
        """Return the user metadata of every object that this run publishes."""
        marks = record.marks(self.task.uid, self.task.spec_hash, run or self.task.run)
        return marks | layout.user_metadata(self.task.spec.metadata)


def connect(
    task: Task,
    credentials_folder: Path,
    volume: Path = Path(DESTINATION_VOLUME_PATH),
    ca_bundle: Path | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Place:
    """Return the destination with the task's credentials. The function checks only that the credentials exist. Raises
    ImportFailure."""
    wish, retries = task.spec.destination, Retries()
    if wish.s3 is not None:
        keys = credentials.read_keys(wish, credentials_folder)
        store = s3.connect(wish.s3, keys, ca_bundle, retries, read_timeout(task.stall_seconds))
        return Place(store, task, now, retries=retries)
    assert wish.persistent_volume_claim is not None, "one of the two"  # noqa: S101
    mounted = VolumeStore(volume, wish.persistent_volume_claim.claim_name, wish.prefix)
    return Place(mounted, task, now, retries=retries)


def writable(place: Place) -> None:
    """Check that the worker may write in the video's folder, and that the store accepts all options of
    ``destination.s3``. If the title is unknown, the check uses a test folder beside the video's folder.

    The check leaves no objects behind. Raises ImportFailure.
    """
    place.store.check_options(naming.own_key(place.task.spec.destination, "probes", f"{place.task.uid}.json"))
    key = layout.key(place.folder(title=place.task.uid, source_id=place.task.uid), layout.VIDEO)
    place.notebook.announce([key])
    replaces = place.record.look() is not None or place.task.spec.destination.if_exists == "Replace"
    place.store.probe(key, place.notebook.standing, replaces=replaces)
    place.notebook.forget()
