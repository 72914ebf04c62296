"""Which objects a record may speak of."""

import base64
import hashlib

import pytest

from videoimport.worker.storage.base import Facts, Proof, Ticket
from videoimport.worker.storage.record_checks import StoredObject

CONTENT = b"the bytes"


COMPOSITE = base64.b64encode(hashlib.sha256(hashlib.sha256(CONTENT).digest()).digest()).decode()


MD5 = hashlib.md5(CONTENT).hexdigest()


JOINED = hashlib.md5(hashlib.md5(CONTENT).digest()).hexdigest() + "-1"


TICKET = Ticket(
    key="k", upload="u", size_bytes=9, sha256=hashlib.sha256(CONTENT).hexdigest(), checksum=f"{COMPOSITE}-1",
    etags=(JOINED, MD5), seal="s",
)  # fmt: skip


OTHER = base64.b64encode(bytes(32)).decode()


def recorded(facts: Facts, verified: str = "SHA256") -> StoredObject:
    proof = Proof(facts, verified)  # type: ignore[arg-type]
    return StoredObject.of("k", proof, TICKET.sha256, "one")


MINE = {"videoimport-uid": "one"}


class TestARecordedObject:
    def test_is_the_same_in_another_form(self) -> None:
        stored = recorded(Facts(9, f"{COMPOSITE}-1", MINE, "e"))
        assert stored.is_same(Facts(9, COMPOSITE, MINE, None), "one")
        earlier = StoredObject(key="k", size_bytes=9, etag='"e"')
        assert earlier.is_same(Facts(9, None, MINE, "e"), "one")

    @pytest.mark.parametrize(
        "found",
        [
            None,
            Facts(8, f"{COMPOSITE}-1", MINE, "e"),
            Facts(9, f"{OTHER}-1", MINE, "e"),
            Facts(9, None, MINE, "e"),
            Facts(9, f"{COMPOSITE}-1", {}, "e"),
            Facts(9, f"{COMPOSITE}-1", {"videoimport-uid": "other"}, "e"),
        ],
    )
    def test_is_not_another(self, found: Facts | None) -> None:
        assert not recorded(Facts(9, f"{COMPOSITE}-1", MINE, "e")).is_same(found, "one")

    def test_keeps_no_checksum_that_proved_nothing(self) -> None:
        stored = recorded(Facts(9, "nonsense", MINE, "e"), "MD5")
        assert stored.checksum is None
        assert stored.is_same(Facts(9, "another nonsense", MINE, "e"), "one")
        assert not stored.is_same(Facts(9, "nonsense", MINE, "f"), "one")

    def test_without_a_mark_is_nobody_elses(self) -> None:
        stored = recorded(Facts(9, None, {}, "e"), "MD5")
        assert not stored.marked
        assert stored.is_same(Facts(9, None, {}, "e"), "one")
        assert not stored.is_same(Facts(9, None, {"videoimport-uid": "other"}, "e"), "one")
        assert not stored.is_same(Facts(9, None, {}, "f"), "one")

    def test_without_a_name_has_to_be_read(self) -> None:
        stored = recorded(Facts(9, None, MINE, None), "ReadBack")
        assert stored.is_nameless
        assert not stored.is_same(Facts(9, None, MINE, None), "one")
