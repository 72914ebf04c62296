"""Properties of HLS and DASH renditions that yt-dlp ignores when it chooses formats.

They are: which audio belongs to a video, the default rendition, renditions for only some users, and whether a rendition
covers the whole source.

``preference`` is the first key by which yt-dlp sorts formats of one kind.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import parse_m3u8_attributes

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure

_ALTERNATE, _SPECIAL, _TRICK = -2, -3, -4
"""Values of ``preference``. All are below -1, which yt-dlp uses for a missing preference."""
_ACCESSIBLE = "public.accessibility."
_MAIN_ROLES = ("main", "")
_SPECIAL_ROLES = ("commentary", "description", "sign", "emergency", "karaoke", "enhanced-audio-intelligibility")
_NUMBER = "number_in_period"
_UNCOMPARED = ("format_id", "fragments", "manifest_stream_number", "is_dash_periods")
_TRICK_MODE = "dashif.org/guidelines/trickmode"
Formats = list[dict[str, Any]]


def prefer_hls_defaults(manifest: str, url: str, formats: Formats) -> None:
    """Set ``preference`` and ``acodec`` of the formats of an HLS multivariant playlist.

    If the audio group of a variant has files of its own, the variant itself contains no audio. This is true even if the
    variant names no codecs.
    """
    groups = _sounds(manifest)
    apart = {name for name, sounds in groups.items() if sounds and "URI" in _main(sounds)}
    silent = {urljoin(url, at) for at, variant in _variants(manifest) if variant.get("AUDIO") in apart}
    ranks = {
        urljoin(url, sound["URI"]): _rank(sound, _main(sounds))
        for sounds in groups.values() for sound in sounds if "URI" in sound
    }  # fmt: skip
    for one in formats:
        if one.get("vcodec") == "none":
            _lower(one, ranks.get(one.get("url", ""), 0))
        elif one.get("url") in silent and one.get("acodec") is None:
            one["acodec"] = "none"


def _sounds(manifest: str) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for line in manifest.splitlines():
        if line.startswith("#EXT-X-MEDIA:"):
            media = parse_m3u8_attributes(line)
            if media.get("TYPE") == "AUDIO" and "GROUP-ID" in media:
                groups.setdefault(media["GROUP-ID"], []).append(media)
    return groups


def _main(sounds: list[dict[str, str]]) -> dict[str, str]:
    """Return the default audio of a group, else the first audio that is not for accessibility."""
    default = (sound for sound in sounds if sound.get("DEFAULT") == "YES")
    usual = (sound for sound in sounds if _ACCESSIBLE not in sound.get("CHARACTERISTICS", ""))
    return next(default, None) or next(usual, sounds[0])


def _rank(sound: Mapping[str, str], main: Mapping[str, str]) -> int:
    if sound is main:
        return 0
    return _SPECIAL if _ACCESSIBLE in sound.get("CHARACTERISTICS", "") else _ALTERNATE


def _variants(manifest: str) -> Iterator[tuple[str, dict[str, str]]]:
    named: dict[str, str] = {}
    for line in filter(None, map(str.strip, manifest.splitlines())):
        if line.startswith("#EXT-X-STREAM-INF:"):
            named = parse_m3u8_attributes(line)
        elif not line.startswith("#"):
            yield line, named
            named = {}


def _lower(one: dict[str, Any], rank: int) -> None:
    if rank:
        one["preference"] = (one.get("preference") or 0) + rank


def prefer_dash_roles(manifest: Element, periods: Iterable[Mapping[str, Any]]) -> None:
    """Set ``preference`` of the formats of a DASH manifest by the roles of their adaptation sets."""
    ranks = dict(_ranks(manifest))
    for period in periods:
        for one in period["formats"]:
            name = str(one.get("format_id", ""))
            _lower(one, next((rank for end, rank in ranks.items() if name == end or name.endswith(f"-{end}")), 0))


def _ranks(manifest: Element) -> Iterator[tuple[str, int]]:
    for found in manifest.iter():
        if _name(found) == "AdaptationSet" and (rank := _rank_of_set(found)):
            yield from ((str(child.get("id")), rank) for child in found if _name(child) == "Representation")


def _rank_of_set(found: Element) -> int:
    properties = [child for child in found if _name(child) in ("EssentialProperty", "SupplementalProperty")]
    if any(_TRICK_MODE in child.get("schemeIdUri", "") for child in properties):
        return _TRICK
    roles = {child.get("value", "") for child in found if _name(child) == "Role"}
    if any(_name(child) == "Accessibility" for child in found) or roles & set(_SPECIAL_ROLES):
        return _SPECIAL
    return _ALTERNATE if roles and not roles & set(_MAIN_ROLES) else 0


def _name(element: Element) -> str:
    return re.sub(r"^\{.*\}", "", str(element.tag))


def number_equal_formats(formats: Formats) -> None:
    """Number the equal formats of a DASH period, such as two audio tracks without a language.

    Otherwise yt-dlp would treat the equal formats as one stream, and join one format to the other in the next period.
    """
    seen = Counter[tuple[Any, ...]]()
    for one in formats:
        key = _key(one)
        one[_NUMBER] = seen[key]
        seen[key] += 1


def prefer_first_audio(formats: Formats) -> None:
    """In a DASH period, lower the ``preference`` of audio that differs from the first audio with the role main."""
    audios = [one for one in formats if _is_audio(one)]
    first = next((one for one in audios if not one.get("preference")), None)
    for one in audios:
        if first and not one.get("preference") and (one[_NUMBER] or one.get("language") != first.get("language")):
            _lower(one, _ALTERNATE)


def whole_formats(periods: list[Formats], merged: Formats) -> Formats:
    """Return the merged formats that exist in all periods. ``periods`` has the formats of each period before the merge.

    If a format is missing in a period, the merged format lacks a part of the source, such as the film after an
    advertisement.

    Raises ImportFailure UNSUPPORTED_SOURCE if no video exists in all periods. The same applies to audio, if a period
    has audio.
    """
    found: Formats = []
    for kind, word in ((_is_video, "video"), (_is_audio, "audio")):
        keys = [{_key(one) for one in formats if kind(one)} for formats in periods]
        through = [one for one in merged if kind(one) and all(_key(one) in period for period in keys)]
        if any(keys) and not through:
            message = f"The source's DASH manifest has {len(periods)} periods, and no {word} exists in all of them."
            advice = "Give the address of one period, or of a file with the whole video."
            raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)
        found += through
    return [one for one in merged if one in found or not (_is_video(one) or _is_audio(one))]


def _is_video(one: Mapping[str, Any]) -> bool:
    return one.get("vcodec") != "none"


def _is_audio(one: Mapping[str, Any]) -> bool:
    return one.get("vcodec") == "none" and one.get("acodec") != "none"


def _key(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values that yt-dlp compares to find the same stream in another period."""
    return tuple(str(value) for name, value in one.items() if name not in _UNCOMPARED)


