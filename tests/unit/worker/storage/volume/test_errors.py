"""Errors of a volume: their reasons and remedies."""

import errno
import os
from pathlib import Path

import pytest

from videoimport.worker.runtime.errors import DestinationFault, Remedy
from videoimport.worker.storage.volume import errors as volume_errors


@pytest.mark.parametrize(
    ("number", "remedy", "words"),
    [
        (errno.ENOSPC, Remedy.NONE, "is full"),
        (errno.EDQUOT, Remedy.NONE, "quota is used up"),
        (errno.EROFS, Remedy.NONE, "read-only"),
        (errno.EFBIG, Remedy.NONE, "too large"),
        (errno.ESTALE, Remedy.WAIT, "ESTALE"),
        (errno.EIO, Remedy.WAIT, "EIO"),
        (errno.ETIMEDOUT, Remedy.WAIT, "ETIMEDOUT"),
    ],
)
def test_an_error_of_a_volume_has_a_remedy(number: int, remedy: Remedy, words: str) -> None:
    failure = volume_errors.failure_of(number, "media", "write x")
    assert isinstance(failure, DestinationFault)
    assert failure.remedy is remedy
    assert words in failure.message


def test_a_full_volume_says_how_large_it_is_and_what_was_needed(tmp_path: Path) -> None:
    size = os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    failure = volume_errors.failure_of(errno.ENOSPC, "media", "write x", root=tmp_path, needed=12345)
    assert f"it has {size} bytes" in failure.message
    assert "12345 bytes were to be written" in failure.message
    assert "spec.destination.persistentVolumeClaim.claimName" in failure.advice
