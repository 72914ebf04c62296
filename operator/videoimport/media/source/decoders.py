"""Check of which codecs the installed ffmpeg can decode.

A codec that ffmpeg cannot decode is an unsupported format, not a damaged source.
"""

from dataclasses import replace

from videoimport.api.reasons import Reason
from videoimport.media.source.findings import Finding
from videoimport.media.source.streams import Audio, Media, Video

CODECS_ARGV = ("ffmpeg", "-hide_banner", "-v", "error", "-codecs")


def decodable(text: str) -> frozenset[str]:
    """Return the codec names that ffmpeg can decode, from the output of ``ffmpeg -codecs``.

    The first flag in each line of a decodable codec is D.
    """
    lines = (line.split() for line in text.splitlines())
    return frozenset(words[1] for words in lines if len(words) > 1 and words[0].startswith("D"))


def usable(media: Media, known: frozenset[str], encrypted: frozenset[int] = frozenset()) -> Media:
    """Return the file without the streams that ffmpeg cannot decode. A stream is removed only if another stream can
    replace it.

    A smaller video never replaces a larger one, because the smaller video may be only a preview. If ffmpeg can decode
    no audio stream, all audio streams stay.
    """

    def decodes(stream: Video | Audio) -> bool:
        return stream.codec in known and stream.index not in encrypted

    decoded = [video for video in media.videos if not video.is_picture and decodes(video)]
    largest = max((_area(video) for video in decoded), default=0)
    audios = tuple(audio for audio in media.audios if decodes(audio))
    return replace(
        media,
        videos=tuple(one for one in media.videos if one.is_picture or decodes(one) or _area(one) > largest),
        audios=audios or media.audios,
    )


def _area(video: Video) -> int:
    return max(1, video.width * video.height)


def why_not_decoded(stream: Video | Audio, known: frozenset[str]) -> Finding | None:
    """Return an UNSUPPORTED_FORMAT finding if this ffmpeg cannot decode the chosen stream. Return None otherwise."""
    if stream.codec in known:
        return None
    kind = "video" if isinstance(stream, Video) else "audio"
    message = f"The source's {kind} codec is {name_of(stream)}, which the worker's ffmpeg cannot decode."
    return Finding(Reason.UNSUPPORTED_FORMAT, message, f"Convert the {kind} to another codec, such as {_COMMON[kind]}.")


_COMMON = {"video": "H.264", "audio": "AAC"}


def name_of(stream: Video | Audio) -> str:
    """Return the name of the stream's codec from ffprobe.

    If ffprobe does not know the codec, return the codec tag from the container, such as ``apch``.
    """
    return stream.codec if stream.codec not in ("unknown", "none", "") else stream.tag or "unknown"
