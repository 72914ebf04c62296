#!/usr/bin/env python3
"""Compare the CPU time of a BulkImport in embedded mode with `xargs -P` of a simple script: `yt-dlp`, then `ffmpeg`.

Both import the same ITEMS (20) clips of one second from the same server into a folder, and run as many at a time as
there are cores. The codec settings of the script are the defaults of the worker. The last line of the output is JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from measured import Took, run  # noqa: E402

from support.fake_source_site import FakeSourceSite, file  # noqa: E402
from support.worker.small_clips import make_small_clips  # noqa: E402

BIN = Path(sys.executable).parent
SECONDS = 1800.0
SCRIPT = """
set -e
name=$(basename "$1" .mp4)
yt-dlp --quiet --no-mtime -o "$name.source.mp4" "$1"
ffmpeg -nostdin -v error -i "$name.source.mp4" -map 0:v:0 -map 0:a? -c:v libx264 -preset veryfast -crf 23 \
    -pix_fmt yuv420p -c:a aac -b:a 128k -movflags +faststart "$name.video.mp4"
rm "$name.source.mp4"
sha256sum "$name.video.mp4" > "$name.sum"
"""


def measure_embedded(folder: Path, urls: list[str]) -> Took:
    """Run the BulkImport in embedded mode."""
    folder.mkdir()
    spec = {
        "source": {"items": [{"name": f"c{number}", "url": url} for number, url in enumerate(urls)]},
        "template": {"requirements": {"minHeight": 100}, "output": {"mode": "Encode"}},
    }
    bulk = {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "metadata": {"name": "many"}, "spec": spec}
    manifest = folder / "many.json"
    manifest.write_text(json.dumps(bulk))
    words = ["run", "-f", manifest, "--allow-network", "127.0.0.0/8"]
    took = run([BIN / "kubectl-videoimport", *words], folder, SECONDS)
    assert len([*folder.glob("c*/video.mp4")]) == len(urls)
    return took


def measure_script(folder: Path, urls: list[str], at_once: int) -> Took:
    """Run the script for each address by xargs."""
    folder.mkdir()
    (folder / "script").write_text(SCRIPT)
    (folder / "urls").write_text("\n".join(urls) + "\n")
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    took = run(["xargs", "-a", "urls", "-P", str(at_once), "-n", "1", "bash", "script"], folder, SECONDS, env)
    assert len([*folder.glob("*.video.mp4")]) == len(urls)
    return took


def main() -> None:
    """Print both measurements and the ratio embedded/script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20)
    items = parser.parse_args().items
    at_once = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary, FakeSourceSite() as site:
        folder = Path(temporary)
        clips = make_small_clips(folder / "clips", items)
        urls = [site.add(f"/{clip.name}", file(clip)) for clip in clips]
        embedded = measure_embedded(folder / "embedded", urls)
        script = measure_script(folder / "script", urls, at_once)
    print(f"{items} clips of one second, {at_once} at a time")
    for name, took in (("embedded", embedded), ("xargs -P", script)):
        print(f"{name}: {took.cpu:.1f} CPU seconds, {took.cpu / items:.2f} a clip, {took.wall:.1f} s")
    ratio = round(embedded.cpu / script.cpu, 2)
    print(json.dumps({"items": items, "cpu_ratio": ratio, "wall_ratio": round(embedded.wall / script.wall, 2)}))


if __name__ == "__main__":
    main()
