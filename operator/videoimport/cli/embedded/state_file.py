"""The state of a BulkImport between two runs of the command: its objects in an SQLite database.

Two programs cannot use the same file at once. A program that is killed leaves the last complete write.
"""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from videoimport.api.labels import BULK_KIND
from videoimport.cli.errors import UnusableError
from videoimport.controller.client.resources import Raw
from videoimport.core.plan import Kind

_SCHEMA = "CREATE TABLE IF NOT EXISTS objects (kind TEXT, name TEXT, body TEXT, PRIMARY KEY (kind, name))"
_LONGEST_NAME = 200


class StateFile:
    """The BulkImport and all objects that it owns, directly or indirectly."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        # The lock is kept until the end. No write waits for the disk, because a lost write only repeats work.
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_SCHEMA)

    def load(self) -> Iterator[tuple[Kind, Raw]]:
        """Yield the objects of the earlier run."""
        for kind, body in self._database.execute("SELECT kind, body FROM objects ORDER BY rowid").fetchall():
            yield kind, json.loads(body)

    def keep(self, kind: Kind, raw: Raw) -> None:
        """Write an object."""
        row = (kind, raw["metadata"]["name"], json.dumps(raw))
        self._database.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", row)

    def drop(self, kind: Kind, raw: Raw) -> None:
        """Remove an object."""
        self._database.execute("DELETE FROM objects WHERE kind = ? AND name = ?", (kind, raw["metadata"]["name"]))

    def close(self) -> None:
        """Release the file."""
        self._database.close()


def open_state(folder: Path, namespace: str, name: str) -> StateFile:
    """Open the state of a BulkImport. Raises UnusableError if another program uses it, or the folder cannot be used."""
    path = folder / f"{_shorten(f'{namespace}.{name}')}.db"
    try:
        return StateFile(path)
    except (sqlite3.DatabaseError, OSError) as error:
        if "locked" in str(error):
            problem = f"{BULK_KIND} {name} runs already on this machine; wait until that run ends."
        else:
            why = error.strerror if isinstance(error, OSError) else error
            way_out = "let this user write it, remove the file, or give another folder by --state DIR."
            problem = f"{path} cannot be used: {why}; {way_out}"
        raise UnusableError(problem) from None


def _shorten(name: str) -> str:
    """Return a file name of at most 217 characters for a name of any length."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


class StateFiles:
    """The state files of all BulkImports of a run. An object belongs to the file of the BulkImport that owns it."""

    def __init__(self) -> None:
        self._files: dict[str, StateFile] = {}
        """The file of each object, by the object's UID."""
        self.problem: str | None = None
        """Why a write failed, as on a full disk. The run goes on, because a lost write only repeats work."""

    def add(self, uid: str, file: StateFile) -> None:
        """Store the BulkImport with this UID, and all objects that it will own, in this file."""
        self._files[uid] = file

    def keep(self, kind: Kind, raw: Raw) -> None:
        """Write an object, unless no BulkImport owns it."""
        if (file := self._find(raw)) is not None:
            with self._note_problem():
                file.keep(kind, raw)

    def drop(self, kind: Kind, raw: Raw) -> None:
        """Remove an object, unless no BulkImport owns it."""
        if (file := self._find(raw)) is not None:
            with self._note_problem():
                file.drop(kind, raw)
            del self._files[raw["metadata"]["uid"]]

    def close(self) -> None:
        """Release all files."""
        for file in set(self._files.values()):
            file.close()

    @contextlib.contextmanager
    def _note_problem(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.problem = str(error)

    def _find(self, raw: Raw) -> StateFile | None:
        metadata = raw["metadata"]
        uids = [metadata["uid"], *(owner["uid"] for owner in metadata.get("ownerReferences") or ())]
        file = next((self._files[uid] for uid in uids if uid in self._files), None)
        if file is not None:
            self._files[metadata["uid"]] = file
        return file
