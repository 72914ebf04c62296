"""`make try`: what a newcomer runs first, but for the virtual environment."""

import re
import subprocess
import sys
from pathlib import Path

from support.worker.worker_harness import probe

ROOT = Path(__file__).resolve().parents[2]


def test_three_of_four_videos_are_imported_without_a_cluster() -> None:
    done = subprocess.run([sys.executable, "hack/try"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "3 of 4 imported, 1 failed" in done.stderr
    videos = re.findall(r"build/try/\S+", done.stdout.partition("Your videos:")[2])
    assert len(videos) == 3
    for video in videos:
        codecs = [stream["codec_name"] for stream in probe(ROOT / video)["streams"]]
        assert codecs == ["h264", "aac"], video
