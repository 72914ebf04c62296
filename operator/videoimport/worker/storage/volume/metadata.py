"""Metadata of files, in small files (side files) under ``.videoimport/metadata``. A file system does not keep metadata
as an object store does.

A side file is written before its file is renamed. The side file identifies the file by its size and its time of
change. So for a moment a side file has the metadata of two files: the new file and the present file.
"""

import hashlib
import os
from collections.abc import Mapping

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.worker.storage import strict_json as strict


class Side(Model):
    """The metadata of one file."""

    key: str
    size: int
    changed_ns: int
    sha256: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)

    def speaks_of(self, found: os.stat_result) -> bool:
        """Return whether this metadata was written for the given file."""
        return (self.size, self.changed_ns) == (found.st_size, found.st_mtime_ns)


_SIDES = TypeAdapter(tuple[Side, ...], config=DEFERRED)


def side_key(own: str, key: str) -> str:
    """Return the key of the side file for the file at a key. ``own`` is the importer's own folder."""
    return f"{own}/metadata/{hashlib.sha256(key.encode()).hexdigest()}.json"


def side_of(found: os.stat_result, content: bytes | None) -> Side | None:
    """Return the metadata for the present file from its side file. Return None if the side file has no metadata for
    the present file."""
    sides = (strict.parse(_SIDES, content) if content else None) or ()
    return next((side for side in sides if side.speaks_of(found)), None)


def with_new(key: str, new: os.stat_result, sha256: str, metadata: Mapping[str, str], standing: Side | None) -> bytes:
    """Return the content of a side file, for the new file and for the present file."""
    side = Side(key=key, size=new.st_size, changed_ns=new.st_mtime_ns, sha256=sha256, metadata=dict(metadata))
    return _SIDES.dump_json((side, *([standing] if standing else [])), by_alias=True)
