"""What a run leaves beside a partial file, so that a later one can go on with it: a mark of what it is."""

import contextlib
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from videoimport.api.base import Model

_NAME = "fetched.json"


class Mark(Model):
    """A partial file's. Holds no address, which may hold secrets, but the hash of one."""

    source: str
    """protocol.identity of the address or object."""
    version: str
    """What the source called these bytes: an ETag, a date, a version."""
    total: int | None = None
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    number: int = 0
    kept: Annotated[int, Field(ge=0)]
    """Bytes that are certainly on the disk; what is beyond them may be anything after a crash."""

    @property
    def usable(self) -> int:
        """Bytes to go on from. One is left over, so that the source is asked whether it is still the same."""
        return self.kept if self.total is None else max(0, min(self.kept, self.total - 1))


def read(folder: Path) -> Mark | None:
    """None for what is absent or not understood."""
    try:
        return Mark.model_validate_json((folder / _NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def write(folder: Path, mark: Mark) -> None:
    """All of it or nothing. A disk too full for it costs a later run some bytes, no more."""
    new = folder / f"{_NAME}.new"
    with contextlib.suppress(OSError):
        with new.open("w") as file:
            file.write(mark.model_dump_json(by_alias=True))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / _NAME)


def remove(folder: Path) -> None:
    """Nothing can be gone on with."""
    (folder / _NAME).unlink(missing_ok=True)
