"""The destination's Secret, mounted in the pod as a folder with one file for each key. If the Secret is missing, the
folder is empty."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure


@dataclass(frozen=True, slots=True)
class Keys:
    """The credentials that sign requests. The repr does not contain the credentials, so that no log shows them."""

    key_id: str
    secret: str
    token: str | None

    def __repr__(self) -> str:
        return "Keys()"


def read_keys(destination: Destination, folder: Path) -> Keys | None:
    """Return the credentials, or None if the destination names no Secret. Raises ImportFailure
    CREDENTIALS_NOT_FOUND."""
    reference = destination.credentials_secret_ref
    if reference is None:
        return None
    return Keys(
        key_id=_required(reference.name, folder, "AWS_ACCESS_KEY_ID"),
        secret=_required(reference.name, folder, "AWS_SECRET_ACCESS_KEY"),
        token=_read(folder / "AWS_SESSION_TOKEN"),
    )


def _required(secret: str, folder: Path, key: str) -> str:
    value = _read(folder / key)
    if value:
        return value
    if not folder.is_dir() or not any(path.is_file() for path in folder.iterdir()):
        what = f"There is no Secret {secret!r} in this namespace, or it is empty"
    else:
        what = f"The Secret {secret!r} has no key {key}"
    raise ImportFailure(Reason.CREDENTIALS_NOT_FOUND, f"{what}.")


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
