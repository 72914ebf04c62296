"""Whose an object of a bucket is, and whether it has the bytes that were sent.

Its marks tell whose it is, and the store's own word tells what it has; see ``forms``. Where a store keeps no metadata,
an object is this run's only with the ETag of the very answer that this run got. Where the store's word shows nothing,
the object is read, once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from videoimport.worker.storage.base import UID, Facts, Proof, Ticket, has_marks, is_whole
from videoimport.worker.storage.s3 import answer_forms as forms

if TYPE_CHECKING:
    from videoimport.worker.storage.s3.bucket import S3Bucket


class Proofs:
    """What a run has found out about the objects of one store."""

    def __init__(self, store: "S3Bucket") -> None:
        self._store = store
        self.keeps_metadata: bool | None = None
        """None where that is not known. Only an object that this run wrote shows it."""
        self._hashes: dict[tuple[str, str], str | None] = {}
        """Of objects that were read, by key and ETag."""
        self._written: dict[str, str | None] = {}
        """ETags in the answers to this run's own writes, by key. A later look may meet another import's object."""
        self.asked: set[str] = set()
        """Uploads that this run asked to complete. Without marks, the object of any other one is not its own."""

    def written(self, key: str, etag: str | None) -> None:
        """Record that this run wrote the object, and the ETag in the answer."""
        self._forget_hashes(key)  # some ETags are of the size and the second only
        self._written[key] = etag

    def deleted(self, key: str) -> None:
        """Record that what stands there from now on is not this run's."""
        self._forget_hashes(key)
        self._written.pop(key, None)

    def _forget_hashes(self, key: str) -> None:
        self._hashes = {name: sha256 for name, sha256 in self._hashes.items() if name[0] != key}

    def readable(self, facts: Facts) -> Facts:
        """Return the facts without metadata where the store keeps none. A whole UID stays: it has one all the same."""
        if self.keeps_metadata is not False or is_whole(facts.metadata.get(UID)):
            return facts
        return replace(facts, metadata={})

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """Return what the object at the ticket's key is, if it is that very upload's, whole and unharmed."""
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
        if not facts.etag or self._hashes.get(name) is None:  # the next sending of the same bytes may be readable
            self._hashes[name] = self._store.sha256_of(ticket.key, ticket.size_bytes)
        return self._hashes[name]

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return an object if it is an upload's, whole or not. Where metadata is not kept: if it is the one that this
        run wrote. Equal bytes prove nothing: another import may have sent them too."""
        facts = self._store.head(ticket.key)
        if facts is None or has_marks(facts, marks):
            return facts
        is_written = facts.etag is not None and facts.etag == self._written.get(ticket.key)
        return facts if is_written and self._is_unmarked(facts) else None

    def _is_unmarked(self, facts: Facts) -> bool:
        """Return whether an object has no marks because the store keeps none."""
        return not self.keeps() and UID not in self.readable(facts).metadata

    def keeps(self) -> bool:
        """Return whether the store keeps metadata. Asked only where an object lacks its marks."""
        if self.keeps_metadata is None and self._store.witness:
            self.keeps_metadata = self._shown_by(*self._store.witness())
        return self.keeps_metadata is not False

    def _shown_by(self, key: str, marks: Mapping[str, str]) -> bool | None:
        """Return whether an object that this run just wrote has its marks; None where another one stands there."""
        facts, etag = self._store.head(key), self._written.get(key)
        if facts is None or (etag and facts.etag and facts.etag != etag):
            return None
        return has_marks(facts, marks)