def install() -> None:
    """Change yt-dlp so that all its extractors in this process use the functions of this module."""
    parse_hls = InfoExtractor._parse_m3u8_formats_and_subtitles
    parse_dash, merge = InfoExtractor._parse_mpd_periods, InfoExtractor._merge_mpd_periods

    def marked_hls(self: Any, m3u8_doc: str, m3u8_url: str | None = None, *args: Any, **named: Any) -> Any:
        formats, subtitles = parse_hls(self, m3u8_doc, m3u8_url, *args, **named)
        prefer_hls_defaults(m3u8_doc, m3u8_url or "", formats)
        return formats, subtitles

    def marked_dash(self: Any, mpd_doc: Element, *args: Any, **named: Any) -> Any:
        periods = list(parse_dash(self, mpd_doc, *args, **named))
        prefer_dash_roles(mpd_doc, periods)
        for period in periods:
            number_equal_formats(period["formats"])
            prefer_first_audio(period["formats"])
        return periods

    def merged(self: Any, periods: Any) -> Any:
        periods = list(periods)
        before = [[dict(one) for one in period["formats"]] for period in periods]
        formats, subtitles = merge(self, periods)
        return whole_formats(before, formats), subtitles

    InfoExtractor._parse_m3u8_formats_and_subtitles = marked_hls
    InfoExtractor._parse_mpd_periods = marked_dash
    InfoExtractor._merge_mpd_periods = merged
