"""Mixing of a source's channels to stereo. Every channel is included.

If all channels are at full scale, the mix is at full scale. Gains follow ITU-R BS.775-3, table 2: front channels
unchanged, centre and surround channels 3 dB lower. BS.775 leaves out the low frequency channel. Here, this channel
goes to both sides 6 dB lower, so that no channel is lost. Then all gains are divided by one number: the sum of the
gains of the left side or of the right side, whichever is larger. So no mix can be louder than full scale.
"""

import math
import re

from videoimport.api.reasons import Reason
from videoimport.media.source.findings import Finding
from videoimport.media.source.streams import Audio
from videoimport.media.transcode.filter_graph import Filter

MOST = 2
"""Maximum number of channels in a result."""
MOST_MIXED = 64
"""Maximum number of channels that ffmpeg can mix (libswresample's SWR_CH_MAX)."""
_HALF_POWER = 0.7071
_LEFT = {
    "FL": 1.0,
    "DL": 1.0,
    **dict.fromkeys(("FLC", "SL", "BL", "TFL", "TBL", "TSL", "WL", "BFL", "SDL"), _HALF_POWER),
}
_RIGHT = {
    "FR": 1.0,
    "DR": 1.0,
    **dict.fromkeys(("FRC", "SR", "BR", "TFR", "TBR", "TSR", "WR", "BFR", "SDR"), _HALF_POWER),
}
_BOTH = {"LFE": 0.5, "LFE2": 0.5, **dict.fromkeys(("FC", "BC", "TC", "TFC", "TBC", "BFC"), _HALF_POWER)}
_LAYOUTS = {
    "mono": "FC", "stereo": "FL+FR", "downmix": "DL+DR", "2.1": "FL+FR+LFE", "3.0": "FL+FR+FC",
    "3.0(back)": "FL+FR+BC", "4.0": "FL+FR+FC+BC", "quad": "FL+FR+BL+BR", "quad(side)": "FL+FR+SL+SR",
    "3.1": "FL+FR+FC+LFE", "5.0": "FL+FR+FC+BL+BR", "5.0(side)": "FL+FR+FC+SL+SR", "4.1": "FL+FR+FC+LFE+BC",
    "5.1": "FL+FR+FC+LFE+BL+BR", "5.1(side)": "FL+FR+FC+LFE+SL+SR", "6.0": "FL+FR+FC+BC+SL+SR",
    "6.0(front)": "FL+FR+FLC+FRC+SL+SR", "hexagonal": "FL+FR+FC+BL+BR+BC", "6.1": "FL+FR+FC+LFE+BC+SL+SR",
    "6.1(back)": "FL+FR+FC+LFE+BL+BR+BC", "6.1(front)": "FL+FR+LFE+FLC+FRC+SL+SR",
    "7.0": "FL+FR+FC+BL+BR+SL+SR", "7.0(front)": "FL+FR+FC+FLC+FRC+SL+SR", "7.1": "FL+FR+FC+LFE+BL+BR+SL+SR",
    "7.1(wide)": "FL+FR+FC+LFE+BL+BR+FLC+FRC", "7.1(wide-side)": "FL+FR+FC+LFE+FLC+FRC+SL+SR",
    "7.1(top)": "FL+FR+FC+LFE+BL+BR+TFL+TFR", "3.1.2": "FL+FR+FC+LFE+TFL+TFR", "5.1.2": "FL+FR+FC+LFE+SL+SR+TFL+TFR",
    "5.1.2(back)": "FL+FR+FC+LFE+BL+BR+TFL+TFR", "5.1.4": "FL+FR+FC+LFE+BL+BR+TFL+TFR+TBL+TBR",
    "7.1.2": "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR", "7.1.4": "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBL+TBR",
    "octagonal": "FL+FR+FC+BL+BR+BC+SL+SR", "cube": "FL+FR+BL+BR+TFL+TFR+TBL+TBR",
    "hexadecagonal": "FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR",
    "22.2": "FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR",
}  # fmt: skip
"""ffmpeg's names of channel layouts, and their channels in ffmpeg's order."""
_UNNAMED = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Assumed layout by the number of channels, if the source names no layout. WAV and FLAC files have this order."""


def why_not_mixed(audio: Audio) -> Finding | None:
    """Return an UNSUPPORTED_FORMAT finding if the audio has more channels than ffmpeg can mix. Return None
    otherwise."""
    if audio.channels <= MOST_MIXED:
        return None
    message = f"The source's audio has {audio.channels} channels; at most {MOST_MIXED} are mixed."
    return Finding(Reason.UNSUPPORTED_FORMAT, message, "Use a source with fewer channels.")


def mix(audio: Audio) -> tuple[Filter, ...]:
    """Return the filter that mixes to mono or stereo. Return no filter if the channels stay unchanged."""
    named = _named(audio)
    if audio.channels <= MOST and (not named or audio.layout in ("mono", "stereo", "downmix")):
        return ()
    if audio.channels <= 1:
        return (Filter("pan", {"args": "mono|c0=c0"}),)
    return (_pan(_gains(audio.channels, named)),)


def _named(audio: Audio) -> tuple[str, ...]:
    """Return the channel names if the layout names all channels, such as ``5.1`` or ``3 channels (FL+FR+BC)``."""
    listed = re.search(r"\(([A-Z0-9+]+)\)$", audio.layout)
    text = _LAYOUTS.get(audio.layout) or (listed[1] if listed else "")
    names = tuple(text.split("+")) if text else ()
    is_whole = len(names) == audio.channels and all(name in {**_LEFT, **_RIGHT, **_BOTH} for name in names)
    return names if is_whole else ()


def _gains(channels: int, named: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Return the gain of each channel to the left side, and to the right side."""
    names = named or tuple(_LAYOUTS.get(_UNNAMED.get(channels, ""), "").split("+"))
    if len(names) != channels:  # pairs of left and right, as recorders write them; a single last channel is the centre
        names = tuple("FL" if number % 2 == 0 else "FR" for number in range(channels))
        names = (*names[:-1], "FC") if channels % 2 else names
    left = [_LEFT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in names]
    right = [_RIGHT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in names]
    return left, right


def _pan(gains: tuple[list[float], list[float]]) -> Filter:
    most = max(sum(side) for side in gains)
    sides = (
        "+".join(f"{math.floor(gain / most * 1e5) / 1e5:.5f}*c{number}" for number, gain in enumerate(side) if gain)
        for side in gains
    )
    left, right = (side or "0*c0" for side in sides)
    return Filter("pan", {"args": f"stereo|c0={left}|c1={right}"})
