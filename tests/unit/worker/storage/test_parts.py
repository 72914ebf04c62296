"""Parts of an upload, and their checksums."""

import base64
import hashlib
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from videoimport.worker.storage.parts import (
    LEAST_PART,
    MOST_PARTS,
    composite,
    digest,
    read_part,
    windows_ahead,
    windows_of,
)

GIB = 2**30


@given(some.integers(1, 5 * 1024 * GIB))
def test_no_file_has_too_many_parts_or_too_small_ones(size: int) -> None:
    first, *_ = windows = list(windows_of(size))
    assert len(windows) <= MOST_PARTS
    assert all(window.size >= LEAST_PART for window in windows[:-1])
    assert {window.size for window in windows[:-1]} <= {first.size}
    assert windows[-1].end == size


@given(some.none() | some.integers(0, 5 * 1024 * GIB))
def test_an_estimate_may_be_missed_by_far(expected: int | None) -> None:
    windows = list(windows_ahead(expected))
    assert len(windows) == MOST_PARTS
    assert windows[0].size >= LEAST_PART
    assert {window.size for window in windows[:5000]} == {windows[0].size}, "equal parts, as far as the estimate goes"
    assert windows[4999].end >= (expected or 0)
    assert windows[-1].end == 67_000 * windows[0].size
    assert all(one.end == other.offset for one, other in pairwise(windows))


def test_small_results_leave_in_the_smallest_parts() -> None:
    assert next(windows_ahead(20 * GIB)).size == LEAST_PART


def test_hashes_of_the_whole_and_its_parts(tmp_path: Path) -> None:
    content = bytes(range(256)) * (8 * 2**20 // 256) + b"tail"
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        windows = list(windows_of(len(content)))
        assert [(window.number, window.offset, window.size) for window in windows] == [
            (1, 0, 8 * 2**20),
            (2, 8 * 2**20, 4),
        ]
        found = digest(file.fileno(), windows)
        parts = [read_part(file.fileno(), window, with_md5=True) for window in windows]
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.crcs == tuple(part.crc for part in parts)
    assert parts[1].md5 == hashlib.md5(b"tail").digest()
    joined = hashlib.sha256(content[:-4]).digest() + hashlib.sha256(b"tail").digest()
    assert composite(parts) == base64.b64encode(hashlib.sha256(joined).digest()).decode() + "-2"
