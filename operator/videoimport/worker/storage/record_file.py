"""Reading and writing of the commit record of one import. A write replaces only a version that this run has seen.

The key of the record belongs to one import. So a version that this run has not seen comes from another run of the
same import, for example on a lost node. Such a version may also come from another program that may write below the
prefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage.base import Content, UnmetError
from videoimport.worker.storage.commit_record import Record
from videoimport.worker.storage.record_checks import Scope

_TRIES = 3


@dataclass(slots=True)
class RecordFile:
    """The key of the record, and the version that this run last saw or wrote at this key."""

    scope: Scope
    key: str
    _version: str | None = None
    _is_seen: bool = False
    _sent: list[bytes] = field(default_factory=list)
    """Contents that this run tried to write."""

    def look(self) -> Content | None:
        """Return the present content of the record. Later writes succeed only if the record still has the version that
        the first call returns."""
        content = self.scope.read(self.key)
        if not self._is_seen:
            self._see(content)
        return content

    def _see(self, content: Content | None) -> None:
        self._version, self._is_seen = content.version if content else None, True

    def read(self) -> Record | None:
        """Return the record, by the rules of ``commit_record.read``. Later writes succeed only if the record still
        has this version."""
        self._is_seen = False
        return record.parse(self.scope, self.look())

    def write(self, one: Record) -> None:
        """Write a record over the version that this run saw or wrote. Raises ImportFailure."""
        report = record.report_of(one)
        self.put(record.content(one), record.marks(report.uid, report.spec_hash, report.run))

    def put(self, body: bytes, metadata: Mapping[str, str]) -> None:
        """Write the content of a record over the version that this run saw or wrote.

        Raises ImportFailure DESTINATION_UNAVAILABLE if the key has another run's record. The next run then starts from
        that record.
        """
        if not self._is_seen:
            self.look()
        self._sent.append(body)
        for _ in range(_TRIES):
            try:
                self._version = self.scope.store.write_if(self.key, body, self._version, metadata)
            except UnmetError:
                self._look_again()
            else:
                return
        raise self._changed()

    def _look_again(self) -> None:
        """Accept the present version if this run wrote it: the answer to the write was lost, or had another ETag."""
        standing = self.scope.read(self.key)
        if standing is not None and standing.version != self._version and standing.body not in self._sent:
            raise self._changed()
        self._see(standing)

    def _changed(self) -> ImportFailure:
        uri = self.scope.store.uri(self.key)
        message = f"{uri} was written by another run of this import, or by another program, while this run was active."
        advice = "Check that no other cluster runs the same import, and that only the importer writes there."
        return ImportFailure(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)

    def delete(self) -> None:
        """Remove the record if it still has the version that this run saw or wrote. A record of another run stays."""
        standing = self.scope.read(self.key)
        if standing is None or not (standing.version == self._version or standing.body in self._sent):
            return
        try:
            self.scope.store.delete_if(self.key, standing.version)
        except UnmetError:
            log().warning("commit_record_changed", key=self.key)
        else:
            self._version = None
