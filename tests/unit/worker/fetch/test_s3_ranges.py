"""Ranges of an object."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from videoimport.worker.fetch import s3_ranges as ranges


@given(some.integers(0, 10**6), some.integers(0, 10**9))
def test_ranges_follow_each_other_without_gap(first: int, length: int) -> None:
    found = [*ranges.spans(first, first + length)]
    assert sum(last - start + 1 for start, last in found) == length
    assert all(last + 1 == start for (_, last), (start, _) in pairwise(found))
    assert all(last - start < ranges.PIECE_BYTES for start, last in found)
