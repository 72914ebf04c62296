"""A source that does not fit into the scratch volume."""

from pathlib import Path

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.partial_file import Landing
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
