"""The owner of an object in a bucket, and whether the object has the bytes that were sent.

The object's marks show its owner. The size and the hashes that the store returns show whether the object has these
bytes. See ``answer_forms``. If a store keeps no metadata, this run owns only an object whose ETag was in the response
to its own write. If the properties are not enough to verify the bytes, the worker reads the object once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from videoimport.worker.storage.base import UID, Facts, Proof, Ticket, has_marks, is_whole
from videoimport.worker.storage.s3 import answer_forms as forms

if TYPE_CHECKING:
    from videoimport.worker.storage.s3.bucket_reader import S3Bucket


class Proofs:
    """The facts about owners and bytes of objects that a run has found in one store."""

    def __init__(self, store: "S3Bucket") -> None:
        self._store = store
        self.keeps_metadata: bool | None = None
        """True if the store keeps metadata, or None if unknown. Only an object that this run wrote shows it."""
        self._hashes: dict[tuple[str, str], str | None] = {}
        """SHA-256 of objects that were read, by key and ETag."""
        self._written: dict[str, str | None] = {}
        """ETags in the responses to this run's own writes, by key. A later read may find another import's object."""
        self.asked: set[str] = set()
        """IDs of uploads that this run asked the store to complete. An object without marks from any other upload is
        not this run's."""

    def written(self, key: str, etag: str | None) -> None:
        """Record that this run wrote the object, and the ETag in the response."""
        self._forget_hashes(key)  # some stores derive the ETag only from the size and the second
        self._written[key] = etag

    def deleted(self, key: str) -> None:
        """Record that this run deleted the object. If an object is later at this key, it belongs to another writer."""
        self._forget_hashes(key)
        self._written.pop(key, None)

    def _forget_hashes(self, key: str) -> None:
        self._hashes = {name: sha256 for name, sha256 in self._hashes.items() if name[0] != key}

    def readable(self, facts: Facts) -> Facts:
        """Return the properties without metadata if the store keeps no metadata.

        If the metadata has a whole UID, the metadata is always returned, because the store has kept this metadata.
        """
        if self.keeps_metadata is not False or is_whole(facts.metadata.get(UID)):
            return facts
        return replace(facts, metadata={})

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """Return the evidence that the object at the ticket's key comes from this upload and has all its bytes
        unchanged. Return None if the key has no such object."""
        facts = self._store.head(ticket.key)
        if facts is None:
            return None
        if facts.size != ticket.size_bytes or not (has_marks(facts, marks) or self._is_unmarked(facts)):
            return None
        if (verified := forms.shown(facts, ticket)) is not None:
            return Proof(facts, verified)
        return Proof(facts, "ReadBack") if self._sha256(ticket, facts) == ticket.sha256 else None

    def _sha256(self, ticket: Ticket, facts: Facts) -> str | None:
        name = (ticket.key, facts.etag or "")
        if not facts.etag or self._hashes.get(name) is None:  # the same bytes, sent again, may be readable
            self._hashes[name] = self._store.sha256_of(ticket.key, ticket.size_bytes)
        return self._hashes[name]

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return the properties of an object if this upload created it, even if bytes are missing.

        If the store keeps no metadata, this run must have written the object. Equal bytes do not show the owner,
        because another import may have sent the same bytes.
        """
        facts = self._store.head(ticket.key)
        if facts is None or has_marks(facts, marks):
            return facts
        is_written = facts.etag is not None and facts.etag == self._written.get(ticket.key)
        return facts if is_written and self._is_unmarked(facts) else None

    def _is_unmarked(self, facts: Facts) -> bool:
        """Return whether an object has no marks because the store keeps none."""
        return not self.keeps() and UID not in self.readable(facts).metadata

    def keeps(self) -> bool:
        """Return whether the store keeps metadata. The worker tests this only if an object lacks its marks."""
        if self.keeps_metadata is None and self._store.witness:
            self.keeps_metadata = self._shown_by(*self._store.witness())
        return self.keeps_metadata is not False

    def _shown_by(self, key: str, marks: Mapping[str, str]) -> bool | None:
        """Return whether an object that this run just wrote has its marks, or None if another object is at the key."""
        facts, etag = self._store.head(key), self._written.get(key)
        if facts is None or (etag and facts.etag and facts.etag != etag):
            return None
        return has_marks(facts, marks)
