"""The destination's Secret as the pod sees it: a folder with a file for each key, empty when the Secret is missing."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests are signed with. Never shown: its repr is empty."""

    key_id: str
    secret: str
    token: str | None

    def __repr__(self) -> str:
        return "Keys()"


def read_keys(destination: Destination, folder: Path) -> Keys | None:
    """The keys, or None where no Secret is asked for. Raises ImportFailure CREDENTIALS_NOT_FOUND."""
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
