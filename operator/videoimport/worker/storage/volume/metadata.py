"""What an object store keeps with an object and a file system does not: small files under ``.videoimport/metadata``.

A side file is written before its file gets its name, and says which file it speaks of by size and time of change. So it
names two for a moment: the one that is to come and the one that still stands.
"""

import hashlib
import os
from collections.abc import Mapping

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.worker.storage import strict_json as strict


class Side(Model):
    """What is kept with one file."""

    key: str
    size: int
    changed_ns: int
    sha256: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)

    def speaks_of(self, found: os.stat_result) -> bool:
        """Whether a file is the one that this was written for."""
        return (self.size, self.changed_ns) == (found.st_size, found.st_mtime_ns)


_SIDES = TypeAdapter(tuple[Side, ...], config=DEFERRED)


def side_key(own: str, key: str) -> str:
    """Where the side file of a key lies; ``own`` is the folder of what is not for users."""
    return f"{own}/metadata/{hashlib.sha256(key.encode()).hexdigest()}.json"


def side_of(found: os.stat_result, content: bytes | None) -> Side | None:
    """Of what a side file has, that which speaks of the file as it stands."""
    sides = (strict.parse(_SIDES, content) if content else None) or ()
    return next((side for side in sides if side.speaks_of(found)), None)


def with_new(key: str, new: os.stat_result, sha256: str, metadata: Mapping[str, str], standing: Side | None) -> bytes:
    """A side file's content: of the file to come, and of the one that stands."""
    side = Side(key=key, size=new.st_size, changed_ns=new.st_mtime_ns, sha256=sha256, metadata=dict(metadata))
    return _SIDES.dump_json((side, *([standing] if standing else [])), by_alias=True)
