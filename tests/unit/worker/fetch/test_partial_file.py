"""A source that does not fit into the scratch volume."""

from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.partial_file import PUSHED_BYTES, SYNCED_BYTES, Landing, read_mark
from videoimport.worker.runtime.errors import ImportFailure


def test_a_full_scratch_says_how_large_it_is_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "source").symlink_to("/dev/full")
    landing = Landing(tmp_path)
    landing.remember("a", None, 4096)
    with pytest.raises(ImportFailure, match=r"Scratch is full: it has [0-9]+ bytes") as caught:
        landing.keep(b"first")
    assert caught.value.reason is Reason.SCRATCH_FULL
    assert "0 of 4096 bytes of the source" in caught.value.message
    assert "spec.worker.scratch.size" in caught.value.advice


def test_fast_client_waits_less_often_for_the_disk(tmp_path: Path) -> None:
    """A slow client loses fewer bytes with the node, because it needs long to send them again."""
    now = 0.0
    chunk = bytes(SYNCED_BYTES)

    def kept() -> int:
        mark = read_mark(tmp_path)
        return mark.kept if mark else -1

    with Landing(tmp_path, outlives=True, is_pushed=True, clock=lambda: now) as landing:
        landing.remember("source", "session", 2**30)
        landing.keep(chunk)
        assert kept() == 0
        while landing.size < PUSHED_BYTES:
            landing.keep(chunk)
        assert kept() == PUSHED_BYTES
        now = 1.0
        landing.keep(chunk)
        assert kept() == PUSHED_BYTES + SYNCED_BYTES
