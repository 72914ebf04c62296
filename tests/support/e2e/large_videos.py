"""Large files that need no disk and little time to make: their bytes behind the video are a hole."""

import struct
import subprocess
from pathlib import Path


def make_video(path: Path, seconds: int, size: int) -> Path:
    """An MP4 with its tables in front, and an empty box of the container that fills it up to ``size`` bytes."""
    pattern = f"testsrc2=size=640x360:rate=25:duration={seconds}"
    words = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", pattern, "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*words, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path)], check=True)
    with path.open("ab") as file:
        file.write(struct.pack(">I4sQ", 1, b"free", size - file.tell()))
        file.truncate(size)
    return path


def make_document(path: Path, size: int) -> Path:
    """A PDF by its head, which is called a video."""
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(size)
    return path
