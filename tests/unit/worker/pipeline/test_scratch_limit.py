"""How much of scratch is taken."""

from pathlib import Path

from videoimport.worker.pipeline.watchdog import ScratchUsage, used


def fill(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_every_file_below_counts(tmp_path: Path) -> None:
    fill(tmp_path / "source/a", 10_000)
    fill(tmp_path / "results/deep/b", 20_000)
    assert 30_000 <= used(tmp_path) <= 30_000 + 2 * 4096
    assert used(tmp_path / "none") == 0


def test_what_comes_near_the_limit_is_full_and_says_by_what(tmp_path: Path) -> None:
    room = ScratchUsage(tmp_path, tmp_path / "source", 10 * 2**20, "10Mi")
    fill(tmp_path / "source/a", 6 * 2**20)
    assert room.full() is None
    fill(tmp_path / "results/b", 4 * 2**20)
    told = room.full()
    assert told is not None
    assert f"the source takes {6 * 2**20} bytes so far and the results {4 * 2**20}" in told
    assert "worker.scratch.size is 10Mi." in told
