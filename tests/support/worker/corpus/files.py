"""The files: each is one or two seconds of real footage at a small size, made once and kept below build/corpus."""

import hashlib
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
Make = Callable[["Corpus", Path], None]


def ffmpeg(*argv: str | Path) -> None:
    quiet = {**os.environ, "SVT_LOG": "1"}
    subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *argv], check=True, env=quiet)


@dataclass(frozen=True)
class Corpus:
    """Where the files are made: a folder for each state of this script."""

    folder: Path

    @classmethod
    def open(cls) -> "Corpus":
        recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
        folder = ROOT / "build" / "corpus" / recipe
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def obtain(self, name: str) -> Path:
        """A file by name, made if it is not there."""
        target = self.folder / name
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                unfinished = Path(scratch) / name
                RECIPES[name](self, unfinished)
                unfinished.rename(target)
        return target

    def clip(self, name: str) -> Path:
        """A clip of the public footage."""
        target = self.folder / name
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                subprocess.run([sys.executable, "hack/footage.py", scratch, name], cwd=ROOT, check=True,
                               stdout=subprocess.DEVNULL)  # fmt: skip
                (Path(scratch) / name).rename(target)
        return target


QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12")
PLAIN = (*QUICK, "-preset", "veryfast", "-pix_fmt", "yuv420p", "-profile:v", "high", "-bf", "2")
AAC = ("-c:a", "aac", "-b:a", "96k")
STEREO = (*AAC, "-ac", "2")
FASTSTART = ("-movflags", "+faststart")


def _bunny(kitchen: Corpus, target: Path) -> None:
    """What most others are made of: two seconds that comply with every rule."""
    clip = kitchen.clip("bigbuckbunny.mp4")
    ffmpeg("-ss", "1", "-i", clip, "-t", "2", "-vf", "scale=320:180", *PLAIN, *STEREO, *FASTSTART, target)


def of(name: str, *options: str, before: Sequence[str] = ()) -> Make:
    """One ffmpeg run over another file of this corpus."""

    def make(kitchen: Corpus, target: Path) -> None:
        ffmpeg(*before, "-i", kitchen.obtain(name), *options, "-map_metadata", "-1", target)

    return make


def of_clip(name: str, *options: str) -> Make:
    def make(kitchen: Corpus, target: Path) -> None:
        ffmpeg("-i", kitchen.clip(name), *options, "-map_metadata", "-1", target)

    return make


def same(name: str) -> Make:
    """Other bytes' very copy under another name."""
    return changed(name, lambda content: content)


def changed(name: str, change: Callable[[bytes], bytes]) -> Make:
    def make(kitchen: Corpus, target: Path) -> None:
        target.write_bytes(change(kitchen.obtain(name).read_bytes()))

    return make


def copied(*options: str) -> Make:
    return of("faststart.mp4", "-c", "copy", *options)


def encoded(*options: str) -> Make:
    """The picture anew, the sound as it is."""
    return of("faststart.mp4", "-c:a", "copy", *options)


def heard(*options: str) -> Make:
    """The sound anew, the picture as it is."""
    return of("faststart.mp4", "-c:v", "copy", *options)


def x265(colours: str) -> tuple[str, ...]:
    return ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"log-level=none{colours}", "-tag:v", "hvc1")


def hdr(transfer: str) -> Make:
    colours = f":colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    return encoded("-pix_fmt", "yuv420p10le", *x265(colours), *FASTSTART)


def _scrambled(content: bytes) -> bytes:
    """A tenth of the media data overwritten in its middle; the index is left alone."""
    start = content.index(b"mdat") + 4
    middle, length = start + (len(content) - start) // 2, (len(content) - start) // 10
    return content[:middle] + bytes((7 * at + 13) % 251 for at in range(length)) + content[middle + length :]


