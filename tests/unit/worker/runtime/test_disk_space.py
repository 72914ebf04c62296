"""What is free on a disk."""

import os
from pathlib import Path

import pytest

from videoimport.worker.runtime import disk_space as disks


@pytest.mark.parametrize(("free_bytes", "has_inodes"), [(0, False), (2**30, True)])
def test_inodes_are_named_where_bytes_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, has_inodes: bool
) -> None:
    real = list(os.statvfs(tmp_path))
    real[1], real[4], real[5], real[7] = 1, free_bytes, 14, 0  # f_frsize, f_bavail, f_files, f_favail
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(real))
    assert ("14 inodes, of which 0 are free" in disks.size_of(tmp_path)) is has_inodes
