"""Colours of a video: the meaning of the samples, and the conversion for ordinary screens.

``assumed`` replaces missing tags by one rule for every source. Names are the names of ffprobe and ffmpeg, which follow
ITU-T H.273.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from videoimport.media.source.streams import Video
from videoimport.media.transcode.filter_graph import Filter

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""HDR transfers: PQ and HLG."""
ORDINARY = ("bt709", "bt470bg", "smpte170m")
"""Matrices and primaries that every player shows correctly: BT.709, and BT.601 with 625 lines and with 525 lines."""
_MATRICES = (
    "gbr", *ORDINARY, "fcc", "smpte240m", "ycgco", "bt2020nc", "bt2020c", "chroma-derived-nc", "chroma-derived-c",
    "ictcp",
)  # fmt: skip
_PRIMARIES = (
    *ORDINARY, "bt470m", "smpte240m", "film", "bt2020", "smpte428", "smpte431", "smpte432", "ebu3213",
)  # fmt: skip
_VIDEO_CURVES = ("bt709", "smpte170m", "bt470m", "bt470bg", "iec61966-2-1")
"""Transfers of ordinary screens. An encode keeps the samples and the tag of these transfers."""
_LIKE_BT709 = ("bt2020-10", "bt2020-12", "smpte240m", "bt1361e", "iec61966-2-4")
"""Transfers that equal BT.709's curve within the range of ordinary screens, up to an invisible difference."""
_OTHER_CURVES = ("linear", "log100", "log316")
_TRANSFERS = (*_VIDEO_CURVES, *_LIKE_BT709, *_OTHER_CURVES, *HDR_TRANSFERS)
_WIDE = "bt2020"
_MATRIX_OF = {"bt2020": "bt2020nc", **{name: name for name in ORDINARY}}
"""The matrix that belongs to the primaries."""
_TWINS = {"smpte240m": "smpte170m"}
"""Primaries that have the same values in H.273."""
_PRIMARIES_OF = {"bt2020nc": "bt2020", "bt2020c": "bt2020", "ictcp": "bt2020", **{name: name for name in ORDINARY}}
_RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "pal8", "bayer", "xyz")
_GREY = ("gray", "grey", "ya8", "ya16", "mono")
_STUDIO_CODECS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg1video", "mpeg2video", "mpeg4", "prores", "dnxhd", "dirac")
"""Codecs whose standards define the limited range for samples without a range flag, also for grey samples."""


@dataclass(frozen=True, slots=True)
class Color:
    """The meaning of a video's samples."""

    primaries: str
    transfer: str
    matrix: str
    range: str
    """``tv`` (limited) or ``pc`` (full)."""


def assumed(video: Video) -> Color:
    """Return the source's colours. Each missing tag is derived from the other tags, the pixel format and the size.

    Tags without a meaning (``reserved``) and tags that no filter supports are treated as missing.
    """
    primaries, transfer, matrix = _known(video)
    if video.pixels.startswith("xyz"):  # decoders output RGB for digital cinema, and swscale converts it to sRGB
        return Color("bt709", "bt709", "gbr", "pc")
    transfer = transfer or _transfer(video, primaries, matrix)
    wide = _WIDE if transfer in HDR_TRANSFERS else ""
    primaries = primaries or wide or _PRIMARIES_OF.get(matrix, "") or _by_size(video)
    matrix = matrix or (_MATRIX_OF[_WIDE] if wide else _MATRIX_OF.get(primaries, "") or _by_size(video))
    return Color(primaries, transfer, matrix, _range(video))


def _known(video: Video) -> tuple[str, str, str]:
    """Return the primaries, transfer and matrix that are known, else "". Only RGB pixels have an RGB matrix."""
    primaries = _TWINS.get(video.primaries, video.primaries) if video.primaries in _PRIMARIES else ""
    transfer = video.transfer if video.transfer in _TRANSFERS else ""
    if is_rgb(video):
        return primaries, transfer, "gbr"
    return primaries, transfer, video.matrix if video.matrix in _MATRICES[1:] else ""


