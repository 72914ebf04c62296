"""Detection of encrypted sources from the container format alone, because a decoder cannot distinguish encryption from
damage.

MP4 and MOV: ISO/IEC 14496-12 section 8.12 (sample entries ``encv`` and ``enca`` with their scheme), and Apple's older
sample entries ``drmi`` and ``drms``. Transport streams: ISO/IEC 13818-1 section 2.4.3.3 (scrambling bits). ASF: the
objects in section 3 of the ASF specification. Matroska: ffprobe reports ContentEncryption as a tag.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import Box, Read, within
from videoimport.media.container.mpegts import NULL_PID, pid_of
from videoimport.media.container.truncated_other_formats import ASF_HEADER
from videoimport.media.source.findings import Finding
from videoimport.media.source.streams import Audio, Media, Video

ENOUGH = 1 << 20
"""Number of bytes from the start of a file that show whether the file is scrambled.

Program tables are never scrambled.
"""
_PACKET_BYTES = (188, 192)
"""Packet sizes of a transport stream in bytes. Blu-ray discs have a time stamp before each packet."""
_LEAST_PACKETS = 32
_ENTRIES = {b"encv": "", b"enca": "", b"enct": "", b"encs": "", b"drmi": "FairPlay", b"drms": "FairPlay"}
_PATH = (b"mdia", b"minf", b"stbl", b"stsd")
_ASF_ENCRYPTION = tuple(
    bytes.fromhex(guid)
    for guid in (
        "fbb3112223bdd211b4b700a0c955fc6e",
        "14e68a292226174cb935dae07ee9289c",
        "338505438169e6499b74ad12cb86d58c",
    )
)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A track whose samples are encrypted."""

    index: int
    """ffprobe's index of the stream. The first track has index 0."""
    scheme: str
    """Name of the encryption scheme, such as cenc or cbcs. The value is empty if the file does not name the scheme."""


def encrypted_tracks(read: Read, boxes: tuple[Box, ...]) -> tuple[Encrypted, ...]:
    """Return the encrypted tracks of an MP4 or MOV file, fragmented or not. ``read(offset, length)`` reads the file."""
    moov = next((box for box in boxes if box.name == b"moov"), None)
    if moov is None:
        return ()
    tracks = [content for name, content in within(read(moov.start + 8, moov.end - moov.start - 8)) if name == b"trak"]
    found = ((index, _scheme(track)) for index, track in enumerate(tracks))
    return tuple(Encrypted(index, scheme) for index, scheme in found if scheme is not None)


def _scheme(track: bytes) -> str | None:
    """Return the encryption scheme of a track if any sample entry is encrypted.

    Return None for a track without encryption.
    """
    for name in _PATH:
        track = next((content for found, content in within(track) if found == name), b"")
    for name, entry in within(track[8:]):
        if name in _ENTRIES:
            at = entry.find(b"schm")
            named = entry[at + 8 : at + 12] if at >= 0 else b""
            return _ENTRIES[name] or (named.decode("ascii") if named.isalnum() else "")
    return None


def protection(media: Media, tracks: tuple[Encrypted, ...], chosen: Video | Audio) -> Finding | None:
    """Return a DRM_PROTECTED finding if the chosen stream is encrypted. Return None otherwise."""
    kind = "video" if isinstance(chosen, Video) else "audio"
    scheme = next((track.scheme for track in tracks if track.index == chosen.index), None)
    if scheme is None and not (chosen.has_key and media.demuxer.startswith("matroska")):
        return None
    return _protected(f"The source's {kind} is encrypted{f' ({scheme})' if scheme else ''}.")


def scrambled(head: bytes) -> Finding | None:
    """Return a DRM_PROTECTED finding if a whole transport stream or a whole ASF file is encrypted. Return None
    otherwise.

    ``head`` contains the first bytes of the file.
    """
    if head.startswith(ASF_HEADER):
        return _protected("The source is encrypted (Windows Media).") if _has_keys(head) else None
    for length in _PACKET_BYTES:
        packets = list(_packets(head, length))
        if len(packets) >= _LEAST_PACKETS:
            found = sum(1 for packet in packets if packet[3] & 0xC0)
            return _protected("The source's transport stream is scrambled.") if 2 * found > len(packets) else None
    return None


def _has_keys(head: bytes) -> bool:
    header = head[: int.from_bytes(head[16:24], "little")]
    return any(guid in header for guid in _ASF_ENCRYPTION)


def _packets(head: bytes, length: int) -> Iterator[bytes]:
    """Yield the first 4 bytes of each packet that is not a null packet.

    Stop at the first packet without a sync byte.
    """
    for start in range(length - 188, len(head) - 188, length):
        packet = head[start : start + 4]
        if packet[0] != 0x47:
            return
        if pid_of(packet) != NULL_PID:
            yield packet


def _protected(message: str) -> Finding:
    return Finding(Reason.DRM_PROTECTED, message)
