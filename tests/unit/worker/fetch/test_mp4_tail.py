"""Where the index of an MP4 file lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.worker.fetch import mp4_tail as tail


def box(name: bytes, size: int) -> bytes:
    return size.to_bytes(4, "big") + name


class TestTail:
    HEAD = box(b"ftyp", 16) + bytes(8)

    def test_an_index_behind_the_media_is_looked_for_there(self) -> None:
        assert tail.offset_of(self.HEAD + box(b"mdat", 1000), 2000) == 1016

    def test_a_large_media_box_has_a_long_size(self) -> None:
        long = (1).to_bytes(4, "big") + b"mdat" + (10**10).to_bytes(8, "big")
        assert tail.offset_of(self.HEAD + long, 10**10 + 500) == 16 + 10**10

    @pytest.mark.parametrize(
        ("head", "total"),
        [
            (HEAD + box(b"moov", 100) + bytes(92) + box(b"mdat", 1000), 2000),
            (HEAD + box(b"moof", 100), 2000),
            (HEAD + box(b"mdat", 0), 2000),
            (HEAD + box(b"mdat", 5000), 2000),
            (HEAD + box(b"mdat", 1984), 2000),
            (HEAD + box(b"mdat", 1000), None),
            (HEAD + box(b"mdat", 1000), 10**9),
            (b"\x1a\x45\xdf\xa3" + bytes(60), 2000),
            (b"", 0),
        ],
    )
    def test_nothing_else_has_a_tail_worth_fetching(self, head: bytes, total: int | None) -> None:
        assert tail.offset_of(head, total) is None

    def test_only_a_whole_index_counts(self) -> None:
        assert tail.holds_index(box(b"free", 16) + bytes(8) + box(b"moov", 16) + bytes(8))
        assert not tail.holds_index(box(b"moov", 17) + bytes(8))
        assert not tail.holds_index(box(b"free", 16) + bytes(8))

    @given(some.binary(max_size=200), some.integers(0, 10**12))
    def test_no_bytes_confuse_it(self, head: bytes, total: int) -> None:
        found = tail.offset_of(head, total)
        assert found is None or 0 < total - found <= tail.MOST_BYTES