def _transfer(video: Video, primaries: str, matrix: str) -> str:
    """Return the transfer of a source without a transfer tag. HDR is returned only if another value proves HDR."""
    if video.hdr:
        return video.hdr
    if matrix == "ictcp":
        return "smpte2084"
    if _WIDE in (primaries, _PRIMARIES_OF.get(matrix)):
        return "bt2020-10"
    found = primaries or _PRIMARIES_OF.get(matrix, "") or _by_size(video)
    return "smpte170m" if found in ("bt470bg", "smpte170m") else "bt709"


def _by_size(video: Video) -> str:
    """Return BT.709 for videos of at least 1280 columns or 577 lines, as mpv and browsers assume.

    For a smaller video, return BT.601 of 625 lines or of 525 lines, by the height or the frame rate. For RGB of any
    size, return BT.709, because screens use sRGB with the primaries of BT.709.
    """
    if is_rgb(video) or video.width >= 1280 or video.height > 576:
        return "bt709"
    if video.height in (288, 576) or video.rate in (25, 50):
        return "bt470bg"
    return "smpte170m"


def _range(video: Video) -> str:
    if is_rgb(video) or video.pixels.startswith("yuvj"):
        return "pc"
    if video.range in ("tv", "pc"):
        return video.range
    return "pc" if is_grey(video) and video.codec not in _STUDIO_CODECS else "tv"


def is_rgb(video: Video) -> bool:
    """Return whether the samples are red, green and blue, or indexes into a palette of such colours."""
    return video.pixels.startswith(_RGB)


def is_grey(video: Video) -> bool:
    """Return whether the video is grey and has no colour."""
    return video.pixels.startswith(_GREY)


def is_hdr(video: Video) -> bool:
    """Return whether the colours need tone mapping for ordinary screens."""
    return assumed(video).transfer in HDR_TRANSFERS


def encoded(video: Video) -> Color:
    """Return the colours of an encode. BT.601 and BT.709 stay unchanged, and all other colours become BT.709."""
    found = assumed(video)
    if found.transfer in HDR_TRANSFERS:
        return Color("bt709", "bt709", "bt709", "tv")
    return Color(
        found.primaries if found.primaries in ORDINARY else "bt709",
        found.transfer if found.transfer in _VIDEO_CURVES else "bt709",
        found.matrix if found.matrix in ORDINARY else "bt709",
        "tv",
    )


def _is_mapped(video: Video) -> bool:
    """Return whether an encode changes the colours themselves and not only their encoding.

    Grey videos are included, because swscale treats all grey samples as full range.
    """
    found = assumed(video)
    return (
        is_grey(video)
        or found.primaries not in ORDINARY
        or found.matrix not in ("gbr", *ORDINARY)
        or found.transfer in (*_OTHER_CURVES, *HDR_TRANSFERS)
    )


def needed_filters(video: Video) -> frozenset[str]:
    """Return ffmpeg's names of the filters that an encode needs and that some ffmpeg builds lack."""
    if is_hdr(video):
        return frozenset(("zscale", "tonemap"))
    return frozenset(("zscale",)) if _is_mapped(video) else frozenset()


def named(color: Color) -> Filter:
    """Return the filter that writes colour tags onto frames."""
    primaries, transfer, matrix, span = astuple(color)
    tags = {"color_primaries": primaries, "color_trc": transfer, "colorspace": matrix}
    return Filter("setparams", {"range": span, **tags})


def scaled(video: Video, size: Mapping[str, str]) -> tuple[Filter, ...]:
    """Return the scale filter of an encode with the options ``size``, after the filters that the scale filter needs.

    If the colours do not change, the scale filter also converts RGB and the full range to limited YUV.
    """
    whole = (_format("rgb24"),) if video.pixels in _PALETTES else ()
    if _is_mapped(video):
        return (*whole, Filter("scale", size))
    matrix = _SWSCALE[encoded(video).matrix]
    span = "full" if assumed(video).range == "pc" else "limited"
    matrices = {"in_color_matrix": matrix, "out_color_matrix": matrix}
    return (*whole, Filter("scale", {**size, **matrices, "in_range": span, "out_range": "limited"}))


