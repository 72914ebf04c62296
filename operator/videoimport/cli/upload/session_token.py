"""The token of an upload session. It stays in a private file, so that another command can continue the upload."""

import hashlib
import json
import os
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from videoimport.cli.errors import UnusableError
from videoimport.cli.upload.local_file import LocalFile

_BYTES, _DIGITS = 32, 32
_MOST_AGE_SECONDS = 30 * 86_400.0
"""Age at which a file of a session is removed. An import does not wait for so long."""


@dataclass(frozen=True, slots=True)
class LocalSession:
    """A session of this machine, and the file that it sends."""

    token: str = field(repr=False)
    size: int
    modified_ns: int
    uid: str = ""
    """UID of the import. Empty until the import exists. A later import of the same name has another one."""

    @property
    def token_sha256(self) -> str:
        """The hash that opens the session, in hexadecimal digits."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    def belongs_to(self, file: LocalFile) -> bool:
        """Return whether the file has not changed since the session began."""
        return (self.size, self.modified_ns) == (file.size, file.modified_ns)


def draw_session(file: LocalFile) -> LocalSession:
    """Return a session with a new random token of 256 bits."""
    return LocalSession(secrets.token_hex(_BYTES), file.size, file.modified_ns)


class SessionStore:
    """The sessions of this user, one private file for each session. Two commands that begin the same import at the same
    time do not replace each other's token."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder`` is the folder of the files, by default below the user's folder for state."""
        state = os.environ.get("XDG_STATE_HOME", "")
        home = Path(state) if Path(state).is_absolute() else Path.home() / ".local/state"
        self._folder = folder or home / "kubectl-videoimport/uploads"

    def keep(self, host: str, namespace: str, name: str, session: LocalSession) -> None:
        """Write a session of an import. Only this user can read the file. Raises UnusableError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_old()
            handle, draft = tempfile.mkstemp(dir=self._folder)  # with the mode 0600
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(session), file)
            Path(draft).replace(self._path_of(host, namespace, name, session))
        except OSError as error:
            raise UnusableError(
                f"The token of the upload cannot be kept in {self._folder}: {error.strerror}; name another folder with "
                "XDG_STATE_HOME."
            ) from None

    def find(self, host: str, namespace: str, name: str) -> list[LocalSession]:
        """Return the sessions that this machine has for imports of a name."""
        paths = sorted(self._folder.glob(f"{_digest(host, namespace, name)}-*.json"))
        return [session for path in paths if (session := _read_session(path))]

    def forget(self, host: str, namespace: str, name: str, session: LocalSession) -> None:
        """Remove a session, if it is still there."""
        with suppress(OSError):
            self._path_of(host, namespace, name, session).unlink()

    def forget_import(self, host: str, namespace: str, name: str, uid: str) -> None:
        """Remove the sessions of an import with this UID."""
        for session in self.find(host, namespace, name):
            if session.uid == uid:
                self.forget(host, namespace, name, session)

    def _path_of(self, host: str, namespace: str, name: str, session: LocalSession) -> Path:
        return self._folder / f"{_digest(host, namespace, name)}-{session.token_sha256[:_DIGITS]}.json"

    def _remove_old(self) -> None:
        for path in self._folder.iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _MOST_AGE_SECONDS:
                    path.unlink()


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:_DIGITS]


def _read_session(path: Path) -> LocalSession | None:
    """Return the session of a file, or None if the file is broken."""
    try:
        found = LocalSession(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if isinstance(found.token, str) and isinstance(found.uid, str) else None