def _half(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


def _turned(content: bytes) -> bytes:
    """The first track's matrix turns its pictures: how ffmpeg is told to write one differs between its versions."""
    at = content.index(b"tkhd") + 44
    return content[:at] + struct.pack(">9i", 0, -(1 << 16), 0, 1 << 16, 0, 0, 0, 0, 1 << 30) + content[at + 36 :]


def _cover(kitchen: Corpus, target: Path) -> None:
    picture = target.with_name("cover.png")
    ffmpeg("-i", kitchen.clip("bikes.mp4"), "-frames:v", "1", "-vf", "scale=160:-2", picture)
    ffmpeg("-i", kitchen.obtain("faststart.mp4"), "-i", picture, "-map", "0:a", "-map", "1:v", "-c:a", "libmp3lame",
           "-c:v", "copy", "-disposition:v:0", "attached_pic", "-id3v2_version", "3", target)  # fmt: skip
    picture.unlink()


def _video_with_cover(kitchen: Corpus, target: Path) -> None:
    """The cover stands first, as some shops write it."""
    picture = target.with_name("cover.jpg")
    ffmpeg("-i", kitchen.clip("bikes.mp4"), "-frames:v", "1", "-vf", "scale=160:-2", picture)
    ffmpeg("-i", picture, "-i", kitchen.obtain("faststart.mp4"), "-map", "0:v", "-map", "1:v", "-map", "1:a",
           "-c", "copy", "-disposition:v:0", "attached_pic", "-disposition:v:1", "default", target)  # fmt: skip
    picture.unlink()


def _without_head(content: bytes) -> bytes:
    """The index is cut off whole, and nothing says that it was there."""
    return content[: content.index(b"moov") - 4]


VFR = "select='not(mod(n\\,7))+lt(mod(n\\,20)\\,9)'"
RECIPES: dict[str, Make] = {
    "faststart.mp4": _bunny,
    # containers
    "moov-last.mp4": copied(),
    "fragmented.mp4": copied("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    "quicktime.mov": copied(),
    "matroska.mkv": copied(),
    "vp9.webm": of("faststart.mp4", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k",
                   "-c:a", "libopus", "-ac", "2"),
    "vp8.webm": of("faststart.mp4", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k",
                   "-c:a", "libvorbis", "-ac", "2"),
    "stream.ts": copied(),
    "divx.avi": of("faststart.mp4", "-c:v", "mpeg4", "-q:v", "5", "-c:a", "libmp3lame", "-ac", "2"),
    "flash.flv": copied(),
    "program.mpg": of("faststart.mp4", "-c:v", "mpeg2video", "-q:v", "5", "-r", "25", "-c:a", "mp2", "-ac", "2"),
    # codecs
    "baseline.mp4": encoded(*QUICK, "-profile:v", "baseline", "-pix_fmt", "yuv420p", *FASTSTART),
    "high10.mkv": encoded(*QUICK, "-pix_fmt", "yuv420p10le"),
    "high422.mp4": encoded(*QUICK, "-pix_fmt", "yuv422p", *FASTSTART),
    "hevc.mp4": encoded("-pix_fmt", "yuv420p", *x265(""), *FASTSTART),
    "hevc.mkv": encoded("-pix_fmt", "yuv420p", *x265("")),
    "av1.mp4": encoded("-c:v", "libsvtav1", "-preset", "12", "-crf", "45", *FASTSTART),
    "mpeg4.mp4": encoded("-c:v", "mpeg4", "-q:v", "5", *FASTSTART),
    "prores.mov": of("faststart.mp4", "-c:v", "prores_ks", "-profile:v", "2", "-c:a", "pcm_s16le", "-ac", "2"),
    "mjpeg.mov": of("faststart.mp4", "-c:v", "mjpeg", "-q:v", "5", "-c:a", "pcm_s16le", "-ac", "2"),
    # shapes and rates
    "portrait.mp4": encoded("-vf", "transpose=1", *PLAIN, *FASTSTART),
    "rotated.mp4": changed("faststart.mp4", _turned),
    "anamorphic.mp4": encoded("-vf", "scale=240:180,setsar=4/3", *PLAIN, *FASTSTART),
    "odd.webm": encoded("-vf", "scale=321:181,setsar=1", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used",
                        "8", "-b:v", "300k", "-c:a", "libopus", "-ac", "2"),
    "variable.mkv": encoded("-vf", VFR, "-fps_mode", "passthrough", *PLAIN),
    "variable.webm": of("faststart.mp4", "-vf", VFR, "-fps_mode", "passthrough", "-c:v", "libvpx", "-deadline",
                        "realtime", "-cpu-used", "8", "-b:v", "500k", "-c:a", "libvorbis", "-ac", "2"),
    "fast.mp4": encoded("-vf", "fps=120", *PLAIN, *FASTSTART),
    "ntsc.mp4": of_clip("carphone_pristine.mp4", "-t", "2", *PLAIN, *FASTSTART),
    "pq.mp4": hdr("smpte2084"),
    "hlg.mp4": hdr("arib-std-b67"),
    "interlaced.ts": of("faststart.mp4", "-vf", "scale=320:240,tinterlace=4,setsar=1,setfield=tff", "-c:v",
                        "mpeg2video", "-q:v", "5", "-flags", "+ildct+ilme", "-c:a", "mp2", "-ac", "2"),
    "interlaced.mp4": encoded("-vf", "scale=320:240,tinterlace=4,setsar=1", *QUICK, "-flags", "+ildct+ilme",
                              "-x264-params", "tff=1", "-pix_fmt", "yuv420p", *FASTSTART),
    "slideshow.mp4": of("faststart.mp4", "-vf", "fps=1,setpts=N*3/TB", "-fps_mode", "vfr", *PLAIN, "-bf", "0", "-an"),
    # sound
    "two-tracks.mkv": of("faststart.mp4", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "copy", "-c:a", "aac",
                         "-ac:a:0", "1", "-ac:a:1", "2", "-disposition:a:0", "0", "-disposition:a:1", "default"),
    "surround.mp4": of_clip("bigbuckbunny.mp4", "-t", "2", "-vf", "scale=320:180", *PLAIN, *AAC, "-ac", "6",
                            *FASTSTART),
    "dolby.mkv": heard("-c:a", "ac3", "-ac", "6"),
    "mono.mp4": heard(*AAC, "-ac", "1", *FASTSTART),
    "opus.mp4": heard("-c:a", "libopus", "-ac", "2", *FASTSTART),
    "silent.mp4": copied("-an", *FASTSTART),
    "late-sound.mkv": heard("-af", "asetpts=PTS+0.5/TB", "-c:a", "aac"),
    "late-picture.mkv": of("faststart.mp4", "-vf", "setpts=PTS+0.4/TB", *PLAIN, "-c:a", "copy"),
    # no video
    "song.mp3": of("faststart.mp4", "-vn", "-c:a", "libmp3lame"),
    "song-with-cover.mp3": _cover,
    "picture.png": of_clip("bikes.mp4", "-frames:v", "1"),
    "one-frame.mp4": of("faststart.mp4", "-frames:v", "1", *PLAIN, "-an", *FASTSTART),
    "video-with-cover.mp4": _video_with_cover,
    # names
    "wrong.mp4": same("matroska.mkv"),
    "кино 映画 فيلم.mp4": same("faststart.mp4"),
    # cut, damaged, odd
    "truncated.mp4": changed("faststart.mp4", _half),
    "truncated.mkv": changed("matroska.mkv", _half),
    "truncated-moov-last.mp4": changed("moov-last.mp4", _half),
    "headless.mp4": changed("moov-last.mp4", _without_head),
    "truncated-fragmented.mp4": changed("fragmented.mp4", _half),
    "scrambled.mp4": changed("faststart.mp4", _scrambled),
    "scrambled-mpeg4.mp4": changed("mpeg4.mp4", _scrambled),
    "cut.mp4": of("open-gop.mp4", "-c", "copy", *FASTSTART, before=("-ss", "0.9")),
    "open-gop.mp4": encoded("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x264-params",
                            "open-gop=1:keyint=25:bframes=3:ref=5:scenecut=0", *FASTSTART),
    "late-start.mkv": of("faststart.mp4", "-c", "copy", before=("-itsoffset", "5")),
}  # fmt: skip
