#!/usr/bin/env python3
"""Make a video of any size for uploads: a clip, and behind it a box of random bytes that players skip.

hack/large_file.py CLIP.mp4 TARGET.mp4 MEBIBYTES
"""

import os
import sys
from pathlib import Path

_BLOCK = 2**20
_HEADER = 8
_LARGEST_BOX = 2**32 - 1


def make(clip: Path, target: Path, size: int) -> None:
    """Write a file of ``size`` bytes. The bytes are random, so that no part of the way can compress them. Raises
    ValueError if the clip is too long, or if the box would exceed 4 GiB."""
    content = clip.read_bytes()
    left = size - len(content)
    if not _HEADER <= left <= _LARGEST_BOX:
        raise ValueError(
            f"a file of {size} bytes cannot have the clip of {len(content)} bytes and one box; use another"
        )
    with target.open("wb") as file:
        file.write(content + left.to_bytes(4, "big") + b"free")
        left -= _HEADER
        while left:
            left -= file.write(os.urandom(min(left, _BLOCK)))


def main(clip: str, target: str, mebibytes: str) -> None:
    """Run the command line."""
    make(Path(clip), Path(target), int(mebibytes) * _BLOCK)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
