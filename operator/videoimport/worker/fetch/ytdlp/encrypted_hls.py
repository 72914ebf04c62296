"""Detection of encrypted HLS. yt-dlp detects some DRM systems. Streams of other DRM systems go to ffmpeg, and ffmpeg
cannot decrypt them."""

import re

from yt_dlp.downloader.hls import HlsFD

_SAMPLE_AES = re.compile(r"#EXT-X-(?:SESSION-)?KEY:[^\r\n]*METHOD=SAMPLE-AES")
"""A key with SAMPLE-AES, which encrypts the samples (RFC 8216, 4.3.2.4), or with SAMPLE-AES-CTR, which Widevine
uses."""


def recognise_encrypted_samples() -> None:
    """Change yt-dlp so that yt-dlp reports a playlist with encrypted samples as protected by DRM. A second call changes
    nothing."""
    HlsFD._has_drm = staticmethod(_is_protected)


_known_to_library = HlsFD._has_drm


def _is_protected(manifest: str) -> bool:
    return bool(_known_to_library(manifest)) or _SAMPLE_AES.search(manifest) is not None