_PALETTES = ("pal8", "rgb8", "bgr8", "rgb4", "bgr4", "rgb4_byte", "bgr4_byte")
"""Pixel formats that swscale converts to BT.601, whatever its options are."""
_SWSCALE = {"bt709": "bt709", "bt470bg": "bt601", "smpte170m": "bt601"}


def mapped(video: Video) -> tuple[Filter, ...]:
    """Return the filters that change colours. Return no filters if BT.601 or BT.709 stays unchanged."""
    if is_hdr(video):
        return (*_TONE_MAPPING, Filter("zscale", _zscaled(encoded(video))))
    if not _is_mapped(video):
        return ()
    return (Filter("zscale", {"rangein": assumed(video).range, **_zscaled(encoded(video))}),)


def _zscaled(color: Color) -> dict[str, str]:
    return {"primaries": color.primaries, "transfer": color.transfer, "matrix": color.matrix, "range": "tv"}


def _format(pixels: str) -> Filter:
    return Filter("format", {"pix_fmts": pixels})


_TONE_MAPPING = (
    Filter("zscale", {"transfer": "linear", "npl": 100}),
    _format("gbrpf32le"),
    Filter("zscale", {"primaries": "bt709"}),
    Filter("tonemap", {"tonemap": "hable", "desat": 0}),
)


def ordinary(video: Video) -> tuple[Filter, ...]:
    """Return the filters that convert to ordinary colours, 8-bit 4:2:0 and square pixels.

    These filters come after scaling, so that there are fewer pixels to convert.
    """
    return (*mapped(video), _format("yuv420p"), Filter("setsar", {"sar": 1}), named(encoded(video)))


def still(video: Video) -> tuple[Filter, ...]:
    """Return the filters from an encode's colours to the colours of JPEG files: BT.601, full range."""
    matrices = {"in_color_matrix": _SWSCALE[encoded(video).matrix], "out_color_matrix": "bt601"}
    return Filter("scale", {**matrices, "in_range": "limited", "out_range": "full"}), _format("yuvj420p")


_UNNAMED = ("", "unknown", "unspecified", "reserved")
_NUMBERS = {
    "bt709": 1, "bt470bg": 5, "smpte170m": 6, "bt2020": 9, "bt2020nc": 9, "bt2020-10": 14, "smpte2084": 16,
    "arib-std-b67": 18,
}  # fmt: skip
"""H.273's numbers of all names that ``assumed`` can add.

A name that is used for both primaries and a matrix has the same number in both.
"""
_HEADERS = {
    "h264": ("h264_metadata", "colour_primaries", "transfer_characteristics", "matrix_coefficients"),
    "hevc": ("hevc_metadata", "colour_primaries", "transfer_characteristics", "matrix_coefficients"),
    "av1": ("av1_metadata", "color_primaries", "transfer_characteristics", "matrix_coefficients"),
}
"""The filter that writes the header of a codec, and the options of the filter.

Decoders of these codecs prefer the colours in the codec's own header.
"""


def missing(video: Video) -> Color:
    """Return the colour tags that a copy must add because the source lacks them. A missing tag has the assumed
    value, and any other tag is ""."""
    found = assumed(video)
    given = (video.primaries, video.transfer, video.matrix)
    lacking = [tag in _UNNAMED and not is_rgb(video) for tag in given]
    names = (found.primaries, found.transfer, found.matrix)
    primaries, transfer, matrix = (name if lacks else "" for name, lacks in zip(names, lacking, strict=True))
    return Color(primaries, transfer, matrix, "")


def tagging(video: Video) -> tuple[str, ...]:
    """Return ffmpeg's arguments that add the missing colour tags to a copy.

    Return no arguments if no tag is missing.
    """
    names = astuple(missing(video))[:3]
    options = ("-color_primaries", "-color_trc", "-colorspace")
    words = [word for option, name in zip(options, names, strict=True) if name for word in (option, name)]
    is_silent = video.codec == "h264" and all(names)  # this header has no colours, so the container format defines them
    if words and video.codec in _HEADERS and not is_silent:
        writer, *fields = _HEADERS[video.codec]
        told = ":".join(f"{field}={_NUMBERS[name]}" for field, name in zip(fields, names, strict=True) if name)
        words += ["-bsf:v", f"{writer}={told}"]
    return tuple(words)
