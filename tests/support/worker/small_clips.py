"""Many small videos with different content, made by one run of ffmpeg."""

import subprocess
from pathlib import Path

_WIDTH, _HEIGHT, _RATE = 320, 180, 10


def make_small_clips(folder: Path, count: int) -> list[Path]:
    """Make videos of one second and 180 lines, each with its own content, and return their paths in order."""
    folder.mkdir()
    picture = f"testsrc2=size={_WIDTH}x{_HEIGHT}:rate={_RATE}:duration={count}"
    argv = [
        "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast",
        "-pix_fmt", "yuv420p", "-g", str(_RATE), "-f", "segment", "-segment_time", "1", "-reset_timestamps", "1",
        folder / "%d.mp4",
    ]  # fmt: skip
    subprocess.run(argv, check=True)
    return [folder / f"{number}.mp4" for number in range(count)]
