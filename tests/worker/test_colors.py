"""Colours of a result: decoded by the result's own tags, each patch has the colour that its source meant."""

import subprocess
from pathlib import Path

import pytest

from support.worker.transcode_runs import job, made
from support.worker.worker_harness import probe
from videoimport.worker.pipeline import thumbnails
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, examine

PATCHES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0), (200, 120, 80))
GREYS = ((128, 128, 128), (255, 255, 255), (0, 0, 0), (40, 40, 40), (90, 90, 90), (180, 180, 180), (220, 220, 220))
TOLERANCE = 6
"""Of 255: two roundings to limited 8 bits and a lossy codec."""
KR_KB = {"bt709": (0.2126, 0.0722), "bt470bg": (0.299, 0.114), "smpte170m": (0.299, 0.114)}
TO_YUV = "scale=out_color_matrix={}:out_range={},format={},setparams=colorspace={}:color_primaries={}:color_trc={}"


Patches = tuple[tuple[int, ...], ...]


def clip(path: Path, filters: str, *codec: str, size: tuple[int, int] = (640, 360), patches: Patches = PATCHES) -> Path:
    """Half a second of vertical stripes, one a patch."""
    width, height = size
    row = b"".join(bytes(patches[at * len(patches) // width]) for at in range(width))
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-")
    words = ("ffmpeg", "-v", "error", "-y", *raw, "-vf", filters, *codec, path)
    subprocess.run(words, input=row * height * 12, check=True, capture_output=True)
    return path


def yuv(matrix: str, span: str, pixels: str, *tags: str) -> str:
    """Filters to YUV of a matrix, with tags of matrix, primaries and transfer, or with none."""
    return TO_YUV.format(matrix, span, pixels, *(tags or ("unknown",) * 3))


def seen(result: Path, count: int = len(PATCHES)) -> list[tuple[int, ...]]:
    """The middle of each stripe as RGB, reckoned from the samples and the result's tags by H.273."""
    video = next(stream for stream in probe(result)["streams"] if stream["codec_type"] == "video")
    red, blue = KR_KB[video["color_space"]]
    assert video["color_range"] == "tv"
    assert {"unknown", None}.isdisjoint({video.get("color_primaries"), video.get("color_transfer")})
    width, height = video["width"], video["height"]
    raw = subprocess.run(
        ("ffmpeg", "-v", "error", "-i", result, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"),
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    luma, chroma = width * height, (width // 2) * (height // 2)
    found = []
    for number in range(count):
        x, y = (2 * number + 1) * width // (2 * count), height // 2
        place = luma + (y // 2) * (width // 2) + x // 2
        bright = (raw[y * width + x] - 16) / 219
        cb, cr = (raw[place] - 128) / 224, (raw[place + chroma] - 128) / 224
        r, b = bright + 2 * (1 - red) * cr, bright + 2 * (1 - blue) * cb
        g = (bright - red * r - blue * b) / (1 - red - blue)
        found.append(tuple(round(255 * min(1.0, max(0.0, each))) for each in (r, g, b)))
    return found


def assert_close(
    found: list[tuple[int, ...]], wanted: tuple[tuple[int, ...], ...] = PATCHES, tolerance: int = TOLERANCE
) -> None:
    off = [max(abs(a - b) for a, b in zip(one, other, strict=True)) for one, other in zip(found, wanted, strict=True)]
    assert max(off) <= tolerance, list(zip(wanted, found, strict=True))


def brought(source: Path, folder: Path, mode: str = "Encode") -> Examined:
    return made(job(source, mode=mode, video={"preset": "ultrafast", "crf": 10}), folder)["video"]


RGB = {
    "png.mov": ("format=rgb24", "-c:v", "png"),
    "alpha.mov": ("format=rgba", "-c:v", "png"),
    "palette.mov": ("split[a][b];[a]palettegen[p];[b][p]paletteuse,format=pal8", "-c:v", "png"),
    "animation.mov": ("format=rgb24", "-c:v", "qtrle"),
    "ut.avi": ("format=gbrp", "-c:v", "utvideo"),
    "ffv1.mkv": ("format=gbrp", "-c:v", "ffv1"),
    "ten.mkv": ("format=gbrp10le", "-c:v", "ffv1"),
    "raw.avi": ("format=bgr24", "-c:v", "rawvideo"),
    "x264.mp4": ("format=rgb24", "-c:v", "libx264rgb", "-crf", "1"),
}


@pytest.mark.full(but=["png.mov", "ten.mkv", "raw.avi", "x264.mp4"])
@pytest.mark.parametrize("name", RGB)
def test_rgb_becomes_bt709(tmp_path: Path, name: str) -> None:
    filters, *codec = RGB[name]
    result = brought(clip(tmp_path / name, filters, *codec), tmp_path)
    assert_close(seen(result.path))


X264 = ("-c:v", "libx264", "-crf", "4", "-pix_fmt")
PRORES = ("-c:v", "prores_ks")
SD, HD, CLIP = (720, 576), (1280, 720), (640, 360)
WIDE = "format=gbrp,zscale=pin=709:tin=709:p=2020:t=2020_10:m=2020_ncl:r=tv,format=yuv420p10le"
YUV = {
    "untagged, 525 lines": ((720, 480), yuv("bt601", "tv", "yuv420p"), *X264, "yuv420p", "-r", "30"),
    "untagged, 625 lines": (SD, yuv("bt601", "tv", "yuv420p"), *X264, "yuv420p"),
    "untagged, 720 lines": (HD, yuv("bt709", "tv", "yuv420p"), *X264, "yuv420p"),
    "a matrix alone": (CLIP, yuv("bt709", "tv", "yuv420p", "bt709", "unknown", "unknown"), *X264, "yuv420p"),
    "BT.601 of a large size": (HD, yuv("bt601", "tv", "yuv420p", *["smpte170m"] * 3), *X264, "yuv420p"),
    "full range": (CLIP, yuv("bt709", "pc", "yuv420p", *["bt709"] * 3), *X264, "yuv420p", "-color_range", "pc"),
    "full range, 4:4:4": (CLIP, yuv("bt601", "pc", "yuv444p"), *X264, "yuvj444p"),
    "full range, MJPEG": (CLIP, yuv("bt601", "pc", "yuvj422p"), "-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj422p"),
    "10 bits, 4:4:4": (HD, yuv("bt709", "tv", "yuv444p10le"), *X264, "yuv444p10le"),
    "10 bits, 4:2:2": (SD, yuv("bt601", "tv", "yuv422p10le"), *PRORES),
    "alpha": (HD, yuv("bt709", "tv", "yuva444p10le"), *PRORES, "-profile:v", "4"),
    "BT.2020, standard range": (HD, WIDE, *X264, "yuv420p10le"),
    "SMPTE 240M": (HD, yuv("smpte240m", "tv", "yuv420p", *["smpte240m"] * 3), *X264, "yuv420p"),
}


@pytest.mark.full(
    but=[
        "untagged, 525 lines",
        "untagged, 720 lines",
        "a matrix alone",
        "full range",
        "10 bits, 4:2:2",
        "BT.2020, standard range",
    ]
)
@pytest.mark.parametrize("name", YUV)
def test_yuv_keeps_its_colours(tmp_path: Path, name: str) -> None:
    size, filters, *codec = YUV[name]
    source = clip(tmp_path / "source.mov", filters, *codec, size=size)
    # Near black a step of linear light is many of a transfer's.
    assert_close(seen(brought(source, tmp_path).path), tolerance=12 if "2020" in name else TOLERANCE)


LUMA = "scale=out_range=tv,format=yuv420p,extractplanes=y,setparams=range=tv"


@pytest.mark.parametrize(
    ("name", "filters", "codec"),
    [
        ("png.mov", "format=gray", ("-c:v", "png")),
        ("full.mkv", "format=gray", ("-c:v", "ffv1")),
        ("limited.mkv", LUMA, (*X264, "gray")),
    ],
)  # fmt: skip
def test_grey_stays_as_bright_as_it_is(tmp_path: Path, name: str, filters: str, codec: tuple[str, ...]) -> None:
    source = clip(tmp_path / name, filters, *codec, patches=GREYS)
    assert_close(seen(brought(source, tmp_path).path), GREYS)


HDR = ("smpte2084", "arib-std-b67")


@pytest.mark.full(but=["-smpte2084", "primaries matrix-arib-std-b67"])
@pytest.mark.parametrize("transfer", HDR)
@pytest.mark.parametrize("lacking", ["", "primaries", "matrix", "primaries matrix"])
def test_hdr_needs_no_tag_but_its_transfer(tmp_path: Path, transfer: str, lacking: str) -> None:
    names = {"primaries": "bt2020", "matrix": "bt2020nc", **dict.fromkeys(lacking.split(), "unknown")}
    filters = yuv("bt2020", "tv", "yuv420p10le", names["matrix"], names["primaries"], transfer)
    source = clip(tmp_path / "hdr.mov", filters, *X264, "yuv420p10le")
    found = seen(brought(source, tmp_path).path)
    red, green, blue = found[:3]
    assert (max(red), max(green), max(blue)) == (red[0], green[1], blue[2])


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_a_copy_names_what_its_source_does_not(tmp_path: Path, codec: str) -> None:
    source = clip(tmp_path / "plain.mp4", yuv("bt709", "tv", "yuv420p"), "-c:v", codec, size=(1280, 720))
    result = brought(source, tmp_path, "Remux")
    video = result.media.video
    assert video is not None
    assert (video.primaries, video.transfer, video.matrix) == ("bt709",) * 3
    assert_close(seen(result.path))


def test_a_copy_keeps_the_names_it_has(tmp_path: Path) -> None:
    tags = yuv("bt709", "tv", "yuv420p", "bt709", "unknown", "iec61966-2-1")
    source = clip(tmp_path / "partly.mp4", tags, *X264, "yuv420p")
    video = brought(source, tmp_path, "Remux").media.video
    assert video is not None
    assert (video.primaries, video.transfer, video.matrix) == ("bt709", "iec61966-2-1", "bt709")


@pytest.mark.parametrize(("matrix", "size"), [("bt709", (1280, 720)), ("bt601", (720, 576))])
def test_stills_have_the_colours_of_jpeg_files(tmp_path: Path, matrix: str, size: tuple[int, int]) -> None:
    source = examine(Children(), clip(tmp_path / "v.mp4", yuv(matrix, "tv", "yuv420p"), *X264, "yuv420p", size=size))
    (still,) = thumbnails.make(Children(), source, 1, tmp_path / "stills")
    raw = subprocess.run(
        ("ffmpeg", "-v", "error", "-i", still, "-vf", "scale=in_color_matrix=bt601:in_range=pc", "-f", "rawvideo",
         "-pix_fmt", "rgb24", "-"), check=True, capture_output=True,
    ).stdout  # fmt: skip
    row = raw[size[0] * 3 * (size[1] // 2) :]
    places = [(2 * number + 1) * size[0] // (2 * len(PATCHES)) for number in range(len(PATCHES))]
    assert_close([tuple(row[3 * x : 3 * x + 3]) for x in places])


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_every_encoder_writes_the_tags(tmp_path: Path, codec: str) -> None:
    source = clip(tmp_path / "v.mov", "format=rgb24", "-c:v", "png")
    result = made(job(source, mode="Encode", video={"codec": codec, "preset": "ultrafast", "crf": 10}), tmp_path)
    assert_close(seen(result["video"].path), tolerance=10)
